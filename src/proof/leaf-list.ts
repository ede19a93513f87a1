import { invalid } from "../base/index.js";
import { KEY_BITS, NODE_BYTES, NODE_WORDS, bitAt, loadNode, nodeBytes, sharedBits } from "./node.js";

/** Bytes of a leaf in a {@link LeafList}: a key, and the hash of its value. */
export const LEAF_BYTES: number = 2 * NODE_BYTES;
export const LEAF_WORDS: number = 2 * NODE_WORDS;

const CAPACITY_MIN = 4;

/**
 * Leaves packed into one buffer, 64 bytes each: a key of 32 bytes and the hash of its value, by ascending key, each key once. What a sub-trie is
 * built from.
 *
 * ```ts
 * import { blake3 } from "holdfast/hash";
 * import { LeafList, buildRoot, nodeBytes } from "holdfast/proof";
 *
 * const leaves = new LeafList();
 * leaves.push(new Uint8Array(32).fill(1), blake3.hash(Uint8Array.of(10)));
 * leaves.push(new Uint8Array(32).fill(2), blake3.hash(Uint8Array.of(20)));
 *
 * const words = new Int32Array(8);
 * buildRoot(blake3, leaves, 0, leaves.length, 0, words, 0);
 * console.log(nodeBytes(words, 0).length); // 32
 * ```
 */
export class LeafList {
  #length = 0;
  #words: Int32Array;

  /** An empty list with memory for `capacity` leaves. It grows as it has to. */
  constructor(capacity: number = CAPACITY_MIN) {
    this.#words = new Int32Array(Math.max(capacity, CAPACITY_MIN) * LEAF_WORDS);
  }

  /** How many leaves there are. */
  get length(): number {
    return this.#length;
  }

  /** The buffer: leaf `n` is the 16 words at `16 × n`. Those past the last leaf mean nothing. Another array after a list has grown. */
  get words(): Int32Array {
    return this.#words;
  }

  /** The memory that the list keeps, in bytes. */
  get bytes(): number {
    return this.#words.byteLength;
  }

  /** Appends a leaf. `InvalidArgumentError` where its key does not come after the last one's, or a part does not have 32 bytes. */
  push(key: Uint8Array, valueHash: Uint8Array): void {
    check("key", key);
    check("valueHash", valueHash);
    const at = this.#reserve();
    loadNode(key, this.#words, at);
    loadNode(valueHash, this.#words, at + NODE_WORDS);
    this.#take(at);
  }

  /** Appends the leaf in the 16 words at `at`, on the same terms. */
  pushWords(source: Int32Array, at: number): void {
    const to = this.#reserve();
    for (let word = 0; word < LEAF_WORDS; word++) this.#words[to + word] = source[at + word]!;
    this.#take(to);
  }

  /** Makes the list empty, and keeps its memory. */
  clear(): void {
    this.#length = 0;
  }

  /** The key of a leaf, in an array of its own. */
  key(index: number): Uint8Array {
    return nodeBytes(this.#words, index * LEAF_WORDS);
  }

  /** The hash of a leaf's value, in an array of its own. */
  valueHash(index: number): Uint8Array {
    return nodeBytes(this.#words, index * LEAF_WORDS + NODE_WORDS);
  }

  /** The first leaf of `[from, to)` whose key has a 1 at `depth`, or `to`: all of them share the bits before. */
  split(from: number, to: number, depth: number): number {
    let low = from;
    let high = to;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (bitAt(this.#words, middle * LEAF_WORDS, depth) === 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #reserve(): number {
    const at = this.#length * LEAF_WORDS;
    if (at === this.#words.length) {
      const larger = new Int32Array(2 * at);
      larger.set(this.#words);
      this.#words = larger;
    }
    return at;
  }

  #take(at: number): void {
    if (this.#length > 0) {
      const shared = sharedBits(this.#words, at - LEAF_WORDS, this.#words, at);
      if (shared === KEY_BITS || bitAt(this.#words, at, shared) === 0)
        throw invalid("LeafList.push", "key", nodeBytes(this.#words, at), "above the key of the last leaf");
    }
    this.#length++;
  }
}

function check(name: string, value: Uint8Array): void {
  if (!(value instanceof Uint8Array) || value.length !== NODE_BYTES)
    throw invalid("LeafList.push", name, value, `a Uint8Array of ${NODE_BYTES} bytes`);
}
