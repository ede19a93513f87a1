/** What the parts of an open store share: its pages and values, where it stands, and whether it still serves. */
import { type Anchor } from "../anchor/index.js";
import { Held, InvalidArgumentError, type StateError, Turns } from "../base/index.js";
import type { Hasher } from "../hash/index.js";
import type { PageStore } from "../pages/index.js";
import { type LeafList, NODE_WORDS, loadNode } from "../proof/index.js";
import type { VfsLock } from "../vfs/index.js";
import { poisonChannel } from "./channels.js";
import type { History } from "./history.js";
import type { MerkleSettings } from "./options.js";
import type { PreparedCommit } from "./prepared-commit.js";
import type { Owner } from "./redo.js";
import type { TrieRoot } from "./seeker.js";
import type { StagedChanges } from "./staged-changes.js";
import type { StoreDirectory } from "./store-directory.js";
import { TrieReads } from "./trie-reads.js";
import type { Values } from "./values.js";

/** What opening yields. */
export interface StoreParts {
  readonly directory: StoreDirectory;
  readonly settings: MerkleSettings;
  readonly hasher: Hasher;
  readonly lock: VfsLock;
  readonly anchor: Anchor;
  readonly pages: PageStore;
  readonly values: Values;
  readonly owner: Owner;
  readonly history: History;
  /** For tables of keys. */
  readonly seed: number;
}

/** Values that are on their way into the engine, of a commit that is durable and not published yet. */
export interface Applying {
  readonly changes: Pick<StagedChanges, "has">;
  /** Settles when readers may go on; never rejects. */
  readonly done: Promise<void>;
}

/** See the head of this file. */
export class Store {
  readonly directory: StoreDirectory;
  readonly settings: MerkleSettings;
  readonly hasher: Hasher;
  readonly pages: PageStore;
  readonly values: Values;
  readonly owner: Owner;
  readonly history: History;
  readonly reads: TrieReads;
  readonly seed: number;
  /** Commits, and what must not meet one. */
  readonly turns: Turns = new Turns();
  /** What is being written to the engine. */
  applying: Applying | undefined;
  /** What was prepared last, until it is committed or another commit is prepared. */
  prepared: PreparedCommit | undefined;
  /** One higher each time that the engine's rows begin to change. */
  epoch = 0;
  /** The only leaf, where the root is one and it is known. */
  rootLeaf: LeafList | undefined;
  readonly #lock: VfsLock;
  readonly #anchor: Anchor;
  #isToldOfFailure = false;

  constructor(parts: StoreParts) {
    this.directory = parts.directory;
    this.settings = parts.settings;
    this.hasher = parts.hasher;
    this.pages = parts.pages;
    this.values = parts.values;
    this.owner = parts.owner;
    this.history = parts.history;
    this.seed = parts.seed;
    this.#lock = parts.lock;
    this.#anchor = parts.anchor;
    this.reads = new TrieReads(parts.directory.path, parts.pages, parts.values, parts.hasher);
  }

  /** Where a walk or a proof begins. */
  trie(): TrieRoot {
    const root = new Int32Array(NODE_WORDS);
    loadNode(this.pages.root, root, 0);
    return { root, rootLeaf: this.rootLeaf };
  }

  /** Readers of changed keys wait until what this returns is called. */
  beginApplying(changes: Pick<StagedChanges, "has">): () => void {
    let settle: () => void = () => undefined;
    this.applying = { changes, done: new Promise((resolve) => (settle = resolve)) };
    this.epoch++;
    return () => {
      this.applying = undefined;
      settle();
    };
  }

  get failure(): StateError | undefined {
    return this.pages.failure;
  }

  /** Ends the store, and returns what the caller is to be told. */
  fail(cause: unknown): StateError {
    const isFirst = this.pages.failure === undefined;
    this.#isToldOfFailure = true;
    const failure = this.pages.fail(cause);
    if (isFirst && poisonChannel.hasSubscribers) poisonChannel.publish({ directory: this.directory.path, cause });
    return failure;
  }

  /** Throws where the store serves no more. */
  checkUsable(): void {
    if (this.failure === undefined) return;
    this.#isToldOfFailure = true;
    throw this.failure;
  }

  /** Lets go of everything, whatever fails. Throws what failed first, or why the store ended where no caller was told. */
  async release(): Promise<void> {
    const { failure } = this;
    const held = new Held();
    held.add(() => this.#lock.release());
    held.add(() => this.#anchor.close());
    held.add(() => this.values.database.close());
    held.add(() => this.pages.close());
    const failures = await held.release();
    if (failure === undefined && failures[0] !== undefined) throw failures[0];
    if (failure !== undefined && !this.#isToldOfFailure) throw failure;
  }
}

/** Checks that a key has 32 bytes. */
export function checkKey(where: string, key: Uint8Array): void {
  if (key instanceof Uint8Array && key.length === 32) return;
  const found = key instanceof Uint8Array ? `${key.length} bytes` : typeof key;
  throw new InvalidArgumentError(
    "HF_INVALID_ARGUMENT",
    `${where}: a key must be a Uint8Array of 32 bytes, not ${found}. Hash what you have first.`,
    { where, found },
  );
}
