/**
 * The leaves that a page's own slots hold, as far as they are known: what is kept beside a page in memory, so that a commit that meets it reads nothing
 * from the engine.
 *
 * A leaf is under the slot that its key's bits name, however far above the bottom layer its node is; leaves in pages below are in those pages' lists. A
 * slot is *known* once its leaves are all here. Leaves are packed into one buffer in key order, and changed in place: the list goes with the newest page
 * of its id, never with an older one.
 */
import { LEAF_WORDS, NODE_WORDS, compareKeys, copyNode } from "../proof/index.js";
import type { PageCompanion } from "../pages/index.js";
import { SLOTS } from "./page-shape.js";

/** Room for leaves to come: a quarter of those that are there, and at least so many. */
const SPARE_MIN = 4;

/** See the head of this file. */
export class SlotLeaves implements PageCompanion {
  #words: Int32Array;
  /** Slot `n` has the leaves from `#starts[n]` to `#starts[n + 1]`. */
  readonly #starts = new Uint16Array(SLOTS + 1);
  readonly #known = new Int32Array(2);

  /** Nothing known. */
  constructor(capacity = 0) {
    this.#words = new Int32Array(capacity * LEAF_WORDS);
  }

  /** The memory that this takes. */
  get bytes(): number {
    return this.#words.byteLength + 512;
  }

  /** The buffer: leaf `n` is the 16 words at `16 × n`. Another array after leaves came. */
  get words(): Int32Array {
    return this.#words;
  }

  /** How many leaves are here. */
  get length(): number {
    return this.#starts[SLOTS]!;
  }

  isKnown(slot: number): boolean {
    return ((this.#known[slot >>> 5]! >>> (slot & 31)) & 1) === 1;
  }

  /** The first leaf of a slot. */
  from(slot: number): number {
    return this.#starts[slot]!;
  }

  /** Behind the last leaf of a slot. */
  to(slot: number): number {
    return this.#starts[slot + 1]!;
  }

  /** The only leaf in `count` slots from `slot` on, or -1 where none of them that is known has one. */
  single(slot: number, count: number): number {
    const from = this.#starts[slot]!;
    return this.#starts[slot + count]! > from ? from : -1;
  }

  /** Sets all leaves of a slot: `count` of them, packed, from word `at` on. */
  set(slot: number, source: Int32Array, at: number, count: number): void {
    this.#resize(slot, this.from(slot), this.to(slot), count);
    const target = this.from(slot) * LEAF_WORDS;
    for (let word = 0; word < count * LEAF_WORDS; word++) this.#words[target + word] = source[at + word]!;
    this.#setKnown(slot, true);
  }

  /** Drops a slot's leaves, which are elsewhere now. */
  forget(slot: number): void {
    if (!this.isKnown(slot)) return;
    this.#resize(slot, this.from(slot), this.to(slot), 0);
    this.#setKnown(slot, false);
  }

  /** A leaf comes, or gets another value hash. Where the slot was not known it had none. */
  put(slot: number, source: Int32Array, at: number): void {
    this.#setKnown(slot, true);
    const place = this.#find(slot, source, at);
    if (place >= 0) {
      copyNode(source, at + NODE_WORDS, this.#words, place * LEAF_WORDS + NODE_WORDS);
      return;
    }
    this.#resize(slot, ~place, ~place, 1);
    const target = ~place * LEAF_WORDS;
    for (let word = 0; word < LEAF_WORDS; word++) this.#words[target + word] = source[at + word]!;
  }

  /** A leaf goes, if it is there. Where the slot was not known it had none. */
  delete(slot: number, source: Int32Array, at: number): void {
    this.#setKnown(slot, true);
    const place = this.#find(slot, source, at);
    if (place >= 0) this.#resize(slot, place, place + 1, 0);
  }

  /** The leaf with a key, or the complement of the place where it would be. */
  #find(slot: number, source: Int32Array, at: number): number {
    const to = this.to(slot);
    for (let place = this.from(slot); place < to; place++) {
      const order = compareKeys(this.#words, place * LEAF_WORDS, source, at);
      if (order === 0) return place;
      if (order > 0) return ~place;
    }
    return ~to;
  }

  /** Makes the leaves `[from, to)` of a slot `count` leaves, whose words mean nothing yet where they are more. */
  #resize(slot: number, from: number, to: number, count: number): void {
    const change = count - (to - from);
    if (change === 0) return;
    const length = this.length;
    if ((length + change) * LEAF_WORDS > this.#words.length) {
      const capacity = length + change + Math.max(SPARE_MIN, (length + change) >>> 2);
      const larger = new Int32Array(capacity * LEAF_WORDS);
      larger.set(this.#words.subarray(0, from * LEAF_WORDS));
      larger.set(this.#words.subarray(to * LEAF_WORDS, length * LEAF_WORDS), (to + change) * LEAF_WORDS);
      this.#words = larger;
    } else this.#words.copyWithin((to + change) * LEAF_WORDS, to * LEAF_WORDS, length * LEAF_WORDS);
    for (let next = slot + 1; next <= SLOTS; next++) this.#starts[next]! += change;
  }

  #setKnown(slot: number, known: boolean): void {
    const bit = 1 << (slot & 31);
    if (known) this.#known[slot >>> 5]! |= bit;
    else this.#known[slot >>> 5]! &= ~bit;
  }
}

/** What is known of a page's leaves; `undefined` where nothing is. */
export function leavesOf(page: { readonly companion: PageCompanion | undefined }): SlotLeaves | undefined {
  return page.companion instanceof SlotLeaves ? page.companion : undefined;
}
