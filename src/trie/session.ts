/** A session: reads of one commit, and changes that become the next. */
import { ConflictError, LimitError, StateError, checkBoolean, checkOptions, invalid } from "../base/index.js";
import { takePart } from "../log/index.js";
import { type KeyState, type MultiProof, NODE_BYTES, nodeBytes } from "../proof/index.js";
import { readRows, readValues } from "./reads.js";
import { ENTRY_HEADER_BYTES } from "./record-format.js";
import { StagedChanges } from "./staged-changes.js";
import { type Store, checkKey } from "./store.js";
import type { PreparedCommit } from "./prepared-commit.js";
import { commitPrepared, prepareChanges } from "./sync.js";

/** Options of `Session.commit`. */
export interface CommitOptions {
  /** Also make a proof of all that the session read and changed, with which somebody who has only the roots can check the commit. Default false. */
  readonly witness?: boolean;
}

/** What a commit read and changed, with proof. Hand it to `verifyMultiProof` (claims: `reads`, root: `before`) and `verifyUpdate` (updates: `writes`). */
export interface Witness {
  /** The root that the session began with. */
  readonly before: Uint8Array;
  /** The root of the commit. */
  readonly root: Uint8Array;
  /** What keys had before that the session asked for. */
  readonly reads: readonly KeyState[];
  /** What keys have afterwards that the session changed. */
  readonly writes: readonly KeyState[];
  /** Of the state before; `undefined` where nothing was read or changed. */
  readonly proof: MultiProof | undefined;
}

/** What a commit came to. */
export interface Committed {
  /** 32 bytes. */
  readonly root: Uint8Array;
  /** How many commits there were up to this one. */
  readonly sequence: number;
  /** Where it was asked for. */
  readonly witness?: Witness;
}

/** What a session came to in memory, and what keys had that it read, where a witness is wanted. */
interface PreparedSession {
  readonly commit: PreparedCommit;
  readonly reads: readonly KeyState[] | undefined;
}

/**
 * Changes on top of one commit. Any number of sessions may be open; of those that began at one commit, one can be committed. Made by
 * {@link MerkleStore.begin}.
 *
 * A session whose base is no longer the newest commit is refused, its reads too: `ConflictError` `HF_STALE_SESSION`. Begin another then.
 */
export class Session {
  /** The commit that the session began with: its root, and how many commits there were. */
  readonly baseRoot: Uint8Array;
  readonly baseSequence: number;
  readonly #store: Store;
  readonly #checkOpen: () => void;
  readonly #valueBytesMax: number;
  readonly #changes: StagedChanges;
  /** What keys had that were asked for. */
  readonly #reads: StagedChanges;
  #state: "open" | "committing" | "ended" = "open";
  /** What `prepare` came to, until something changes. */
  #prepared: PreparedSession | undefined;

  /** @internal */
  constructor(store: Store, checkOpen: () => void) {
    this.#store = store;
    this.#checkOpen = checkOpen;
    this.baseRoot = store.pages.root;
    this.baseSequence = store.pages.sequence;
    this.#valueBytesMax = store.pages.journal.limits.recordBytesMax - ENTRY_HEADER_BYTES;
    this.#changes = new StagedChanges(store.seed);
    this.#reads = new StagedChanges(store.seed);
  }

  /** How many keys the session changes. */
  get size(): number {
    return this.#changes.length;
  }

  /** The value of a key of 32 bytes, with what this session changed; `undefined` where it has none. */
  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    checkKey("Session.get", key);
    this.#checkUsable();
    if (this.#changes.has(key)) return this.#changes.value(key)?.slice();
    const asked = key.slice();
    const [value] = await readValues(this.#store, [asked]);
    this.#checkUsable();
    this.#reads.set(asked, undefined);
    // A witness that was made already lacks it.
    if (this.#prepared?.reads !== undefined) this.#prepared = undefined;
    return value;
  }

  /**
   * Gives a key of 32 bytes a value, which may be empty. Both are copied. `LimitError` `HF_VALUE_TOO_LARGE` where a record of the journal can't hold the
   * value.
   */
  put(key: Uint8Array, value: Uint8Array): void {
    checkKey("Session.put", key);
    if (!(value instanceof Uint8Array)) throw invalid("Session.put", "value", value, "a Uint8Array");
    this.#checkUsable();
    const bytesMax = this.#valueBytesMax;
    if (value.length > bytesMax)
      throw new LimitError(
        "HF_VALUE_TOO_LARGE",
        `Session.put: the value has ${value.length} bytes; this store takes up to ${bytesMax}. Nothing was changed.`,
        { bytes: value.length, bytesMax },
      );
    this.#prepared = undefined;
    this.#changes.set(key, value);
  }

  /** Takes a key's value away. Fine where it has none. */
  delete(key: Uint8Array): void {
    checkKey("Session.delete", key);
    this.#checkUsable();
    this.#prepared = undefined;
    this.#changes.set(key, undefined);
  }

  /**
   * Resolves to the root that `commit` would come to now, and does in memory all that a commit does before it is written. Nothing is durable or visible
   * yet. A `commit` with the same options that follows, before anything else is changed or prepared, or read where a witness is wanted, only writes: it hands its batch to the journal
   * within the call, so that it may take part in `SharedLog.together`. Errors: as `commit`.
   */
  async prepare(options?: CommitOptions): Promise<{ readonly root: Uint8Array }> {
    const witness = checkCommitOptions("Session.prepare", options);
    return await this.#exclusive(async () => {
      const { commit } = await this.#prepare(witness);
      this.#state = "open";
      return { root: commit.root.slice() };
    });
  }

  /**
   * Makes the changes the next commit, which may be none, and resolves once it is durable and every reader sees it. Commits take turns. The session has
   * ended then. Where the call rejects with anything but `HF_POISONED` nothing was changed: `HF_STALE_SESSION`; `HF_BATCH_TOO_LARGE` where the journal
   * can't take it as one batch; `CorruptionError` or `IoError` where what the changes meet can't be read. Within `SharedLog.together` also `HF_BUSY`, where
   * it was not prepared, which after a refusal it has to be again, or another commit, a `prepare`, a rollback or a check is on its way.
   */
  commit(options?: CommitOptions): Promise<Committed> {
    return takePart(this.#store.pages.journal, () => {
      const witness = checkCommitOptions("Session.commit", options);
      this.#checkUsable();
      this.#checkAtOnce(witness);
      return this.#exclusive(async () => {
        const { commit, reads } = this.#stillPrepared(witness) ?? (await this.#prepare(witness));
        await commitPrepared(this.#store, commit);
        this.#state = "ended";
        const { root, sequence } = commit;
        return reads === undefined ? { root, sequence } : { root, sequence, witness: this.#witness(commit, reads) };
      });
    });
  }

  /** Drops the changes. The session has ended then. Idempotent. */
  discard(): void {
    if (this.#state !== "committing") this.#state = "ended";
  }

  /** Does it when its turn comes, if the base is still the newest commit. */
  async #exclusive<R>(act: () => Promise<R>): Promise<R> {
    this.#checkUsable();
    this.#state = "committing";
    try {
      return await this.#store.turns.takeAtOnce(async () => {
        this.#checkBase();
        return await act();
      });
    } finally {
      if (this.#state === "committing") this.#state = "open";
    }
  }

  /** What could only be appended later is no part of what is being gathered, and must not become durable alone. */
  #checkAtOnce(witness: boolean): void {
    const { pages, turns } = this.#store;
    if (pages.journal.isGathering !== true || (turns.isFree && this.#stillPrepared(witness) !== undefined)) return;
    throw new StateError(
      "HF_BUSY",
      "Session.commit: to be part of the batch it must be prepared first, and no other commit be on its way.",
    );
  }

  /** What was prepared, if nobody prepared anything since, and with a witness where one is wanted. */
  #stillPrepared(witness: boolean): PreparedSession | undefined {
    const prepared = this.#prepared;
    if (prepared === undefined || witness !== (prepared.reads !== undefined)) return undefined;
    return this.#store.prepared === prepared.commit ? prepared : undefined;
  }

  async #prepare(witness: boolean): Promise<PreparedSession> {
    const store = this.#store;
    const changes = this.#changes;
    const read = witness ? this.#reads.keys() : [];
    const reads = witness ? await this.#hashesBefore(read) : undefined;
    const proveKeys = witness ? [...read, ...changes.keys()] : undefined;
    const commit = await prepareChanges(store, { changes, undone: 0, proveKeys });
    const prepared = { commit, reads };
    this.#prepared = prepared;
    return prepared;
  }

  #witness({ root, packed, proof }: PreparedCommit, reads: readonly KeyState[]): Witness {
    const writes = packed.values.map((value, op): KeyState => {
      const key = packed.ops.key(op).slice();
      const at = (op * 2 + 1) * (NODE_BYTES / 4);
      return value === undefined ? { key, value } : { key, valueHash: nodeBytes(packed.ops.words, at) };
    });
    return { before: this.baseRoot, root, reads, writes, proof };
  }

  async #hashesBefore(keys: readonly Uint8Array[]): Promise<KeyState[]> {
    const rows = await readRows(this.#store, keys);
    return rows.map((row, at): KeyState => {
      const key = keys[at]!;
      return row === undefined ? { key, value: undefined } : { key, valueHash: row.valueHash.slice() };
    });
  }

  #checkUsable(): void {
    this.#checkOpen();
    if (this.#state === "ended")
      throw new StateError("HF_CLOSED", "This session was committed or discarded. Begin another.");
    if (this.#state === "committing")
      throw new StateError("HF_BUSY", "This session is being committed. Wait for that, and begin another.");
    this.#checkBase();
  }

  #checkBase(): void {
    this.#checkOpen();
    const { sequence } = this.#store.pages;
    if (sequence === this.baseSequence) return;
    throw new ConflictError(
      "HF_STALE_SESSION",
      `This session began at commit ${this.baseSequence}, and the store is at ${sequence} now. Begin another, and do it again.`,
      { base: this.baseSequence, sequence },
    );
  }
}

function checkCommitOptions(where: string, options: CommitOptions | undefined): boolean {
  return checkBoolean(where, "witness", checkOptions(where, options, ["witness"]).witness, false);
}
