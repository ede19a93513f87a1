/** What may differ from one node to the next: the demo's own, and the small ones of its tests. */
import type { FlatKvOptions } from "../../../flatkv/index.js";
import type { NodeOptions } from "../../node/stores.js";
import type { MerkleStoreOptions } from "../../../trie/index.js";
import type { StateChangeSet } from "../state/change-set.js";
import { genesisChangeSet } from "../state/genesis.js";
import { triePages } from "../state/trie-pages.js";

/** Settings of a node. A node must be opened with those that it was made with. */
export interface NodeSettings extends NodeOptions {
  /** Rounds that are kept at least, and how many more come together before any are dropped, so that most rounds prune nothing. */
  readonly roundsKept: number;
  readonly windowStep: number;
  /** Options of the commit store. Its snapshots say how much of its stream is kept. */
  readonly state: Required<Pick<FlatKvOptions, "snapshots">> & Pick<FlatKvOptions, "engine">;
  /** Options of the Merkle store. Its checkpoints say how much of its stream is kept. */
  readonly trie: Pick<MerkleStoreOptions, "engine" | "pages">;
  /** The first version of the state. */
  readonly genesis: () => Promise<readonly StateChangeSet[]>;
}

/** Segments and checkpoints of the shared log are small, so that space comes back soon after it is pruned. */
export const demoSettings: NodeSettings = {
  log: { segmentBytes: 8 * 1024 * 1024, checkpointBytes: 4 * 1024 * 1024 },
  roundsKept: 8,
  windowStep: 8,
  checkpointEvery: 32,
  checkpointsMax: 3,
  state: { snapshots: { everyCommits: 64, keep: 2 } },
  trie: { pages: triePages },
  genesis: async () => [await genesisChangeSet()],
};
