/** One journal of a shared log: the public face of the writer and the reader for one stream. */
import { invalid } from "../base/index.js";
import {
  type FollowOptions,
  type Journal,
  type JournalLimits,
  type LogInput,
  type LogRecord,
  type LsnRange,
  type ReadOptions,
  takePart,
} from "../log/index.js";
import { ENTRY_HEADER_BYTES } from "./format.js";
import { type StreamSource, checkLsn, followEntries, outOfRange, readEntries, readEntry } from "./reader.js";

/**
 * A stream of a `SharedLog`: a {@link Journal} with LSNs of its own from 1 on. Made by `SharedLog.stream`; all calls with one name give the same object. It
 * serves until the shared log is closed, or the stream dropped; then every call ends with `StateError` `HF_CLOSED`.
 *
 * Differences to a `Log`: dropping records costs as much as was dropped, in memory; and a truncation does not make appends wait, so `nextLsn` is what it
 * will be from the moment of the call.
 */
export class Stream implements Journal {
  /** @internal */
  readonly source: StreamSource;

  /** @internal Use `SharedLog.stream`. */
  constructor(source: StreamSource) {
    this.source = source;
  }

  get name(): string {
    return this.source.stream.name;
  }

  /** The oldest LSN; `lastLsn + 1` where the stream is empty. */
  get firstLsn(): number {
    this.source.writer.drain();
    return this.source.stream.firstLsn;
  }

  /** The newest acknowledged LSN; `firstLsn - 1` where the stream is empty. */
  get lastLsn(): number {
    this.source.writer.drain();
    return this.source.stream.lastLsn;
  }

  /** The newest LSN that no crash can take away. Equal to `lastLsn` with `durability: "sync"`. */
  get durableLsn(): number {
    const { log, stream, writer } = this.source;
    writer.drain();
    const { durableLsn } = log;
    if (durableLsn >= log.lastLsn) stream.durableFloor = stream.lastLsn;
    const { firstLsn, lastLsn, index } = stream;
    // What was dropped before it was durable is not gone for good until the record that says so is durable.
    if (stream.statePhysical <= durableLsn) stream.durableFloor = Math.max(stream.durableFloor, firstLsn - 1);
    if (stream.durableFloor < firstLsn - 1) return stream.durableFloor;
    // A record that moved before it was durable counts from when its copy is: later than it could, never too early.
    while (stream.durableFloor < lastLsn && index.get(stream.durableFloor + 1) <= durableLsn) stream.durableFloor += 1;
    return stream.durableFloor;
  }

  /** The LSN that the next accepted entry gets. */
  get nextLsn(): number {
    return this.source.stream.acceptedNext;
  }

  /** What one call may pass at most. The header of a record is that of the physical log and the stream's. */
  get limits(): JournalLimits {
    const { limits, payloadBytesMax } = this.source.writer;
    return {
      recordBytesMax: payloadBytesMax,
      batchBytesMax: limits.batchBytesMax,
      recordHeaderBytes: limits.recordHeaderBytes + ENTRY_HEADER_BYTES,
    };
  }

  /** Whether a call of `SharedLog.together` is gathering what is appended. */
  get isGathering(): boolean {
    return this.source.writer.isGathering;
  }

  /** For stores: where the batch that is being gathered is refused, `takeBack` runs before anything else does, the newest first. */
  onRefused(takeBack: () => void): void {
    this.source.writer.onRefused(takeBack);
  }

  /** For stores: what is refused within a call of `SharedLog.together`, whose batch is refused with it. */
  refuse(error: unknown): void {
    this.source.writer.refuse(error);
  }

  /** Appends an entry and resolves to its LSN once it is durable. `type` is 0 to 255, default 0. As `Log.append`. */
  append(payload: Uint8Array, type: number = 0): Promise<number> {
    return this.source.writer.append(this.source.stream, payload, type);
  }

  /** Appends several entries as one atomic batch. As `Log.appendAll`; for several streams at once see `SharedLog.commit`. */
  appendAll(records: readonly LogInput[]): Promise<LsnRange> {
    const { writer, stream } = this.source;
    return takePart(this, () => writer.commit("Stream.appendAll", [{ stream, records }]).then(([range]) => range!));
  }

  /** Accepts an entry and returns its LSN at once; it is durable after a later `sync` or `append`. As `Log.enqueue`. */
  enqueue(payload: Uint8Array, type: number = 0): number {
    return this.source.writer.enqueue(this.source.stream, payload, type);
  }

  /** Makes durable everything that any stream of the shared log accepted so far. Resolves to `durableLsn`. */
  sync(): Promise<number> {
    return takePart(this, () => {
      this.#assertUsable();
      return this.source.writer.sync().then(() => this.durableLsn);
    });
  }

  /** The entry with this LSN; `undefined` where the stream does not hold it. */
  get(lsn: number): Promise<LogRecord | undefined> {
    return readEntry(this.source, lsn);
  }

  /** The entries in a range, oldest or newest first, with bounded memory. What is appended meanwhile is not seen. */
  read(options?: ReadOptions): AsyncIterableIterator<LogRecord> {
    return readEntries(this.source, "Stream.read", options);
  }

  /** The entries from `from` on (default: those that come from now on), and each new one once it is acknowledged. As `Log.follow`. */
  follow(options?: FollowOptions): AsyncGenerator<LogRecord, void, undefined> {
    return followEntries(this.source, options);
  }

  /** Drops the entries below `lsn`, durably; at most `lastLsn + 1`, which drops all. */
  truncateBefore(lsn: number): Promise<void> {
    return takePart(this, () => {
      const { writer, stream } = this.source;
      this.#assertUsable();
      checkLsn("Stream.truncateBefore", lsn);
      const { acceptedFirst, acceptedNext } = stream;
      if (lsn > acceptedNext) throw outOfRange("Stream.truncateBefore", stream, lsn, acceptedFirst, acceptedNext - 1);
      return lsn <= acceptedFirst ? writer.sync() : writer.truncate(stream, lsn, acceptedNext);
    });
  }

  /** Drops the entries above `lsn`, durably and atomically; the next one gets `lsn + 1`. From `firstLsn - 1` to `lastLsn`. */
  truncateAfter(lsn: number): Promise<void> {
    return takePart(this, () => {
      const { writer, stream } = this.source;
      this.#assertUsable();
      checkLsn("Stream.truncateAfter", lsn);
      const { acceptedFirst, acceptedNext } = stream;
      if (lsn < acceptedFirst - 1 || lsn >= acceptedNext)
        throw outOfRange("Stream.truncateAfter", stream, lsn, acceptedFirst, acceptedNext - 1);
      return lsn === acceptedNext - 1 ? writer.sync() : writer.truncate(stream, acceptedFirst, lsn + 1);
    });
  }

  /** Drops every entry, durably. The next LSN stays what it was. */
  truncateAll(): Promise<void> {
    return takePart(this, () => {
      const { writer, stream } = this.source;
      this.#assertUsable();
      const { acceptedFirst, acceptedNext } = stream;
      return acceptedFirst === acceptedNext ? writer.sync() : writer.truncate(stream, acceptedNext, acceptedNext);
    });
  }

  #assertUsable(): void {
    const problem = this.source.writer.unusable(this.source.stream);
    if (problem !== undefined) throw problem;
  }
}

/** The source of a stream that a caller passed. */
export function sourceOf(where: string, stream: unknown): StreamSource {
  if (!(stream instanceof Stream)) throw invalid(where, "stream", stream, "a stream of this shared log");
  return stream.source;
}
