/**
 * The trie by its definition: slow, obvious, and made from bytes, bits in texts and `hash` alone. What the tests hold the real one against.
 */
import { fromHex, toHex } from "../base/bytes.js";
import type { Hasher } from "../hash/index.js";

/** Value hashes by key, both in hexadecimal digits. */
export type Leaves = ReadonlyMap<string, string>;

export function hex(text: string): Uint8Array {
  const bytes = fromHex(text);
  if (bytes === undefined) throw new Error(`${text} is not hexadecimal`);
  return bytes;
}

/** The bits of a key as a text of zeros and ones. */
export function bitsOf(key: string): string {
  return [...hex(key)].map((byte) => byte.toString(2).padStart(8, "0")).join("");
}

/** The root, or the node at the path that `prefix` spells in zeros and ones. */
export function naiveRoot(hasher: Hasher, leaves: Leaves, prefix: string = ""): string {
  const all = [...leaves].map(([key, valueHash]) => ({ bits: bitsOf(key), preimage: key + valueHash }));
  return nodeOf(hasher, all, prefix);
}

function nodeOf(hasher: Hasher, leaves: readonly { bits: string; preimage: string }[], prefix: string): string {
  const below = leaves.filter(({ bits }) => bits.startsWith(prefix));
  const [only] = below;
  if (only === undefined) return "00".repeat(32);
  if (below.length === 1) return marked(hasher.hash(hex(only.preimage)), 0x80);
  const children = nodeOf(hasher, below, `${prefix}0`) + nodeOf(hasher, below, `${prefix}1`);
  return marked(hasher.hash(hex(children)), 0);
}

/** Where the path of `key` ends, and the siblings on the way, uppermost first. */
export function naiveProof(
  hasher: Hasher,
  leaves: Leaves,
  key: string,
): { depth: number; leaf: [key: string, valueHash: string] | undefined; siblings: string[] } {
  const bits = bitsOf(key);
  const siblings: string[] = [];
  let below = [...leaves];
  for (let depth = 0; ; depth++) {
    if (below.length < 2) return { depth, leaf: below[0], siblings };
    const beside = below.filter(([other]) => bitsOf(other)[depth] !== bits[depth]);
    below = below.filter(([other]) => bitsOf(other)[depth] === bits[depth]);
    siblings.push(naiveRoot(hasher, new Map(beside), bits.slice(0, depth) + (bits[depth] === "0" ? "1" : "0")));
  }
}

function marked(digest: Uint8Array, bit: number): string {
  digest[0] = (digest[0]! & 0x7f) | bit;
  return toHex(digest);
}
