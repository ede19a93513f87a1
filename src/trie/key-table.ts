/** Numbers for keys of 32 bytes, given in the order in which they come. */
import { NODE_WORDS, loadNode } from "../proof/index.js";

const SLOTS_MIN = 16;

/** A hash table over packed keys: no object and no text for each. */
export class KeyTable {
  #words: Int32Array = new Int32Array((SLOTS_MIN / 2) * NODE_WORDS);
  /** Number of a key plus one, or 0. A power of two of them, at most half in use. */
  #slots: Int32Array = new Int32Array(SLOTS_MIN);
  #length = 0;
  readonly #seed: number;

  /** `seed`: a number that nobody knows who chooses keys, so that they can't be chosen to meet in one slot. */
  constructor(seed: number) {
    this.#seed = seed;
  }

  /** How many keys have numbers. */
  get length(): number {
    return this.#length;
  }

  /** The keys, packed: key `n` is the 8 words at `8 × n`. Another array after keys were added. */
  get words(): Int32Array {
    return this.#words;
  }

  /** The number of a key, or -1. */
  find(key: Uint8Array): number {
    loadNode(key, this.#words, this.#length * NODE_WORDS);
    return this.#slots[this.#slotOfLast()]! - 1;
  }

  /** The number of a key, which gets the next one where it has none. */
  add(key: Uint8Array): number {
    const number = this.find(key);
    if (number >= 0) return number;
    this.#slots[this.#slotOfLast()] = ++this.#length;
    if (2 * this.#length >= this.#slots.length) this.#grow();
    return this.#length - 1;
  }

  /** Where the key behind the last one is, or would be. */
  #slotOfLast(): number {
    const at = this.#length * NODE_WORDS;
    const mask = this.#slots.length - 1;
    for (let slot = hashAt(this.#words, at, this.#seed) & mask; ; slot = (slot + 1) & mask) {
      const number = this.#slots[slot]!;
      if (number === 0 || this.#isSame((number - 1) * NODE_WORDS, at)) return slot;
    }
  }

  #isSame(a: number, b: number): boolean {
    for (let word = 0; word < NODE_WORDS; word++) if (this.#words[a + word] !== this.#words[b + word]) return false;
    return true;
  }

  #grow(): void {
    const slots = new Int32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let number = 1; number <= this.#length; number++) {
      let slot = hashAt(this.#words, (number - 1) * NODE_WORDS, this.#seed) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = number;
    }
    this.#slots = slots;
    const words = new Int32Array((slots.length / 2) * NODE_WORDS);
    words.set(this.#words);
    this.#words = words;
  }
}

/** Every bit of a key counts, since keys may share all but a few. */
function hashAt(words: Int32Array, at: number, seed: number): number {
  let hash = seed;
  for (let word = 0; word < NODE_WORDS; word++) {
    hash = Math.imul(hash ^ words[at + word]!, 0x9e37_79b1);
    hash ^= hash >>> 15;
  }
  return hash;
}
