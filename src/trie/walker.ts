/**
 * From one trie to the next: applies ops to pages in memory. No I/O, and nothing that the caller gave is changed.
 *
 * The walk goes down from the root with the ops that meet each node, and comes up hashing. It ends where a node is a terminator, a leaf or an elided
 * sub-trie: there the leaves that are there and the ops are merged into one list, from which the sub-trie is built anew. Coming up, a node with nothing
 * below becomes a terminator, and one with a single leaf that leaf; what is left below them is zeros, so that equal key sets give equal pages.
 *
 * A page whose leaves may fall below what it needs to exist is not walked: all of its leaves and the ops are merged first, and only where enough are
 * left does the walk go on into it. So a page goes, with those below it, as soon as it is too small, and each page is met once.
 *
 * The caller has loaded whatever the ops meet (see seeker.ts). The sub-tries of the root page's slots have nothing to do with each other.
 */
import type { Hasher } from "../hash/index.js";
import { Page, type PageId, PAGE_DEPTH_MAX, ROOT_PAGE_ID, childPageId } from "../pages/index.js";
import {
  LEAF_WORDS,
  LeafList,
  NODE_WORDS,
  buildRoot,
  compareKeys,
  copyNode,
  hashInternal,
  hashLeaf,
  isLeaf,
  isTerminator,
  sameNode,
  writeTerminator,
} from "../proof/index.js";
import type { OpList } from "./op-list.js";
import { PageEdit, type WalkedPage } from "./page-edit.js";
import { FIRST_SLOT_NODE, PAGE_LAYERS, SLOTS, firstSlot, isStored, leavesMin, slotOf } from "./page-shape.js";
import { leavesOf } from "./slot-leaves.js";

/** What a walk starts from. */
export interface WalkInput {
  readonly hasher: Hasher;
  /** The root's 8 words. */
  readonly root: Int32Array;
  /** The only leaf, where the root is one. */
  readonly rootLeaf: LeafList | undefined;
  readonly ops: OpList;
  /** A page that is there, with what the ops meet of its leaves. */
  readonly pageOf: (id: PageId) => Page;
}

/** What a walk comes to. */
export interface WalkResult {
  readonly root: Int32Array;
  /** The only leaf, where the root is one. */
  readonly rootLeaf: LeafList | undefined;
  /** Changed and new pages, each once. */
  readonly pages: readonly WalkedPage[];
  /** Pages that go. */
  readonly clears: readonly PageId[];
  /** Leaves of the whole trie. */
  readonly leafCount: number;
}

/** What a walk into a page came to: nothing changed, it did, or too few leaves are left for a page. */
type Outcome = "same" | "changed" | "dissolved";

/** Applies ops. */
export function walk(input: WalkInput): WalkResult {
  return new Walk(input).run();
}

class Walk {
  readonly #input: WalkInput;
  readonly #hasher: Hasher;
  readonly #ops: OpList;
  readonly #pages: WalkedPage[] = [];
  readonly #clears: PageId[] = [];
  /** The roots of pages on their way up, one for each depth. */
  readonly #roots = new Int32Array((PAGE_DEPTH_MAX + 1) * NODE_WORDS);
  /** The leaves that a sub-trie is built from. */
  readonly #merged = new LeafList();
  /** The leaves of a page that may go. */
  readonly #gathered = new LeafList();

  constructor(input: WalkInput) {
    this.#input = input;
    this.#hasher = input.hasher;
    this.#ops = input.ops;
  }

  run(): WalkResult {
    const { root: before, rootLeaf, ops } = this.#input;
    const root = new Int32Array(NODE_WORDS);
    if (isLeaf(before, 0) || isTerminator(before, 0)) {
      this.#merge(rootLeaf?.words, 0, rootLeaf?.length ?? 0, 0, ops.length);
      return this.#result(this.#buildFromRoot(root));
    }
    const page = this.#input.pageOf(ROOT_PAGE_ID);
    const edit = new PageEdit(page, false, 0, ops.length);
    const outcome = this.#visitPage(edit, 0, root, 0);
    if (outcome === "dissolved") return this.#result(this.#buildFromRoot(root));
    if (outcome === "same") root.set(before);
    return { ...this.#result(root), leafCount: edit.page.leafCount };
  }

  /** The trie of what is merged, from its root on. */
  #buildFromRoot(root: Int32Array): Int32Array {
    const leaves = this.#merged;
    if (leaves.length < 2) buildRoot(this.#hasher, leaves, 0, leaves.length, 0, root, 0);
    else this.#buildPage(ROOT_PAGE_ID, 0, 0, leaves.length, root, 0);
    return root;
  }

  #result(root: Int32Array): WalkResult {
    const leafCount = this.#merged.length;
    const rootLeaf = isLeaf(root, 0) ? this.#merged : undefined;
    return { root, rootLeaf, pages: this.#pages, clears: this.#clears, leafCount };
  }

  /** Walks into a page, whose sub-trie's root is written as 8 words at `targetAt` where it changed. What is left of one that goes is merged. */
  #visitPage(edit: PageEdit, depth: number, target: Int32Array, targetAt: number): Outcome {
    const { page, from, to } = edit;
    if (page.leafCount - this.#ops.deletesIn(from, to) < leavesMin(depth)) {
      this.#gathered.clear();
      this.#gather(page);
      this.#merge(this.#gathered.words, 0, this.#gathered.length, from, to);
      if (this.#merged.length < leavesMin(depth)) {
        this.#clear(page);
        return "dissolved";
      }
    }
    const middle = this.#ops.split(from, to, depth * PAGE_LAYERS);
    let changed = from < middle && this.#visit(edit, depth, 0, 1, from, middle);
    if (middle < to && this.#visit(edit, depth, 1, 1, middle, to)) changed = true;
    if (!changed) return "same";
    const result = edit.change();
    result.leafCount += edit.leafDelta;
    this.#pages.push(edit.done());
    hashInternal(this.#hasher, result.words, 0, target, targetAt);
    return "changed";
  }

  /** Applies ops below a node of a page. Returns whether anything changed. */
  #visit(edit: PageEdit, depth: number, node: number, layer: number, from: number, to: number): boolean {
    const at = node * NODE_WORDS;
    const { words } = edit;
    if (isTerminator(words, at)) {
      this.#merge(undefined, 0, 0, from, to);
      return this.#replace(edit, depth, node, layer, 0);
    }
    if (isLeaf(words, at)) {
      const leaves = edit.leaves!;
      const leaf = leaves.single(firstSlot(node, layer), SLOTS >>> layer);
      return this.#merge(leaves.words, leaf, leaf + 1, from, to) && this.#replace(edit, depth, node, layer, 1);
    }
    if (layer === PAGE_LAYERS) return this.#visitSlot(edit, depth, node - FIRST_SLOT_NODE, from, to);

    const middle = this.#ops.split(from, to, depth * PAGE_LAYERS + layer);
    const left = 2 * node + 2;
    let changed = from < middle && this.#visit(edit, depth, left, layer + 1, from, middle);
    if (middle < to && this.#visit(edit, depth, left + 1, layer + 1, middle, to)) changed = true;
    if (changed) this.#close(edit, node, left);
    return changed;
  }

  /** Computes a node whose children changed. */
  #close(edit: PageEdit, node: number, left: number): void {
    const words = edit.changeNode(node);
    const at = node * NODE_WORDS;
    const leftAt = left * NODE_WORDS;
    const rightAt = leftAt + NODE_WORDS;
    const noLeft = isTerminator(words, leftAt);
    const noRight = isTerminator(words, rightAt);
    if (noLeft && noRight) writeTerminator(words, at);
    else if (noRight && isLeaf(words, leftAt)) {
      copyNode(words, leftAt, words, at);
      edit.clearNode(left);
    } else if (noLeft && isLeaf(words, rightAt)) {
      copyNode(words, rightAt, words, at);
      edit.clearNode(left + 1);
    } else hashInternal(this.#hasher, words, leftAt, words, at);
  }

  /** Applies ops below a slot with two leaves or more. */
  #visitSlot(edit: PageEdit, depth: number, slot: number, from: number, to: number): boolean {
    const node = FIRST_SLOT_NODE + slot;
    if (isStored(edit.page, slot)) {
      const below = new PageEdit(this.#input.pageOf(childPageId(edit.page.id, slot)), false, from, to);
      const countBefore = below.page.leafCount;
      const rootAt = (depth + 1) * NODE_WORDS;
      const outcome = this.#visitPage(below, depth + 1, this.#roots, rootAt);
      if (outcome === "same") return false;
      if (outcome === "changed") {
        edit.leafDelta += below.leafDelta;
        copyNode(this.#roots, rootAt, edit.changeNode(node), node * NODE_WORDS);
        return true;
      }
      const count = this.#merged.length;
      edit.adopted.push({ slot, leaves: this.#merged.words.slice(0, count * LEAF_WORDS), count });
      return this.#replace(edit, depth, node, PAGE_LAYERS, countBefore);
    }
    const leaves = edit.leaves!;
    const first = leaves.from(slot);
    const end = leaves.to(slot);
    if (!this.#merge(leaves.words, first, end, from, to)) return false;
    edit.setElided(slot, false);
    return this.#replace(edit, depth, node, PAGE_LAYERS, end - first);
  }

  /** Puts the sub-trie of what is merged in the place of a node that had `count` leaves, and nothing in the page below it. Returns whether there is either. */
  #replace(edit: PageEdit, depth: number, node: number, layer: number, count: number): boolean {
    const { length } = this.#merged;
    if (length === 0 && count === 0) return false;
    edit.leafDelta += length - count;
    this.#build(edit, depth, node, layer, 0, length);
    return true;
  }

  /** Writes the sub-trie of merged leaves at a node that has nothing below it. */
  #build(edit: PageEdit, depth: number, node: number, layer: number, from: number, to: number): void {
    const at = node * NODE_WORDS;
    const count = to - from;
    if (count === 0) {
      edit.clearNode(node);
      return;
    }
    if (count === 1) {
      hashLeaf(this.#hasher, this.#merged.words, from * LEAF_WORDS, edit.changeNode(node), at);
      if (edit.before === undefined) this.#note(edit, depth, from, to);
      return;
    }
    if (layer < PAGE_LAYERS) {
      const middle = this.#merged.split(from, to, depth * PAGE_LAYERS + layer);
      const left = 2 * node + 2;
      if (from < middle) this.#build(edit, depth, left, layer + 1, from, middle);
      if (middle < to) this.#build(edit, depth, left + 1, layer + 1, middle, to);
      const words = edit.changeNode(node);
      hashInternal(this.#hasher, words, left * NODE_WORDS, words, at);
      return;
    }
    const slot = node - FIRST_SLOT_NODE;
    const words = edit.changeNode(node);
    if (count >= leavesMin(depth + 1)) {
      this.#buildPage(childPageId(edit.page.id, slot), depth + 1, from, to, words, at);
      return;
    }
    buildRoot(this.#hasher, this.#merged, from, to, (depth + 1) * PAGE_LAYERS, words, at);
    edit.setElided(slot, true);
    if (edit.before === undefined) this.#note(edit, depth, from, to);
  }

  /** Makes a page, and those below it. */
  #buildPage(id: PageId, depth: number, from: number, to: number, target: Int32Array, targetAt: number): void {
    const edit = new PageEdit(Page.empty(id), true, from, to);
    const middle = this.#merged.split(from, to, depth * PAGE_LAYERS);
    if (from < middle) this.#build(edit, depth, 0, 1, from, middle);
    if (middle < to) this.#build(edit, depth, 1, 1, middle, to);
    edit.page.leafCount = to - from;
    this.#pages.push(edit.done());
    hashInternal(this.#hasher, edit.words, 0, target, targetAt);
  }

  /** The leaves of one slot of a new page. */
  #note(edit: PageEdit, depth: number, from: number, to: number): void {
    const { words } = this.#merged;
    const at = from * LEAF_WORDS;
    edit.leaves!.set(slotOf(words, at, depth), words, at, to - from);
  }

  /** Merges leaves `[first, end)` of a packed list with ops, into `#merged`. Returns whether any op changed anything. */
  #merge(leaves: Int32Array | undefined, first: number, end: number, from: number, to: number): boolean {
    const merged = this.#merged;
    const ops = this.#ops;
    const { words } = ops;
    merged.clear();
    let changed = false;
    let leaf = first;
    for (let op = from; op < to; op++) {
      const opAt = op * LEAF_WORDS;
      let order = 1;
      while (leaf < end && (order = compareKeys(leaves!, leaf * LEAF_WORDS, words, opAt)) < 0)
        merged.pushWords(leaves!, leaf++ * LEAF_WORDS);
      const isThere = leaf < end && order === 0;
      if (ops.isDelete(op)) changed ||= isThere;
      else {
        merged.pushWords(words, opAt);
        changed ||= !isThere || !sameNode(leaves!, leaf * LEAF_WORDS + NODE_WORDS, words, opAt + NODE_WORDS);
      }
      if (isThere) leaf++;
    }
    while (leaf < end) merged.pushWords(leaves!, leaf++ * LEAF_WORDS);
    return changed;
  }

  /** All leaves below a page, into `#gathered`. */
  #gather(page: Page): void {
    const leaves = leavesOf(page);
    for (let slot = 0; slot < SLOTS; slot++) {
      if (isStored(page, slot)) this.#gather(this.#input.pageOf(childPageId(page.id, slot)));
      else if (leaves !== undefined)
        for (let leaf = leaves.from(slot); leaf < leaves.to(slot); leaf++)
          this.#gathered.pushWords(leaves.words, leaf * LEAF_WORDS);
    }
  }

  /** A page goes, and all below it. */
  #clear(page: Page): void {
    for (let slot = 0; slot < SLOTS; slot++)
      if (isStored(page, slot)) this.#clear(this.#input.pageOf(childPageId(page.id, slot)));
    this.#clears.push(page.id);
  }
}
