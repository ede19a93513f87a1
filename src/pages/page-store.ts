/** The page store: the public face of commits, reading, checkpoints and growth. */
import { StateError, Turns, invalid } from "../base/index.js";
import { type Journal, takePart } from "../log/index.js";
import { checkpoint, checkpointWhenDue } from "./checkpoint.js";
import { growWhenDue } from "./growth.js";
import { loadPage } from "./load.js";
import { openPages } from "./open.js";
import { type PageStoreOptions, isPageId, resolvePagesOptions } from "./options.js";
import type { PageId } from "./page-id.js";
import type { Page } from "./page.js";
import type { PagesRecovery } from "./recovery-report.js";
import type { Staged } from "./staged.js";
import type { PageChanges, StagedSync } from "./staged-sync.js";
import type { Store } from "./store.js";
import { type VerifyPagesOptions, type VerifyPagesReport, verifyPages } from "./verify.js";
import { beginSync, commitPages, commitSync, writeWal } from "./sync.js";

/** Counters since opening, and sizes now. */
export interface PageStoreStats {
  readonly sequence: number;
  /** The commit from which opening would redo. */
  readonly checkpointSequence: number;
  /** Buckets of the table. */
  readonly capacity: number;
  /** Buckets with a page. */
  readonly pages: number;
  /** Buckets whose page is gone, which probes still go past. */
  readonly tombstones: number;
  /** Pages in memory that differ from their buckets. */
  readonly dirtyPages: number;
  readonly cachedPages: number;
  /** What pages in memory take with their companions, about. */
  readonly cacheBytes: number;
  /** Bytes of the commits since the checkpoint. */
  readonly logBytes: number;
  /** Pages that `load` was asked for. */
  readonly lookups: number;
  /** Of them, those that were not in memory. */
  readonly misses: number;
  /** Reads of the table for them. */
  readonly pageReads: number;
  readonly checkpoints: number;
  /** Pages that checkpoints wrote. */
  readonly pagesWritten: number;
  /** Tables that took the place of the one before. */
  readonly growths: number;
  /** Whether one is being filled. */
  readonly growing: boolean;
}

/**
 * A hash table of pages on disk, under a tree whose nodes they hold: Bitbox. One commit changes many pages and the root together, durably or not at all,
 * with records of the caller's own where it has any.
 *
 * A commit is durable when {@link writeWal} resolves. Readers see it once {@link commitSync} was called; then pages are written to their places beside
 * later commits. One process has a store open.
 *
 * Every method rejects with `StateError`: `HF_CLOSED` after `close`, `HF_POISONED` with the first cause once a write failed; then nothing is lost, and
 * opening again is the recovery. A page that is damaged is a `CorruptionError`, a failed read an `IoError`, and never "no page".
 *
 * ```ts
 * import { Page, PageDiff, PageStore, ROOT_PAGE_ID } from "holdfast/pages";
 *
 * await using store = await PageStore.open("./pages");
 * const before = await store.load(ROOT_PAGE_ID);
 * const page = before?.copy() ?? Page.empty(ROOT_PAGE_ID);
 * page.words[0] = 7; // the first word of node 0
 * const diff = new PageDiff();
 * diff.add(0);
 * const root = new Uint8Array(32).fill(7);
 * await store.commit({ updates: [{ page, diff, fresh: before === undefined }], clears: [], root });
 * console.log(store.sequence, store.root);
 * ```
 */
export class PageStore {
  readonly directory: string;
  /** What opening found and did. */
  readonly recovery: PagesRecovery;
  readonly #store: Store;
  readonly #turns = new Turns();
  #closing: Promise<void> | undefined;

  private constructor(directory: string, store: Store, recovery: PagesRecovery) {
    this.directory = directory;
    this.#store = store;
    this.recovery = recovery;
  }

  /**
   * Opens the store in `directory`, or makes one. Commits after the last checkpoint are redone first, in memory, and the owner gets its records of them.
   *
   * Errors: `LockedError`; `InvalidArgumentError`; `ConflictError` `HF_EXISTS` (the journal for a new store has records); `FormatError`
   * (`HF_FORMAT_UNKNOWN`, `HF_FORMAT_NEWER`, `HF_FORMAT_FOREIGN`); `CorruptionError`; `IoError`; what the owner throws. After an error nothing is held or
   * lost.
   */
  static async open(directory: string, options?: PageStoreOptions): Promise<PageStore> {
    const settings = resolvePagesOptions("PageStore.open", options);
    if (typeof directory !== "string" || directory === "")
      throw invalid("PageStore.open", "directory", directory, "a path");
    const { store, recovery } = await openPages(directory, settings);
    const opened = new PageStore(directory, store, recovery);
    try {
      await (settings.everyCommit ? checkpoint(store) : checkpointWhenDue(store));
    } catch (error) {
      await opened.close().catch(() => undefined);
      // There is no store yet that could be poisoned: what failed is told as it is.
      throw error === store.failure ? store.failure?.cause : error;
    }
    growWhenDue(store);
    return opened;
  }

  /** The root of the newest commit: 32 bytes, zeros where there is none. A copy. */
  get root(): Uint8Array {
    return this.#store.state.root.slice();
  }

  /** The newest commit's; 0 where there is none. */
  get sequence(): number {
    return this.#store.state.sequence;
  }

  /** LSN of the newest commit's last record. */
  get lsn(): number {
    return this.#store.state.lsn;
  }

  /** Where commits are durable. Not to be appended to or truncated by others. */
  get journal(): Journal {
    return this.#store.journal;
  }

  /** Why every call rejects since a write failed; `undefined` while the store serves. */
  get failure(): StateError | undefined {
    return this.#store.failure;
  }

  /** The committed page, where it is in memory; `undefined` says nothing of whether there is one. */
  peek(id: PageId): Page | undefined {
    return this.#store.cache.get(id)?.page;
  }

  /** The committed page; `undefined` where there is none. */
  async load(id: PageId): Promise<Page | undefined> {
    if (!isPageId(id)) throw invalid("PageStore.load", "id", id, "the id of a page");
    this.#store.checkUsable();
    return await loadPage(this.#store, id);
  }

  /**
   * The first step of a commit: chooses buckets, and writes the records. Changes nothing. A commit that was begun before, and not written, is dropped.
   *
   * Errors, without effect: `InvalidArgumentError`; `ConflictError` (`HF_PAGE_ABSENT`: a page to change or clear is not there; `HF_PAGE_EXISTS`: one that
   * is said to be fresh is); `LimitError` `HF_TABLE_FULL`; `StateError` `HF_BUSY` (another commit is between `writeWal` and `commitSync`);
   * `CorruptionError` or `IoError` where a page that must be looked at can't be read.
   */
  beginSync(changes: PageChanges): Promise<StagedSync> {
    return beginSync(this.#store, changes);
  }

  /**
   * The second step, and the commit point: appends the records as one batch. Durable when it resolves, to the LSN of the last record. Whoever appends
   * `staged.records` elsewhere, together with more, leaves this step out.
   *
   * Errors without effect: `LimitError` (`HF_BATCH_TOO_LARGE`, `HF_RECORD_TOO_LARGE`); `InvalidArgumentError` where all of what `SharedLog.together` gathered
   * is refused; `StateError` `HF_BUSY` where `staged` was written already, or refused, or another commit was begun after it. What was refused can't be
   * written again: begin it again. After any other error it is unknown whether the commit is durable until the store is opened again.
   */
  writeWal(staged: StagedSync): Promise<number> {
    return writeWal(this.#store, staged as Staged);
  }

  /**
   * The third step, once the records are durable with the last of them at `lsn`: publishes the pages, and writes them to their buckets, now or later. What
   * it shows is shown when it returns; the promise waits for checkpoints where the options say so.
   */
  commitSync(staged: StagedSync, lsn: number): Promise<void> {
    return commitSync(this.#store, staged as Staged, lsn);
  }

  /**
   * The three steps. Calls take turns. Resolves to the sequence once the commit is durable and published. Errors: those of the steps; within
   * `SharedLog.together` `StateError` `HF_BUSY`, since only `writeWal` appends within the call.
   */
  commit(changes: PageChanges): Promise<number> {
    const { journal } = this.#store;
    return takePart(journal, () => {
      this.#store.checkUsable();
      if (journal.isGathering === true)
        throw new StateError(
          "HF_BUSY",
          "PageStore.commit: it can't be part of a batch. Begin before, and call writeWal.",
        );
      return this.#commit(changes);
    });
  }

  async #commit(changes: PageChanges): Promise<number> {
    return await this.#turns.take(() => commitPages(this.#store, changes));
  }

  /** Ends the store, where the owner's own part of a commit failed after the commit point. Returns the error that every call rejects with from now on. */
  fail(cause: unknown): StateError {
    return this.#store.fail(cause);
  }

  /** Writes all pages as of the newest commit to their buckets, durably, and prunes the journal. Commits go on meanwhile. */
  async checkpoint(): Promise<void> {
    this.#store.checkUsable();
    await checkpoint(this.#store);
  }

  /**
   * Reads every page of the newest commit, the map and the header, and checks them; and the commits since the checkpoint. Commits go on meanwhile, as far
   * as they need no checkpoint. What is wrong is in the report; what keeps it from reading is an `IoError`.
   */
  async verify(options?: VerifyPagesOptions): Promise<VerifyPagesReport> {
    this.#store.checkUsable();
    return await verifyPages(this.#store, options);
  }

  /** Counters and sizes now. */
  stats(): PageStoreStats {
    const { state, books, table, cache, counts, logBytes, growing } = this.#store;
    return {
      sequence: state.sequence,
      checkpointSequence: books.checkpoint.sequence,
      capacity: table.capacity,
      pages: table.meta.full,
      tombstones: table.meta.tombstones,
      dirtyPages: cache.dirtyPages,
      cachedPages: cache.size,
      cacheBytes: cache.bytes,
      logBytes,
      ...counts,
      growing: growing !== undefined,
    };
  }

  /**
   * Waits for what is on its way, makes a checkpoint, and releases everything. Idempotent. After a failed write it only releases, and rejects with the
   * cause where no call was refused for it. Calls made later reject with `HF_CLOSED`.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    const store = this.#store;
    store.markClosed();
    await this.#turns.done();
    store.stopGrowing?.();
    store.slot.end();
    await store.growing;
    await store.checkpointing;
    try {
      if (store.failure === undefined) {
        await checkpoint(store);
        // So that the next opening has nothing to put back.
        await store.poisoning(async () => await store.buffer?.clear());
      }
    } finally {
      await store.release();
    }
  }
}
