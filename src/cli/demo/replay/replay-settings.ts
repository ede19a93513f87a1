/** What may differ from one replay to the next: the demo's own settings, and the small ones of its tests. */
import type { FlatKvOptions } from "../../../flatkv/index.js";

/** Options of the store that the replay commits to. */
export type ReplaySettings = Pick<FlatKvOptions, "vfs" | "engine" | "log" | "snapshots">;

/** Segments are small, and snapshots frequent, so that a run sees both come and go. */
export const replaySettings: ReplaySettings = {
  log: { segmentBytes: 4 * 1024 * 1024 },
  snapshots: { everyCommits: 1024, keep: 2 },
};
