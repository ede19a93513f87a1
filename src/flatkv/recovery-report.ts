/** What opening a store found and did. */
import type { RebuildReason } from "./recovery.js";

/** A database that was made anew. */
export interface RebuiltDatabase {
  readonly database: string;
  readonly reason: RebuildReason;
  /** The version of the snapshot that it was made from; that of the store's base where it was made from nothing but the log. */
  readonly fromVersion: number;
  /** What the engine said, where it could not open it. */
  readonly cause?: unknown;
}

/** See the head of this file. */
export interface FlatKvRecovery {
  /** The version that the store opened at: the newest one whose commit was acknowledged, or was about to be. */
  readonly version: number;
  /** For each database that lacked commits: how many were done again. */
  readonly redone: Readonly<Record<string, number>>;
  readonly rebuilt: readonly RebuiltDatabase[];
  /** Records of an abandoned timeline that were dropped from the end of the journal: a rollback that a crash had interrupted. */
  readonly abandonedRecords: number;
  /** Directories that no book names, left by a crash, and removed. */
  readonly removedDirectories: number;
  /** Such directories that could not be removed, because they hold files of somebody else. They are in nobody's way. */
  readonly keptDirectories: readonly string[];
}
