/** The store: the public face of sessions, commits, proofs and everything below them. */
import { StateError, invalid } from "../base/index.js";
import type { Hasher } from "../hash/index.js";
import { takePart } from "../log/index.js";
import type { PageStoreStats } from "../pages/index.js";
import type { MultiProof, PathProof } from "../proof/index.js";
import { openStore } from "./open.js";
import { type MerkleStoreOptions, resolveMerkleOptions } from "./options.js";
import { proveKey, proveKeys } from "./prove-keys.js";
import { readValues } from "./reads.js";
import type { MerkleRecovery } from "./recovery-report.js";
import { rollBack } from "./rollback.js";
import { type Committed, Session } from "./session.js";
import { type Store, checkKey } from "./store.js";
import { type VerifyMerkleOptions, type VerifyMerkleReport, checkVerifyOptions, verifyStore } from "./verify.js";

/** Counters and sizes of a store. */
export interface MerkleStats {
  /** Commits so far. */
  readonly sequence: number;
  /** Commits that `rollback` can undo. */
  readonly undoableCommits: number;
  /** Of the page store. */
  readonly pages: PageStoreStats;
}

/**
 * A key-value store with a root: 32 bytes that stand for all of its keys and values, as NOMT computes them, and proofs against it.
 *
 * Keys have 32 bytes; hash what you have first. Changes are made in a session, and become visible and durable together, with the new root, when its
 * `commit` resolves: a crash leaves the state before or after, never a root with other values. One process has a store open.
 *
 * Every method rejects with `StateError`: `HF_CLOSED` after `close`, `HF_POISONED` with the first cause once a write failed; then nothing committed is
 * lost, and opening again is the recovery. Damage that is met is a `CorruptionError`, a failed read an `IoError`, and never "not found".
 *
 * ```ts
 * import { MerkleStore } from "holdfast/trie";
 * import { blake3 } from "holdfast/hash";
 * import { verifyPathProof } from "holdfast/proof";
 *
 * const store = await MerkleStore.open("./accounts");
 * const key = blake3.hash(new TextEncoder().encode("alice"));
 * const session = store.begin();
 * session.put(key, Uint8Array.of(42));
 * const { root } = await session.commit();
 * const proof = await store.prove(key);
 * console.log(verifyPathProof({ root, key, value: Uint8Array.of(42), proof, hasher: blake3 })); // true
 * await store.close();
 * ```
 */
export class MerkleStore {
  /** What opening found and did. */
  readonly recovery: MerkleRecovery;
  readonly #store: Store;
  /** Reads, proofs and checks that are on their way. */
  readonly #going = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  private constructor(store: Store, recovery: MerkleRecovery) {
    this.#store = store;
    this.recovery = recovery;
  }

  /**
   * Opens the store in `directory`, or makes one. What a crash left is recovered first: the pages and values of commits that were durable in the journal
   * and not yet in their places.
   *
   * Errors: `LockedError`; `InvalidArgumentError`; `ConflictError` (`HF_OPTION_MISMATCH`: another engine or hasher than stored); `FormatError`
   * (`HF_FORMAT_UNKNOWN`, `HF_FORMAT_NEWER`, `HF_FORMAT_FOREIGN`); `CorruptionError`; `IoError`. After an error nothing is held or lost.
   */
  static async open(directory: string, options?: MerkleStoreOptions): Promise<MerkleStore> {
    const settings = resolveMerkleOptions(options);
    if (typeof directory !== "string" || directory === "")
      throw invalid("MerkleStore.open", "directory", directory, "a path");
    const { store, recovery } = await openStore(directory, settings);
    return new MerkleStore(store, recovery);
  }

  /** The root of the newest commit: 32 bytes, zeros for a store without keys. */
  get root(): Uint8Array {
    return this.#store.pages.root;
  }

  /** How many commits there were; 0 for a new store. */
  get sequence(): number {
    return this.#store.pages.sequence;
  }

  /** The hash function of nodes and values. */
  get hasher(): Hasher {
    return this.#store.hasher;
  }

  /** Why every call rejects since a write failed; `undefined` while the store serves. */
  get failure(): StateError | undefined {
    return this.#store.failure;
  }

  /** Begins a session on the newest commit. Sessions hold nothing but memory. */
  begin(): Session {
    this.#checkUsable();
    return new Session(this.#store, () => this.#checkUsable());
  }

  /** The value of a key at the newest commit, or `undefined` where it has none. What is returned belongs to the caller. */
  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    checkKey("MerkleStore.get", key);
    const [value] = await this.#run((store) => readValues(store, [key.slice()]));
    return value;
  }

  /** The values of several keys, in their order, all of one commit. */
  async getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    const copies = copyKeys("MerkleStore.getMany", keys);
    return await this.#run((store) => readValues(store, copies));
  }

  /** A proof of what a key has at the newest commit, value or nothing, for `verifyPathProof`. */
  async prove(key: Uint8Array): Promise<PathProof> {
    checkKey("MerkleStore.prove", key);
    return await this.#run((store) => proveKey(store, key.slice()));
  }

  /** One proof of what many keys have, all at one commit, for `verifyMultiProof`. At least one key. */
  async proveMany(keys: readonly Uint8Array[]): Promise<MultiProof> {
    const copies = copyKeys("MerkleStore.proveMany", keys);
    if (copies.length === 0) throw invalid("MerkleStore.proveMany", "keys", "none", "one key or more");
    return await this.#run((store) => proveKeys(store, copies));
  }

  /**
   * Undoes the newest `commits` commits by a new one, which can't be undone itself; its sequence is higher. Durable and atomic like any commit. Those that
   * can be undone are those that `rollback.commits` remembers (`stats().undoableCommits`); else `InvalidArgumentError` `HF_VERSION_OUT_OF_RANGE`. Within
   * `SharedLog.together` `StateError` `HF_BUSY`.
   */
  rollback(commits: number): Promise<Committed> {
    const { journal } = this.#store.pages;
    return takePart(journal, () => {
      this.#checkUsable();
      if (journal.isGathering === true)
        throw new StateError("HF_BUSY", "MerkleStore.rollback: it can't be part of a batch. Do it before or after.");
      return this.#rollback(commits);
    });
  }

  async #rollback(commits: number): Promise<Committed> {
    const { root, sequence } = await this.#run((store) => store.turns.take(() => rollBack(store, commits)));
    return { root, sequence };
  }

  /**
   * Reads every value and page, and checks that values have their hashes, that pages and leaves give the root, and that nothing else is there. Commits
   * wait meanwhile. What is wrong is in the report; what keeps it from reading is an `IoError`.
   */
  async verify(options?: VerifyMerkleOptions): Promise<VerifyMerkleReport> {
    const settings = checkVerifyOptions(options);
    return await this.#run((store) => store.turns.take(() => verifyStore(store, settings)));
  }

  /** Writes pages and rows to their places now, so that opening has nothing to redo. It comes by itself too: see `pages.checkpoint`. */
  async checkpoint(): Promise<void> {
    await this.#run((store) => store.pages.checkpoint());
  }

  /** Counters and sizes now. */
  stats(): MerkleStats {
    const { pages, history } = this.#store;
    return { sequence: pages.sequence, undoableCommits: history.commits.length, pages: pages.stats() };
  }

  /** Waits for what is going on, and lets go of everything. Idempotent. Rejects where something failed that nobody was told of. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    await this.#store.turns.done();
    await Promise.allSettled(this.#going);
    await this.#store.release();
  }

  async #run<R>(act: (store: Store) => Promise<R>): Promise<R> {
    this.#checkUsable();
    const going = act(this.#store);
    this.#going.add(going);
    try {
      return await going;
    } catch (error) {
      // The journal may have failed at rest, when nobody was there to be told.
      throw error instanceof StateError && error.code === "HF_POISONED" ? this.#store.fail(error) : error;
    } finally {
      this.#going.delete(going);
    }
  }

  #checkUsable(): void {
    if (this.#closing !== undefined) {
      const { path } = this.#store.directory;
      throw new StateError("HF_CLOSED", `${path} is closed. Open it again.`, { path });
    }
    this.#store.checkUsable();
  }
}

function copyKeys(where: string, keys: readonly Uint8Array[]): Uint8Array[] {
  if (!Array.isArray(keys)) throw invalid(where, "keys", keys, "an array");
  return keys.map((key) => {
    checkKey(where, key);
    return key.slice();
  });
}
