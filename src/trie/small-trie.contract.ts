/** A trie in memory, as a commit sees it: for tests of the walker, without a disk. */
import type { Hasher } from "../hash/index.js";
import { type Page, type PageId, describePageId } from "../pages/index.js";
import type { LeafList } from "../proof/index.js";
import { LEAF_WORDS, compareKeys, copyNode, loadNode, nodeBytes } from "../proof/index.js";
import { carryLeaves } from "./carry-leaves.js";
import { OpList } from "./op-list.js";
import { leavesOf } from "./slot-leaves.js";
import { type WalkResult, walk } from "./walker.js";

/** A key, and its value hash or `undefined` for a delete; 32 bytes each. */
export type KeyOp = readonly [key: Uint8Array, valueHash: Uint8Array | undefined];

/** Packs ops, sorted; of two with one key the later counts. */
export function packOps(ops: readonly KeyOp[]): OpList {
  const words = new Int32Array(ops.length * LEAF_WORDS);
  ops.forEach(([key, valueHash], index) => {
    loadNode(key, words, index * LEAF_WORDS);
    if (valueHash !== undefined) loadNode(valueHash, words, index * LEAF_WORDS + 8);
  });
  const order = ops.map((_, index) => index);
  order.sort((a, b) => compareKeys(words, a * LEAF_WORDS, words, b * LEAF_WORDS) || a - b);
  const list = new OpList(ops.length);
  order.forEach((index, place) => {
    const at = index * LEAF_WORDS;
    const next = order[place + 1];
    if (next !== undefined && compareKeys(words, at, words, next * LEAF_WORDS) === 0) return;
    if (ops[index]![1] === undefined) list.delete(words, at);
    else copyNode(words, at + 8, list.words, list.put(words, at));
  });
  return list;
}

/** See the head of this file. */
export class SmallTrie {
  readonly hasher: Hasher;
  readonly pages: Map<PageId, Page> = new Map();
  root: Int32Array = new Int32Array(8);
  rootLeaf: LeafList | undefined;
  leafCount = 0;

  constructor(hasher: Hasher) {
    this.hasher = hasher;
  }

  rootBytes(): Uint8Array {
    return nodeBytes(this.root, 0);
  }

  apply(ops: readonly KeyOp[]): WalkResult {
    return this.applyList(packOps(ops));
  }

  applyList(ops: OpList): WalkResult {
    const { hasher, root, rootLeaf } = this;
    const result = walk({
      hasher,
      root,
      rootLeaf,
      ops,
      pageOf: (id) => {
        const page = this.pages.get(id);
        if (page === undefined) throw new Error(`there is no page ${JSON.stringify(id)}`);
        return page;
      },
    });
    for (const id of result.clears) if (!this.pages.delete(id)) throw new Error("a page that is not there was cleared");
    for (const walked of result.pages) {
      if (this.pages.get(walked.page.id) !== walked.before) throw new Error("a page changed that is not there");
      carryLeaves(walked, ops);
      this.pages.set(walked.page.id, walked.page);
    }
    this.root = result.root;
    this.rootLeaf = result.rootLeaf;
    this.leafCount = result.leafCount;
    return result;
  }

  /** Everything about the pages, in a form to compare: their bytes, and the leaves that are known. */
  shape(): Map<string, { bytes: string; leaves: string }> {
    const shape = new Map<string, { bytes: string; leaves: string }>();
    for (const id of [...this.pages.keys()].sort()) {
      const page = this.pages.get(id)!;
      const leaves = leavesOf(page)!;
      const words = leaves.words.slice(0, leaves.length * LEAF_WORDS);
      shape.set(describePageId(id), {
        bytes: Buffer.from(page.bytes).toString("hex"),
        leaves: Buffer.from(words.buffer).toString("hex"),
      });
    }
    return shape;
  }
}
