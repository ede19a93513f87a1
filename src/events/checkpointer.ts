/**
 * Taking checkpoints.
 *
 * Invariants:
 * - A checkpoint's record stands behind every part of its snapshot and behind every event that its state covers. So after any crash, if the record is
 *   there, they are too; if it is not, the parts before it belong to nothing and are passed over.
 * - The log is pruned only once as many checkpoints are kept as may be, to what the oldest of them leaves to be replayed, and after the newest one
 *   is durable. A crash between the two leaves more than is needed, never less.
 *
 * Events may be appended meanwhile. They stand between the parts or behind the checkpoint, and are not in its state: `through` says where that ends.
 */
import { InvalidArgumentError, checkInteger, checkOptions } from "../base/index.js";
import { crc32c } from "../checksum/index.js";
import type { Journal } from "../log/index.js";
import { checkpointChannel } from "./channels.js";
import { unencodable } from "./errors.js";
import {
  CHECKPOINT_ENTRY_BYTES,
  CHECKPOINT_TYPE,
  type RecordBody,
  type StoredCheckpoint,
  encodeCheckpoints,
} from "./format.js";
import { splitSnapshot } from "./snapshot-parts.js";
import type { SnapshotType } from "./versioned.js";
import { BATCH_OVERHEAD_BYTES, type EventWriter } from "./writer.js";

/** Options of `EventLog.checkpoint`. */
export interface CheckpointOptions<State> {
  /** The program's state. Left out: the checkpoint only says that everything up to it is settled elsewhere. Encoded before the call returns. */
  readonly state?: State;
  /**
   * The newest LSN whose event is in the state, or settled. Everything behind it is replayed by `hydrate`. Default: the newest accepted
   * event when `checkpoint` is called, enqueued ones included, so leave it out only where the state has them all.
   */
  readonly through?: number;
}

/** A checkpoint. */
export interface Checkpoint {
  readonly lsn: number;
  /** The newest LSN whose event is in its state. */
  readonly through: number;
  /** Size of its encoded snapshot; `undefined` where it has none. */
  readonly snapshotBytes: number | undefined;
}

/** What checkpointing needs of the options. */
export interface CheckpointerLimits {
  readonly checkpointsMax: number;
  readonly partBytes: number;
  readonly batchBytesMax: number;
  readonly snapshot: SnapshotType<unknown>;
}

const WHERE = "EventLog.checkpoint";
/** Parts of a snapshot go to the log in batches of about so many bytes, so that events get in between. */
const BATCH_BYTES: number = 1024 * 1024;

export class Checkpointer {
  readonly counters = { checkpoints: 0, snapshotBytes: 0 };
  readonly #journal: Journal;
  readonly #writer: EventWriter;
  readonly #name: string;
  readonly #limits: CheckpointerLimits;
  /** The newest first. */
  #kept: readonly StoredCheckpoint[];
  /** The newest `through` that was asked for. */
  #through: number;
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    journal: Journal,
    writer: EventWriter,
    name: string,
    limits: CheckpointerLimits,
    found: readonly StoredCheckpoint[],
  ) {
    this.#journal = journal;
    this.#writer = writer;
    this.#name = name;
    this.#limits = limits;
    this.#kept = found.slice(0, limits.checkpointsMax);
    const withSnapshot = found.find(({ version }) => version > 0);
    if (withSnapshot !== undefined && !this.#kept.includes(withSnapshot)) this.#kept = [...this.#kept, withSnapshot];
    this.#through = found[0]?.through ?? 0;
  }

  /** The kept checkpoints that the log still reaches back to, the newest first. */
  get kept(): readonly StoredCheckpoint[] {
    const { firstLsn } = this.#journal;
    return this.#kept.filter(({ lsn, through }) => lsn >= firstLsn && through + 1 >= firstLsn);
  }

  /** Takes a checkpoint. One after the other; what each covers is settled when it is asked for. */
  async take(options: CheckpointOptions<unknown> | undefined): Promise<Checkpoint> {
    this.#writer.assertUsable();
    const given = checkOptions(WHERE, options, ["state", "through"]);
    const lastLsn = this.#writer.nextLsn - 1;
    const range = { min: this.#journal.firstLsn - 1, max: lastLsn };
    const through = checkInteger(WHERE, "through", given.through, range, lastLsn);
    if (through < this.#through) {
      throw new InvalidArgumentError(
        "HF_INVALID_ARGUMENT",
        `${WHERE}: through is ${through}, but the checkpoint before it covers everything up to ${this.#through}. A later one can't cover less.`,
        { where: WHERE, through, throughMin: this.#through },
      );
    }
    const state = given.state === undefined ? undefined : this.#encode(given.state);
    this.#through = through;
    const turn = this.#last.then(() => this.#commit(through, state));
    this.#last = turn.catch(() => undefined);
    return await turn;
  }

  /** Resolves once no checkpoint is under way. */
  async settle(): Promise<void> {
    await this.#last;
  }

  /** The commit order of a checkpoint. */
  async #commit(through: number, state: Uint8Array | undefined): Promise<Checkpoint> {
    const writer = this.#writer;
    const version = state === undefined ? 0 : this.#limits.snapshot.version;
    const batches = this.#batches(state);
    writer.assertUsable();
    // Everything that the state covers has its number, so it gets in front.
    const firstPartLsn = state === undefined ? 0 : writer.nextLsn;
    // A crash here, or between two batches, leaves parts without a checkpoint: nothing.
    for (const batch of batches.slice(0, -1)) await writer.appendAll(WHERE, batch);
    // From reading the next LSN to the hand-over nothing else runs.
    const rest = batches.at(-1) ?? [];
    const lsn = writer.nextLsn + rest.length;
    const stored: StoredCheckpoint = {
      lsn,
      version,
      through,
      firstPartLsn,
      snapshotBytes: state?.length ?? 0,
      partCount: batches.reduce((sum, batch) => sum + batch.length, 0),
      snapshotCrc: state === undefined ? 0 : crc32c(state),
    };
    const kept = this.#keep(stored);
    const record: RecordBody = { type: CHECKPOINT_TYPE, version: 0, body: encodeCheckpoints(kept) };
    await writer.appendCheckpoint(WHERE, [...rest, record]);
    // In the weaker modes of durability an acknowledged record may still be lost; the prune relies on this one.
    await writer.sync(lsn);
    this.#kept = kept;
    // A crash here leaves the checkpoint and everything before it; the next checkpoint prunes.
    await this.#prune();
    this.counters.checkpoints += 1;
    this.counters.snapshotBytes += stored.snapshotBytes;
    if (checkpointChannel.hasSubscribers) {
      const { snapshotBytes } = stored;
      checkpointChannel.publish({ name: this.#name, lsn, through, snapshotBytes, firstLsn: this.#journal.firstLsn });
    }
    return { lsn, through, snapshotBytes: state?.length };
  }

  /** The newest few, and the newest one with a snapshot: without it the state could not be rebuilt. */
  #keep(newest: StoredCheckpoint): StoredCheckpoint[] {
    const all = [newest, ...this.kept];
    const kept = all.slice(0, this.#limits.checkpointsMax);
    const withSnapshot = all.find(({ version }) => version > 0);
    if (withSnapshot !== undefined && !kept.includes(withSnapshot)) kept.push(withSnapshot);
    return kept;
  }

  /** Until as many are kept as may be, the beginning of the log is kept too: there is one more way to rebuild the state. */
  async #prune(): Promise<void> {
    if (this.#kept.length < this.#limits.checkpointsMax) return;
    const oldest = this.#kept.reduce((min, { through }) => Math.min(min, through), Number.MAX_SAFE_INTEGER);
    if (oldest + 1 > this.#journal.firstLsn) await this.#journal.truncateBefore(oldest + 1);
  }

  #encode(state: unknown): Uint8Array {
    try {
      const encoded = this.#limits.snapshot.codec.encode(state);
      // Codecs may use their buffer again before the parts are written.
      return typeof encoded === "string" ? new TextEncoder().encode(encoded) : new Uint8Array(encoded);
    } catch (error) {
      throw unencodable(WHERE, "the state", error);
    }
  }

  /** The parts of a snapshot as the batches that they are appended in; the last may be empty, and has room for the checkpoint. */
  #batches(state: Uint8Array | undefined): RecordBody[][] {
    if (state === undefined) return [];
    const { partBytes, batchBytesMax } = this.#limits;
    const room = Math.min(batchBytesMax, BATCH_BYTES);
    const batches: RecordBody[][] = [[]];
    let bytes = 0;
    const batchFor = (bodyBytes: number): RecordBody[] => {
      const total = bodyBytes + BATCH_OVERHEAD_BYTES;
      if (bytes + total > room && bytes > 0) {
        batches.push([]);
        bytes = 0;
      }
      bytes += total;
      return batches.at(-1)!;
    };
    for (const part of splitSnapshot(state, partBytes)) batchFor(part.body.length).push(part);
    // The checkpoint itself joins the last batch, or gets one of its own.
    batchFor((this.#limits.checkpointsMax + 1) * CHECKPOINT_ENTRY_BYTES);
    return batches;
  }
}
