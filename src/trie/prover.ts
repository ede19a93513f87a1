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
  siblingsInList,
} from "../proof/index.js";
import { FIRST_SLOT_NODE, PAGE_LAYERS, SLOTS, firstSlot } from "./page-shape.js";
import type { TrieRoot } from "./seeker.js";
import { leavesOf } from "./slot-leaves.js";

/** What a proof lacks. */
export type ProofNeed =
  | { readonly kind: "root-leaf" }
  | { readonly kind: "page"; readonly id: PageId }
  | { readonly kind: "slots"; readonly page: Page; readonly first: number; readonly end: number };

/** A proof, or what it lacks. */
export type ProofAttempt = { readonly kind: "proof"; readonly proof: PathProof } | ProofNeed;

/** Proves what a key of 32 bytes has, or that it has nothing. Asks for nothing but what is in memory. */
export function attemptProof(
  hasher: Hasher,
  { root, rootLeaf }: TrieRoot,
  peek: (id: PageId) => Page | undefined,
  key: Uint8Array,
): ProofAttempt {
  if (isTerminator(root, 0)) return proof({ kind: "terminator", path: pathOf(key, 0) }, []);
  if (isLeaf(root, 0)) {
    if (rootLeaf === undefined) return { kind: "root-leaf" };
    return proof({ kind: "leaf", key: rootLeaf.key(0), valueHash: rootLeaf.valueHash(0) }, []);
  }
  const words = new Int32Array(NODE_WORDS);
  loadNode(key, words, 0);
  const siblings: Uint8Array[] = [];
  for (let id = ROOT_PAGE_ID; ;) {
    const page = peek(id);
    if (page === undefined) return { kind: "page", id };
    const above = id.length * PAGE_LAYERS;
    let node = bitAt(words, 0, above);
    let layer = 1;
    siblings.push(page.node(node ^ 1));
    for (; layer < PAGE_LAYERS && isInternal(page, node); layer++) {
      node = 2 * node + 2 + bitAt(words, 0, above + layer);
      siblings.push(page.node(node ^ 1));
    }

    if (isTerminator(page.words, node * NODE_WORDS))
      return proof({ kind: "terminator", path: pathOf(key, above + layer) }, siblings);
    const leaves = leavesOf(page);
    if (isLeaf(page.words, node * NODE_WORDS)) {
      const slot = firstSlot(node, layer);
      const end = slot + (SLOTS >>> layer);
      const leaf = leaves === undefined ? -1 : leaves.single(slot, end - slot);
      if (leaf < 0) return { kind: "slots", page, first: slot, end };
      const at = leaf * LEAF_WORDS;
      const key = nodeBytes(leaves!.words, at);
      return proof({ kind: "leaf", key, valueHash: nodeBytes(leaves!.words, at + NODE_WORDS) }, siblings);
    }
    const slot = node - FIRST_SLOT_NODE;
    if (!page.isElided(slot)) {
      id = childPageId(id, slot);
      continue;
    }
    if (leaves === undefined || !leaves.isKnown(slot)) return { kind: "slots", page, first: slot, end: slot + 1 };
    const list = new LeafList(leaves.to(slot) - leaves.from(slot));
    for (let leaf = leaves.from(slot); leaf < leaves.to(slot); leaf++) list.pushWords(leaves.words, leaf * LEAF_WORDS);
    const below = siblingsInList(hasher, list, above + PAGE_LAYERS, key);
    return proof(below.terminal, [...siblings, ...below.siblings]);
  }
}

function isInternal({ words }: Page, node: number): boolean {
  return !isLeaf(words, node * NODE_WORDS) && !isTerminator(words, node * NODE_WORDS);
}

function proof(terminal: PathProof["terminal"], siblings: Uint8Array[]): ProofAttempt {
  return { kind: "proof", proof: { terminal, siblings } };
}
