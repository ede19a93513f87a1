/** Path proofs from pages in memory. Where something is missing it says what, so that the caller can load it and try again. */
import type { Hasher } from "../hash/index.js";
import { type Page, type PageId, ROOT_PAGE_ID, childPageId } from "../pages/index.js";
import {
  LEAF_WORDS,
  LeafList,
  NODE_WORDS,
  type PathProof,
  bitAt,
  isLeaf,
  isTerminator,
  loadNode,
  nodeBytes,
  pathOf,
  sameNode,
  siblingsInList,
} from "../proof/index.js";
import { ELIDED_BELOW, FIRST_SLOT_NODE, PAGE_LAYERS, SLOTS, firstSlot } from "./page-shape.js";
import type { TrieRoot } from "./seeker.js";
import { type SlotLeaves, leavesOf } from "./slot-leaves.js";

/** What a proof lacks. */
export type ProofNeed =
  | { readonly kind: "root-leaf" }
  | { readonly kind: "page"; readonly id: PageId }
  | { readonly kind: "slots"; readonly page: Page; readonly first: number; readonly end: number };

/** A proof, or what it lacks. */
export type ProofAttempt = { readonly kind: "proof"; readonly proof: PathProof } | ProofNeed;

/** Where the path of a key ends, as far as pages in memory tell: at no leaf, at one, or among the leaves of an elided sub-trie. */
type PathEnd =
  | { readonly kind: "terminator"; readonly depth: number }
  | { readonly kind: "leaf"; readonly words: Int32Array; readonly at: number }
  | { readonly kind: "elided"; readonly leaves: SlotLeaves; readonly slot: number; readonly depth: number }
  | ProofNeed;

/** The leaves of one elided sub-trie. Nothing in here outlives a call. */
const below: LeafList = new LeafList(ELIDED_BELOW);

/** Proves what a key of 32 bytes has, or that it has nothing. Asks for nothing but what is in memory. */
export function attemptProof(
  hasher: Hasher,
  trie: TrieRoot,
  peek: (id: PageId) => Page | undefined,
  key: Uint8Array,
): ProofAttempt {
  const siblings: Uint8Array[] = [];
  const end = descend(trie, peek, key, siblings);
  if (end.kind === "terminator") return proof({ kind: "terminator", path: pathOf(key, end.depth) }, siblings);
  if (end.kind === "leaf") {
    const { words, at } = end;
    return proof({ kind: "leaf", key: nodeBytes(words, at), valueHash: nodeBytes(words, at + NODE_WORDS) }, siblings);
  }
  if (end.kind !== "elided") return end;
  const { leaves, slot, depth } = end;
  below.clear();
  for (let leaf = leaves.from(slot); leaf < leaves.to(slot); leaf++) below.pushWords(leaves.words, leaf * LEAF_WORDS);
  const rest = siblingsInList(hasher, below, depth, key);
  for (const sibling of rest.siblings) siblings.push(sibling);
  return proof(rest.terminal, siblings);
}

/** Whether a key is there with this value hash, or is not there where that is `undefined`; or what is missing to tell. */
export function attemptCheck(
  trie: TrieRoot,
  peek: (id: PageId) => Page | undefined,
  key: Uint8Array,
  valueHash: Uint8Array | undefined,
): boolean | ProofNeed {
  const end = descend(trie, peek, key, undefined);
  if (end.kind === "terminator") return valueHash === undefined;
  if (end.kind === "leaf") return holds(end.words, end.at, end.at + LEAF_WORDS, key, valueHash);
  if (end.kind !== "elided") return end;
  const { leaves, slot } = end;
  return holds(leaves.words, leaves.from(slot) * LEAF_WORDS, leaves.to(slot) * LEAF_WORDS, key, valueHash);
}

function holds(
  words: Int32Array,
  from: number,
  to: number,
  key: Uint8Array,
  valueHash: Uint8Array | undefined,
): boolean {
  const wanted = new Int32Array(LEAF_WORDS);
  loadNode(key, wanted, 0);
  if (valueHash !== undefined) loadNode(valueHash, wanted, NODE_WORDS);
  for (let at = from; at < to; at += LEAF_WORDS)
    if (sameNode(words, at, wanted, 0))
      return valueHash !== undefined && sameNode(words, at + NODE_WORDS, wanted, NODE_WORDS);
  return valueHash === undefined;
}

/** Goes down the path of a key, and collects the siblings on the way where they are wanted. */
function descend(
  { root, rootLeaf }: TrieRoot,
  peek: (id: PageId) => Page | undefined,
  key: Uint8Array,
  siblings: Uint8Array[] | undefined,
): PathEnd {
  if (isTerminator(root, 0)) return { kind: "terminator", depth: 0 };
  if (isLeaf(root, 0))
    return rootLeaf === undefined ? { kind: "root-leaf" } : { kind: "leaf", words: rootLeaf.words, at: 0 };
  const words = new Int32Array(NODE_WORDS);
  loadNode(key, words, 0);
  for (let id = ROOT_PAGE_ID; ;) {
    const page = peek(id);
    if (page === undefined) return { kind: "page", id };
    const above = id.length * PAGE_LAYERS;
    let node = bitAt(words, 0, above);
    let layer = 1;
    siblings?.push(page.node(node ^ 1));
    for (; layer < PAGE_LAYERS && isInternal(page, node); layer++) {
      node = 2 * node + 2 + bitAt(words, 0, above + layer);
      siblings?.push(page.node(node ^ 1));
    }

    if (isTerminator(page.words, node * NODE_WORDS)) return { kind: "terminator", depth: above + layer };
    const leaves = leavesOf(page);
    if (isLeaf(page.words, node * NODE_WORDS)) {
      const slot = firstSlot(node, layer);
      const end = slot + (SLOTS >>> layer);
      const leaf = leaves === undefined ? -1 : leaves.single(slot, end - slot);
      if (leaf < 0) return { kind: "slots", page, first: slot, end };
      return { kind: "leaf", words: leaves!.words, at: leaf * LEAF_WORDS };
    }
    const slot = node - FIRST_SLOT_NODE;
    if (!page.isElided(slot)) {
      id = childPageId(id, slot);
      continue;
    }
    if (leaves === undefined || !leaves.isKnown(slot)) return { kind: "slots", page, first: slot, end: slot + 1 };
    return { kind: "elided", leaves, slot, depth: above + PAGE_LAYERS };
  }
}

function isInternal({ words }: Page, node: number): boolean {
  return !isLeaf(words, node * NODE_WORDS) && !isTerminator(words, node * NODE_WORDS);
}

function proof(terminal: PathProof["terminal"], siblings: Uint8Array[]): ProofAttempt {
  return { kind: "proof", proof: { terminal, siblings } };
}
