/** What may differ from one replay to the next: the demo's own settings, and the small ones of its tests. */
import type { FlatKvOptions } from "../../../flatkv/index.js";
import type { SharedLogOptions } from "../../../streams/index.js";
import type { MerkleStoreOptions } from "../../../trie/index.js";
import { triePages } from "../state/trie-pages.js";

/** Options of the shared log and of the stores that the replay commits to. */
export interface ReplaySettings {
  readonly log: SharedLogOptions;
  readonly state: Pick<FlatKvOptions, "engine" | "snapshots">;
  readonly trie: Pick<MerkleStoreOptions, "engine" | "pages">;
}

/** Segments are small, and snapshots frequent, so that a run sees both come and go. */
export const replaySettings: ReplaySettings = {
  log: { segmentBytes: 4 * 1024 * 1024 },
  state: { snapshots: { everyCommits: 1024, keep: 2 } },
  trie: { pages: triePages },
};
