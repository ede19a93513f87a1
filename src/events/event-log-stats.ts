/** An event log's counters and sizes at one moment. */
import type { LogStats } from "../log/index.js";

/** See `EventLog.stats`. Counters count since the event log was opened. */
export interface EventLogStats {
  readonly firstLsn: number;
  readonly lastLsn: number;
  readonly durableLsn: number;
  /** Records that were acknowledged, checkpoints and parts of snapshots included, and the bytes of their payloads. */
  readonly records: number;
  readonly recordBytes: number;
  /** Batches of enqueued events that were acknowledged. */
  readonly flushes: number;
  /** Events that wait for a `flush`; records that are not acknowledged, these included; and what their payloads take. */
  readonly enqueued: number;
  readonly pending: number;
  readonly pendingBytes: number;
  /** Records that readers decoded, and those that they passed over. */
  readonly decoded: number;
  readonly skipped: number;
  /** Checkpoints that were taken, and the bytes of their snapshots. */
  readonly checkpoints: number;
  readonly snapshotBytes: number;
  /** Checkpoints that are kept, and the newest of them. */
  readonly checkpointsKept: number;
  readonly checkpointLsn: number | undefined;
  /** Of the log, where `EventLog.open` opened it. */
  readonly log: LogStats | undefined;
}
