/**
 * The appending side of a shared log: gives out the streams' LSNs, turns entries into records of the physical log, and applies each to the book once it
 * is acknowledged.
 *
 * Invariants:
 * - Every record of the physical log is appended here, in the order of the calls, so its physical LSN is known when it is issued: one more than the last.
 *   `#pending` holds, in that order, what each record does to the book.
 * - A stream's LSN is given when its entry is issued. The order of records of a stream in the physical log is the order of its calls, and a crash
 *   keeps a beginning of the physical log. So what is left of a stream is a beginning of what was done to it, and a batch over several streams, one batch of
 *   the log, is there in all of them or in none (R10).
 * - The book changes only for what the log shows as acknowledged, in physical order. Nothing else ever reads the pending records.
 * - Whatever fails once issued poisons: the log does it for its own writes, `poison` for others (R4).
 * - While `together` gathers, appends get their LSNs and nothing is issued for a stream. Then all of it is, as one batch, or the LSNs are taken back.
 *
 * A truncation is one record that says what the stream holds from there on. Before it is durable a crash leaves the stream as it was, after it as it is;
 * entries issued later stand behind it.
 */
import { type HoldfastError, LimitError, type StateError, invalid } from "../base/index.js";
import { type Log, type LogInput, type JournalLimits, type LsnRange, takePart } from "../log/index.js";
import { type StreamBook, StreamState } from "./book.js";
import { DROP, ENTRY, ENTRY_HEADER_BYTES, MOVED, STATE, encodeDrop, encodeState, writeEntryHeader } from "./format.js";
import { type EntryRecord, Gathering, missingPart, notWithin, refusalFor } from "./gathering.js";
import { batchTooLarge, closed, dropped, emptyBatch, entryRefusal, stopped } from "./writer-errors.js";
import { EntryScratch } from "./entry-scratch.js";
import { OVERHEAD_BYTES } from "./options.js";
import { type Effect, PendingEffects } from "./pending-effects.js";

/** A record of the physical log and what it does. */
export interface IssuedRecord {
  readonly kind: number;
  readonly payload: Uint8Array;
  readonly effect: Effect;
}

/** The part of a commit that goes to one stream. */
export interface StreamBatch {
  readonly stream: StreamState;
  readonly records: readonly LogInput[];
}

/** How much may be enqueued while the log takes nothing. */
const WAITING_BYTES_MAX = 1 << 20;

/** See the head of this file. */
export class StreamWriter {
  readonly #log: Log;
  readonly #book: StreamBook;
  readonly #limits: JournalLimits;
  readonly #onDrained: () => void;
  readonly #pending: PendingEffects;
  readonly #scratch = new EntryScratch();
  #failure: StateError | undefined;
  #closed = false;
  /** Bytes of enqueued records that wait for the log. */
  #waitingBytes = 0;
  /** The physical LSN of the newest enqueued record. */
  #enqueuedLast = 0;
  /** A caller was refused because of `failure`. */
  #told = false;
  /** Calls that are to make a record durable and have not settled. */
  readonly #underway = new Set<Promise<void>>();
  /** What the call of `together` that has not returned has gathered so far. */
  #gathering: Gathering | undefined;
  /** Bytes of records issued since opening. */
  issuedBytes = 0;

  /** `onDrained` runs after acknowledged records were applied. */
  constructor(log: Log, book: StreamBook, onDrained: () => void) {
    this.#log = log;
    this.#book = book;
    this.#limits = log.limits;
    this.#onDrained = onDrained;
    this.#pending = new PendingEffects(log.nextLsn);
  }

  get closed(): boolean {
    return this.#closed;
  }

  get failure(): StateError | undefined {
    return this.#failure ?? this.#log.failure;
  }

  /** The physical LSN that the next record gets. */
  get nextPhysical(): number {
    return this.#pending.next;
  }

  get limits(): JournalLimits {
    return this.#limits;
  }

  /** The largest payload of an entry: its copy must fit too. */
  get payloadBytesMax(): number {
    return this.#limits.recordBytesMax - OVERHEAD_BYTES;
  }

  /** Whether what is appended now is gathered. */
  get isGathering(): boolean {
    return this.#gathering !== undefined;
  }

  /** While `isGathering`: `takeBack` runs where the whole is refused. */
  onRefused(takeBack: () => void): void {
    this.#gathering?.onRefused(takeBack);
  }

  /** While `isGathering`: the whole is refused because of `error`. */
  refuse(error: unknown): void {
    this.#gathering?.spoil(error instanceof Error ? error : new Error(String(error)));
  }

  append(stream: StreamState, payload: Uint8Array, type: number): Promise<number> {
    if (this.#gathering !== undefined) return this.#gatherOne(stream, payload, type);
    const problem = this.unusable(stream) ?? entryRefusal("Stream.append", payload, type, this.payloadBytesMax);
    if (problem !== undefined) return Promise.reject(problem);
    const lsn = stream.acceptedNext;
    const record = this.#scratch.put(stream.id, lsn, payload, type);
    const { nextLsn } = this.#log;
    const done = this.#log.append(record, ENTRY);
    // The log keeps what it could not accept at once.
    if (this.#log.nextLsn === nextLsn) this.#scratch.leave(record);
    this.#issue(stream, record.length);
    stream.acceptedNext = lsn + 1;
    return done.then(() => {
      this.drain();
      return lsn;
    });
  }

  #gatherOne(stream: StreamState, payload: Uint8Array, type: number): Promise<number> {
    const batches = [{ stream, records: [{ payload, type }] }];
    return takePart(this, () => this.commit("Stream.append", batches).then(([range]) => range!.lastLsn));
  }

  /** Throws `HF_BACKPRESSURE` only where more than a mebibyte waits already. */
  enqueue(stream: StreamState, payload: Uint8Array, type: number): number {
    // Nobody would hear that it was taken back.
    if (this.#gathering !== undefined) throw this.#gathering.spoil(notWithin("Stream.enqueue"));
    const problem = this.unusable(stream) ?? entryRefusal("Stream.enqueue", payload, type, this.payloadBytesMax);
    if (problem !== undefined) throw problem;
    const lsn = stream.acceptedNext;
    const record = this.#scratch.put(stream.id, lsn, payload, type);
    this.#enqueue(record);
    this.#enqueuedLast = this.nextPhysical;
    this.#issue(stream, record.length);
    stream.acceptedNext = lsn + 1;
    this.drain();
    return lsn;
  }

  /** The log takes nothing while it prunes, which here is nobody's call: some records wait for it instead of being refused. */
  #enqueue(record: Uint8Array): void {
    try {
      this.#log.enqueue(record, ENTRY);
    } catch (error) {
      const isFull = error instanceof LimitError && error.code === "HF_BACKPRESSURE";
      if (!isFull || this.#waitingBytes + record.length > WAITING_BYTES_MAX) throw error;
      this.#waitingBytes += record.length;
      const settle = (): void => {
        this.#waitingBytes -= record.length;
      };
      this.#log.append(record.slice(), ENTRY).then(settle, settle);
    }
  }

  /** Appends to several streams at once: all of it or nothing. */
  commit(where: string, batches: readonly StreamBatch[]): Promise<LsnRange[]> {
    const gathering = this.#gathering;
    let bytes = 0;
    let count = 0;
    for (const { stream, records } of batches) {
      let problem =
        this.unusable(stream) ??
        (Array.isArray(records) ? undefined : invalid(where, "records", records, "an array of records"));
      if (problem === undefined && records.length === 0) {
        problem = emptyBatch(where);
      }
      for (let at = 0; problem === undefined && at < records.length; at++) {
        const record = records[at]!;
        const payload = record instanceof Uint8Array ? record : record?.payload;
        problem = entryRefusal(
          where,
          payload,
          record instanceof Uint8Array ? 0 : (record?.type ?? 0),
          this.payloadBytesMax,
        );
        if (problem === undefined) bytes += payload.length + ENTRY_HEADER_BYTES;
      }
      if (problem !== undefined) return Promise.reject(gathering?.spoil(problem) ?? problem);
      count += records.length;
    }
    const total = { bytes: bytes + (gathering?.bytes ?? 0), count: count + (gathering?.records.length ?? 0) };
    const problem = batchTooLarge(where, total, this.#limits);
    if (problem !== undefined) return Promise.reject(gathering?.spoil(problem) ?? problem);
    if (gathering !== undefined) for (const { stream } of batches) gathering.touch(stream);
    const { records, ranges } = this.#encode(batches, bytes);
    if (gathering !== undefined) return gathering.add(records, bytes, ranges);
    return this.#issueEntries(records, bytes).then(() => ranges);
  }

  /**
   * Calls `act`, and makes one batch of all that is appended to streams meanwhile, in that order. Resolves once it is acknowledged. Rejects, and has no
   * effect, where `act` throws, anything in it is refused, a stream of `required` got nothing, or the log can't serve.
   */
  together(where: string, required: readonly StreamState[], act: () => void): Promise<void> {
    const unusable = this.unusable() ?? this.#gathering?.spoil(notWithin(where));
    if (unusable !== undefined) return Promise.reject(unusable);
    const gathering = new Gathering();
    this.#gathering = gathering;
    try {
      act();
    } catch (error) {
      return Promise.reject(gathering.refuse(refusalFor(where, error), error));
    } finally {
      this.#gathering = undefined;
    }
    const failure = this.unusable();
    const missing = required.find((stream) => !gathering.has(stream));
    const problem = failure ?? gathering.problem ?? (missing === undefined ? undefined : missingPart(where, missing));
    if (problem !== undefined) {
      return Promise.reject(gathering.refuse(failure ?? refusalFor(where, problem), problem));
    }
    if (gathering.records.length === 0) {
      gathering.acknowledge();
      return Promise.resolve();
    }
    return this.#issueEntries(gathering.records, gathering.bytes).then(
      () => gathering.acknowledge(),
      (error: unknown) => {
        gathering.fail(error);
        throw error;
      },
    );
  }

  /** Gives records their LSNs, and copies them. */
  #encode(
    batches: readonly StreamBatch[],
    bytes: number,
  ): { readonly records: EntryRecord[]; readonly ranges: LsnRange[] } {
    const buffer = new Uint8Array(bytes);
    const records: EntryRecord[] = [];
    const ranges: LsnRange[] = [];
    let at = 0;
    for (const batch of batches) {
      const { stream } = batch;
      const firstLsn = stream.acceptedNext;
      for (const record of batch.records) {
        const payload = record instanceof Uint8Array ? record : record.payload;
        const target = buffer.subarray(at, at + ENTRY_HEADER_BYTES + payload.length);
        writeEntryHeader(target, stream.id, record instanceof Uint8Array ? 0 : (record.type ?? 0), stream.acceptedNext);
        target.set(payload, ENTRY_HEADER_BYTES);
        records.push({ stream, payload: target, type: ENTRY });
        at += target.length;
        stream.acceptedNext += 1;
      }
      ranges.push({ firstLsn, lastLsn: stream.acceptedNext - 1 });
    }
    return { records, ranges };
  }

  /** Hands entries to the log as one batch. Resolves once they are acknowledged and applied. */
  #issueEntries(records: readonly EntryRecord[], bytes: number): Promise<void> {
    const done = this.#log.appendAll(records);
    for (const { stream } of records) this.#issue(stream, 0);
    this.issuedBytes += bytes;
    return done.then(() => this.drain());
  }

  /** Appends records of any kind as one batch. Resolves once they are acknowledged and applied. The caller has made sure that they fit. */
  async issueAll(records: readonly IssuedRecord[]): Promise<void> {
    const done = this.#log.appendAll(records.map(({ kind, payload }) => ({ payload, type: kind })));
    for (const { payload, effect } of records) this.#issue(effect, payload.length);
    await done;
    this.drain();
  }

  /** Makes a stream that is not there. Resolves once it is durable. */
  async create(name: string, nameBytes: Uint8Array): Promise<StreamState> {
    const problem = this.unusable();
    if (problem !== undefined) throw problem;
    const stream = new StreamState(this.#book.nextId, name, nameBytes);
    this.#book.nextId += 1;
    await this.#issueDurably(this.state(stream, () => this.#book.add(stream)));
    return stream;
  }

  /** Drops a stream, durably. */
  async drop(stream: StreamState): Promise<void> {
    const problem = this.unusable(stream);
    if (problem !== undefined) throw problem;
    stream.dropped = true;
    const effect = (): void => {
      this.#book.applyDrop(stream);
      stream.visibility.announce();
    };
    await this.#issueDurably({ kind: DROP, payload: encodeDrop(stream.id), effect });
  }

  /** Makes `[first, next)` what the stream holds, durably. The caller has checked that it is a part of what was accepted. */
  async truncate(stream: StreamState, first: number, next: number): Promise<void> {
    if (this.#gathering !== undefined) throw this.#gathering.spoil(notWithin("Stream.truncate…"));
    const isCut = next < stream.acceptedNext;
    stream.acceptedFirst = first;
    stream.acceptedNext = next;
    stream.pendingTruncations += 1;
    if (isCut) stream.pendingCutLsn = Math.min(stream.pendingCutLsn, next);
    await this.#issueDurably(
      this.state(stream, () => {
        stream.pendingTruncations -= 1;
        if (stream.pendingTruncations === 0) stream.pendingCutLsn = Number.POSITIVE_INFINITY;
      }),
    );
  }

  /** A record that says what the stream holds once everything before it is acknowledged. */
  state(stream: StreamState, also?: () => void): IssuedRecord {
    const { id, acceptedFirst, acceptedNext, nameBytes } = stream;
    return {
      kind: STATE,
      payload: encodeState({ stream: id, firstLsn: acceptedFirst, nextLsn: acceptedNext }, nameBytes),
      effect: (physical) => {
        also?.();
        this.#book.applyState(stream, physical, acceptedFirst, acceptedNext);
        stream.visibility.announce();
      },
    };
  }

  /** A record that puts an entry to another place. */
  moved(stream: StreamState, lsn: number, payload: Uint8Array): IssuedRecord {
    return { kind: MOVED, payload, effect: (physical) => this.#book.applyMoved(stream, lsn, physical) };
  }

  /** Whether an acknowledged entry will still be there once everything is acknowledged that was accepted. */
  outlives(stream: StreamState, lsn: number): boolean {
    return !stream.dropped && lsn >= stream.acceptedFirst && lsn < stream.pendingCutLsn;
  }

  /** Resolves when everything accepted so far is durable. */
  async sync(): Promise<void> {
    if (this.#gathering !== undefined) await this.#gathering.settled;
    await this.#log.sync();
    this.drain();
  }

  /** Applies what is acknowledged. */
  drain(): void {
    const visible = this.#log.lastLsn;
    if (this.#pending.first > visible) return;
    if (this.#log.activeSegmentStart !== this.#book.use.activeStart) this.#book.use.refresh(this.#log.segmentStarts());
    this.#pending.apply(this.#book, visible);
    // What it starts is issued at once, and must not come between what is gathered.
    if (this.#gathering === undefined) this.#onDrained();
  }

  /** Takes nothing more. Resolves once what still needs a sync after it was acknowledged has settled; the rest the log settles when it closes. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#underway);
  }

  /** Whether the log failed, records were lost that their callers count on, and no caller was refused for it. */
  get owesFailure(): boolean {
    const { failure, durableLsn, lastLsn } = this.#log;
    return failure !== undefined && !this.#told && (durableLsn < lastLsn || this.#enqueuedLast > lastLsn);
  }

  /** Fails every later call: something that is not the log's own failed to be written. */
  poison(cause: unknown): void {
    this.#failure ??= stopped(this.#log.directory, cause);
    for (const { visibility } of this.#book.byId.values()) visibility.announce();
  }

  /** Why the log, or one stream of it, can't serve: for a caller, who is then refused. */
  unusable(stream?: StreamState): HoldfastError | undefined {
    const { directory } = this.#log;
    if (this.failure !== undefined) {
      this.#told = true;
      return this.failure;
    }
    if (this.#closed) return closed(directory);
    return stream?.dropped === true ? dropped(directory, stream) : undefined;
  }

  async #issueDurably(record: IssuedRecord): Promise<void> {
    const done = this.#issueAndSync(record);
    this.#underway.add(done);
    try {
      await done;
    } finally {
      this.#underway.delete(done);
    }
  }

  async #issueAndSync(record: IssuedRecord): Promise<void> {
    await this.issueAll([record]);
    // In the weaker durability modes what is acknowledged need not be durable yet.
    if (this.#log.durableLsn < this.#log.lastLsn) await this.#log.sync();
  }

  #issue(effect: Effect, bytes: number): void {
    this.#pending.push(effect);
    this.issuedBytes += bytes;
  }
}
