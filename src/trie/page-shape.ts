/**
 * Which pages there are, and where in a page things are.
 *
 * A page holds the nodes of six layers below its own path: node `i` has the children `2i + 2` and `2i + 3`, and the bottom layer is that of the 64
 * *slots*, each the path of one page below. The sub-trie of a slot with two leaves or more continues in a page of its own, or, where it has fewer than
 * {@link ELIDED_BELOW}, in none: it is then *elided*, a bit of its parent says so, and its nodes are computed from its leaves whenever they are needed.
 * The first two layers of pages are never elided. So the set of pages and all that is in them follow from the set of keys and values alone.
 */
import { isLeaf, isTerminator } from "../proof/index.js";
import type { Page } from "../pages/index.js";

/** Layers of a page. */
export const PAGE_LAYERS = 6;
/** Paths of pages below a page. */
export const SLOTS = 64;
/** The first node of the bottom layer. */
export const FIRST_SLOT_NODE = 62;
/** A sub-trie with fewer leaves has no page. */
export const ELIDED_BELOW = 20;
/** The first depth, in pages, at which sub-tries are elided. */
const ELIDED_FROM_DEPTH = 2;

/** How many leaves the sub-trie of a page at this depth must have for the page to exist. */
export function leavesMin(pageDepth: number): number {
  return pageDepth < ELIDED_FROM_DEPTH ? 2 : ELIDED_BELOW;
}

/** The first slot below node `i` of layer `layer`, 1 to 6. There are `64 >> layer` of them. */
export function firstSlot(node: number, layer: number): number {
  return (node + 2 - (1 << layer)) << (PAGE_LAYERS - layer);
}

/** Whether the sub-trie of a slot is in a page of its own. */
export function isStored(page: Page, slot: number): boolean {
  const at = (FIRST_SLOT_NODE + slot) * 8;
  return !page.isElided(slot) && !isLeaf(page.words, at) && !isTerminator(page.words, at);
}

/** The slot of the page at `pageDepth` that the key at `at` belongs to: its next six bits. */
export function slotOf(words: Int32Array, at: number, pageDepth: number): number {
  const bit = pageDepth * PAGE_LAYERS;
  const byte = bit >>> 3;
  const high = byteOf(words, at, byte);
  const low = byte < 31 ? byteOf(words, at, byte + 1) : 0;
  return (((high << 8) | low) >>> (10 - (bit & 7))) & (SLOTS - 1);
}

function byteOf(words: Int32Array, at: number, byte: number): number {
  return (words[at + (byte >>> 2)]! >>> ((byte & 3) << 3)) & 0xff;
}
