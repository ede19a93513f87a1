/** Keys as a trie takes them, hashed to 32 bytes, and values of 32. */
import { randomFillSync } from "node:crypto";

export const BYTES = 32;

/** @typedef {{ readonly key: Uint8Array, readonly value: Uint8Array }} Put */

/**
 * @param {number} count
 * @returns {Uint8Array[]} random
 */
export function freshKeys(count) {
  const bytes = randomFillSync(new Uint8Array(count * BYTES));
  return Array.from({ length: count }, (_, index) => bytes.subarray(index * BYTES, (index + 1) * BYTES));
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
 * @param {readonly Uint8Array[]} known
 * @param {number} count at most as many as are known
 * @returns {Uint8Array[]} different ones, chosen at random
 */
export function choose(known, count) {
  /** @type {Set<Uint8Array>} */
  const chosen = new Set();
  while (chosen.size < count) chosen.add(known[Math.floor(Math.random() * known.length)] ?? new Uint8Array(BYTES));
  return [...chosen];
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
 * @param {readonly Uint8Array[]} keys
 * @param {(done: number) => void} progress
 */
export async function fill(write, keys, progress) {
  const step = 10_000;
  for (let at = 0; at < keys.length; at += step) {
    await write(putsOf(keys.slice(at, at + step)));
    if ((at / step) % 10 === 0) progress(at);
  }
}
