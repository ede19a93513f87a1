/** What a store needs from a log, and no more: a store that is written against this works on a log of its own and on a stream of a shared one. */
import type { FollowOptions } from "./follower.js";
import type { ReadOptions } from "./reader.js";
import type { LogRecord } from "./record-batch.js";

/** A record to append: its payload, or payload and type. */
export type LogInput = Uint8Array | { readonly payload: Uint8Array; readonly type?: number };

/** The LSNs that a batch got. */
export interface LsnRange {
  readonly firstLsn: number;
  readonly lastLsn: number;
}

/** What one call to a journal may pass at most. */
export interface JournalLimits {
  /** Bytes of one payload. */
  readonly recordBytesMax: number;
  /** Bytes of a batch: its payloads, and `recordHeaderBytes` for each. */
  readonly batchBytesMax: number;
  readonly recordHeaderBytes: number;
}

/**
 * A durable sequence of records with contiguous numbers of its own. The implementations are `Log`, in a directory of its own, and a stream of a
 * `SharedLog`.
 *
 * LSNs start at 1 and grow by one with each record. Dropping records never gives a number out again, but for `truncateAfter`, which takes back the
 * newest. An empty journal still knows its next number: `firstLsn` is then `lastLsn + 1`.
 *
 * Errors of every method: `InvalidArgumentError` before any effect, and `StateError`: `HF_CLOSED`, or `HF_POISONED` with the first cause once any
 * write failed. A journal is closed by whoever opened it, not by the store that uses it.
 */
export interface Journal {
  /** The oldest LSN; `lastLsn + 1` where the journal is empty. */
  readonly firstLsn: number;
  /** The newest acknowledged LSN; `firstLsn - 1` where the journal is empty. */
  readonly lastLsn: number;
  /** The newest LSN that no crash can take away. */
  readonly durableLsn: number;
  /** The LSN that the next accepted record gets. */
  readonly nextLsn: number;
  readonly limits: JournalLimits;
  /**
   * Whether what is appended now is gathered into one batch with what is appended to other journals, until the call that is being made returns
   * (`SharedLog.together`). A store that could append only later must refuse then. Absent where a journal never gathers.
   */
  readonly isGathering?: boolean;
  /** While `isGathering`: where the whole is refused, `takeBack` runs before anything else does, the newest first. Present where `isGathering` is. */
  onRefused?(takeBack: () => void): void;
  /** While `isGathering`: what a store refuses in the call is a part of the whole, which then is refused because of it. Present where `isGathering` is. */
  refuse?(error: unknown): void;

  /** Appends a record and resolves to its LSN once it is durable. `type` is 0 to 255, default 0; the payload must not change meanwhile. */
  append(payload: Uint8Array, type?: number): Promise<number>;
  /** Appends several records: all of them are there after any crash, or none. Resolves once they are durable. */
  appendAll(records: readonly LogInput[]): Promise<LsnRange>;
  /** Accepts a record and returns its LSN at once. A crash may take it until a `sync` or `append` called later resolves. */
  enqueue(payload: Uint8Array, type?: number): number;
  /** Makes durable everything accepted so far. Resolves to `durableLsn`. */
  sync(): Promise<number>;

  /** The record with this LSN; `undefined` where the journal does not hold it. */
  get(lsn: number): Promise<LogRecord | undefined>;
  /** The records in a range, oldest or newest first, with bounded memory. What is appended meanwhile is not seen. */
  read(options?: ReadOptions): AsyncIterableIterator<LogRecord>;
  /** The records from `from` on (default: those that come from now on), and each new one once it is acknowledged. */
  follow(options?: FollowOptions): AsyncIterableIterator<LogRecord>;

  /** Drops the records below `lsn`, durably; at most `lastLsn + 1`, which drops all. */
  truncateBefore(lsn: number): Promise<void>;
  /** Drops the records above `lsn`, durably and atomically; the next one gets `lsn + 1`. From `firstLsn - 1` to `lastLsn`. */
  truncateAfter(lsn: number): Promise<void>;
  /** Drops every record, durably. The next LSN stays what it was. */
  truncateAll(): Promise<void>;
}
