import type { Hasher } from "../hash/index.js";
import { toHex } from "../base/index.js";
import { buildRoot } from "./build-root.js";
import { LeafList } from "./leaf-list.js";
import type { Leaves } from "./naive-trie.contract.js";
import { hex } from "./naive-trie.contract.js";

/** The leaves as a list, which needs them in the order of their keys. */
export function listOf(leaves: Leaves): LeafList {
  const list = new LeafList();
  for (const [key, valueHash] of [...leaves].sort(([a], [b]) => (a < b ? -1 : 1))) list.push(hex(key), hex(valueHash));
  return list;
}

/** The root of all leaves, in hexadecimal digits. */
export function rootOf(hasher: Hasher, leaves: Leaves, depth: number = 0): string {
  const list = listOf(leaves);
  const root = new Int32Array(8).fill(-1);
  buildRoot(hasher, list, 0, list.length, depth, root, 0);
  return toHex(new Uint8Array(root.buffer));
}
