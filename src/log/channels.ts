/**
 * What a log tells to whoever listens, through `node:diagnostics_channel`. Nothing is built for a channel without subscribers.
 *
 * | channel | message |
 * |---|---|
 * | `holdfast:log:open` | {@link OpenMessage} |
 * | `holdfast:log:group` | {@link GroupMessage}, once a group is acknowledged |
 * | `holdfast:log:segment` | {@link SegmentMessage}, once a new segment is active |
 * | `holdfast:log:truncate` | {@link TruncateMessage} |
 * | `holdfast:log:poison` | {@link PoisonMessage} |
 */
import { type Channel, channel } from "node:diagnostics_channel";
import type { RecoveryReport } from "./recovery.js";

/** A log was opened for writing. */
export interface OpenMessage {
  readonly directory: string;
  readonly recovery: RecoveryReport;
}

/** A group was written. `bytes`: what went to the disk, padding included. */
export interface GroupMessage {
  readonly directory: string;
  readonly firstLsn: number;
  readonly count: number;
  readonly bytes: number;
}

/** The log went on to another segment. */
export interface SegmentMessage {
  readonly directory: string;
  readonly number: number;
  readonly firstLsn: number;
  /** Whether a pruned segment's file was used again. */
  readonly recycled: boolean;
}

/** Records were dropped. The log now holds `firstLsn` to `lastLsn`. */
export interface TruncateMessage {
  readonly directory: string;
  readonly firstLsn: number;
  readonly lastLsn: number;
}

/** A write, sync or truncate failed; the log serves no more. */
export interface PoisonMessage {
  readonly directory: string;
  readonly cause: unknown;
}

export const openChannel: Channel = channel("holdfast:log:open");
export const groupChannel: Channel = channel("holdfast:log:group");
export const segmentChannel: Channel = channel("holdfast:log:segment");
export const truncateChannel: Channel = channel("holdfast:log:truncate");
export const poisonChannel: Channel = channel("holdfast:log:poison");
