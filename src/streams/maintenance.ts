/**
 * What a shared log does beside appending: checkpoints of the index, and giving back space. One step at a time, in the background; how much
 * of it is done follows from how much is appended.
 *
 * | step | on disk after a crash here | what recovery does |
 * |---|---|---|
 * | checkpoint: parts appended, one after the other | some of the parts | nothing points at them; they are passed over |
 * | parts durable, then the pointer | the pointer at this checkpoint, or at the one before, or torn | this one, the one before, or the whole log |
 * | move: copies of live records appended behind the log's end | originals, and some of the copies | each copy takes the place of its original; both hold the same bytes |
 * | prune: the physical log drops whole segments | segments gone, or not yet | nothing in them was live |
 *
 * A segment is pruned when the book counts no live record in it. The book counts a copy, and stops counting its original, when the copy is
 * acknowledged; and the log makes durable all that was acknowledged before it prunes. So what is pruned has a durable copy or is dead.
 *
 * A copy is issued only for an entry that outlives everything issued before, and with no wait between looking and issuing. So in the order of the physical
 * log, which decides, it is a copy of an entry that is there: it brings nothing back.
 *
 * Nothing is pruned that the newest checkpoint's replay would read: an opening would have to read the whole log instead.
 */
import type { Log } from "../log/index.js";
import type { StreamBook } from "./book.js";
import type { CheckpointPointer } from "./checkpoint-pointer.js";
import {
  CHECKPOINT,
  ENTRY,
  MOVED,
  PART_HEADER_BYTES,
  STATE,
  decodeState,
  encodeMoved,
  encodePart,
  readEntryHeader,
} from "./format.js";
import { encodeSnapshot } from "./snapshot.js";
import type { IssuedRecord, StreamWriter } from "./writer.js";

/** Bytes of one part of a checkpoint, at most. */
const PART_BYTES_MAX = 64 * 1024;
/** For each byte that is appended, copies and checkpoints not counted, so many are looked at for live entries in the oldest segments. */
const SCAN_SHARE = 8;
/** Appends that are acknowledged together count at least this much, so that small ones move something too. */
const SCAN_BYTES_MIN = 512;
/** What can be saved up, and what one step takes at most beyond one batch. */
const SCAN_BYTES_MAX = 256 * 1024;
/** Live entries are moved when less than this share of the records in the full segments is live, empty ones that wait to be pruned not counted. */
const LIVE_SHARE_MIN = 0.5;

/** Counters of one opening. */
export interface MaintenanceCounters {
  checkpoints: number;
  movedRecords: number;
  movedBytes: number;
  prunes: number;
}

/** See the head of this file. */
export class Maintenance {
  readonly counters: MaintenanceCounters = { checkpoints: 0, movedRecords: 0, movedBytes: 0, prunes: 0 };
  readonly #log: Log;
  readonly #book: StreamBook;
  readonly #writer: StreamWriter;
  readonly #pointer: CheckpointPointer;
  readonly #checkpointBytes: number;
  /** Up to which physical LSN the newest checkpoint is true; 0 where there is none. */
  #asOf: number;
  #snapshotBytes: number;
  /** What `issuedBytes` was when the newest checkpoint began, less what was replayed behind it. */
  #issuedThen: number;
  /** What `issuedBytes` was when credit was last given, and what was issued here since, which earns none. */
  #issuedSeen: number;
  #credit = 0;
  /** A checkpoint was written since entries were last moved. */
  #movesNext = false;
  /** The next physical LSN to look at for live entries. */
  #cursor = 0;
  #running: Promise<void> | undefined;
  /** Why nothing is moved any more; or, after a failed write, nothing done at all. */
  problem: unknown;

  constructor(
    parts: {
      readonly log: Log;
      readonly book: StreamBook;
      readonly writer: StreamWriter;
      readonly pointer: CheckpointPointer;
    },
    checkpointBytes: number,
    found: { readonly asOf: number; readonly snapshotBytes: number; readonly replayedBytes: number },
  ) {
    this.#log = parts.log;
    this.#book = parts.book;
    this.#writer = parts.writer;
    this.#pointer = parts.pointer;
    this.#checkpointBytes = checkpointBytes;
    this.#asOf = found.asOf;
    this.#snapshotBytes = found.snapshotBytes;
    this.#issuedThen = parts.writer.issuedBytes - found.replayedBytes;
    this.#issuedSeen = parts.writer.issuedBytes;
  }

  /** Called after records were applied: gives credit for them, and starts what is due. Costs a few comparisons when nothing is. */
  note(): void {
    const { issuedBytes } = this.#writer;
    if (issuedBytes > this.#issuedSeen) {
      const earned = Math.max(SCAN_BYTES_MIN, (issuedBytes - this.#issuedSeen) * SCAN_SHARE);
      this.#credit = Math.min(SCAN_BYTES_MAX, this.#credit + earned);
      this.#issuedSeen = issuedBytes;
    }
    if (this.#running !== undefined || this.#next() === undefined) return;
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  /** Resolves when nothing is under way. Call after the writer was closed: then nothing new is begun. */
  async rest(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    for (;;) {
      const step = this.#next();
      if (step === undefined) return;
      try {
        await step.call(this);
      } catch (error) {
        // A failed write has poisoned the log, and whoever calls is told. What can't be read harms nobody who does not read it: it stays where it is.
        this.problem ??= error;
        if (step !== this.#move) return;
      }
    }
  }

  /** What is due. Under load the next checkpoint is due before this one is done: so pruning goes first, which ends, and moving takes turns with it. */
  #next(): (() => Promise<void>) | undefined {
    if (this.#writer.closed || this.#writer.failure !== undefined) return undefined;
    if (this.#pruneStart() !== undefined) return this.#prune;
    const { use } = this.#book;
    const moves =
      this.problem === undefined &&
      this.#credit > 0 &&
      use.count > 2 &&
      use.liveShare < LIVE_SHARE_MIN &&
      this.#moveFrom() !== undefined;
    const due = Math.max(this.#checkpointBytes, 2 * this.#snapshotBytes);
    const checkpoints = this.#writer.issuedBytes - this.#issuedThen >= due;
    if (checkpoints && !(moves && this.#movesNext)) return this.#checkpoint;
    return moves ? this.#move : undefined;
  }

  /** Writes the book into the log. */
  async #checkpoint(): Promise<void> {
    this.#writer.drain();
    // Nothing may come between these: the snapshot is what the records up to `asOf` come to, no more and no less.
    const asOf = this.#log.lastLsn;
    const snapshot = encodeSnapshot(this.#book);
    const issued = this.#writer.issuedBytes;

    const { recordBytesMax, batchBytesMax, recordHeaderBytes } = this.#writer.limits;
    const partBytes = Math.min(PART_BYTES_MAX, recordBytesMax, batchBytesMax - recordHeaderBytes) - PART_HEADER_BYTES;
    let previous = 0;
    for (let at = 0, index = 0; at < snapshot.length; at += partBytes, index++) {
      const body = snapshot.subarray(at, at + partBytes);
      const isLast = at + partBytes >= snapshot.length;
      const lsn = this.#writer.nextPhysical;
      const payload = encodePart({ asOf, previous, index, isLast, body });
      await this.#issue([{ kind: CHECKPOINT, payload, effect: () => undefined }]);
      previous = lsn;
    }
    await this.#writer.sync();
    try {
      await this.#pointer.write(previous);
    } catch (error) {
      this.#writer.poison(error);
      throw error;
    }
    this.#asOf = asOf;
    this.#snapshotBytes = snapshot.length;
    this.#issuedThen = issued;
    this.#movesNext = true;
    this.counters.checkpoints += 1;
  }

  /** Where the physical log may start: behind the segments without a live record, as far as the newest checkpoint does not need them. */
  #pruneStart(): number | undefined {
    const { use } = this.#book;
    let empty = use.emptyCount;
    while (empty > 0 && use.start(empty) > this.#asOf + 1) empty -= 1;
    return empty === 0 ? undefined : use.start(empty);
  }

  async #prune(): Promise<void> {
    await this.#log.truncateBefore(this.#pruneStart()!);
    this.#book.use.refresh(this.#log.segmentStarts());
    this.counters.prunes += 1;
  }

  /** Where to look for live records next: in the oldest full segment that has some. */
  #moveFrom(): { readonly from: number; readonly end: number } | undefined {
    const { use } = this.#book;
    const index = use.emptyCount;
    if (index >= use.count - 1) return undefined;
    const start = Math.max(use.start(index), this.#log.firstLsn);
    const end = use.start(index + 1);
    // What was looked at and is still live was on its way to be dropped, or moved; it is gone from the count soon, or looked at again.
    const from = this.#cursor > start && this.#cursor < end ? this.#cursor : start;
    return { from, end };
  }

  /** Copies live records of the oldest segment to the end of the log. */
  async #move(): Promise<void> {
    const range = this.#moveFrom();
    if (range === undefined) return;
    this.#movesNext = false;
    const found: { kind: number; physical: number; payload: Uint8Array }[] = [];
    let bytes = 0;
    for await (const batch of this.#log.readBatches({ from: range.from, to: range.end - 1 })) {
      for (let at = 0; at < batch.count; at++) {
        const payload = batch.payload(at);
        const physical = batch.firstLsn + at;
        bytes += payload.length + this.#writer.limits.recordHeaderBytes;
        const copy = this.#copyOf(batch.type(at), physical, payload);
        if (copy === undefined) continue;
        if (copy.payload.length > this.#writer.limits.recordBytesMax)
          throw new Error(`the record at LSN ${physical} is larger than recordBytesMax allows now, and can't be moved`);
        found.push({ kind: batch.type(at), physical, payload: payload.slice() });
      }
      this.#cursor = batch.lastLsn + 1;
      if (bytes >= this.#credit) break;
    }
    this.#credit = Math.max(0, this.#credit - bytes);

    this.#writer.drain();
    const { batchBytesMax, recordHeaderBytes } = this.#writer.limits;
    const issued: Promise<void>[] = [];
    let copies: IssuedRecord[] = [];
    let copiesBytes = 0;
    const issue = (): void => {
      if (copies.length > 0) issued.push(this.#issue(copies));
      copies = [];
      copiesBytes = 0;
    };
    // From looking at an entry again to issuing its copy nothing waits: what is issued in between is issued here.
    for (const { kind, physical, payload } of found) {
      const copy = this.#copyOf(kind, physical, payload);
      if (copy === undefined) continue;
      const size = copy.payload.length + recordHeaderBytes;
      if (copiesBytes + size > Math.min(batchBytesMax, PART_BYTES_MAX)) issue();
      copies.push(copy);
      copiesBytes += size;
      this.counters.movedRecords += 1;
      this.counters.movedBytes += copy.payload.length;
    }
    issue();
    await Promise.all(issued);
  }

  #issue(records: readonly IssuedRecord[]): Promise<void> {
    const { issuedBytes } = this.#writer;
    const done = this.#writer.issueAll(records);
    this.#issuedSeen += this.#writer.issuedBytes - issuedBytes;
    return done;
  }

  /** The copy of a record that is live and stays so; `undefined` for any other. */
  #copyOf(kind: number, physical: number, payload: Uint8Array): IssuedRecord | undefined {
    if (kind === STATE) {
      const state = decodeState(payload);
      const stream = state && this.#book.byId.get(state.stream);
      if (stream === undefined || stream.dropped || stream.statePhysical !== physical) return undefined;
      return this.#writer.state(stream);
    }
    if (kind !== ENTRY && kind !== MOVED) return undefined;
    const entry = readEntryHeader(kind, payload);
    const stream = entry && this.#book.byId.get(entry.stream);
    if (entry === undefined || stream === undefined) return undefined;
    if (stream.index.get(entry.lsn) !== physical || !this.#writer.outlives(stream, entry.lsn)) return undefined;
    const copy = encodeMoved(entry, physical, payload.subarray(entry.bodyStart));
    return this.#writer.moved(stream, entry.lsn, copy);
  }
}
