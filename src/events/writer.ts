/**
 * The writing side: it numbers events, keeps what was enqueued until it is handed to the journal, and knows what is not durable yet.
 *
 * Invariants:
 * - Only this writer appends to the journal. So it knows each record's LSN before the journal does, and every record can say how far back the newest
 *   checkpoint is. A journal that is ahead, or gives another LSN, has a second writer: that poisons.
 * - Records are handed to the journal in the order of their LSNs, and the journal acknowledges in that order.
 * - An LSN is used only when nothing can refuse the record any more: encoded, within the limits, the writer usable.
 * - What is handed over in one batch is there after a crash in whole or not at all; what was handed over before it is there too.
 * - Only what is gathered with other journals' records may still be refused: then its LSNs are taken back, and what was enqueued waits again, all of it
 *   within the call that is refused. Nothing can get an LSN behind these before that: nothing is enqueued while a journal gathers.
 */
import { ConflictError, type HoldfastError, LimitError, StateError } from "../base/index.js";
import type { Journal, LogInput, LsnRange } from "../log/index.js";
import { flushChannel, poisonChannel } from "./channels.js";
import { tooLarge } from "./errors.js";
import { HEADER_BYTES_MAX, type RecordBody, encodePayload } from "./format.js";
import { RECORD_OVERHEAD_BYTES } from "./options.js";

/** A record that has its LSN. */
interface Encoded {
  readonly payload: Uint8Array;
  readonly type: number;
}

/** A batch that the journal has and has not acknowledged. */
interface InFlight {
  readonly records: readonly Encoded[];
  /** Whether a caller hears of its end. */
  readonly awaited: boolean;
  /** It was gathered, and refused without effect. */
  isRefused: boolean;
}

/** Payloads are cut from slabs of this size: one allocation for many events. */
const SLAB_BYTES: number = 64 * 1024;

/** What the writer needs of the options. */
export interface WriterLimits {
  readonly batchSize: number;
  readonly bufferBytesMax: number;
  readonly recordBytesMax: number;
  readonly batchBytesMax: number;
}

export class EventWriter {
  readonly counters = { records: 0, recordBytes: 0, flushes: 0 };
  readonly #journal: Journal;
  readonly #name: string;
  readonly #limits: WriterLimits;
  #nextLsn: number;
  /** The newest checkpoint that has an LSN; 0 for none. New records point back to it. */
  #checkpointLsn: number;
  /** Enqueued events that the journal does not have yet. They have the newest LSNs. */
  #buffer: Encoded[] = [];
  #bufferBatchBytes = 0;
  /** By their first LSN, the oldest first. */
  readonly #inFlight = new Map<number, InFlight>();
  /** Of both. */
  #pendingCount = 0;
  #pendingBytes = 0;
  #slab: Uint8Array = new Uint8Array(0);
  #slabUsed = 0;
  /** Settles with the batch that was handed over last. */
  #last: Promise<unknown> = Promise.resolve();
  #failure: HoldfastError | undefined;
  /** A caller was refused because of `#failure`. */
  #told = false;
  /** Events were lost that nobody waited for. */
  #lostEnqueued = false;
  #closed = false;

  constructor(
    journal: Journal,
    name: string,
    limits: WriterLimits,
    found: { readonly nextLsn: number; readonly newestLsn: number },
  ) {
    this.#journal = journal;
    this.#name = name;
    this.#limits = limits;
    this.#nextLsn = found.nextLsn;
    this.#checkpointLsn = found.newestLsn;
  }

  /** The LSN that the next accepted record gets. */
  get nextLsn(): number {
    return this.#nextLsn;
  }

  get enqueuedCount(): number {
    return this.#buffer.length;
  }

  get pendingCount(): number {
    return this.#pendingCount;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** An accepted record that is not acknowledged yet. */
  pending(lsn: number): Encoded | undefined {
    if (lsn >= this.#nextLsn) return undefined;
    const inBuffer = lsn - (this.#nextLsn - this.#buffer.length);
    if (inBuffer >= 0) return this.#buffer[inBuffer];
    for (const [firstLsn, { records }] of this.#inFlight) {
      if (lsn >= firstLsn && lsn < firstLsn + records.length) return records[lsn - firstLsn];
    }
    return undefined;
  }

  /** Appends one record behind what is enqueued. Resolves to its LSN once it is durable. */
  append(where: string, record: RecordBody): Promise<number> {
    this.#checkUsable();
    this.#checkSize(where, record);
    this.handOver();
    const lsn = this.#nextLsn;
    return this.#send([this.#number(record)], lsn, true);
  }

  /** Appends several records as one batch behind what is enqueued. Resolves once they are durable. */
  appendAll(where: string, records: readonly RecordBody[]): Promise<LsnRange> {
    this.#checkUsable();
    this.#checkBatch(where, records);
    this.handOver();
    const firstLsn = this.#nextLsn;
    const lastLsn = firstLsn + records.length - 1;
    return this.#send(
      records.map((record) => this.#number(record)),
      firstLsn,
      true,
    ).then(() => ({ firstLsn, lastLsn }));
  }

  /** As `appendAll`, the last record being a checkpoint: everything accepted from now on points back to it. */
  appendCheckpoint(where: string, records: readonly RecordBody[]): Promise<LsnRange> {
    const done = this.appendAll(where, records);
    this.#checkpointLsn = this.#nextLsn - 1;
    return done;
  }

  /** Accepts an event and returns its LSN. It goes to the journal with the next hand-over. */
  enqueue(where: string, record: RecordBody): number {
    this.#checkUsable();
    let bytes = this.#checkSize(where, record);
    const { bufferBytesMax, batchBytesMax, batchSize } = this.#limits;
    if (this.#pendingBytes + bytes > bufferBytesMax) bytes = exactBytes(record);
    if (this.#pendingBytes + bytes > bufferBytesMax) {
      throw new LimitError(
        "HF_BACKPRESSURE",
        `${where}: ${this.#pendingBytes} bytes of events are not durable yet, and bufferBytesMax is ${bufferBytesMax}. Await flush(), or use append.`,
        { bytes: this.#pendingBytes, bytesMax: bufferBytesMax },
      );
    }
    if (this.#bufferBatchBytes + bytes > batchBytesMax) this.handOver();
    const lsn = this.#nextLsn;
    const encoded = this.#number(record);
    this.#buffer.push(encoded);
    this.#bufferBatchBytes += encoded.payload.length + BATCH_OVERHEAD_BYTES;
    if (this.#buffer.length >= batchSize) this.handOver();
    return lsn;
  }

  /** Gives the journal what is enqueued, as one batch. Nobody waits for it here: a failure poisons, and the next caller is told. */
  handOver(): void {
    const batch = this.#buffer;
    if (batch.length === 0) return;
    const firstLsn = this.#nextLsn - batch.length;
    this.#buffer = [];
    this.#bufferBatchBytes = 0;
    this.#send(batch, firstLsn, false).then(
      () => {
        this.counters.flushes += 1;
        if (flushChannel.hasSubscribers) flushChannel.publish({ name: this.#name, firstLsn, count: batch.length });
      },
      () => undefined,
    );
  }

  /** Resolves once every record accepted so far is durable, whatever the journal's own mode of durability. */
  async flush(): Promise<number> {
    this.assertUsable();
    return await this.#flush();
  }

  /** Writes what is enqueued and refuses everything later. Rejects where events were lost and nobody was told of it. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#failure === undefined) await this.#flush();
    else if (this.#lostEnqueued && !this.#told) throw this.#failure;
  }

  /** Resolves once an acknowledged record is durable. */
  async sync(lsn: number): Promise<void> {
    try {
      if (this.#journal.durableLsn < lsn) await this.#journal.sync();
    } catch (error) {
      this.#told = true;
      throw this.#poison(error);
    }
  }

  async #flush(): Promise<number> {
    this.handOver();
    const lastLsn = this.#nextLsn - 1;
    try {
      // The journal acknowledges in order: the newest batch speaks for all.
      await this.#last;
      // What was gathered and refused waits again.
      if (this.#nextLsn - this.#buffer.length <= lastLsn && this.#failure === undefined) return await this.#flush();
      await this.sync(lastLsn);
    } catch (error) {
      this.#told = true;
      throw this.#poison(error);
    }
    return this.#journal.durableLsn;
  }

  /** Throws where the event log can't serve any more. */
  assertUsable(): void {
    if (this.#failure !== undefined) {
      this.#told = true;
      throw this.#failure;
    }
    if (this.#closed) throw closedError(this.#name);
  }

  /** Stops everything: what the journal holds is not what was accepted. */
  #poison(error: unknown): HoldfastError {
    if (this.#failure !== undefined) return this.#failure;
    this.#failure =
      error instanceof StateError || error instanceof ConflictError
        ? error
        : new StateError(
            "HF_POISONED",
            "A write of the event log failed, so what it holds is unknown. Close it and open it again; the cause has the first failure.",
            { name: this.#name },
            error,
          );
    if (poisonChannel.hasSubscribers) poisonChannel.publish({ name: this.#name, cause: error });
    return this.#failure;
  }

  #checkUsable(): void {
    this.assertUsable();
    const expected = this.#nextLsn - this.#buffer.length;
    const { nextLsn } = this.#journal;
    // What waits for room has no number in the journal yet, so while something is on its way the journal may be behind, but never ahead.
    if (nextLsn === expected || (nextLsn < expected && this.#inFlight.size > 0)) return;
    this.#told = true;
    throw this.#poison(this.#secondWriter(nextLsn, expected));
  }

  /** What a record adds to a batch, at most. */
  #checkSize(where: string, { body }: RecordBody): number {
    const { recordBytesMax } = this.#limits;
    const bytes = bodyBytes(body, recordBytesMax - HEADER_BYTES_MAX);
    if (bytes + HEADER_BYTES_MAX > recordBytesMax) throw tooLarge(where, bytes, recordBytesMax - HEADER_BYTES_MAX);
    return bytes + BATCH_OVERHEAD_BYTES;
  }

  #checkBatch(where: string, records: readonly RecordBody[]): void {
    const { batchBytesMax } = this.#limits;
    let bytes = 0;
    for (const record of records) bytes += this.#checkSize(where, record);
    if (bytes > batchBytesMax) bytes = records.reduce((sum, record) => sum + exactBytes(record), 0);
    if (bytes <= batchBytesMax) return;
    throw new LimitError(
      "HF_BATCH_TOO_LARGE",
      `${where}: the batch takes ${bytes} bytes; this log takes up to ${batchBytesMax} at once. Nothing was appended.`,
      { bytes, bytesMax: batchBytesMax },
    );
  }

  /** Gives a record its LSN. Nothing may refuse it from here on. */
  #number({ type, version, body }: RecordBody): Encoded {
    const back = this.#checkpointLsn === 0 ? 0 : this.#nextLsn - this.#checkpointLsn;
    const payload = this.#encode(version, back, body);
    this.#nextLsn += 1;
    this.#pendingCount += 1;
    this.#pendingBytes += payload.length + BATCH_OVERHEAD_BYTES;
    return { payload, type };
  }

  #encode(version: number, back: number, body: Uint8Array | string): Uint8Array {
    const room = HEADER_BYTES_MAX + (typeof body === "string" ? body.length * 3 : body.length);
    if (room > SLAB_BYTES / 8) {
      const bytes = unsetBytes(room);
      return bytes.subarray(0, encodePayload(bytes, 0, version, back, body));
    }
    if (this.#slabUsed + room > this.#slab.length) {
      this.#slab = unsetBytes(SLAB_BYTES);
      this.#slabUsed = 0;
    }
    const start = this.#slabUsed;
    this.#slabUsed = encodePayload(this.#slab, start, version, back, body);
    return this.#slab.subarray(start, this.#slabUsed);
  }

  /** Hands a batch to the journal. Resolves to its first LSN once it is acknowledged. `awaited` says whether a caller hears of a failure. */
  #send(records: readonly Encoded[], firstLsn: number, awaited: boolean): Promise<number> {
    const batch: InFlight = { records, awaited, isRefused: false };
    this.#inFlight.set(firstLsn, batch);
    const isGathered = this.#journal.isGathering === true;
    if (isGathered) this.#journal.onRefused?.(() => this.#takeBack(firstLsn, batch));
    const [record] = records;
    const sent =
      records.length === 1 && record !== undefined
        ? this.#journal.append(record.payload, record.type)
        : this.#journal.appendAll(records satisfies readonly LogInput[]).then((range) => range.firstLsn);
    const done = sent.then(
      (got) =>
        got === firstLsn
          ? this.#acknowledge(records, firstLsn)
          : this.#lose(this.#secondWriter(got, firstLsn), awaited),
      (error: unknown) => {
        if (batch.isRefused) throw error;
        return this.#lose(error, awaited);
      },
    );
    if (isGathered) this.#lastUnlessRefused(done, batch);
    else this.#last = done;
    return done;
  }

  /** A refused batch says nothing of those before it. */
  #lastUnlessRefused(done: Promise<unknown>, batch: InFlight): void {
    const before = this.#last;
    this.#last = done.catch((error: unknown) => {
      if (batch.isRefused) return before;
      throw error;
    });
    this.#last.catch(() => undefined);
  }

  /** A gathered batch is refused without effect: the newest that there is, since those behind it were taken back before. */
  #takeBack(firstLsn: number, batch: InFlight): void {
    const { records, awaited } = batch;
    batch.isRefused = true;
    this.#inFlight.delete(firstLsn);
    if (awaited) {
      this.#nextLsn = firstLsn;
      this.#forget(records);
      return;
    }
    this.#buffer = [...records, ...this.#buffer];
    for (const { payload } of records) this.#bufferBatchBytes += payload.length + BATCH_OVERHEAD_BYTES;
  }

  /** A batch is lost, or stands where it does not belong. */
  #lose(error: unknown, awaited: boolean): never {
    if (awaited) this.#told = true;
    else this.#lostEnqueued = true;
    throw this.#poison(error);
  }

  #acknowledge(records: readonly Encoded[], firstLsn: number): number {
    this.#inFlight.delete(firstLsn);
    this.#forget(records);
    this.counters.records += records.length;
    for (const { payload } of records) this.counters.recordBytes += payload.length;
    return firstLsn;
  }

  /** They are not pending any more. */
  #forget(records: readonly Encoded[]): void {
    this.#pendingCount -= records.length;
    for (const { payload } of records) this.#pendingBytes -= payload.length + BATCH_OVERHEAD_BYTES;
  }

  #secondWriter(got: number, expected: number): ConflictError {
    return new ConflictError(
      "HF_SECOND_WRITER",
      `The journal is at LSN ${got} where the event log left it at ${expected}. Only one event log may write to a journal; close this one and open it again.`,
      { got, expected },
    );
  }
}

/** What a record adds to a batch beside its body, at most. */
export const BATCH_OVERHEAD_BYTES: number = HEADER_BYTES_MAX + RECORD_OVERHEAD_BYTES;

/** Size of a body; of a text a bound, unless that is above `enough`. */
function bodyBytes(body: Uint8Array | string, enough: number): number {
  if (typeof body !== "string") return body.length;
  return body.length * 3 <= enough ? body.length * 3 : Buffer.byteLength(body);
}

function exactBytes({ body }: RecordBody): number {
  return BATCH_OVERHEAD_BYTES + (typeof body === "string" ? Buffer.byteLength(body) : body.length);
}

/** What is asked of an event log that is closed. */
export function closedError(name: string): StateError {
  return new StateError("HF_CLOSED", `The event log${name === "" ? "" : ` in ${name}`} is closed.`, { name });
}

/** Bytes that are about to be written. No `Buffer`, whose `slice` does not copy. */
function unsetBytes(count: number): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(count).buffer, 0, count);
}
