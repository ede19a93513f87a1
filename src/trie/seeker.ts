/**
 * Before a walk: loads what its ops will meet, many reads at once. That is every page on their paths; the leaves where a path ends at a leaf or in an elided
 * sub-trie; and all that is below a page that may lose so many leaves that it goes. Where all of that is in memory nothing is awaited.
 */
import { CorruptionError } from "../base/index.js";
import { type Page, type PageId, ROOT_PAGE_ID, childPageId, describePageId } from "../pages/index.js";
import { type LeafList, isLeaf, isTerminator } from "../proof/index.js";
import type { OpList } from "./op-list.js";
import { FIRST_SLOT_NODE, PAGE_LAYERS, SLOTS, firstSlot, isStored, leavesMin } from "./page-shape.js";
import { type SlotLeaves, leavesOf } from "./slot-leaves.js";
import { LeavesDiffer, type TrieReads } from "./trie-reads.js";

/** Reads that are on their way at a time. */
const READS_MAX = 64;
/** Slots whose leaves are read though no op meets them, to read those on both sides at once. */
const GAP_MAX = 3;

/** What a walk needs. */
export interface Sought {
  readonly rootLeaf: LeafList | undefined;
  readonly pageOf: (id: PageId) => Page;
}

/** What a trie begins with. */
export interface TrieRoot {
  readonly root: Int32Array;
  /** The only leaf, where the root is one and it is known. */
  readonly rootLeaf: LeafList | undefined;
}

/** Loads what `ops` meet. Rejects with `CorruptionError` where something that must be there is not. `path` names the store. */
export async function seek(path: string, reads: TrieReads, trie: TrieRoot, ops: OpList): Promise<Sought> {
  const seeker = new Seeker(path, reads, ops);
  try {
    return await seeker.seek(trie);
  } catch (error) {
    throw error instanceof LeavesDiffer ? damagedLeaves(path, error) : error;
  }
}

/** Leaves that do not fit, where nothing can have changed them meanwhile. */
export function damagedLeaves(path: string, { where }: LeavesDiffer): CorruptionError {
  return new CorruptionError({
    path,
    expected: `leaves that give the nodes of ${where}`,
    found: "others in the engine",
    advice: "`verify` tells how far the damage goes. Restore a copy of the store.",
  });
}

class Seeker {
  readonly #path: string;
  readonly #reads: TrieReads;
  readonly #ops: OpList;
  readonly #pages = new Map<PageId, Page>();
  /** Reads to be made, each followed by a look at what it brought. */
  #waiting: (() => Promise<void>)[] = [];
  /** Pages whose leaves are all needed. */
  readonly #whole: Page[] = [];

  constructor(path: string, reads: TrieReads, ops: OpList) {
    this.#path = path;
    this.#reads = reads;
    this.#ops = ops;
  }

  async seek({ root, rootLeaf }: TrieRoot): Promise<Sought> {
    let leaf = rootLeaf;
    if (isLeaf(root, 0)) leaf ??= await this.#reads.rootLeaf(root);
    else if (!isTerminator(root, 0)) {
      this.#visitPageOf(ROOT_PAGE_ID, 0, this.#ops.length);
      await this.#drain();
      for (const page of this.#whole) this.#checkCount(page);
    }
    return { rootLeaf: leaf, pageOf: (id) => this.#pages.get(id)! };
  }

  /** Looks at a page, now or once it is loaded. */
  #visitPageOf(id: PageId, from: number, to: number): void {
    const page = this.#peek(id);
    if (page === undefined) this.#load(id, (loaded) => this.#visitPage(loaded, from, to));
    else this.#visitPage(page, from, to);
  }

  /** As {@link #visitPageOf}, for everything below it. */
  #visitWholeOf(id: PageId): void {
    const page = this.#peek(id);
    if (page === undefined) this.#load(id, (loaded) => this.#visitWhole(loaded));
    else this.#visitWhole(page);
  }

  #peek(id: PageId): Page | undefined {
    const page = this.#reads.peek(id);
    if (page !== undefined) this.#pages.set(id, page);
    return page;
  }

  #load(id: PageId, look: (page: Page) => void): void {
    this.#waiting.push(async () => {
      const loaded = await this.#reads.page(id);
      this.#pages.set(id, loaded);
      look(loaded);
    });
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const round = this.#waiting.splice(0, READS_MAX);
      const outcomes = await Promise.allSettled(round.map((read) => read()));
      for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
    }
  }

  #visitPage(page: Page, from: number, to: number): void {
    const depth = page.id.length;
    if (page.leafCount - this.#ops.deletesIn(from, to) < leavesMin(depth)) {
      this.#visitWhole(page);
      return;
    }
    const needs = new SlotNeeds(page);
    const middle = this.#ops.split(from, to, depth * PAGE_LAYERS);
    if (from < middle) this.#visit(page, needs, 0, 1, from, middle);
    if (middle < to) this.#visit(page, needs, 1, 1, middle, to);
    this.#read(page, needs);
  }

  #visit(page: Page, needs: SlotNeeds, node: number, layer: number, from: number, to: number): void {
    const at = node * 8;
    if (isTerminator(page.words, at)) return;
    if (isLeaf(page.words, at)) {
      needs.leaf(firstSlot(node, layer), SLOTS >>> layer);
      return;
    }
    if (layer < PAGE_LAYERS) {
      const middle = this.#ops.split(from, to, page.id.length * PAGE_LAYERS + layer);
      if (from < middle) this.#visit(page, needs, 2 * node + 2, layer + 1, from, middle);
      if (middle < to) this.#visit(page, needs, 2 * node + 3, layer + 1, middle, to);
      return;
    }
    const slot = node - FIRST_SLOT_NODE;
    if (isStored(page, slot)) this.#visitPageOf(childPageId(page.id, slot), from, to);
    else needs.elided(slot);
  }

  /** Everything below a page. */
  #visitWhole(page: Page): void {
    this.#whole.push(page);
    const needs = new SlotNeeds(page);
    this.#visitAll(page, needs, 0, 1);
    this.#visitAll(page, needs, 1, 1);
    this.#read(page, needs);
  }

  #visitAll(page: Page, needs: SlotNeeds, node: number, layer: number): void {
    const at = node * 8;
    if (isTerminator(page.words, at)) return;
    if (isLeaf(page.words, at)) needs.leaf(firstSlot(node, layer), SLOTS >>> layer);
    else if (layer < PAGE_LAYERS) {
      this.#visitAll(page, needs, 2 * node + 2, layer + 1);
      this.#visitAll(page, needs, 2 * node + 3, layer + 1);
    } else if (isStored(page, node - FIRST_SLOT_NODE))
      this.#visitWholeOf(childPageId(page.id, node - FIRST_SLOT_NODE));
    else needs.elided(node - FIRST_SLOT_NODE);
  }

  #read(page: Page, needs: SlotNeeds): void {
    for (const { first, end } of needs.runs ?? []) this.#waiting.push(() => this.#reads.loadSlots(page, first, end));
  }

  /** The leaves of a page that may go are all there, as many as it says. */
  #checkCount(page: Page): void {
    let count = leavesOf(page)?.length ?? 0;
    for (let slot = 0; slot < SLOTS; slot++)
      if (isStored(page, slot)) count += this.#pages.get(childPageId(page.id, slot))!.leafCount;
    if (count === page.leafCount) return;
    throw new CorruptionError({
      path: this.#path,
      expected: `${page.leafCount} leaves below page ${describePageId(page.id)}`,
      found: String(count),
    });
  }
}

/** Slots of a page whose leaves are needed and not known, in runs. */
class SlotNeeds {
  /** `undefined` while all that is needed is known, which is the rule. */
  runs: { first: number; end: number }[] | undefined;
  readonly #page: Page;
  readonly #known: SlotLeaves | undefined;

  constructor(page: Page) {
    this.#page = page;
    this.#known = leavesOf(page);
  }

  /** The one leaf of `count` slots is needed. */
  leaf(slot: number, count: number): void {
    if (this.#known === undefined || this.#known.single(slot, count) < 0) this.#add(slot, slot + count);
  }

  /** All leaves of a slot are needed. */
  elided(slot: number): void {
    if (this.#known?.isKnown(slot) !== true) this.#add(slot, slot + 1);
  }

  /** Slots come in ascending order. */
  #add(first: number, end: number): void {
    const last = this.runs?.at(-1);
    if (last === undefined || first - last.end > GAP_MAX || this.#isApart(last.end, first))
      (this.runs ??= []).push({ first, end });
    else last.end = end;
  }

  /** Whether a slot in between is in a page of its own. */
  #isApart(first: number, end: number): boolean {
    for (let slot = first; slot < end; slot++) if (isStored(this.#page, slot)) return true;
    return false;
  }
}
