/** The log: the public face of the writer, the reader and the truncations. */
import { type StateError, invalid } from "../base/index.js";
import { type VfsLock } from "../vfs/index.js";
import type { TornMode } from "./format.js";
import { followRecords, type FollowOptions, Visibility } from "./follower.js";
import type { Journal, JournalLimits, LogInput, LsnRange } from "./journal.js";
import { type LogStats, collectStats } from "./log-stats.js";
import type { MarkWriter } from "./mark.js";
import { anchorClose, openLog, type OpenedLog } from "./open.js";
import type { LogOptions } from "./options.js";
import {
  type ReadOptions,
  type ReadSource,
  checkLsn,
  outOfRange,
  readBatches,
  readRecord,
  readRecords,
} from "./reader.js";
import type { LogRecord, RecordBatch } from "./record-batch.js";
import type { RecoveryReport } from "./recovery.js";
import type { SegmentFiles } from "./segment-files.js";
import type { SegmentTable } from "./segment-table.js";
import { nextEpoch } from "./state.js";
import type { LogTail } from "./tail.js";
import { cutAfter, planCut, pruneBefore } from "./truncation.js";
import { LogWriter } from "./writer.js";

/**
 * A write-ahead log in a directory of its own. One writer at a time, held by a lock; readers in other processes use `LogReader`.
 *
 * LSNs (log sequence numbers) start at 1 and grow by one with each record, without gaps.
 *
 * @example
 * ```ts
 * import { Log } from "holdfast/log";
 *
 * await using log = await Log.open("./ledger");
 * const lsn = await log.append(new TextEncoder().encode("paid 5")); // durable now
 * for await (const record of log.read({ from: lsn })) console.log(record.lsn, record.payload);
 * ```
 */
export class Log implements Journal {
  readonly directory: string;
  /** How the log was opened: what recovery kept, rewrote and cut. */
  readonly recovery: RecoveryReport;
  readonly #tail: LogTail;
  readonly #writer: LogWriter;
  readonly #lock: VfsLock;
  readonly #mark: MarkWriter;
  readonly #source: LogSource;
  readonly #visibility = new Visibility();
  readonly #stop = new AbortController();
  #closing: Promise<void> | undefined;

  private constructor(opened: OpenedLog) {
    const { tail } = opened;
    this.directory = tail.directory.path;
    this.recovery = opened.recovery;
    this.#tail = tail;
    this.#lock = opened.lock;
    this.#mark = opened.mark;
    this.#writer = new LogWriter(
      tail,
      () => this.#writeMark(),
      () => this.#visibility.announce(),
    );
    this.#source = new LogSource(tail, this.#writer);
    if (tail.options.durability === "interval") void this.#syncEveryInterval(tail.options.syncIntervalMs);
  }

  /**
   * Opens the log in `directory`, or makes one. What a crash left is recovered first; `recovery` tells what was done. When this resolves, every
   * record that readers can see is durable.
   *
   * Errors: `LockedError` (another opener, with its pid), `InvalidArgumentError` (options; a path that is no directory; no log there and
   * `createIfMissing: false`), `ConflictError` `HF_OPTION_MISMATCH`, `FormatError` (`HF_FORMAT_NEWER`, `HF_FORMAT_UNKNOWN` for a directory with
   * other files, `HF_FORMAT_FOREIGN` for another log's segment), `CorruptionError`, `IoError`, `LimitError` `HF_SEQUENCE_EXHAUSTED` (opened, or cut by
   * `truncateAfter`, 2^32 − 1 times: it can only be read). After an error nothing is held or lost.
   */
  static async open(directory: string, options?: LogOptions): Promise<Log> {
    if (typeof directory !== "string" || directory === "") throw invalid("Log.open", "directory", directory, "a path");
    return new Log(await openLog(directory, options));
  }

  /** The oldest LSN in the log; `lastLsn + 1` where the log is empty. */
  get firstLsn(): number {
    return this.#tail.state.firstLsn;
  }

  /** The newest acknowledged LSN; `firstLsn - 1` where the log is empty. */
  get lastLsn(): number {
    return this.#tail.visibleLsn;
  }

  /** The newest LSN that no crash can take away. Equal to `lastLsn` with `durability: "sync"`. */
  get durableLsn(): number {
    return this.#tail.durableLsn;
  }

  /** The LSN that the next accepted record gets. */
  get nextLsn(): number {
    return this.#writer.nextLsn;
  }

  /**
   * Appends a record and resolves to its LSN once it is durable (with `durability: "sync"`; see `Durability` for the weaker modes). Concurrent
   * calls share one write to the disk. `type` is 0 to 255, default 0, and means what you want it to.
   *
   * `payload` must not change until the promise settles. Errors: `LimitError` `HF_RECORD_TOO_LARGE`, `InvalidArgumentError`, `StateError`
   * (`HF_CLOSED`, or `HF_POISONED` once any write failed: then no later append succeeds, and opening again is the recovery).
   */
  append(payload: Uint8Array, type: number = 0): Promise<number> {
    return this.#writer.append(payload, type);
  }

  /**
   * Appends several records as one atomic batch: after any crash either all of them are there or none. Otherwise as `append`. A batch must fit
   * into a segment: `LimitError` `HF_BATCH_TOO_LARGE`.
   */
  appendAll(records: readonly LogInput[]): Promise<LsnRange> {
    return this.#writer.appendAll(records);
  }

  /**
   * Accepts a record and returns its LSN at once. It is not durable, and may be lost, until a `sync` or `append` called after it resolves.
   * Throws where `append` rejects, and `LimitError` `HF_BACKPRESSURE` where `append` would wait.
   */
  enqueue(payload: Uint8Array, type: number = 0): number {
    return this.#writer.enqueue(payload, type);
  }

  /** Makes durable everything accepted so far, in every durability mode. Resolves to `durableLsn`. */
  sync(): Promise<number> {
    return this.#writer.sync();
  }

  /** The record with this LSN, durable or at least acknowledged; `undefined` where the log does not hold it. */
  get(lsn: number): Promise<LogRecord | undefined> {
    return readRecord(this.#source, lsn);
  }

  /** The records in a range, oldest first or newest first. Memory is bounded; what is appended meanwhile is not seen. */
  read(options?: ReadOptions): AsyncIterableIterator<LogRecord> {
    return readRecords(this.#source, "Log.read", options);
  }

  /** As `read`, by the group: the fast way to read much. A batch is valid until the next one is asked for. */
  readBatches(options?: ReadOptions): AsyncGenerator<RecordBatch, void, undefined> {
    return readBatches(this.#source, "Log.readBatches", options);
  }

  /**
   * The records from `from` on (default: those that come from now on), and then each new one once it is acknowledged. Ends when the log closes.
   * Errors at a step: `HF_LSN_OUT_OF_RANGE` (the next record was pruned), `ConflictError` `HF_CUT` (records that were read have been cut).
   */
  follow(options?: FollowOptions): AsyncGenerator<LogRecord, void, undefined> {
    return followRecords(this.#source, "Log.follow", options, (signal) => this.#visibility.changed(signal));
  }

  /**
   * Drops the records below `lsn`, durably. Costs the same whatever the size. At most `lastLsn + 1`, which drops all; an LSN at or below
   * `firstLsn` has nothing to drop. Appends wait meanwhile.
   */
  async truncateBefore(lsn: number): Promise<void> {
    checkLsn("Log.truncateBefore", lsn);
    await this.#writer.exclusive(
      async () => {
        if (lsn > this.lastLsn + 1) throw outOfRange("Log.truncateBefore", lsn, this.firstLsn, this.lastLsn);
      },
      async () => {
        if (lsn > this.firstLsn) await pruneBefore(this.#tail, lsn);
      },
    );
  }

  /**
   * Drops the records above `lsn`, durably and atomically; the next append gets `lsn + 1`. From `firstLsn - 1`, which drops all, to `lastLsn`.
   * What was accepted before the call is written first; what comes meanwhile waits.
   */
  async truncateAfter(lsn: number): Promise<void> {
    checkLsn("Log.truncateAfter", lsn);
    await this.#writer.exclusive(
      async () => {
        const plan = await planCut(new LogSource(this.#tail, this.#writer, true), this.#tail.options.blockBytes, lsn);
        // A cut without an epoch to go on in is refused here, where it has no effect yet.
        if (plan !== undefined) nextEpoch(this.#tail.directory.anchor, this.#tail.state.epoch);
        return plan;
      },
      async (plan) => {
        if (plan !== undefined) await cutAfter(this.#tail, plan);
      },
    );
  }

  /** Drops every record, durably. The next LSN stays what it was. */
  async truncateAll(): Promise<void> {
    await this.#writer.exclusive(
      async () => undefined,
      async () => {
        if (this.lastLsn >= this.firstLsn) await pruneBefore(this.#tail, this.lastLsn + 1);
      },
    );
  }

  /** The cause of every rejection since a write, sync or truncate failed; `undefined` while the log serves. */
  get failure(): StateError | undefined {
    return this.#writer.failure;
  }

  /** What one call may pass at most. */
  get limits(): JournalLimits {
    return this.#writer.limits;
  }

  /** Resolves once more may be visible than before the call, or the log was closed or failed. Rejects with `signal.reason`. */
  changed(signal?: AbortSignal): Promise<void> {
    return this.#visibility.changed(signal);
  }

  /** The first LSN of each live segment file, oldest first. Pruning up to one of them gives back the space of those before it. */
  segmentStarts(): number[] {
    return this.#tail.table.all.map(({ firstLsn }) => firstLsn);
  }

  /** The first LSN of the segment file that is written to. */
  get activeSegmentStart(): number {
    return this.#tail.table.active!.firstLsn;
  }

  /** Counters since opening, and sizes now. */
  stats(): LogStats {
    return collectStats(this.#tail, this.#writer);
  }

  /**
   * Writes and syncs what was accepted, marks the log as cleanly closed, and releases everything. Idempotent. After a failed write it only releases,
   * and rejects with the cause if the write failed during the call, or if no call was refused for it and acknowledged records may be lost.
   * Calls made later reject with `HF_CLOSED`.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    const { anchor, doubleWrite, files } = this.#tail;
    // With a reason of its own: without one an exception would be made for nobody.
    this.#stop.abort("closed");
    try {
      await this.#writer.close(() => anchorClose(this.#tail));
    } finally {
      this.#visibility.announce();
      await files.close();
      await this.#tail.active?.close();
      await doubleWrite?.close();
      await this.#mark.close();
      await anchor.close();
      await this.#lock.release();
    }
  }

  #writeMark(): Promise<void> {
    const { state, durableLsn, visibleLsn } = this.#tail;
    return this.#mark.write({ epoch: state.epoch, durableLsn, visibleLsn });
  }

  async #syncEveryInterval(intervalMs: number): Promise<void> {
    const { vfs } = this.#tail.directory;
    const { signal } = this.#stop;
    try {
      for (;;) {
        await vfs.delay(intervalMs, signal, true);
        await this.#writer.syncWritten();
      }
    } catch {
      // Closed, or poisoned: whoever calls next is told the cause.
    }
  }
}

/** The writing log as its readers see it. */
class LogSource implements ReadSource {
  readonly #tail: LogTail;
  readonly #writer: LogWriter;
  /** Serves while the log closes too: for a cut that was asked for before, whose files `close` leaves open until it is done. */
  readonly #whileClosing: boolean;

  constructor(tail: LogTail, writer: LogWriter, whileClosing = false) {
    this.#tail = tail;
    this.#writer = writer;
    this.#whileClosing = whileClosing;
  }

  get torn(): TornMode {
    return this.#tail.options.torn;
  }

  get blockBytes(): number {
    return this.#tail.options.blockBytes;
  }

  get epoch(): number {
    return this.#tail.state.epoch;
  }

  get firstLsn(): number {
    return this.#tail.state.firstLsn;
  }

  get lastLsn(): number {
    return this.#tail.visibleLsn;
  }

  get cuts(): number {
    return this.#tail.state.cuts;
  }

  get cutLsn(): number {
    return this.#tail.state.cutLsn;
  }

  get table(): SegmentTable {
    return this.#tail.table;
  }

  get files(): SegmentFiles {
    return this.#tail.files;
  }

  get closed(): boolean {
    return this.#writer.closed;
  }

  assertUsable(): void {
    const { failure } = this.#writer;
    if (!this.#whileClosing) this.#writer.assertUsable();
    else if (failure !== undefined) throw failure;
  }

  /** The books are in this process and always true. */
  lookAgain(): Promise<boolean> {
    return Promise.resolve(false);
  }
}
