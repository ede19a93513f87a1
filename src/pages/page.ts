/**
 * A page: 126 nodes of a binary tree, six levels of it, and what is known of the sub-trie below. docs/formats/pages.md draws it.
 *
 *     0     nodes, 32 bytes each, level by level
 *     4032  checksum (u32), written when the page goes to its bucket
 *     4036  flags (u32), zero
 *     4040  leaves of the whole sub-trie below this page (u64)
 *     4048  sequence of the commit that wrote it (u64)
 *     4056  children that are elided, one bit each (u64)
 *     4064  id
 */
import { readU64, writeU64 } from "../base/index.js";
import { type PageId, encodePageIdInto } from "./page-id.js";

export const PAGE_BYTES = 4096;
/** Nodes of a page: 2 + 4 + … + 64. */
export const NODES = 126;
export const NODE_BYTES = 32;
export const NODE_WORDS = 8;

export const CHECKSUM_AT: number = NODES * NODE_BYTES;
export const FLAGS_AT: number = CHECKSUM_AT + 4;
export const LEAF_COUNT_AT: number = FLAGS_AT + 4;
export const SEQUENCE_AT: number = LEAF_COUNT_AT + 8;
export const ELIDED_AT: number = SEQUENCE_AT + 8;
export const ID_AT: number = ELIDED_AT + 8;

const ELIDED_WORD = ELIDED_AT / 4;

/** What a user keeps beside a page in the cache; it goes when the page does. */
export interface PageCompanion {
  /** About how much memory it takes, counted against the cache's budget. */
  readonly bytes: number;
}

/**
 * A page in memory. One that was committed, or that `peek` or `load` returned, never changes: an update is made on a copy, so whoever holds a page
 * may keep it.
 */
export class Page {
  readonly id: PageId;
  readonly bytes: Uint8Array;
  /** The same bytes as 32-bit words: node i is words 8i to 8i + 7. */
  readonly words: Int32Array;
  companion: PageCompanion | undefined;

  private constructor(id: PageId, buffer: ArrayBuffer) {
    this.id = id;
    this.bytes = new Uint8Array(buffer);
    this.words = new Int32Array(buffer);
    this.companion = undefined;
  }

  /** A page of zeros with this id. */
  static empty(id: PageId): Page {
    const page = new Page(id, new ArrayBuffer(PAGE_BYTES));
    encodePageIdInto(id, page.bytes, ID_AT);
    return page;
  }

  /** The page whose bytes, with this id in them, were read from a bucket. Takes the buffer over. */
  static adopt(id: PageId, buffer: ArrayBuffer): Page {
    return new Page(id, buffer);
  }

  /** A page of its own with the same content. The companion stays behind. */
  copy(): Page {
    return new Page(this.id, this.words.buffer.slice(0) as ArrayBuffer);
  }

  /** A copy of node `node`, 0 to 125. */
  node(node: number): Uint8Array {
    return this.bytes.slice(node * NODE_BYTES, (node + 1) * NODE_BYTES);
  }

  /** Leaves of the whole sub-trie below this page. */
  get leafCount(): number {
    return readU64(this.bytes, LEAF_COUNT_AT);
  }

  set leafCount(count: number) {
    writeU64(this.bytes, LEAF_COUNT_AT, count);
  }

  /** The commit that wrote this state of the page. The store sets it. */
  get sequence(): number {
    return readU64(this.bytes, SEQUENCE_AT);
  }

  /** Whether child page `child`, 0 to 63, is elided. */
  isElided(child: number): boolean {
    return ((this.words[ELIDED_WORD + (child >>> 5)]! >>> (child & 31)) & 1) === 1;
  }

  setElided(child: number, elided: boolean): void {
    const word = ELIDED_WORD + (child >>> 5);
    const bit = 1 << (child & 31);
    this.words[word] = elided ? this.words[word]! | bit : this.words[word]! & ~bit;
  }
}
