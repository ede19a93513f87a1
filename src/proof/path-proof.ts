import type { Hasher } from "../hash/index.js";
import { buildRoot } from "./build-root.js";
import type { LeafList } from "./leaf-list.js";
import { NODE_WORDS, bitAt, loadNode, nodeBytes, pathOf } from "./node.js";
import type { Terminal } from "./terminal.js";

/**
 * What shows to somebody who has only the root that a key has a value, or none: the end of the key's path, and the node beside each node on
 * the way to it. There are as many siblings as the terminal is deep, the uppermost one first, each of 32 bytes.
 */
export interface PathProof {
  readonly terminal: Terminal;
  readonly siblings: readonly Uint8Array[];
}

/**
 * The part of a key's proof that lies below `depth`, where the sub-trie of the key's first `depth` bits is that of all `leaves`: the terminal,
 * and the siblings from `depth + 1` on.
 */
export function siblingsInList(
  hasher: Hasher,
  leaves: LeafList,
  depth: number,
  key: Uint8Array,
): { terminal: Terminal; siblings: Uint8Array[] } {
  const wanted = new Int32Array(2 * NODE_WORDS);
  const sibling = NODE_WORDS;
  loadNode(key, wanted, 0);
  const siblings: Uint8Array[] = [];
  let from = 0;
  let to = leaves.length;
  let below = depth;
  for (; to - from > 1; below++) {
    const middle = leaves.split(from, to, below);
    const right = bitAt(wanted, 0, below) === 1;
    buildRoot(hasher, leaves, right ? from : middle, right ? middle : to, below + 1, wanted, sibling);
    siblings.push(nodeBytes(wanted, sibling));
    if (right) from = middle;
    else to = middle;
  }
  if (from === to) return { terminal: { kind: "terminator", path: pathOf(key, below) }, siblings };
  return { terminal: { kind: "leaf", key: leaves.key(from), valueHash: leaves.valueHash(from) }, siblings };
}
