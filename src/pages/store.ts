/** What the parts of an open page store share: its books, journal, table and pages in memory, where it stands, and whether it still serves. */
import type { Anchor } from "../anchor/index.js";
import { Held, StateError, Turns } from "../base/index.js";
import type { DoubleWriteBuffer, Journal, Log } from "../log/index.js";
import type { VfsLock } from "../vfs/index.js";
import { type Books, type PageState, encodeBooks } from "./books.js";
import { poisonChannel } from "./channels.js";
import { CommitSlot } from "./commit-slot.js";
import { closed } from "./errors.js";
import type { PagesSettings } from "./options.js";
import { PageCache } from "./page-cache.js";
import type { PageId } from "./page-id.js";
import type { Page } from "./page.js";
import type { PagesDirectory } from "./pages-directory.js";
import type { Table } from "./table.js";

/** What opening yields. */
export interface StoreParts {
  readonly directory: PagesDirectory;
  readonly settings: PagesSettings;
  readonly lock: VfsLock;
  readonly anchor: Anchor;
  readonly journal: Journal;
  /** The journal, where the store opened it and has to close it. */
  readonly ownLog: Log | undefined;
  /** `undefined` where the device is trusted. */
  readonly buffer: DoubleWriteBuffer | undefined;
  readonly books: Books;
  readonly table: Table;
  readonly state: PageState;
}

/** Counters since opening. */
export interface PageCounts {
  /** Pages that were asked for. */
  lookups: number;
  /** Of them, those that were not in memory. */
  misses: number;
  /** Pages that were read from the table because of that. */
  pageReads: number;
  checkpoints: number;
  pagesWritten: number;
  growths: number;
}

/** What is told of pages that change while a larger table is filled. */
export interface ChangeWatcher {
  changed(id: PageId, bucket: number): void;
}

/** See the head of this file. */
export class Store {
  readonly directory: PagesDirectory;
  readonly settings: PagesSettings;
  readonly anchor: Anchor;
  readonly journal: Journal;
  readonly buffer: DoubleWriteBuffer | undefined;
  readonly cache: PageCache;
  readonly counts: PageCounts = { lookups: 0, misses: 0, pageReads: 0, checkpoints: 0, pagesWritten: 0, growths: 0 };
  /** Checkpoints and the end of a growth: what writes the books, one at a time. */
  readonly structure: Turns = new Turns();
  /** Loads that are on their way. */
  readonly loading: Map<PageId, Promise<Page | undefined>> = new Map();
  table: Table;
  /** The newest commit that is durable and published. */
  state: PageState;
  /** Bytes of the commits since the checkpoint. */
  logBytes = 0;
  /** Of the commits since the journal was pruned. */
  unprunedBytes = 0;
  readonly slot: CommitSlot = new CommitSlot();
  /** A checkpoint beside the commits that is on its way. */
  checkpointing: Promise<void> | undefined;
  /** A larger table that is being filled. */
  growing: Promise<void> | undefined;
  /** Ends it without finishing. */
  stopGrowing: (() => void) | undefined;
  /** Damage that kept a larger table from being filled. */
  growthFailure: unknown;
  /** The number that the next table gets. */
  nextTable: number;
  /** Told of every page that a commit changes, with the bucket that it has or had. */
  watcher: ChangeWatcher | undefined;
  readonly #lock: VfsLock;
  readonly #ownLog: Log | undefined;
  #books: Books;
  #failure: StateError | undefined;
  #isTold = false;
  #isClosed = false;

  constructor(parts: StoreParts) {
    const { directory, settings } = parts;
    this.directory = directory;
    this.settings = settings;
    this.anchor = parts.anchor;
    this.journal = parts.journal;
    this.buffer = parts.buffer;
    this.cache = new PageCache(settings.cache);
    this.table = parts.table;
    this.state = parts.state;
    this.#lock = parts.lock;
    this.#ownLog = parts.ownLog;
    this.#books = parts.books;
    this.nextTable = parts.books.table + 1;
  }

  get books(): Books {
    return this.#books;
  }

  /** Why the store serves no more; `undefined` while it does. */
  get failure(): StateError | undefined {
    return this.#failure;
  }

  /** Changes the books. They hold when it resolves, durably; until then a crash leaves the old ones or the new ones. */
  async writeBooks(changed: Partial<Books>): Promise<void> {
    const books = { ...this.#books, ...changed };
    await this.anchor.write(encodeBooks(books));
    this.#books = books;
  }

  /** Ends the store: everything later rejects with the first cause. */
  poison(cause: unknown): StateError {
    if (this.#failure === undefined) {
      this.#failure = new StateError(
        "HF_POISONED",
        `${this.directory.path} could not go on after a failure, which is the cause. What was committed is safe. Close the store and open it again.`,
        { path: this.directory.path },
        cause,
      );
      this.slot.end();
      if (poisonChannel.hasSubscribers) poisonChannel.publish({ directory: this.directory.path, cause });
    }
    return this.#failure;
  }

  /** Ends the store, and returns what the caller is to be told. */
  fail(cause: unknown): StateError {
    this.#isTold = true;
    return this.poison(cause);
  }

  /** Does what must not be left half done: any failure ends the store, and what it left is for opening to find out. */
  async poisoning<R>(act: () => Promise<R>): Promise<R> {
    try {
      return await act();
    } catch (error) {
      throw this.fail(error);
    }
  }

  /** Throws where a caller is to be refused. */
  checkUsable(): void {
    this.checkSound();
    if (this.#isClosed) throw closed(this.directory.path);
  }

  /** Throws where the store serves no more. What began before it was closed goes on. */
  checkSound(): void {
    if (this.#failure === undefined) return;
    this.#isTold = true;
    throw this.#failure;
  }

  /** From here on every call is refused. */
  markClosed(): void {
    this.#isClosed = true;
  }

  /** Lets go of everything, whatever fails. Throws what failed first, or why the store was ended where no caller was told. */
  async release(): Promise<void> {
    const isTold = this.#isTold;
    const held = new Held();
    held.add(() => this.#lock.release());
    held.add(() => this.anchor.close());
    if (this.#ownLog !== undefined) held.add(() => this.#ownLog!.close());
    held.add(() => this.buffer?.close() ?? Promise.resolve());
    held.add(() => this.table.close());
    const [failure] = await held.release();
    if (this.#failure !== undefined && !isTold) throw this.#failure;
    if (this.#failure === undefined && failure !== undefined) throw failure;
  }
}
