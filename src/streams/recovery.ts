/**
 * Opening a shared log: from the records of the physical log back to the book.
 *
 * The physical log is the only truth. It is opened first, and by then everything that it shows is durable (R3) and nothing of it can come back from
 * before a cut (R6). Here records are only read, in their order, and applied to the book; nothing is written. So a crash while opening
 * changes nothing, and opening twice gives the same.
 *
 * Two ways lead to the book:
 * - the newest checkpoint, a snapshot that is itself made of records of the log, and the records after the one up to which it is true;
 * - where none can be used, every record from the oldest on.
 *
 * The second meets streams in the middle of their lives, since the oldest records are pruned:
 *
 *      pruned ─────────────┤ 4 5 6 … 10    1' 2' 3'    state{1, 11}         1', 2', 3' are moved copies
 *
 * An entry that moved stands behind entries that come after it, and the record that names the stream may have moved behind all of them. So until a
 * stream's state is met its entries are collected as they come.
 *
 * Both ways end with the same look: the state of each stream, and every entry of its range, stand at records that the log still has, for they are
 * pruned only after their copies are durable. A number of which entries were met has a state too, or was dropped behind them: anything else is a stream lost.
 */
import { CorruptionError, FormatError } from "../base/index.js";
import type { Log } from "../log/index.js";
import { StreamBook, StreamState } from "./book.js";
import type { CheckpointPointer } from "./checkpoint-pointer.js";
import {
  CHECKPOINT,
  DROP,
  ENTRY,
  MOVED,
  STATE,
  type StateRecord,
  decodeDrop,
  decodePart,
  decodeState,
  encodeName,
  readEntryHeader,
} from "./format.js";
import { LsnIndex } from "./lsn-index.js";
import { SegmentUse } from "./segment-use.js";
import { decodeSnapshot } from "./snapshot.js";

/** What opening found. */
export interface Recovered {
  readonly book: StreamBook;
  /** The checkpoint that was used: up to which physical LSN it is true, and its size. */
  readonly checkpoint: LoadedCheckpoint | undefined;
  /** Why there was none; absent with one. */
  readonly reason?: string;
  readonly replayedRecords: number;
  readonly replayedBytes: number;
}

export interface LoadedCheckpoint {
  readonly asOf: number;
  readonly bytes: number;
  readonly book: StreamBook;
}

/** Makes the book of an open log. Errors: `CorruptionError`, `FormatError` `HF_FORMAT_UNKNOWN`. */
export async function recoverBook(log: Log, pointer: CheckpointPointer): Promise<Recovered> {
  let reason = "the log has no checkpoint yet";
  for (const lsn of pointer.candidates) {
    const loaded = await loadCheckpoint(log, lsn);
    if (typeof loaded === "string") {
      reason = loaded;
      continue;
    }
    const replay = new Replay(log, loaded.book, loaded.asOf + 1, true);
    await replay.run();
    return { book: loaded.book, checkpoint: loaded, ...replay.counts };
  }
  const book = new StreamBook(new SegmentUse(log.segmentStarts()));
  const replay = new Replay(log, book, log.firstLsn, false);
  await replay.run();
  return { book, checkpoint: undefined, reason, ...replay.counts };
}

/** The checkpoint whose last part is at `lsn`, or why it can't be used. */
async function loadCheckpoint(log: Log, lsn: number): Promise<LoadedCheckpoint | string> {
  if (lsn > log.lastLsn) return `the log ends at LSN ${log.lastLsn}, before the checkpoint at ${lsn}`;
  const bodies: Uint8Array[] = [];
  let bytes = 0;
  let asOf = 0;
  let index = 0;
  let next = lsn;
  do {
    const record = await log.get(next);
    if (record === undefined) return `a part of the checkpoint, LSN ${next}, is pruned`;
    const part = record.type === CHECKPOINT ? decodePart(record.payload) : undefined;
    if (part === undefined) return `LSN ${next} is no part of a checkpoint`;
    if (bodies.length === 0) {
      if (!part.isLast) return `LSN ${next} is not the last part of a checkpoint`;
      ({ index, asOf } = part);
    } else {
      index -= 1;
    }
    const isInOrder = part.previous < next && (part.index === 0) === (part.previous === 0);
    if (part.index !== index || part.asOf !== asOf || asOf >= next || !isInOrder)
      return `the parts of the checkpoint at LSN ${lsn} do not fit together`;
    bodies.push(part.body);
    bytes += part.body.length;
    next = part.previous;
  } while (index > 0);
  if (asOf + 1 < log.firstLsn) return `records after LSN ${asOf}, up to which the checkpoint is true, are pruned`;
  const snapshot = new Uint8Array(bytes);
  let at = 0;
  for (const body of bodies.reverse()) {
    snapshot.set(body, at);
    at += body.length;
  }
  const book = decodeSnapshot(snapshot, asOf, new SegmentUse(log.segmentStarts()));
  return book === undefined ? `the checkpoint at LSN ${lsn} holds no snapshot` : { asOf, bytes, book };
}

/** Applies the records of the log to a book, from one on. */
class Replay {
  readonly counts: { replayedRecords: number; replayedBytes: number } = { replayedRecords: 0, replayedBytes: 0 };
  readonly #log: Log;
  readonly #book: StreamBook;
  readonly #from: number;
  /** The book was complete before the first record: nothing may be unknown. */
  readonly #isStrict: boolean;
  /** Streams whose state was not met yet, by id. */
  readonly #unnamed = new Map<number, StreamState>();
  /** Those of them of which an unmoved entry was met: the next such entry must be the next one. */
  readonly #ordered = new Set<StreamState>();

  constructor(log: Log, book: StreamBook, from: number, isStrict: boolean) {
    this.#log = log;
    this.#book = book;
    this.#from = from;
    this.#isStrict = isStrict;
  }

  async run(): Promise<void> {
    if (this.#from <= this.#log.lastLsn) {
      for await (const batch of this.#log.readBatches({ from: this.#from })) {
        for (let at = 0; at < batch.count; at++) {
          const payload = batch.payload(at);
          this.#apply(batch.firstLsn + at, batch.type(at), payload);
          this.counts.replayedRecords += 1;
          this.counts.replayedBytes += payload.length;
        }
      }
    }
    for (const stream of this.#book.byId.values()) {
      this.#checkWhole(stream);
      stream.settle();
    }
    for (const { id, index } of this.#unnamed.values())
      throw this.#damaged(index.get(index.end - 1), `the state of stream number ${id}`, "entries alone");
  }

  #checkWhole({ name, statePhysical, index }: StreamState): void {
    const { firstLsn } = this.#log;
    if (statePhysical < firstLsn)
      throw this.#damaged(statePhysical, `the state of stream "${name}"`, "a pruned record");
    for (let lsn = index.first; lsn < index.end; lsn++) {
      const physical = index.get(lsn);
      if (physical < firstLsn)
        throw this.#damaged(
          statePhysical,
          `entry ${lsn} of stream "${name}"`,
          physical === 0 ? "none" : "a pruned record",
        );
    }
  }

  #apply(physical: number, kind: number, payload: Uint8Array): void {
    switch (kind) {
      case ENTRY:
      case MOVED: {
        const header = readEntryHeader(kind, payload);
        if (header === undefined || header.lsn > physical) throw this.#malformed(physical, "an entry");
        const stream = this.#stream(header.stream, physical);
        if (kind === ENTRY) this.#entry(stream, header.lsn, physical);
        else this.#moved(stream, header.lsn, header.from, physical);
        return;
      }
      case STATE: {
        const state = decodeState(payload);
        if (state === undefined || state.nextLsn > physical + 1) throw this.#malformed(physical, "a stream's state");
        this.#state(state, physical);
        return;
      }
      case DROP: {
        const id = decodeDrop(payload);
        if (id === undefined) throw this.#malformed(physical, "the end of a stream");
        const stream = this.#book.byId.get(id);
        const unnamed = this.#unnamed.get(id);
        if (stream !== undefined) this.#book.applyDrop(stream);
        else if (unnamed !== undefined) this.#forget(unnamed);
        else if (this.#isStrict) throw this.#damaged(physical, "the end of a stream that is there", `number ${id}`);
        this.#book.nextId = Math.max(this.#book.nextId, id + 1);
        return;
      }
      case CHECKPOINT:
        return;
      default:
        throw new FormatError(
          "HF_FORMAT_UNKNOWN",
          `Record ${physical} of the log in ${this.#log.directory} has type ${kind}, which no shared log of this format holds. ` +
            "Open an ordinary log with Log.open, or a newer one with a newer version. Nothing was changed.",
          { path: this.#log.directory, lsn: physical, kind },
        );
    }
  }

  #entry(stream: StreamState, lsn: number, physical: number): void {
    const { index } = stream;
    const isOrdered = stream.statePhysical !== 0 || this.#ordered.has(stream);
    if (!isOrdered) {
      this.#ordered.add(stream);
      // Entries before it that have not moved yet were pruned with their records.
      index.setRange(index.count === 0 ? lsn : Math.min(index.first, lsn), lsn, () => undefined);
    } else if (lsn !== index.end) {
      throw this.#damaged(physical, `entry ${index.end} of stream number ${stream.id}`, `entry ${lsn}`);
    }
    this.#book.applyEntry(stream, physical);
  }

  #moved(stream: StreamState, lsn: number, from: number, physical: number): void {
    const { index } = stream;
    const isNamed = stream.statePhysical !== 0;
    if (!isNamed && (lsn < index.first || lsn >= index.end)) {
      const isFirst = index.count === 0 && !this.#ordered.has(stream);
      if (!isFirst && lsn >= index.end && this.#ordered.has(stream))
        throw this.#damaged(physical, `an entry of stream number ${stream.id} below ${index.end}`, `entry ${lsn}`);
      const first = isFirst ? lsn : Math.min(index.first, lsn);
      const end = isFirst ? lsn + 1 : Math.max(index.end, lsn + 1);
      index.setRange(first, end, () => undefined);
    }
    const known = index.get(lsn);
    const isLive = lsn >= index.first && lsn < index.end;
    // Where the original is pruned, or stood before what was read, there is nothing to compare with.
    if (!isLive || (known !== from && (known !== 0 || from >= this.#from)))
      throw this.#damaged(physical, `a copy of a live entry of stream number ${stream.id}`, `LSN ${lsn} from ${from}`);
    this.#book.applyMoved(stream, lsn, physical);
  }

  #state(state: StateRecord, physical: number): void {
    const unnamed = this.#unnamed.get(state.stream);
    let stream = this.#book.byId.get(state.stream);
    if (stream === undefined) {
      if (this.#book.byName.has(state.name))
        throw this.#damaged(physical, `one stream with the name "${state.name}"`, `number ${state.stream} as well`);
      stream = new StreamState(state.stream, state.name, encodeName(state.name)!);
      stream.index = unnamed?.index ?? new LsnIndex(state.nextLsn);
      this.#unnamed.delete(state.stream);
      this.#book.add(stream);
      if (this.#isStrict && state.firstLsn !== state.nextLsn)
        throw this.#damaged(physical, `an empty new stream`, `LSNs ${state.firstLsn} to ${state.nextLsn - 1}`);
    } else if (stream.name !== state.name || state.firstLsn < stream.index.first || state.nextLsn > stream.index.end) {
      throw this.#damaged(
        physical,
        `a state of stream "${stream.name}"`,
        `one of "${state.name}" that does not follow`,
      );
    }
    this.#book.applyState(stream, physical, state.firstLsn, state.nextLsn);
  }

  #stream(id: number, physical: number): StreamState {
    const known = this.#book.byId.get(id) ?? this.#unnamed.get(id);
    if (known !== undefined) return known;
    if (this.#isStrict) throw this.#damaged(physical, "an entry of a stream that is there", `one of number ${id}`);
    const stream = new StreamState(id, "", new Uint8Array(0));
    this.#unnamed.set(id, stream);
    this.#book.nextId = Math.max(this.#book.nextId, id + 1);
    return stream;
  }

  /** A stream that was dropped: its entries count no more. */
  #forget(stream: StreamState): void {
    const { index } = stream;
    index.setRange(index.end, index.end, (physical) => this.#book.use.remove(physical));
    this.#unnamed.delete(stream.id);
  }

  #malformed(physical: number, expected: string): CorruptionError {
    return this.#damaged(physical, expected, "bytes that are none");
  }

  /** The record's bytes are sound, and contradict those before it. */
  #damaged(physical: number, expected: string, found: string): CorruptionError {
    return new CorruptionError({ path: this.#log.directory, offset: 0, lsn: physical, expected, found });
  }
}
