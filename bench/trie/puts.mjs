/** Keys as a trie takes them, hashed to 32 bytes, and values of 32. */
import { randomFillSync } from "node:crypto";

export const BYTES = 32;

/** @typedef {{ readonly key: Uint8Array, readonly value: Uint8Array }} Put */

/** Random keys, in one piece of memory: a million objects would be more work for the collector than what is measured. */
export class Keys {
  #bytes;

  /** @param {number} count */
  constructor(count) {
    this.#bytes = randomFillSync(new Uint8Array(count * BYTES));
  }

  get length() {
    return this.#bytes.length / BYTES;
  }

  /**
   * @param {number} from
   * @param {number} to
   * @returns {Uint8Array[]}
   */
  slice(from, to) {
    return Array.from({ length: Math.min(to, this.length) - from }, (_, at) => this.#at(from + at));
  }

  /**
   * @param {number} count at most as many as there are
   * @param {number} [below] of the first ones only
   * @returns {Uint8Array[]} different ones, chosen at random
   */
  choose(count, below = this.length) {
    /** @type {Set<number>} */
    const chosen = new Set();
    while (chosen.size < Math.min(count, below)) chosen.add(Math.floor(Math.random() * below));
    return Array.from(chosen, (at) => this.#at(at));
  }

  /** @param {number} at */
  #at(at) {
    return this.#bytes.subarray(at * BYTES, (at + 1) * BYTES);
  }
}

/**
 * @param {readonly Uint8Array[]} keys
 * @returns {Put[]} with random values
 */
export function putsOf(keys) {
  const values = randomFillSync(new Uint8Array(keys.length * BYTES));
  return keys.map((key, index) => ({ key, value: values.subarray(index * BYTES, (index + 1) * BYTES) }));
}

/**
 * @param {import("../../dist/trie/index.js").MerkleStore} store
 * @param {readonly Put[]} puts
 */
export async function commit(store, puts) {
  const session = store.begin();
  for (const { key, value } of puts) session.put(key, value);
  return await session.commit();
}

/**
 * Stores rows that are no part of what is measured.
 *
 * @param {(puts: readonly Put[]) => Promise<unknown>} write
 * @param {Keys} keys
 * @param {number} count of the first ones
 * @param {(done: number) => void} progress
 */
export async function fill(write, keys, count, progress) {
  const step = 10_000;
  for (let at = 0; at < count; at += step) {
    await write(putsOf(keys.slice(at, Math.min(at + step, count))));
    if ((at / step) % 10 === 0) progress(at);
  }
}
