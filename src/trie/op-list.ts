/** What a commit does to keys: each a put or a delete, by ascending key, each key once; packed like a list of leaves. */
import { LEAF_BYTES, LEAF_WORDS, NODE_BYTES, NODE_WORDS, bitAt, copyNode } from "../proof/index.js";

/** See the head of this file. Op `n` is the 16 words at `16 × n`: its key, and the hash of its value, which is zeros for a delete. */
export class OpList {
  readonly words: Int32Array;
  /** The same memory as bytes. */
  readonly bytes: Uint8Array;
  /** How many of the first `n` ops are deletes, at index `n`. */
  readonly #deletesBefore: Int32Array;
  #length = 0;

  /** An empty list with room for so many ops. */
  constructor(capacity: number) {
    this.words = new Int32Array(capacity * LEAF_WORDS);
    this.bytes = new Uint8Array(this.words.buffer);
    this.#deletesBefore = new Int32Array(capacity + 1);
  }

  get length(): number {
    return this.#length;
  }

  /** Appends a put of the key in the words at `keyAt`, which comes after all before it. Returns where in {@link words} its value's hash is to be written. */
  put(key: Int32Array, keyAt: number): number {
    this.#append(key, keyAt, 0);
    return (this.#length - 1) * LEAF_WORDS + NODE_WORDS;
  }

  /** Appends a delete. */
  delete(key: Int32Array, keyAt: number): void {
    this.#append(key, keyAt, 1);
  }

  /** The key of an op, as a view. */
  key(op: number): Uint8Array {
    return this.bytes.subarray(op * LEAF_BYTES, op * LEAF_BYTES + NODE_BYTES);
  }

  isDelete(op: number): boolean {
    return this.#deletesBefore[op] !== this.#deletesBefore[op + 1];
  }

  /** How many of the ops `[from, to)` are deletes. */
  deletesIn(from: number, to: number): number {
    return this.#deletesBefore[to]! - this.#deletesBefore[from]!;
  }

  /** The first op of `[from, to)` whose key has a 1 at `depth`, or `to`: all of them share the bits before. */
  split(from: number, to: number, depth: number): number {
    let low = from;
    let high = to;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (bitAt(this.words, middle * LEAF_WORDS, depth) === 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #append(key: Int32Array, keyAt: number, isDelete: 0 | 1): void {
    const n = this.#length++;
    copyNode(key, keyAt, this.words, n * LEAF_WORDS);
    this.#deletesBefore[n + 1] = this.#deletesBefore[n]! + isDelete;
  }
}
