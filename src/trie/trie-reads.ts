/**
 * Reading the committed trie: pages by id, and the leaves of their own slots, which come from the engine once and are kept beside the page.
 *
 * What comes from the engine is held against the nodes of the page that it is for. So it does not matter when it was read: leaves of another moment do not
 * fit, and a page does not change.
 */
import { CorruptionError } from "../base/index.js";
import type { Hasher } from "../hash/index.js";
import { type Page, type PageId, childPageId, describePageId } from "../pages/index.js";
import {
  LEAF_WORDS,
  type LeafList,
  NODE_WORDS,
  buildRoot,
  hashLeaf,
  isLeaf,
  isTerminator,
  nodeBytes,
  sameNode,
} from "../proof/index.js";
import { ELIDED_BELOW, FIRST_SLOT_NODE, PAGE_LAYERS, SLOTS, slotOf } from "./page-shape.js";
import { SlotLeaves, leavesOf } from "./slot-leaves.js";

/** Where pages come from. */
export interface PageSource {
  peek(id: PageId): Page | undefined;
  load(id: PageId): Promise<Page | undefined>;
}

/** Where leaves come from. */
export interface LeafSource {
  leaves(first: Uint8Array, last: Uint8Array, limit: number): Promise<LeafList>;
}

/** Leaves that are not those of the nodes above them: of another moment, or damaged. */
export class LeavesDiffer extends Error {
  readonly where: string;

  constructor(where: string) {
    super(`the leaves of ${where} do not give its nodes`);
    this.where = where;
  }
}

/** See the head of this file. */
export class TrieReads {
  readonly #pages: PageSource;
  readonly #leaves: LeafSource;
  readonly #hasher: Hasher;
  readonly #path: string;

  constructor(path: string, pages: PageSource, leaves: LeafSource, hasher: Hasher) {
    this.#path = path;
    this.#pages = pages;
    this.#leaves = leaves;
    this.#hasher = hasher;
  }

  /** A page that is in memory. */
  peek(id: PageId): Page | undefined {
    return this.#pages.peek(id);
  }

  /** A page that must be there. */
  async page(id: PageId): Promise<Page> {
    const page = await this.#pages.load(id);
    if (page !== undefined) return page;
    throw new CorruptionError({
      path: this.#path,
      expected: `page ${describePageId(id)}, which a node above it belongs to`,
      found: "none",
    });
  }

  /** The child page of a slot, as for {@link page}. */
  peekChild(page: Page, slot: number): Page | undefined {
    return this.#pages.peek(childPageId(page.id, slot));
  }

  /** The leaf that is the whole trie. Rejects with {@link LeavesDiffer} where the engine has other ones. */
  async rootLeaf(root: Int32Array): Promise<LeafList> {
    const leaves = await this.#leaves.leaves(new Uint8Array(32), new Uint8Array(32).fill(0xff), 2);
    const node = new Int32Array(NODE_WORDS);
    if (leaves.length === 1) hashLeaf(this.#hasher, leaves.words, 0, node, 0);
    if (!sameNode(node, 0, root, 0)) throw new LeavesDiffer("the root");
    return leaves;
  }

  /**
   * Reads the leaves of the slots `[first, end)`, none of which is in a page of its own and none of which is half of a node above the bottom layer, and
   * keeps them with the page. Rejects with {@link LeavesDiffer} where they are not those of the page.
   */
  async loadSlots(page: Page, first: number, end: number): Promise<void> {
    const limit = (end - first) * (ELIDED_BELOW - 1) + 1;
    const list = await this.#leaves.leaves(slotBound(page.id, first, 0), slotBound(page.id, end - 1, 1), limit);
    const depth = page.id.length;
    const middle = list.split(0, list.length, depth * PAGE_LAYERS);
    if (
      !this.#fits(page, list, 0, middle, { node: 0, layer: 1, first, end }) ||
      !this.#fits(page, list, middle, list.length, { node: 1, layer: 1, first, end })
    )
      throw new LeavesDiffer(`page ${describePageId(page.id)}, slots ${first} to ${end - 1}`);

    const leaves = leavesOf(page) ?? new SlotLeaves();
    page.companion = leaves;
    let from = 0;
    for (let slot = first; slot < end; slot++) {
      let to = from;
      while (to < list.length && slotOf(list.words, to * LEAF_WORDS, depth) === slot) to++;
      if (!leaves.isKnown(slot)) leaves.set(slot, list.words, from * LEAF_WORDS, to - from);
      from = to;
    }
  }

  /** Whether leaves `[from, to)` are all of those below a node that are in the slots `[first, end)`. */
  #fits(
    page: Page,
    list: LeafList,
    from: number,
    to: number,
    place: { readonly node: number; readonly layer: number; readonly first: number; readonly end: number },
  ): boolean {
    const { node, layer, first, end } = place;
    const size = SLOTS >>> layer;
    const low = (node + 2 - (1 << layer)) * size;
    if (low >= end || low + size <= first) return from === to;
    const at = node * NODE_WORDS;
    if (isTerminator(page.words, at)) return from === to;
    const scratch = new Int32Array(NODE_WORDS);
    if (isLeaf(page.words, at)) {
      if (to - from !== 1) return false;
      hashLeaf(this.#hasher, list.words, from * LEAF_WORDS, scratch, 0);
      return sameNode(scratch, 0, page.words, at);
    }
    if (layer < PAGE_LAYERS) {
      const middle = list.split(from, to, page.id.length * PAGE_LAYERS + layer);
      const left = 2 * node + 2;
      return (
        this.#fits(page, list, from, middle, { node: left, layer: layer + 1, first, end }) &&
        this.#fits(page, list, middle, to, { node: left + 1, layer: layer + 1, first, end })
      );
    }
    if (to - from < 2 || !page.isElided(node - FIRST_SLOT_NODE)) return false;
    buildRoot(this.#hasher, list, from, to, (page.id.length + 1) * PAGE_LAYERS, scratch, 0);
    return sameNode(scratch, 0, page.words, at);
  }
}

/** The first key below a slot of a page, or, with ones behind the path, the last. */
export function slotBound(id: PageId, slot: number, fill: 0 | 1): Uint8Array {
  const words = new Int32Array(NODE_WORDS).fill(fill === 0 ? 0 : -1);
  const key = nodeBytes(words, 0);
  for (let step = 0; step <= id.length; step++) {
    const limb = step < id.length ? id.charCodeAt(step) : slot;
    for (let bit = 0; bit < PAGE_LAYERS; bit++) {
      const at = step * PAGE_LAYERS + bit;
      const mask = 0x80 >>> (at & 7);
      if (((limb >>> (PAGE_LAYERS - 1 - bit)) & 1) === 1) key[at >>> 3]! |= mask;
      else key[at >>> 3]! &= ~mask;
    }
  }
  return key;
}
