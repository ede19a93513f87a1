/** What the parts of an open store share: its books, journal and databases, where it stands, and whether it still serves. */
import type { Anchor } from "../anchor/index.js";
import { CorruptionError, InvalidArgumentError, StateError, Held } from "../base/index.js";
import type { Journal, Log } from "../log/index.js";
import type { VfsLock } from "../vfs/index.js";
import { type Books, type KnownState, encodeBooks } from "./books.js";
import { poisonChannel } from "./channels.js";
import type { CommitLog } from "./commit-log.js";
import type { Database } from "./database.js";
import { Housekeeping } from "./housekeeping.js";
import type { FlatKvSettings } from "./options.js";
import type { Staging } from "./staging.js";
import type { StoreDirectory } from "./store-directory.js";

/** What opening yields. */
export interface StoreParts {
  readonly directory: StoreDirectory;
  readonly settings: FlatKvSettings;
  readonly lock: VfsLock;
  readonly anchor: Anchor;
  readonly journal: Journal;
  /** The journal, where the store opened it and has to close it. */
  readonly ownLog: Log | undefined;
  readonly commits: CommitLog;
  readonly books: Books;
  readonly databases: readonly Database[];
  readonly state: KnownState;
}

/** See the head of this file. */
export class Store {
  readonly directory: StoreDirectory;
  readonly settings: FlatKvSettings;
  readonly anchor: Anchor;
  readonly journal: Journal;
  readonly commits: CommitLog;
  readonly housekeeping: Housekeeping;
  /** In the order of the books. */
  databases: readonly Database[];
  /** The newest version that is committed and applied. */
  state: KnownState;
  /** What is being written to the databases: committed, not published. */
  applying: Staging | undefined;
  /** A sync of the databases that is on its way. */
  syncing: Promise<void> | undefined;
  /** Bytes of commits since the databases were synced. */
  unsyncedBytes = 0;
  readonly #lock: VfsLock;
  readonly #ownLog: Log | undefined;
  #books: Books;
  #nextDirectory: number;
  #failure: StateError | undefined;
  #isTold = false;

  constructor(parts: StoreParts) {
    const { directory, settings, journal } = parts;
    this.directory = directory;
    this.settings = settings;
    this.#lock = parts.lock;
    this.anchor = parts.anchor;
    this.journal = journal;
    this.#ownLog = parts.ownLog;
    this.commits = parts.commits;
    this.databases = parts.databases;
    this.state = parts.state;
    this.#books = parts.books;
    this.#nextDirectory = parts.books.nextDirectory;
    this.housekeeping = new Housekeeping({ directory, engine: settings.engine, journal });
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
    const books = { ...this.#books, ...changed, nextDirectory: this.#nextDirectory };
    await this.anchor.write(encodeBooks(books));
    this.#books = books;
  }

  /**
   * Numbers for directories to make. Each is given once. Books that name them know of it; until then a directory is nobody's, and the next opening
   * removes it.
   */
  reserveDirectories(count: number): number[] {
    const first = this.#nextDirectory;
    this.#nextDirectory += count;
    return Array.from({ length: count }, (_, at) => first + at);
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

  /** Prepares something in directories that nobody names. Damage that is met, a refusal, or an abort change nothing; a failed write ends the store. */
  async preparing<R>(act: () => Promise<R>, signal?: AbortSignal): Promise<R> {
    try {
      return await act();
    } catch (error) {
      const isHarmless =
        error instanceof CorruptionError ||
        error instanceof InvalidArgumentError ||
        (signal?.aborted === true && error === signal.reason);
      throw isHarmless ? error : this.fail(error);
    }
  }

  /** Waits for a sync of the databases that is on its way, so that nothing else writes the books. Throws where it ended the store. */
  async settleSync(): Promise<void> {
    await this.syncing;
    this.checkUsable();
  }

  /** Throws where the store serves no more. */
  checkUsable(): void {
    if (this.#failure === undefined) return;
    this.#isTold = true;
    throw this.#failure;
  }

  /** Lets go of everything, whatever fails. Throws what failed first, or why the store was ended where no caller was told. */
  async release(): Promise<void> {
    const isTold = this.#isTold;
    const held = new Held();
    held.add(() => this.#lock.release());
    held.add(() => this.anchor.close());
    if (this.#ownLog !== undefined) held.add(() => this.#ownLog!.close());
    for (const { engine } of this.databases) held.add(() => engine.close());
    held.add(() => this.housekeeping.close());
    const [failure] = await held.release();
    if (this.#failure !== undefined && !isTold) throw this.#failure;
    if (this.#failure === undefined && failure !== undefined) throw failure;
  }
}
