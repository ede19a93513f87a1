/** A session: reads of one commit, and changes that become the next. */
import { ConflictError, LimitError, StateError, checkBoolean, checkOptions, invalid } from "../base/index.js";
import { type KeyState, type MultiProof, NODE_BYTES, nodeBytes } from "../proof/index.js";
import { readValues } from "./reads.js";
import { ENTRY_HEADER_BYTES } from "./record-format.js";
import { StagedChanges } from "./staged-changes.js";
import { type Store, checkKey } from "./store.js";
import { commitChanges, keyAt } from "./sync.js";

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
  readonly #changes: StagedChanges;
  /** What keys had that were asked for. */
  readonly #reads: StagedChanges;
  #state: "open" | "committing" | "ended" = "open";

  /** @internal */
  constructor(store: Store, checkOpen: () => void) {
    this.#store = store;
    this.#checkOpen = checkOpen;
    this.baseRoot = store.pages.root;
    this.baseSequence = store.pages.sequence;
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
    const bytesMax = this.#store.pages.journal.limits.recordBytesMax - ENTRY_HEADER_BYTES;
    if (value.length > bytesMax)
      throw new LimitError(
        "HF_VALUE_TOO_LARGE",
        `Session.put: the value has ${value.length} bytes; this store takes up to ${bytesMax}. Nothing was changed.`,
        { bytes: value.length, bytesMax },
      );
    this.#changes.set(key, value);
  }

  /** Takes a key's value away. Fine where it has none. */
  delete(key: Uint8Array): void {
    checkKey("Session.delete", key);
    this.#checkUsable();
    this.#changes.set(key, undefined);
  }

  /**
   * Makes the changes the next commit, which may be none, and resolves once it is durable and every reader sees it. Commits take turns. The session has
   * ended then. Where the call rejects with anything but `HF_POISONED` nothing was changed: `HF_STALE_SESSION`; `HF_BATCH_TOO_LARGE` where the journal
   * can't take it as one batch; `CorruptionError` or `IoError` where what the changes meet can't be read.
   */
  async commit(options?: CommitOptions): Promise<Committed> {
    const where = "Session.commit";
    const witness = checkBoolean(where, "witness", checkOptions(where, options, ["witness"]).witness, false);
    this.#checkUsable();
    this.#state = "committing";
    try {
      return await this.#store.turns.take(async () => {
        this.#checkBase();
        const committed = await this.#commit(witness);
        this.#state = "ended";
        return committed;
      });
    } finally {
      if (this.#state === "committing") this.#state = "open";
    }
  }

  /** Drops the changes. The session has ended then. Idempotent. */
  discard(): void {
    if (this.#state !== "committing") this.#state = "ended";
  }

  async #commit(witness: boolean): Promise<Committed> {
    const store = this.#store;
    const changes = this.#changes;
    if (!witness) {
      const { root, sequence } = await commitChanges(store, { changes, undone: 0 });
      return { root, sequence };
    }
    const read = this.#reads.keys();
    const reads = await this.#hashesBefore(read);
    const proveKeys = [...read, ...changes.keys()];
    const { root, sequence, proof, packed } = await commitChanges(store, { changes, undone: 0, proveKeys });
    const writes = packed.values.map((value, op): KeyState => {
      const key = keyAt(packed.ops, op).slice();
      const at = (op * 2 + 1) * (NODE_BYTES / 4);
      return value === undefined ? { key, value } : { key, valueHash: nodeBytes(packed.ops.words, at) };
    });
    return { root, sequence, witness: { before: this.baseRoot, root, reads, writes, proof } };
  }

  async #hashesBefore(keys: readonly Uint8Array[]): Promise<KeyState[]> {
    const rows = await this.#store.values.read(keys);
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
