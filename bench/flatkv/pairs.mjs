/** Changes in the shape of S2's storage rows: a key of 53 bytes that the default routing sends to one database, and a value of 32. */
import { randomFillSync } from "node:crypto";

export const KEY_BYTES = 53;
export const VALUE_BYTES = 32;
const STORAGE_PREFIX = 3;

/** @typedef {import("../../dist/flatkv/index.js").Change & { readonly value: Uint8Array }} Put */

/**
 * @param {number} count
 * @returns {Put[]} random keys, random values
 */
export function freshPuts(count) {
  const keys = randomFillSync(new Uint8Array(count * KEY_BYTES));
  for (let at = 0; at < keys.length; at += KEY_BYTES) keys[at] = STORAGE_PREFIX;
  return putsOf(Array.from({ length: count }, (_, index) => keys.subarray(index * KEY_BYTES, (index + 1) * KEY_BYTES)));
}

/**
 * @param {readonly Uint8Array[]} keys
 * @returns {Put[]} random values
 */
export function putsOf(keys) {
  const values = randomFillSync(new Uint8Array(keys.length * VALUE_BYTES));
  return keys.map((key, index) => ({ key, value: values.subarray(index * VALUE_BYTES, (index + 1) * VALUE_BYTES) }));
}

/**
 * @param {readonly Uint8Array[]} known
 * @param {number} count at most as many as are known
 * @returns {Put[]} puts of different known keys, chosen at random
 */
export function updatePuts(known, count) {
  const chosen = new Set();
  while (chosen.size < count) chosen.add(Math.floor(Math.random() * known.length));
  return putsOf(known.filter((_, index) => chosen.has(index)));
}
