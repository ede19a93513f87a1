import type { MerkleStoreOptions } from "../../../trie/index.js";

/**
 * Pages of the demo's Merkle store: some hundred, most of which change with every round. So the table is small, and checkpoints come often enough that the
 * journal stays short.
 */
export const triePages: NonNullable<MerkleStoreOptions["pages"]> = {
  capacity: 256,
  checkpoint: { logBytesMax: 8 * 1024 * 1024 },
};
