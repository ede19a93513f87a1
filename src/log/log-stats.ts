/** A log's counters and sizes at one moment. */
import type { LogTail } from "./tail.js";
import type { LogWriter } from "./writer.js";

/** See `Log.stats`. Counters count since the log was opened. */
export interface LogStats {
  readonly firstLsn: number;
  readonly lastLsn: number;
  readonly durableLsn: number;
  readonly epoch: number;
  /** Records and batches written in how many groups: one write to the disk each. */
  readonly records: number;
  readonly groups: number;
  /** Bytes of payload, and of groups with all that surrounds it. */
  readonly payloadBytes: number;
  readonly writtenBytes: number;
  /** Waits for the disk on behalf of records: durable group writes, double-writes, explicit syncs. */
  readonly syncs: number;
  readonly segmentsMade: number;
  readonly segmentsRecycled: number;
  /** Live segments, spare files, and the bytes that live groups take. */
  readonly segments: number;
  readonly spareSegments: number;
  readonly liveBytes: number;
  /** Appends that wait for room in a group. */
  readonly waiting: number;
}

export function collectStats(tail: LogTail, writer: LogWriter): LogStats {
  const { all } = tail.table;
  return {
    ...tail.counters,
    firstLsn: tail.state.firstLsn,
    lastLsn: tail.visibleLsn,
    durableLsn: tail.durableLsn,
    epoch: tail.state.epoch,
    segments: all.length,
    spareSegments: tail.spares.count,
    liveBytes: all.reduce((sum, { end }) => sum + end - tail.options.blockBytes, 0),
    waiting: writer.waitingCount,
  };
}
