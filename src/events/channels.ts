/**
 * What an event log tells to whoever listens, through `node:diagnostics_channel`. Nothing is built for a channel without subscribers.
 *
 * | channel | message |
 * |---|---|
 * | `holdfast:events:open` | {@link EventsOpenMessage} |
 * | `holdfast:events:flush` | {@link FlushMessage}, once enqueued events are acknowledged |
 * | `holdfast:events:checkpoint` | {@link CheckpointMessage}, once a checkpoint is durable and the log is pruned to the oldest kept |
 * | `holdfast:events:fallback` | {@link FallbackMessage} |
 * | `holdfast:events:poison` | {@link EventsPoisonMessage} |
 */
import { type Channel, channel } from "node:diagnostics_channel";

/** An event log was opened. `name` is the directory of its log, or empty on a journal of somebody else's. */
export interface EventsOpenMessage {
  readonly name: string;
  readonly firstLsn: number;
  readonly lastLsn: number;
  /** LSNs of the kept checkpoints, the newest first. */
  readonly checkpoints: readonly number[];
}

/** Enqueued events were written in one batch. */
export interface FlushMessage {
  readonly name: string;
  readonly firstLsn: number;
  readonly count: number;
}

/** A checkpoint was taken. */
export interface CheckpointMessage {
  readonly name: string;
  readonly lsn: number;
  readonly through: number;
  readonly snapshotBytes: number;
  /** The oldest LSN that the log holds now. */
  readonly firstLsn: number;
}

/** A snapshot could not be used; the one before it is tried. */
export interface FallbackMessage {
  readonly name: string;
  readonly lsn: number;
  readonly cause: unknown;
}

/** A write failed; the event log serves no more. */
export interface EventsPoisonMessage {
  readonly name: string;
  readonly cause: unknown;
}

export const openChannel: Channel = channel("holdfast:events:open");
export const flushChannel: Channel = channel("holdfast:events:flush");
export const checkpointChannel: Channel = channel("holdfast:events:checkpoint");
export const fallbackChannel: Channel = channel("holdfast:events:fallback");
export const poisonChannel: Channel = channel("holdfast:events:poison");
