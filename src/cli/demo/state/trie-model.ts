/**
 * The Merkle root that rows must come to, worked out in memory from the rows alone: neither pages nor a walk over them, but sub-tries that are built anew
 * from all of their leaves.
 */
import { toHex } from "../../../base/index.js";
import { blake3 } from "../../../hash/index.js";
import {
  LeafList,
  NODE_WORDS,
  buildRoot,
  hashInternal,
  isLeaf,
  isTerminator,
  nodeBytes,
  writeTerminator,
} from "../../../proof/index.js";
import type { StateChangeSet } from "./change-set.js";
import { trieKey } from "../../node/state.js";

/** A sub-trie has the keys that begin with the same twelve bits: some ten of them in the demo. */
const depth = 12;
const places = 1 << depth;

interface Leaf {
  readonly key: Uint8Array;
  readonly valueHash: Uint8Array;
}

/** See the head of this file. */
export class TrieModel {
  /** Leaves by their keys in hexadecimal, of each sub-trie that ever had any. */
  readonly #leaves = new Map<number, Map<string, Leaf>>();
  readonly #changed = new Set<number>();
  /** The nodes as a heap: the root at 1, the children of n at 2n and 2n + 1, the sub-tries from `places` on. */
  readonly #nodes = new Int32Array(2 * places * NODE_WORDS);
  #count = 0;

  /** How many keys there are. */
  get count(): number {
    return this.#count;
  }

  /** Applies changes of rows in order. */
  apply(sets: readonly StateChangeSet[]): void {
    for (const { database, changes } of sets)
      for (const { key: rowKey, value } of changes) {
        const key = trieKey(database, rowKey);
        const place = (key[0]! << 4) | (key[1]! >> 4);
        const leaves = this.#leaves.get(place) ?? new Map<string, Leaf>();
        this.#leaves.set(place, leaves);
        const before = leaves.size;
        if (value === undefined) leaves.delete(toHex(key));
        else leaves.set(toHex(key), { key, valueHash: blake3.hash(value) });
        this.#count += leaves.size - before;
        this.#changed.add(place);
      }
  }

  /** The root now: 32 bytes. */
  root(): Uint8Array {
    let parents = new Set<number>();
    for (const place of this.#changed) {
      this.#build(place);
      parents.add((places + place) >> 1);
    }
    this.#changed.clear();
    while (parents.size > 0) {
      const above = new Set<number>();
      for (const node of parents) {
        this.#join(node);
        if (node > 1) above.add(node >> 1);
      }
      parents = above;
    }
    return nodeBytes(this.#nodes, NODE_WORDS);
  }

  #build(place: number): void {
    const sorted = [...(this.#leaves.get(place) ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
    const list = new LeafList(sorted.length);
    for (const [, { key, valueHash }] of sorted) list.push(key, valueHash);
    buildRoot(blake3, list, 0, list.length, depth, this.#nodes, (places + place) * NODE_WORDS);
  }

  /** A node of its children: a leaf alone stands in its parent's place. */
  #join(node: number): void {
    const nodes = this.#nodes;
    const at = node * NODE_WORDS;
    const left = 2 * at;
    const right = left + NODE_WORDS;
    if (isTerminator(nodes, left) && isTerminator(nodes, right)) writeTerminator(nodes, at);
    else if (isTerminator(nodes, left) && isLeaf(nodes, right)) nodes.copyWithin(at, right, right + NODE_WORDS);
    else if (isLeaf(nodes, left) && isTerminator(nodes, right)) nodes.copyWithin(at, left, right);
    else hashInternal(blake3, nodes, left, nodes, at);
  }
}
