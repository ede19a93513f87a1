/** The write end of a log: what committing, rolling and cutting share. Fields only; the acts are in `sync.ts` and `activation.ts`. */
import type { Anchor } from "../anchor/index.js";
import type { ActiveSegment } from "./active-segment.js";
import type { DoubleWriteBuffer } from "./double-write-buffer.js";
import type { LogDirectory } from "./log-directory.js";
import type { ResolvedLogOptions } from "./options.js";
import type { SegmentFiles } from "./segment-files.js";
import type { SegmentTable } from "./segment-table.js";
import type { SpareSegments } from "./spare-segments.js";
import { type LogState, encodeLogState } from "./state.js";

/** Counters since the log was opened. */
export interface TailCounters {
  groups: number;
  records: number;
  payloadBytes: number;
  writtenBytes: number;
  /** Waits for the disk: durable group writes and explicit syncs. */
  syncs: number;
  segmentsMade: number;
  segmentsRecycled: number;
}

/** See the head of this file. */
export interface LogTail {
  readonly directory: LogDirectory;
  readonly options: ResolvedLogOptions;
  readonly anchor: Anchor;
  readonly table: SegmentTable;
  readonly files: SegmentFiles;
  readonly spares: SpareSegments;
  readonly doubleWrite: DoubleWriteBuffer | undefined;
  readonly counters: TailCounters;
  /** `undefined` only until the first segment of a new log is made. */
  active: ActiveSegment | undefined;
  /** What the anchor holds, or is about to. */
  state: LogState;
  /** Header checksum of the last group; 0 where there is none. */
  chain: number;
  /** Offset of the last group in the active segment; 0 where it has none. */
  lastGroup: number;
  /** Highest LSN that is written and may be acknowledged and read. */
  visibleLsn: number;
  /** Highest LSN that no crash can take away. */
  durableLsn: number;
}

/** Makes `change` true, durably. The new state counts from the call on, so that later changes build on it. */
export async function anchorState(tail: LogTail, change: Partial<LogState>): Promise<void> {
  tail.state = { ...tail.state, ...change };
  await tail.anchor.write(encodeLogState(tail.state));
}
