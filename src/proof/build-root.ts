import type { Hasher } from "../hash/index.js";
import type { LeafList } from "./leaf-list.js";
import { LEAF_WORDS } from "./leaf-list.js";
import { KEY_BITS, NODE_WORDS, bitAt, hashInternal, hashLeaf, sharedBits, writeTerminator } from "./node.js";

/** The two children of one node at each depth, while it is computed. Nothing in here outlives a call. */
const children: Int32Array = /* @__PURE__ */ new Int32Array(KEY_BITS * 2 * NODE_WORDS);

/**
 * The root of the sub-trie at `depth` of the leaves `[from, to)`, whose keys share their first `depth` bits, written as 8 words at `targetAt`:
 * a terminator where there are none, a leaf where there is one. Makes nothing.
 */
export function buildRoot(
  hasher: Hasher,
  leaves: LeafList,
  from: number,
  to: number,
  depth: number,
  target: Int32Array,
  targetAt: number,
): void {
  if (from === to) {
    writeTerminator(target, targetAt);
    return;
  }
  const { words } = leaves;
  const first = from * LEAF_WORDS;
  if (from + 1 === to) {
    hashLeaf(hasher, words, first, target, targetAt);
    return;
  }
  // Keys ascend, so what the first and the last share all share; below it is the first node with leaves on both sides.
  const fork = sharedBits(words, first, words, (to - 1) * LEAF_WORDS);
  const middle = leaves.split(from, to, fork);
  const pair = fork * 2 * NODE_WORDS;
  buildRoot(hasher, leaves, from, middle, fork + 1, children, pair);
  buildRoot(hasher, leaves, middle, to, fork + 1, children, pair + NODE_WORDS);
  for (let above = fork - 1; above >= depth; above--) {
    const side = bitAt(words, first, above) * NODE_WORDS;
    hashInternal(hasher, children, pair, children, pair + side);
    writeTerminator(children, pair + (NODE_WORDS - side));
  }
  hashInternal(hasher, children, pair, target, targetAt);
}
