/**
 * The writing side: it numbers events, keeps what was enqueued until it is handed to the journal, and knows what is not durable yet.
 *
 * Invariants:
 * - Only this writer appends to the journal. So it knows each record's LSN before the journal does, and every record can say how far back the newest
 *   checkpoint is. A journal that gives another LSN has a second writer: that poisons.
 * - Records are handed to the journal in the order of their LSNs, and the journal acknowledges in that order.
 * - An LSN is used only when nothing can refuse the record any more: encoded, within the limits, the writer usable.
 * - What is handed over in one batch is there after a crash in whole or not at all; what was handed over before it is there too.
 */
import { ConflictError, type HoldfastError, LimitError, StateError } from "../base/index.js";
import type { Journal, LogInput, LsnRange } from "../log/index.js";
import { flushChannel, poisonChannel } from "./channels.js";
import { tooLarge } from "./errors.js";
import { HEADER_BYTES_MAX, type RecordBody, encodePayload } from "./format.js";
import { RECORD_OVERHEAD_BYTES } from "./options.js";

interface Encoded {
  readonly payload: Uint8Array;
  readonly type: number;
}

/** What the writer needs of the options. */
export interface WriterLimits {
  readonly batchSize: number;
  readonly bufferBytesMax: number;
  readonly recordBytesMax: number;
  readonly batchBytesMax: number;
}

export class EventWriter {
  readonly counters = { events: 0, flushes: 0, eventBytes: 0 };
  readonly #journal: Journal;
  readonly #name: string;
  readonly #limits: WriterLimits;
  #nextLsn: number;
  /** The newest checkpoint that has an LSN; 0 for none. New records point back to it. */
  #checkpointLsn: number;
  /** Enqueued events that the journal does not have yet. They have the newest LSNs. */
  #buffer: Encoded[] = [];
  #bufferBatchBytes = 0;
  /** Accepted events that are not acknowledged, by LSN. */
  readonly #pending = new Map<number, Encoded>();
  #pendingBytes = 0;
  #inFlight = 0;
  /** Settles with the batch that was handed over last. */
  #last: Promise<unknown> = Promise.resolve();
  #failure: HoldfastError | undefined;
  /** A caller was refused because of `#failure`. */
  #told = false;
  /** Events were lost that nobody waited for. */
  #lostEnqueued = false;
  #closed = false;

  constructor(journal: Journal, name: string, limits: WriterLimits, checkpointLsn: number) {
    this.#journal = journal;
    this.#name = name;
    this.#limits = limits;
    this.#nextLsn = journal.nextLsn;
    this.#checkpointLsn = checkpointLsn;
  }

  /** The LSN that the next accepted record gets. */
  get nextLsn(): number {
    return this.#nextLsn;
  }

  get checkpointLsn(): number {
    return this.#checkpointLsn;
  }

  get enqueuedCount(): number {
    return this.#buffer.length;
  }

  get pendingCount(): number {
    return this.#pending.size;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** An accepted record that is not acknowledged yet. */
  pending(lsn: number): Encoded | undefined {
    return this.#pending.get(lsn);
  }

  /** Appends one record behind what is enqueued. Resolves to its LSN once it is durable. */
  append(where: string, record: RecordBody): Promise<number> {
    this.#check(where, [record]);
    this.handOver();
    const lsn = this.#nextLsn;
    return this.#send(this.#number([record]), lsn).then(() => lsn);
  }

  /** Appends several records as one batch behind what is enqueued. Resolves once they are durable. */
  appendAll(where: string, records: readonly RecordBody[]): Promise<LsnRange> {
    this.#check(where, records);
    this.handOver();
    const firstLsn = this.#nextLsn;
    return this.#send(this.#number(records), firstLsn).then(() => ({
      firstLsn,
      lastLsn: firstLsn + records.length - 1,
    }));
  }

  /** As `appendAll`, the last record being a checkpoint: everything accepted from now on points back to it. */
  appendCheckpoint(where: string, records: readonly RecordBody[]): Promise<LsnRange> {
    const done = this.appendAll(where, records);
    this.#checkpointLsn = this.#nextLsn - 1;
    return done;
  }

  /** Accepts an event and returns its LSN. It goes to the journal with the next hand-over. */
  enqueue(where: string, record: RecordBody): number {
    this.#check(where, [record]);
    const bytes = batchBytes(record);
    if (this.#pendingBytes + bytes > this.#limits.bufferBytesMax) {
      throw new LimitError(
        "HF_BACKPRESSURE",
        `${where}: ${this.#pendingBytes} bytes of events are not durable yet, and bufferBytesMax is ${this.#limits.bufferBytesMax}. Await flush(), or use append.`,
        { bytes: this.#pendingBytes, bytesMax: this.#limits.bufferBytesMax },
      );
    }
    if (this.#bufferBatchBytes + bytes > this.#limits.batchBytesMax) this.handOver();
    const lsn = this.#nextLsn;
    this.#buffer.push(...this.#number([record]));
    this.#bufferBatchBytes += bytes;
    if (this.#buffer.length >= this.#limits.batchSize) this.handOver();
    return lsn;
  }

  /** Gives the journal what is enqueued, as one batch. Nobody waits for it here: a failure poisons, and the next caller is told. */
  handOver(): void {
    const batch = this.#buffer;
    if (batch.length === 0) return;
    const firstLsn = this.#nextLsn - batch.length;
    this.#buffer = [];
    this.#bufferBatchBytes = 0;
    this.#send(batch, firstLsn).then(
      () => {
        this.counters.flushes += 1;
        if (flushChannel.hasSubscribers) flushChannel.publish({ name: this.#name, firstLsn, count: batch.length });
      },
      () => {
        this.#lostEnqueued = true;
      },
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
    if (this.#closed) throw new StateError("HF_CLOSED", "The event log is closed.", { name: this.#name });
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

  #check(where: string, records: readonly RecordBody[]): void {
    this.assertUsable();
    const { recordBytesMax, batchBytesMax } = this.#limits;
    let sum = 0;
    for (const record of records) {
      const bytes = HEADER_BYTES_MAX + record.body.length;
      if (bytes > recordBytesMax) throw tooLarge(where, record.body.length, recordBytesMax - HEADER_BYTES_MAX);
      sum += batchBytes(record);
    }
    if (sum > batchBytesMax) {
      throw new LimitError(
        "HF_BATCH_TOO_LARGE",
        `${where}: the batch takes ${sum} bytes; this log takes up to ${batchBytesMax} at once. Nothing was appended.`,
        { bytes: sum, bytesMax: batchBytesMax },
      );
    }
    // While nothing is on its way the journal must be where it was left.
    if (this.#inFlight === 0 && this.#journal.nextLsn !== this.#nextLsn - this.#buffer.length) {
      throw this.#poison(this.#secondWriter(this.#journal.nextLsn, this.#nextLsn - this.#buffer.length));
    }
  }

  /** Gives records their LSNs. Nothing may refuse them from here on. */
  #number(records: readonly RecordBody[]): Encoded[] {
    return records.map(({ type, version, body }) => {
      const lsn = this.#nextLsn++;
      const back = this.#checkpointLsn === 0 ? 0 : lsn - this.#checkpointLsn;
      const record = { payload: encodePayload(version, back, body), type };
      this.#pending.set(lsn, record);
      this.#pendingBytes += record.payload.length + RECORD_OVERHEAD_BYTES;
      return record;
    });
  }

  #send(records: readonly Encoded[], firstLsn: number): Promise<void> {
    this.#inFlight += 1;
    const [record] = records;
    const sent =
      records.length === 1 && record !== undefined
        ? this.#journal.append(record.payload, record.type)
        : this.#journal.appendAll(records satisfies readonly LogInput[]).then((range) => range.firstLsn);
    const done = sent.then(
      (got) => this.#acknowledge(records, firstLsn, got),
      (error: unknown) => {
        throw this.#poison(error);
      },
    );
    this.#last = done;
    return done;
  }

  #acknowledge(records: readonly Encoded[], firstLsn: number, got: number): void {
    this.#inFlight -= 1;
    if (got !== firstLsn) throw this.#poison(this.#secondWriter(got, firstLsn));
    for (const [index, { payload }] of records.entries()) {
      this.#pending.delete(firstLsn + index);
      this.#pendingBytes -= payload.length + RECORD_OVERHEAD_BYTES;
      this.counters.eventBytes += payload.length;
    }
    this.counters.events += records.length;
  }

  #secondWriter(got: number, expected: number): ConflictError {
    return new ConflictError(
      "HF_SECOND_WRITER",
      `The journal is at LSN ${got} where the event log left it at ${expected}. Only one event log may write to a journal; close this one and open it again.`,
      { got, expected },
    );
  }
}

/** What a record adds to a batch, at most. */
export function batchBytes({ body }: RecordBody): number {
  return HEADER_BYTES_MAX + body.length + RECORD_OVERHEAD_BYTES;
}
