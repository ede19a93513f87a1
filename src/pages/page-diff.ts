/** Which nodes of a page changed. */
import { readU32, writeU32 } from "../base/index.js";
import { NODES, NODE_WORDS, type Page } from "./page.js";

export const DIFF_BYTES = 16;

/** Bits of the last word that name nodes; 126 and 127 name none. */
const LAST_MASK = 0x3fff_ffff;

/**
 * A set of nodes of a page, 0 to 125. Nothing takes a node out of it: a page that loses all it has in one half and gets something in the other has
 * changed nodes in both.
 */
export class PageDiff {
  #a = 0;
  #b = 0;
  #c = 0;
  #d = 0;

  /** Every node of `page` that is not zero: the diff from an empty page. */
  static ofNonZero({ words }: Page): PageDiff {
    const diff = new PageDiff();
    for (let node = 0, at = 0; node < NODES; node++, at += NODE_WORDS) {
      const any =
        words[at]! |
        words[at + 1]! |
        words[at + 2]! |
        words[at + 3]! |
        words[at + 4]! |
        words[at + 5]! |
        words[at + 6]! |
        words[at + 7]!;
      if (any !== 0) diff.add(node);
    }
    return diff;
  }

  /** Every node that differs between two pages. */
  static between(before: Page, after: Page): PageDiff {
    const diff = new PageDiff();
    for (let node = 0; node < NODES; node++) {
      const end = (node + 1) * NODE_WORDS;
      for (let word = node * NODE_WORDS; word < end; word++) {
        if (before.words[word] === after.words[word]) continue;
        diff.add(node);
        break;
      }
    }
    return diff;
  }

  /** Reads the 16 bytes at `at`; `undefined` where they name nodes that no page has. */
  static read(bytes: Uint8Array, at: number): PageDiff | undefined {
    const last = readU32(bytes, at + 12);
    if (last > LAST_MASK) return undefined;
    const diff = new PageDiff();
    diff.#a = readU32(bytes, at) | 0;
    diff.#b = readU32(bytes, at + 4) | 0;
    diff.#c = readU32(bytes, at + 8) | 0;
    diff.#d = last | 0;
    return diff;
  }

  /** Adds a node. One that no page has is ignored. */
  add(node: number): void {
    const bit = 1 << (node & 31);
    if (node < 32) this.#a |= bit;
    else if (node < 64) this.#b |= bit;
    else if (node < 96) this.#c |= bit;
    else if (node < NODES) this.#d |= bit;
  }

  has(node: number): boolean {
    const bit = 1 << (node & 31);
    return ((node < 32 ? this.#a : node < 64 ? this.#b : node < 96 ? this.#c : this.#d) & bit) !== 0;
  }

  /** Adds all nodes of another. */
  join(other: PageDiff): void {
    this.#a |= other.#a;
    this.#b |= other.#b;
    this.#c |= other.#c;
    this.#d |= other.#d;
  }

  /** How many nodes are in it. */
  get count(): number {
    return bitCount(this.#a) + bitCount(this.#b) + bitCount(this.#c) + bitCount(this.#d);
  }

  get isEmpty(): boolean {
    return (this.#a | this.#b | this.#c | this.#d) === 0;
  }

  /** The nodes, ascending. */
  *[Symbol.iterator](): Generator<number, void, undefined> {
    for (let node = 0; node < NODES; node++) if (this.has(node)) yield node;
  }

  copy(): PageDiff {
    const diff = new PageDiff();
    diff.join(this);
    return diff;
  }

  /** Writes 16 bytes at `at`: bit i of the little-endian number is node i. */
  write(target: Uint8Array, at: number): void {
    writeU32(target, at, this.#a);
    writeU32(target, at + 4, this.#b);
    writeU32(target, at + 8, this.#c);
    writeU32(target, at + 12, this.#d);
  }

  /** Copies the nodes of `page`, ascending, to `target` from word `at` on. Returns the word behind them. */
  pack({ words }: Page, target: Int32Array, at: number): number {
    let next = packWord(this.#a, 0, words, target, at);
    next = packWord(this.#b, 32, words, target, next);
    next = packWord(this.#c, 64, words, target, next);
    return packWord(this.#d, 96, words, target, next);
  }

  /** The inverse: puts packed nodes, from byte `at` on, into `page`. The caller has checked that {@link count} of them are there. */
  unpack(source: Uint8Array, at: number, page: Page): void {
    let next = at;
    for (let node = 0; node < NODES; node++) {
      if (!this.has(node)) continue;
      page.bytes.set(source.subarray(next, next + NODE_WORDS * 4), node * NODE_WORDS * 4);
      next += NODE_WORDS * 4;
    }
  }
}

function packWord(mask: number, first: number, words: Int32Array, target: Int32Array, at: number): number {
  let next = at;
  for (let rest = mask; rest !== 0; rest &= rest - 1) {
    const from = (first + 31 - Math.clz32(rest & -rest)) * NODE_WORDS;
    for (let word = 0; word < NODE_WORDS; word++) target[next + word] = words[from + word]!;
    next += NODE_WORDS;
  }
  return next;
}

function bitCount(word: number): number {
  let bits = word - ((word >>> 1) & 0x5555_5555);
  bits = (bits & 0x3333_3333) + ((bits >>> 2) & 0x3333_3333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}
