/**
 * Checks a table against itself: its header, its map, and every page in it; and the commits since the checkpoint.
 *
 * Checkpoints wait meanwhile, so the file does not change: it is held against the map and the dirty pages as they were at the beginning, whatever is
 * committed since.
 */
import { CorruptionError, FormatError, checkOptions, checkSignal, invalid } from "../base/index.js";
import { readCommits } from "./journal.js";
import { isFull, stepsTo } from "./probe.js";
import { type PageId, describePageId } from "./page-id.js";
import { Page } from "./page.js";
import type { Store } from "./store.js";
import { BUCKETS_PER_BLOCK, metaOffset } from "./table-format.js";

/** Buckets that are read at a time. */
const BUCKETS_AT_ONCE = 64;

/** How far a check has come. */
export interface VerifyPagesProgress {
  readonly buckets: number;
  readonly capacity: number;
}

/** Options of `PageStore.verify`. */
export interface VerifyPagesOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: VerifyPagesProgress) => void;
}

/** Something that is not as it should be. */
export interface PagesProblem {
  readonly code: "header" | "meta-block" | "page-damaged" | "page-misplaced" | "page-twice" | "count" | "journal";
  /** Byte offset in the table file, where it is a place there. */
  readonly offset?: number;
  /** For people: what was found. */
  readonly message: string;
}

/** What a check found. */
export interface VerifyPagesReport {
  readonly sequence: number;
  readonly sound: boolean;
  /** Pages that are there and sound. */
  readonly pages: number;
  /** Commits since the checkpoint that were read from the journal. */
  readonly commits: number;
  readonly problems: readonly PagesProblem[];
}

/** Checks the newest published commit. Rejects with an `IoError` for what can't be read, and with `signal.reason`. */
export async function verifyPages(store: Store, options: VerifyPagesOptions | undefined): Promise<VerifyPagesReport> {
  const where = "PageStore.verify";
  const given = checkOptions(where, options, ["signal", "onProgress"]);
  const signal = checkSignal(where, given.signal);
  if (given.onProgress !== undefined && typeof given.onProgress !== "function")
    throw invalid(where, "onProgress", given.onProgress, "a function");
  return await store.structure.take(async () => {
    store.checkSound();
    const check = new Check(store);
    await check.blocks();
    await check.pages(signal, given.onProgress);
    await check.journal();
    return check.report();
  });
}

/** One check, of the table as it is when it is made. */
class Check {
  readonly #store: Store;
  readonly #table: Store["table"];
  readonly #sequence: number;
  readonly #lastLsn: number;
  readonly #meta: Uint8Array;
  readonly #full: number;
  readonly #dirty: ReadonlyMap<number, Page>;
  readonly #dirtyBlocks: ReadonlySet<number>;
  readonly #buckets = new Map<PageId, number>();
  readonly #problems: PagesProblem[] = [];
  #commits = 0;

  constructor(store: Store) {
    const { table, cache } = store;
    this.#store = store;
    this.#table = table;
    this.#sequence = store.state.sequence;
    this.#lastLsn = store.state.lsn;
    this.#meta = new Uint8Array(table.capacity);
    table.meta.copyTo(this.#meta, 0, 0, table.capacity);
    this.#full = table.meta.full;
    this.#dirty = new Map(Array.from(cache.dirty(), ({ bucket, page }) => [bucket, page]));
    this.#dirtyBlocks = new Set(table.dirtyBlocks);
  }

  /** The header, and the blocks of the map. */
  async blocks(): Promise<void> {
    const header = await this.#table.headerProblem();
    if (header !== undefined) this.#add("header", 0, header);
    for await (const { block, found } of this.#table.readBlocks()) {
      const isDirty = this.#dirtyBlocks.has(block);
      const from = block * BUCKETS_PER_BLOCK;
      const isSound =
        found !== undefined && (isDirty || Buffer.compare(found, this.#meta.subarray(from, from + found.length)) === 0);
      if (!isSound)
        this.#add("meta-block", metaOffset(block), `Meta block ${block} is not what was read or written before.`);
    }
  }

  async pages(
    signal: AbortSignal | undefined,
    onProgress: ((progress: VerifyPagesProgress) => void) | undefined,
  ): Promise<void> {
    const { capacity } = this.#table;
    for (let bucket = 0; bucket < capacity;) {
      signal?.throwIfAborted();
      const some: Promise<void>[] = [];
      for (; bucket < capacity && some.length < BUCKETS_AT_ONCE; bucket++)
        if (isFull(this.#meta[bucket]!)) some.push(this.#page(bucket));
      await Promise.all(some);
      onProgress?.({ buckets: bucket, capacity });
    }
    if (this.#full !== this.#meta.filter(isFull).length)
      this.#add("count", undefined, `${this.#full} buckets are counted as full, and others are.`);
  }

  /** The commits since the checkpoint. */
  async journal(): Promise<void> {
    const { journal, directory, books } = this.#store;
    try {
      for await (const { lsn } of readCommits(directory.path, journal, books)) {
        this.#commits += 1;
        if (lsn >= this.#lastLsn) return;
      }
    } catch (error) {
      if (!(error instanceof CorruptionError || error instanceof FormatError)) throw error;
      this.#add("journal", undefined, error.message);
    }
  }

  report(): VerifyPagesReport {
    const problems = this.#problems;
    return {
      sequence: this.#sequence,
      sound: problems.length === 0,
      pages: this.#buckets.size,
      commits: this.#commits,
      problems,
    };
  }

  async #page(bucket: number): Promise<void> {
    const offset = this.#table.offsetOf(bucket);
    const page = this.#dirty.get(bucket) ?? this.#table.problemOf(await this.#table.readBucket(bucket), bucket);
    if (!(page instanceof Page)) {
      this.#add("page-damaged", offset, `Bucket ${bucket} should hold a page, and holds ${page}.`);
      return;
    }
    const { low, byte } = this.#table.hash.of(page.id);
    const meta = { capacity: this.#table.capacity, at: (other: number) => this.#meta[other]! };
    if (this.#meta[bucket] !== byte || stepsTo(meta, low, bucket) === undefined)
      this.#add("page-misplaced", offset, `Page ${describePageId(page.id)} in bucket ${bucket} can't be found there.`);
    const other = this.#buckets.get(page.id);
    if (other !== undefined)
      this.#add("page-twice", offset, `Page ${describePageId(page.id)} is in buckets ${other} and ${bucket}.`);
    this.#buckets.set(page.id, bucket);
  }

  #add(code: PagesProblem["code"], offset: number | undefined, message: string): void {
    this.#problems.push({ code, ...(offset === undefined ? {} : { offset }), message });
  }
}
