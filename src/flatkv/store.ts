/** What the parts of an open store share: its books, journal and databases, where it stands, and whether it still serves. */
import type { Anchor } from "../anchor/index.js";
import { type HoldfastError, StateError } from "../base/index.js";
import type { Journal, Log } from "../log/index.js";
import type { VfsLock } from "../vfs/index.js";
import { type Books, type KnownState, encodeBooks } from "./books.js";
import { poisonChannel } from "./channels.js";
import type { CommitLog } from "./commit-log.js";
import type { Database } from "./database.js";
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
  readonly lock: VfsLock;
  readonly anchor: Anchor;
  readonly journal: Journal;
  readonly ownLog: Log | undefined;
  readonly commits: CommitLog;
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
  #books: Books;
  #failure: StateError | undefined;
  #told = false;

  constructor(parts: StoreParts) {
    this.directory = parts.directory;
    this.settings = parts.settings;
    this.lock = parts.lock;
    this.anchor = parts.anchor;
    this.journal = parts.journal;
    this.ownLog = parts.ownLog;
    this.commits = parts.commits;
    this.databases = parts.databases;
    this.state = parts.state;
    this.#books = parts.books;
  }

  get books(): Books {
    return this.#books;
  }

  /** Why the store serves no more; `undefined` while it does. */
  get failure(): StateError | undefined {
    return this.#failure;
  }

  /** Whether some caller was refused because of `failure`. */
  get told(): boolean {
    return this.#told;
  }

  /** Changes the books. They hold when it resolves, durably; until then a crash leaves the old ones or the new ones. */
  async writeBooks(books: Books): Promise<void> {
    await this.anchor.write(encodeBooks(books));
    this.#books = books;
  }

  /** Numbers for directories to make. Each is used once, whatever becomes of it. */
  reserveDirectories(count: number): number[] {
    const first = this.#books.nextDirectory;
    // A number is taken for good by the books that name it. Until then the directory is nobody's, and the next opening removes it.
    this.#books = { ...this.#books, nextDirectory: first + count };
    return Array.from({ length: count }, (_, at) => first + at);
  }

  /** Ends the store: everything later rejects with the first cause. Returns what the caller is to throw. */
  fail(cause: unknown): StateError {
    if (this.#failure === undefined) {
      this.#failure = new StateError(
        "HF_POISONED",
        `${this.directory.path} could not go on after a failure, which is the cause. What was committed is safe. Close the store and open it again.`,
        { path: this.directory.path },
        cause,
      );
      if (poisonChannel.hasSubscribers) poisonChannel.publish({ directory: this.directory.path, cause });
    }
    this.#told = true;
    return this.#failure;
  }

  /** Throws where the store serves no more. */
  checkUsable(): void {
    if (this.#failure === undefined) return;
    this.#told = true;
    throw this.#failure;
  }
}

/** Whether the journal refused before it did anything, so that the store goes on as it was. */
export function isRefusal(error: unknown): boolean {
  const code = (error as Partial<HoldfastError> | undefined)?.code;
  return code === "HF_BATCH_TOO_LARGE" || code === "HF_RECORD_TOO_LARGE" || code === "HF_INVALID_ARGUMENT";
}
