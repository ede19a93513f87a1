/**
 * Group commit: many callers append at once, one group is on its way to the disk, the next one fills.
 *
 * Invariants:
 * - LSNs are given when a record is encoded into a group, in the order of the calls, and never given back: a failure poisons.
 * - One group is on its way at a time; records are acknowledged in LSN order.
 * - Two groups are in memory. Records that do not fit into the filling one wait, unnumbered, with their callers; so do all that come
 *   while `exclusive` work (cutting, closing) is under way.
 */
import { type HoldfastError, InvalidArgumentError, LimitError, StateError, invalid } from "../base/index.js";
import { poisonChannel } from "./channels.js";
import { Fifo } from "./fifo.js";
import { GROUP_HEADER_BYTES, RECORD_HEADER_BYTES, recordBytes } from "./format.js";
import { GroupBuffer } from "./group-buffer.js";
import type { JournalLimits, LogInput, LsnRange } from "./journal.js";
import { segmentRoom } from "./options.js";
import { commitGroup, syncTail } from "./sync.js";
import type { LogTail } from "./tail.js";

interface WaitingBatch {
  readonly records: readonly LogInput[];
  readonly bytes: number;
  readonly resolve: (range: LsnRange) => void;
  readonly reject: (error: unknown) => void;
}

/** The appending side of a log. */
export class LogWriter {
  readonly #tail: LogTail;
  readonly #bodyBytesMax: number;
  readonly #batchBodyBytesMax: number;
  #filling = new GroupBuffer();
  #other = new GroupBuffer();
  #nextLsn: number;
  readonly #waiting = new Fifo<WaitingBatch>();
  #running: Promise<void> | undefined;
  #syncing: Promise<void> | undefined;
  #exclusiveCount = 0;
  #exclusiveLast: Promise<unknown> = Promise.resolve();
  #resting: Promise<void> | undefined;
  #restAgain = false;
  /** Records were lost that nobody waits for. */
  #lostEnqueued = false;
  #failure: StateError | undefined;
  /** A caller was refused because of `#failure`. */
  #told = false;
  #closed: Promise<void> | undefined;
  readonly #onRest: () => Promise<void>;
  readonly #onAcknowledge: () => void;

  /**
   * `onRest` runs each time nothing is left to write; the writer does not wait for it before it takes records. `onAcknowledge` runs when
   * readers may see more, or nothing more will come.
   */
  constructor(tail: LogTail, onRest: () => Promise<void>, onAcknowledge: () => void) {
    this.#tail = tail;
    this.#onRest = onRest;
    this.#onAcknowledge = onAcknowledge;
    this.#nextLsn = tail.visibleLsn + 1;
    const { groupBytesMax, segmentBytes, blockBytes } = tail.options;
    this.#bodyBytesMax = groupBytesMax - GROUP_HEADER_BYTES;
    this.#batchBodyBytesMax = segmentRoom(segmentBytes, blockBytes) - GROUP_HEADER_BYTES;
  }

  /** The LSN that the next accepted record gets. */
  get nextLsn(): number {
    return this.#nextLsn;
  }

  get limits(): JournalLimits {
    const { recordBytesMax } = this.#tail.options;
    return { recordBytesMax, batchBytesMax: this.#batchBodyBytesMax, recordHeaderBytes: RECORD_HEADER_BYTES };
  }

  /** Appends that wait for room. */
  get waitingCount(): number {
    return this.#waiting.size;
  }

  get failure(): StateError | undefined {
    return this.#failure;
  }

  /** `close` was called. */
  get closed(): boolean {
    return this.#closed !== undefined;
  }

  append(payload: Uint8Array, type: number): Promise<number> {
    const problem = this.#unusable() ?? this.#refusal(payload, type);
    if (problem !== undefined) return Promise.reject(problem);
    if (!this.#takes(recordBytes(payload.length))) {
      return this.#wait([{ payload, type }], recordBytes(payload.length)).then(({ firstLsn }) => firstLsn);
    }
    const lsn = this.#accept(payload, type);
    this.#start();
    return this.#filling.done.then(() => lsn);
  }

  appendAll(records: readonly LogInput[]): Promise<LsnRange> {
    let bytes = 0;
    let problem =
      this.#unusable() ??
      (Array.isArray(records) ? undefined : invalid("Log.appendAll", "records", records, "an array"));
    if (problem === undefined && records.length === 0) {
      problem = new InvalidArgumentError(
        "HF_INVALID_ARGUMENT",
        "Log.appendAll: an empty batch has no LSN. Pass at least one record.",
      );
    }
    for (let index = 0; problem === undefined && index < records.length; index++) {
      const record = records[index]!;
      const payload = record instanceof Uint8Array ? record : record?.payload;
      problem = this.#refusal(payload, record instanceof Uint8Array ? 0 : (record?.type ?? 0));
      if (problem === undefined) bytes += recordBytes(payload.length);
    }
    if (problem === undefined && bytes > this.#batchBodyBytesMax) {
      problem = new LimitError(
        "HF_BATCH_TOO_LARGE",
        `Log.appendAll: the batch takes ${bytes} bytes; a batch must fit into a segment, which has room for ${this.#batchBodyBytesMax}. ` +
          "Append less at once, or make the log with a larger segmentBytes.",
        { bytes, bytesMax: this.#batchBodyBytesMax },
      );
    }
    if (problem !== undefined) return Promise.reject(problem);
    if (!this.#takes(bytes)) return this.#wait(records, bytes);
    const range = this.#acceptAll(records);
    this.#start();
    return this.#filling.done.then(() => range);
  }

  enqueue(payload: Uint8Array, type: number): number {
    const problem = this.#unusable() ?? this.#refusal(payload, type);
    if (problem !== undefined) throw problem;
    if (!this.#takes(recordBytes(payload.length))) {
      throw new LimitError(
        "HF_BACKPRESSURE",
        "Log.enqueue: the group that fills is full while another one is written. Await sync(), or use append, which waits.",
        { groupBytesMax: this.#tail.options.groupBytesMax },
      );
    }
    const lsn = this.#accept(payload, type);
    this.#filling.enqueuedCount += 1;
    this.#start();
    return lsn;
  }

  /** Resolves when every record that has an LSN, or waits for one, is durable. */
  async sync(): Promise<number> {
    this.assertUsable();
    if (this.#waiting.size > 0) await this.#wait([], 0);
    // Groups settle in order, so the newest one with records in it speaks for all.
    if (this.#filling.count > 0) await this.#filling.done;
    else if (this.#other.count > 0) await this.#other.done;
    await this.syncWritten();
    return this.#tail.durableLsn;
  }

  /** Makes durable what is written; leaves alone what is still in memory. One sync at a time; a failure poisons. */
  async syncWritten(): Promise<void> {
    const target = this.#tail.visibleLsn;
    // What is cut meanwhile needs no sync any more.
    while (this.#tail.durableLsn < Math.min(target, this.#tail.visibleLsn)) {
      this.#throwFailure();
      this.#syncing ??= syncTail(this.#tail)
        .catch((error: unknown) => {
          this.#poison(error);
        })
        .finally(() => {
          this.#syncing = undefined;
        });
      await this.#syncing;
    }
    this.#throwFailure();
  }

  /**
   * Runs `prepare`, then `effect`, while no group is on its way and none can start; records that come meanwhile wait, unnumbered. Everything
   * accepted before is durable first. Any failure of `effect` poisons; `prepare` must change nothing on disk.
   */
  exclusive<Plan, Result>(prepare: () => Promise<Plan>, effect: (plan: Plan) => Promise<Result>): Promise<Result> {
    const problem = this.#unusable();
    if (problem !== undefined) return Promise.reject(problem);
    this.#exclusiveCount += 1;
    const mine = this.#exclusiveLast.then(async () => {
      try {
        while (this.#running !== undefined) await this.#running;
        await this.syncWritten();
        const plan = await prepare();
        await this.#resting;
        this.#throwFailure();
        try {
          return await effect(plan);
        } catch (error) {
          throw this.#poison(error);
        }
      } finally {
        this.#exclusiveCount -= 1;
        if (this.#failure === undefined) this.#nextLsn = this.#tail.visibleLsn + 1;
        this.#start();
      }
    });
    this.#exclusiveLast = mine.catch(() => undefined);
    return mine;
  }

  /** Takes nothing more. What was accepted or waits is written and synced first; then `last` runs, unless the log is poisoned. */
  close(last: () => Promise<void>): Promise<void> {
    this.#closed ??= this.#finish(last);
    return this.#closed;
  }

  async #finish(last: () => Promise<void>): Promise<void> {
    const failedBefore = this.#failure !== undefined;
    await this.#exclusiveLast;
    while (this.#running !== undefined) await this.#running;
    await this.#resting;
    if (this.#failure !== undefined) {
      // Who was told of the failure, or was promised no more than is durable, only wants everything released. Any other must hear of it here.
      if (failedBefore && (this.#told || (!this.#lostEnqueued && this.#tail.durableLsn >= this.#tail.visibleLsn)))
        return;
      throw this.#failure;
    }
    try {
      await this.syncWritten();
      await last();
    } catch (error) {
      throw this.#poison(error);
    }
  }

  /** Fails everything that is pending and everything that comes (R4). Returns the error that all of them get. */
  #poison(cause: unknown): StateError {
    if (this.#failure !== undefined) return this.#failure;
    const { path } = this.#tail.directory;
    const what = cause instanceof Error ? cause.message : String(cause);
    this.#failure = new StateError(
      "HF_POISONED",
      `The log in ${path} stopped after a failed write: ${what} Records up to durableLsn are safe. Close it and open it again to recover.`,
      { path },
      cause,
    );
    if (poisonChannel.hasSubscribers) poisonChannel.publish({ directory: path, cause });
    for (let batch = this.#waiting.take(); batch !== undefined; batch = this.#waiting.take())
      batch.reject(this.#failure);
    this.#fail(this.#filling, this.#failure);
    this.#onAcknowledge();
    return this.#failure;
  }

  #fail(group: GroupBuffer, failure: StateError): void {
    if (group.enqueuedCount > 0) this.#lostEnqueued = true;
    group.fail(failure);
  }

  assertUsable(): void {
    const problem = this.#unusable();
    if (problem !== undefined) throw problem;
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  #unusable(): HoldfastError | undefined {
    if (this.#failure !== undefined) {
      this.#told = true;
      return this.#failure;
    }
    if (this.#closed === undefined) return undefined;
    const { path } = this.#tail.directory;
    return new StateError("HF_CLOSED", `The log in ${path} is closed.`, { path });
  }

  #refusal(payload: Uint8Array, type: number): HoldfastError | undefined {
    if (!(payload instanceof Uint8Array)) return invalid("Log.append", "payload", payload, "a Uint8Array");
    if (!Number.isInteger(type) || type < 0 || type > 255)
      return invalid("Log.append", "type", type, "an integer from 0 to 255");
    const { recordBytesMax } = this.#tail.options;
    if (payload.length <= recordBytesMax) return undefined;
    return new LimitError(
      "HF_RECORD_TOO_LARGE",
      `Log.append: the payload has ${payload.length} bytes; this log takes up to ${recordBytesMax}. Nothing was appended.`,
      { bytes: payload.length, bytesMax: recordBytesMax },
    );
  }

  #takes(bytes: number): boolean {
    return this.#waiting.size === 0 && this.#exclusiveCount === 0 && this.#filling.fits(bytes, this.#bodyBytesMax);
  }

  #accept(payload: Uint8Array, type: number): number {
    const group = this.#filling;
    if (group.count === 0) group.firstLsn = this.#nextLsn;
    group.add(type, payload);
    return this.#nextLsn++;
  }

  #acceptAll(records: readonly LogInput[]): LsnRange {
    const firstLsn = this.#nextLsn;
    for (const record of records) {
      if (record instanceof Uint8Array) this.#accept(record, 0);
      else this.#accept(record.payload, record.type ?? 0);
    }
    return { firstLsn, lastLsn: this.#nextLsn - 1 };
  }

  #wait(records: readonly LogInput[], bytes: number): Promise<LsnRange> {
    return new Promise((resolve, reject) => {
      this.#waiting.add({ records, bytes, resolve, reject });
      this.#start();
    });
  }

  /** Moves waiting batches into the filling group, as far as they fit. */
  #admit(): void {
    while (this.#exclusiveCount === 0) {
      const batch = this.#waiting.first;
      if (batch === undefined || !this.#filling.fits(batch.bytes, this.#bodyBytesMax)) return;
      this.#waiting.take();
      const range = this.#acceptAll(batch.records);
      if (this.#filling.count === 0) batch.resolve(range);
      else this.#filling.done.then(() => batch.resolve(range), batch.reject);
    }
  }

  #start(): void {
    if (this.#running !== undefined || this.#failure !== undefined) return;
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
      // Records may have come between the last look and now.
      if (this.#filling.count > 0 || (this.#waiting.size > 0 && this.#exclusiveCount === 0)) this.#start();
    });
  }

  /** Writes group after group until nothing is left. */
  async #run(): Promise<void> {
    for (;;) {
      // All callers that one acknowledgement woke append before the next group leaves: it takes them all.
      await this.#turn();
      this.#admit();
      if (this.#failure !== undefined) return;
      if (this.#filling.count === 0) {
        this.#rest();
        return;
      }
      const group = this.#filling;
      this.#filling = this.#other;
      this.#other = group;
      this.#admit();
      try {
        await commitGroup(this.#tail, group);
      } catch (error) {
        this.#fail(group, this.#poison(error));
        return;
      }
      // A sync that ran beside the write may have failed: what it covered was said to be lost, so nothing behind it is acknowledged.
      if (this.#failure !== undefined) {
        this.#fail(group, this.#failure);
        return;
      }
      group.acknowledge();
      this.#onAcknowledge();
    }
  }

  /** Nobody waits for `onRest`, but for exclusive work and closing. One runs at a time; what came to rest meanwhile gets one more. */
  #rest(): void {
    if (this.#exclusiveCount > 0) return;
    if (this.#resting !== undefined) {
      this.#restAgain = true;
      return;
    }
    this.#restAgain = false;
    this.#resting = this.#onRest()
      .catch((error: unknown) => {
        this.#poison(error);
      })
      .finally(() => {
        this.#resting = undefined;
        if (this.#restAgain && this.#failure === undefined && this.#closed === undefined) this.#rest();
      });
  }

  #turn(): Promise<void> {
    // The inline flush never leaves the thread, so it must let the event loop go round between two groups.
    return new Promise((resolve) => {
      if (this.#tail.options.flush === "inline") setImmediate(resolve);
      else process.nextTick(resolve);
    });
  }
}
