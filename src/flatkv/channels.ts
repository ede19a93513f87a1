/**
 * What a store tells to whoever listens, through `node:diagnostics_channel`. Nothing is built for a channel without subscribers.
 *
 * | channel | message |
 * |---|---|
 * | `holdfast:flatkv:open` | {@link FlatKvOpenMessage} |
 * | `holdfast:flatkv:commit` | {@link FlatKvCommitMessage}, once a version is durable and applied |
 * | `holdfast:flatkv:structure` | {@link FlatKvStructureMessage}, once a snapshot, rollback or sync of the databases is durable |
 * | `holdfast:flatkv:poison` | {@link FlatKvPoisonMessage} |
 */
import { type Channel, channel } from "node:diagnostics_channel";
import type { FlatKvRecovery } from "./recovery-report.js";

/** A store was opened for writing. */
export interface FlatKvOpenMessage {
  readonly directory: string;
  readonly recovery: FlatKvRecovery;
}

/** A version was committed. */
export interface FlatKvCommitMessage {
  readonly directory: string;
  readonly version: number;
  readonly lsn: number;
  /** Rows that changed. */
  readonly rows: number;
}

/** The books changed. */
export interface FlatKvStructureMessage {
  readonly directory: string;
  readonly change: "sync" | "snapshot" | "rollback";
  readonly version: number;
}

/** A write failed; the store serves no more. */
export interface FlatKvPoisonMessage {
  readonly directory: string;
  readonly cause: unknown;
}

export const openChannel: Channel = channel("holdfast:flatkv:open");
export const commitChannel: Channel = channel("holdfast:flatkv:commit");
export const structureChannel: Channel = channel("holdfast:flatkv:structure");
export const poisonChannel: Channel = channel("holdfast:flatkv:poison");
