/**
 * Computes the root that a proof leads to, and the one that its keys' new leaves lead to, in one pass.
 *
 * Both run over the same siblings. Before the change a node is always the hash of its children, since the root is to vouch for each bit of the
 * proof. After it the trie has to be made as high as it can be again: where one child is gone, a leaf on the other side moves up.
 *
 * Hostile proofs: the number of siblings is checked before any is read, each is read once, and no path is deeper than 256, so that the time is
 * bounded by what the proof holds.
 */
import type { Hasher } from "../hash/index.js";
import { buildRoot } from "./build-root.js";
import type { LeafList } from "./leaf-list.js";
import { LEAF_WORDS } from "./leaf-list.js";
import {
  KEY_BITS,
  NODE_WORDS,
  bitAt,
  copyNode,
  hashInternal,
  hashLeaf,
  isLeaf,
  isTerminator,
  loadNode,
  writeTerminator,
} from "./node.js";
import type { PathTable } from "./path-table.js";

const PAIR_WORDS = 2 * NODE_WORDS;
/** Where {@link fold} leaves the roots: behind the pair of the greatest depth. */
const ROOT_AT: number = KEY_BITS * PAIR_WORDS;

/** The two children of the node at each depth where paths part. Nothing in these three outlives a call. */
const before: Int32Array = /* @__PURE__ */ new Int32Array(ROOT_AT + NODE_WORDS);
const after: Int32Array = /* @__PURE__ */ new Int32Array(ROOT_AT + NODE_WORDS);
/** A node on its way up, and the sibling beside it. */
const pair: Int32Array = /* @__PURE__ */ new Int32Array(PAIR_WORDS);

/** What was found out about a range of paths. */
type Outcome = "too-few-siblings" | "same" | "changed";

interface Folding {
  readonly hasher: Hasher;
  readonly table: PathTable;
  readonly siblings: readonly Uint8Array[];
  /** The leaves that there are to be where a path ends, by path; nothing where it stays as it is. */
  readonly leaves: ReadonlyMap<number, LeafList> | undefined;
  /** How many siblings were used. */
  taken: number;
}

/** The roots, each as 8 words in an array of its own. */
export interface Roots {
  readonly before: Int32Array;
  readonly after: Int32Array;
}

/** The roots of a proof whose paths ascend, and are one or more; `undefined` where it has too few siblings, or too many. */
export function fold(
  hasher: Hasher,
  table: PathTable,
  siblings: readonly Uint8Array[],
  leaves?: ReadonlyMap<number, LeafList>,
): Roots | undefined {
  const folding: Folding = { hasher, table, siblings, leaves, taken: 0 };
  const outcome = foldRange(folding, 0, table.length, 0, ROOT_AT);
  if (outcome === "too-few-siblings" || folding.taken !== siblings.length) return undefined;
  const roots = {
    before: before.slice(ROOT_AT, ROOT_AT + NODE_WORDS),
    after: after.slice(ROOT_AT, ROOT_AT + NODE_WORDS),
  };
  return outcome === "changed" ? roots : { before: roots.before, after: roots.before };
}

/** The node at `depth` above the paths `[from, to)`, written at `at` of `before`, and of `after` where it changes. */
function foldRange(folding: Folding, from: number, to: number, depth: number, at: number): Outcome {
  const { hasher, table, siblings } = folding;
  const one = to - from === 1;
  const fork = one ? table.depths[from]! : table.shared(from, to - 1);
  const above = folding.taken;
  if (siblings.length - above < fork - depth) return "too-few-siblings";
  folding.taken += fork - depth;
  let changed = false;
  if (one) {
    changed = foldTerminal(folding, from, at);
  } else {
    const children = fork * PAIR_WORDS;
    const middle = table.split(from, to, fork);
    const left = foldRange(folding, from, middle, fork + 1, children);
    if (left === "too-few-siblings") return left;
    const right = foldRange(folding, middle, to, fork + 1, children + NODE_WORDS);
    if (right === "too-few-siblings") return right;
    hashInternal(hasher, before, children, before, at);
    changed = left === "changed" || right === "changed";
    if (changed) {
      if (left === "same") copyNode(before, children, after, children);
      if (right === "same") copyNode(before, children + NODE_WORDS, after, children + NODE_WORDS);
      join(hasher, after, children, after, at);
    }
  }
  climb(folding, from, depth, fork, above, before, at, false);
  if (changed) climb(folding, from, depth, fork, above, after, at, true);
  return changed ? "changed" : "same";
}

/** The node in which path `n` ends. Tells whether it changes. */
function foldTerminal({ hasher, table, leaves }: Folding, n: number, at: number): boolean {
  if (table.leaf[n] === 1) hashLeaf(hasher, table.leaves, n * LEAF_WORDS, before, at);
  else writeTerminator(before, at);
  const list = leaves?.get(n);
  if (list === undefined) return false;
  buildRoot(hasher, list, 0, list.length, table.depths[n]!, after, at);
  return true;
}

/** Takes the node at `at` up from depth `from` to depth `to` along path `n`, with the siblings from `first` on. */
function climb(
  { hasher, table, siblings }: Folding,
  n: number,
  to: number,
  from: number,
  first: number,
  nodes: Int32Array,
  at: number,
  compacts: boolean,
): void {
  if (from === to) return;
  const path = n * NODE_WORDS;
  copyNode(nodes, at, pair, bitAt(table.paths, path, from - 1) * NODE_WORDS);
  for (let depth = from - 1; depth >= to; depth--) {
    const side = bitAt(table.paths, path, depth) * NODE_WORDS;
    loadNode(siblings[first + depth - to]!, pair, NODE_WORDS - side);
    const target = depth === to ? nodes : pair;
    const targetAt = depth === to ? at : bitAt(table.paths, path, depth - 1) * NODE_WORDS;
    if (compacts) join(hasher, pair, 0, target, targetAt);
    else hashInternal(hasher, pair, 0, target, targetAt);
  }
}

/** The node above the two in the 16 words at `at`, in a trie that is as high as it can be. */
function join(hasher: Hasher, nodes: Int32Array, at: number, target: Int32Array, targetAt: number): void {
  const right = at + NODE_WORDS;
  if (isTerminator(nodes, at) && (isTerminator(nodes, right) || isLeaf(nodes, right)))
    copyNode(nodes, right, target, targetAt);
  else if (isTerminator(nodes, right) && isLeaf(nodes, at)) copyNode(nodes, at, target, targetAt);
  else hashInternal(hasher, nodes, at, target, targetAt);
}
