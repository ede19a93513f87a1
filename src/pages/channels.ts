/**
 * What a page store tells to whoever listens, through `node:diagnostics_channel`. Nothing is built for a channel without subscribers.
 *
 * | channel | message |
 * |---|---|
 * | `holdfast:pages:open` | {@link PagesOpenMessage} |
 * | `holdfast:pages:commit` | {@link PagesCommitMessage}, once a commit is durable and published |
 * | `holdfast:pages:structure` | {@link PagesStructureMessage}, once a checkpoint or a larger table is durable |
 * | `holdfast:pages:poison` | {@link PagesPoisonMessage} |
 */
import { type Channel, channel } from "node:diagnostics_channel";
import type { PagesRecovery } from "./recovery-report.js";

/** A store was opened. */
export interface PagesOpenMessage {
  readonly directory: string;
  readonly recovery: PagesRecovery;
}

/** A commit was published. */
export interface PagesCommitMessage {
  readonly directory: string;
  readonly sequence: number;
  readonly lsn: number;
  /** Pages that came or changed. */
  readonly updated: number;
  /** Pages that went. */
  readonly cleared: number;
}

/** The books changed. */
export interface PagesStructureMessage {
  readonly directory: string;
  readonly change: "checkpoint" | "table";
  readonly sequence: number;
  /** Pages that were written. */
  readonly pages: number;
  /** Buckets of the table. */
  readonly capacity: number;
}

/** A write failed; the store serves no more. */
export interface PagesPoisonMessage {
  readonly directory: string;
  readonly cause: unknown;
}

export const openChannel: Channel = channel("holdfast:pages:open");
export const commitChannel: Channel = channel("holdfast:pages:commit");
export const structureChannel: Channel = channel("holdfast:pages:structure");
export const poisonChannel: Channel = channel("holdfast:pages:poison");
