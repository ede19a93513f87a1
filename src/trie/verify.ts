/**
 * Checks a whole store: every value against its hash, every page against the leaves and the pages below it, up to the root; that there is a page where one
 * has to be and none elsewhere; and that the engine has no rows that are nobody's.
 *
 * Pages are checked one at a time, each with the leaves of its own slots, so that memory is bounded whatever the size of the store.
 */
import { CorruptionError, checkInteger, checkOptions, checkSignal, equalBytes, invalid, toHex } from "../base/index.js";
import {
  type Page,
  type PageId,
  ROOT_PAGE_ID,
  type VerifyPagesReport,
  childPageId,
  describePageId,
} from "../pages/index.js";
import {
  LEAF_WORDS,
  LeafList,
  NODE_WORDS,
  buildRoot,
  hashInternal,
  hashLeaf,
  isLeaf,
  isTerminator,
  nodeBytes,
  sameNode,
} from "../proof/index.js";
import { FIRST_SLOT_NODE, PAGE_LAYERS, SLOTS, isStored, leavesMin } from "./page-shape.js";
import { APART_ROWS, apartRowKey, keyOfRow, leafRowKey, parseRow } from "./row-format.js";
import type { Store } from "./store.js";
import { slotBound } from "./trie-reads.js";

/** Options of `MerkleStore.verify`. */
export interface VerifyMerkleOptions {
  readonly signal?: AbortSignal;
  /** Called now and then, and at the end. */
  readonly onProgress?: (progress: VerifyMerkleProgress) => void;
  /** Problems beyond so many are counted, not listed. Default 100. */
  readonly problemsMax?: number;
}

/** How far a check is. */
export interface VerifyMerkleProgress {
  readonly keys: number;
  readonly pages: number;
}

/** Something that is not as it has to be. */
export interface MerkleProblem {
  readonly kind: "value" | "page" | "leaves" | "root" | "row";
  /** For people: where, what was expected, what was found. */
  readonly message: string;
}

/** What a check found. */
export interface VerifyMerkleReport {
  readonly sound: boolean;
  readonly sequence: number;
  readonly root: Uint8Array;
  readonly keys: number;
  readonly pages: number;
  /** The first ones. */
  readonly problems: readonly MerkleProblem[];
  readonly problemCount: number;
  /** What the page store found in its table and journal. */
  readonly table: VerifyPagesReport;
}

/** Checked options. */
export interface VerifySettings {
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((progress: VerifyMerkleProgress) => void) | undefined;
  readonly problemsMax: number;
}

const NODES = FIRST_SLOT_NODE + SLOTS;

export function checkVerifyOptions(options: VerifyMerkleOptions | undefined): VerifySettings {
  const where = "MerkleStore.verify";
  const given = checkOptions(where, options, ["signal", "onProgress", "problemsMax"]);
  if (given.onProgress !== undefined && typeof given.onProgress !== "function")
    throw invalid(where, "onProgress", given.onProgress, "a function");
  return {
    signal: checkSignal(where, given.signal),
    onProgress: given.onProgress,
    problemsMax: checkInteger(where, "problemsMax", given.problemsMax, { min: 0 }, 100),
  };
}

/** See the head of this file. The caller has the turn. */
export async function verifyStore(store: Store, settings: VerifySettings): Promise<VerifyMerkleReport> {
  return await new Verification(store, settings).run();
}

class Verification {
  readonly #store: Store;
  readonly #settings: VerifySettings;
  readonly #problems: MerkleProblem[] = [];
  #problemCount = 0;
  #keys = 0;
  #pages = 0;

  constructor(store: Store, settings: VerifySettings) {
    this.#store = store;
    this.#settings = settings;
  }

  async run(): Promise<VerifyMerkleReport> {
    const store = this.#store;
    const { signal } = this.#settings;
    const { root } = store.trie();
    const found = new Int32Array(NODE_WORDS);
    if (isLeaf(root, 0) || isTerminator(root, 0)) {
      const leaves = await this.#leaves(new Uint8Array(32), new Uint8Array(32).fill(0xff));
      buildRoot(store.hasher, leaves, 0, leaves.length, 0, found, 0);
    } else await this.#page(ROOT_PAGE_ID, found);
    if (!sameNode(root, 0, found, 0))
      this.#report("root", `the root is ${hex(root)}, and pages and values give ${hex(found)}`);
    await this.#apartRows();
    const table = await store.pages.verify(signal === undefined ? {} : { signal });
    if (table.sound && table.pages !== this.#pages)
      this.#report("page", `the table has ${table.pages} pages, and ${this.#pages} belong to the trie`);
    this.#progress();
    return {
      sound: this.#problemCount === 0 && table.sound,
      sequence: store.pages.sequence,
      root: store.pages.root,
      keys: this.#keys,
      pages: this.#pages,
      problems: this.#problems,
      problemCount: this.#problemCount,
      table,
    };
  }

  /** Checks a page and all below it. Writes the node that its sub-trie has, as far as that can be told, and returns the number of its leaves. */
  async #page(id: PageId, target: Int32Array): Promise<number> {
    this.#settings.signal?.throwIfAborted();
    const page = await this.#load(id);
    target.fill(0);
    if (page === undefined) {
      // What is below it is nobody's then: its values are still checked.
      await this.#leaves(slotBound(id, 0, 0), slotBound(id, SLOTS - 1, 1));
      return 0;
    }
    this.#pages++;
    const name = `page ${describePageId(id)}`;
    let count = 0;
    for (let slot = 0; slot < SLOTS;) {
      if (isStored(page, slot)) {
        const child = new Int32Array(NODE_WORDS);
        count += await this.#page(childPageId(id, slot), child);
        this.#expectNode(page, FIRST_SLOT_NODE + slot, child, `the page below slot ${slot} of ${name}`);
        slot++;
        continue;
      }
      let end = slot + 1;
      while (end < SLOTS && !isStored(page, end)) end++;
      const leaves = await this.#leaves(slotBound(id, slot, 0), slotBound(id, end - 1, 1));
      count += leaves.length;
      this.#ownSlots(page, leaves, slot, end);
      slot = end;
    }
    this.#closeNodes(page, name);
    if (count !== page.leafCount)
      this.#report("page", `${name} says that ${page.leafCount} leaves are below it, and there are ${count}`);
    if (count < leavesMin(id.length))
      this.#report("page", `${name} has ${count} leaves, and a page at its depth needs ${leavesMin(id.length)}`);
    hashInternal(this.#store.hasher, page.words, 0, target, 0);
    this.#progress();
    return count;
  }

  /** Checks the nodes of the slots `[first, end)`, which are in no pages of their own, against their leaves. */
  #ownSlots(page: Page, leaves: LeafList, first: number, end: number): void {
    const visit = (node: number, layer: number, from: number, to: number): void => {
      const size = SLOTS >>> layer;
      const low = (node + 2 - (1 << layer)) * size;
      if (low >= end || low + size <= first) {
        if (from < to)
          this.#report("leaves", `${to - from} values are below slots of ${describePageId(page.id)} that have none`);
        return;
      }
      const at = node * NODE_WORDS;
      const isNone = isTerminator(page.words, at);
      if (!isNone && !isLeaf(page.words, at) && layer < PAGE_LAYERS) {
        const middle = leaves.split(from, to, page.id.length * PAGE_LAYERS + layer);
        visit(2 * node + 2, layer + 1, from, middle);
        visit(2 * node + 3, layer + 1, middle, to);
        return;
      }
      const expected = new Int32Array(NODE_WORDS);
      if (to - from === 1) hashLeaf(this.#store.hasher, leaves.words, from * LEAF_WORDS, expected, 0);
      else buildRoot(this.#store.hasher, leaves, from, to, page.id.length * PAGE_LAYERS + layer, expected, 0);
      this.#expectNode(page, node, expected, `the values below node ${node} of page ${describePageId(page.id)}`);
      if (layer < PAGE_LAYERS) return;
      const slot = node - FIRST_SLOT_NODE;
      const name = `slot ${slot} of page ${describePageId(page.id)}`;
      if (to - from >= leavesMin(page.id.length + 1))
        this.#report("page", `${name} has ${to - from} leaves, and no page`);
    };
    const middle = leaves.split(0, leaves.length, page.id.length * PAGE_LAYERS);
    visit(0, 1, 0, middle);
    visit(1, 1, middle, leaves.length);
  }

  /** Checks every node that has children in the page, and that what no node reaches is zeros. */
  #closeNodes(page: Page, name: string): void {
    const { words } = page;
    for (let slot = 0; slot < SLOTS; slot++) {
      const at = (FIRST_SLOT_NODE + slot) * NODE_WORDS;
      if (page.isElided(slot) && (isLeaf(words, at) || isTerminator(words, at)))
        this.#report("page", `slot ${slot} of ${name} is marked as elided, and has too few leaves for that`);
    }
    const expected = new Int32Array(NODE_WORDS);
    const reached = new Uint8Array(NODES).fill(1, 0, 2);
    for (let node = 0; node < NODES; node++) {
      const at = node * NODE_WORDS;
      const isInternal = !isLeaf(words, at) && !isTerminator(words, at);
      if (reached[node] === 0 && !isTerminator(words, at))
        this.#report("page", `node ${node} of ${name} is no part of it`);
      if (!isInternal || node >= FIRST_SLOT_NODE) continue;
      const left = 2 * node + 2;
      reached.fill(reached[node]!, left, left + 2);
      hashInternal(this.#store.hasher, words, left * NODE_WORDS, expected, 0);
      if (!sameNode(expected, 0, words, at))
        this.#report("page", `node ${node} of ${name} is not that of its children`);
    }
  }

  #expectNode({ words }: Page, node: number, expected: Int32Array, what: string): void {
    const at = node * NODE_WORDS;
    if (sameNode(words, at, expected, 0)) return;
    this.#report("leaves", `${what} give ${hex(expected)}, and the node is ${toHex(nodeBytes(words, at))}`);
  }

  async #load(id: PageId): Promise<Page | undefined> {
    try {
      const page = await this.#store.pages.load(id);
      if (page === undefined) this.#report("page", `page ${describePageId(id)} is missing`);
      return page;
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error;
      this.#report("page", error.message);
      return undefined;
    }
  }

  /** The leaves between two keys, each with its value checked. */
  async #leaves(first: Uint8Array, last: Uint8Array): Promise<LeafList> {
    const { values, hasher } = this.#store;
    const leaves = new LeafList();
    for await (const rows of values.database.iterate({ gte: leafRowKey(first), lte: leafRowKey(last) }))
      for (const [engineKey, bytes] of rows) {
        this.#settings.signal?.throwIfAborted();
        this.#keys++;
        const key = keyOfRow(engineKey);
        const row = key === undefined ? undefined : parseRow(bytes);
        if (key === undefined || row === undefined) {
          this.#report("row", `the row at ${toHex(engineKey)} is none of a value`);
          continue;
        }
        const value = row.value ?? (await values.database.get(apartRowKey(key)));
        if (value === undefined) this.#report("value", `the value of key ${toHex(key)} is missing`);
        else if (!equalBytes(hasher.hash(value), row.valueHash))
          this.#report("value", `the value of key ${toHex(key)} is not the one that was put`);
        leaves.push(key, row.valueHash);
      }
    return leaves;
  }

  /** Every larger value belongs to a row. */
  async #apartRows(): Promise<void> {
    const { database } = this.#store.values;
    for await (const rows of database.iterate(APART_ROWS)) {
      const keys = rows.map(([engineKey]) => keyOfRow(engineKey));
      const leaves = await database.getMany(keys.map((key) => leafRowKey(key ?? new Uint8Array(32))));
      for (const [at, key] of keys.entries()) {
        const row = leaves[at] === undefined ? undefined : parseRow(leaves[at]);
        if (key !== undefined && row !== undefined && row.value === undefined) continue;
        this.#report("row", `the value at ${toHex(rows[at]![0])} belongs to no key`);
      }
    }
  }

  #report(kind: MerkleProblem["kind"], message: string): void {
    if (this.#problemCount++ < this.#settings.problemsMax) this.#problems.push({ kind, message });
  }

  #progress(): void {
    this.#settings.onProgress?.({ keys: this.#keys, pages: this.#pages });
  }
}

function hex(node: Int32Array): string {
  return toHex(nodeBytes(node, 0));
}
