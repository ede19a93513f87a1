/**
 * Nodes of the trie: 32 bytes each, of three kinds.
 *
 * | kind       | bytes                                               | first bit of byte 0 |
 * | ---------- | --------------------------------------------------- | ------------------- |
 * | terminator | 32 zeros: no key begins with this path              | 0                   |
 * | leaf       | H(key ‖ value hash): one key begins with this path  | set to 1            |
 * | internal   | H(left ‖ right): two or more keys do                | set to 0            |
 *
 * A leaf lies as high as it can, so that there is one trie for each set of keys. What a node is hashed from has 64 bytes in either
 * case, and the bit keeps the two apart. A path's bit 0 is the highest bit of its byte 0.
 *
 * Nodes, keys and paths are handled as 8 words in an `Int32Array` over the memory of their bytes. Processors that run JavaScript have the low
 * byte of a word first, so byte 0 of a node is the low byte of its word 0; the places of bits below rest on that.
 */
import type { Hasher } from "../hash/index.js";

/** Bytes of a node, of a key, of a path, and of the hash of a value. */
export const NODE_BYTES = 32;
export const NODE_WORDS = 8;
/** Bits of a key: the depth that no leaf exceeds. */
export const KEY_BITS = 256;

const KIND_BIT = 0x80;

/** Whether the node at `at` is a leaf. */
export function isLeaf(words: Int32Array, at: number): boolean {
  return (words[at]! & KIND_BIT) !== 0;
}

/** Whether the node at `at` is a terminator. */
export function isTerminator(words: Int32Array, at: number): boolean {
  return (
    (words[at]! |
      words[at + 1]! |
      words[at + 2]! |
      words[at + 3]! |
      words[at + 4]! |
      words[at + 5]! |
      words[at + 6]! |
      words[at + 7]!) ===
    0
  );
}

/** The leaf of the key and the value hash in the 16 words at `at`, written as 8 words at `targetAt`. */
export function hashLeaf(hasher: Hasher, source: Int32Array, at: number, target: Int32Array, targetAt: number): void {
  hasher.hashWords(source, at, target, targetAt);
  target[targetAt]! |= KIND_BIT;
}

/** The parent of the two nodes in the 16 words at `at`, written as 8 words at `targetAt`. */
export function hashInternal(
  hasher: Hasher,
  source: Int32Array,
  at: number,
  target: Int32Array,
  targetAt: number,
): void {
  hasher.hashWords(source, at, target, targetAt);
  target[targetAt]! &= ~KIND_BIT;
}

/** Writes a terminator at `at`. */
export function writeTerminator(words: Int32Array, at: number): void {
  for (let word = 0; word < NODE_WORDS; word++) words[at + word] = 0;
}

/** Copies a node, a key or a hash from words to words. */
export function copyNode(source: Int32Array, at: number, target: Int32Array, targetAt: number): void {
  for (let word = 0; word < NODE_WORDS; word++) target[targetAt + word] = source[at + word]!;
}

/** Whether two nodes, keys or hashes are the same. */
export function sameNode(a: Int32Array, aAt: number, b: Int32Array, bAt: number): boolean {
  for (let word = 0; word < NODE_WORDS; word++) if (a[aAt + word] !== b[bAt + word]) return false;
  return true;
}

/** Copies 32 bytes into words. */
export function loadNode(bytes: Uint8Array, target: Int32Array, targetAt: number): void {
  for (let word = 0, from = 0; word < NODE_WORDS; word++, from += 4) {
    target[targetAt + word] =
      bytes[from]! | (bytes[from + 1]! << 8) | (bytes[from + 2]! << 16) | (bytes[from + 3]! << 24);
  }
}

/** The 32 bytes of 8 words, in an array of their own. */
export function nodeBytes(words: Int32Array, at: number): Uint8Array {
  // Byte by byte: asking a small typed array for its buffer makes V8 move it out of the heap, which costs more than all of this.
  const bytes = new Uint8Array(NODE_BYTES);
  for (let word = 0, to = 0; word < NODE_WORDS; word++, to += 4) {
    const value = words[at + word]!;
    bytes[to] = value;
    bytes[to + 1] = value >>> 8;
    bytes[to + 2] = value >>> 16;
    bytes[to + 3] = value >>> 24;
  }
  return bytes;
}

/** Bit `depth` of the key at `at`: 0 or 1. */
export function bitAt(words: Int32Array, at: number, depth: number): number {
  return (words[at + (depth >>> 5)]! >>> ((depth & 24) | (7 - (depth & 7)))) & 1;
}

/** How many bits two keys share from the first one on: 0 to 256. */
export function sharedBits(a: Int32Array, aAt: number, b: Int32Array, bAt: number): number {
  for (let word = 0; word < NODE_WORDS; word++) {
    const difference = a[aAt + word]! ^ b[bAt + word]!;
    if (difference === 0) continue;
    // The lowest byte that differs comes first in memory; in it, the highest bit that differs.
    const shift = (31 - Math.clz32(difference & -difference)) & 24;
    return (word << 5) + shift + Math.clz32((difference >>> shift) & 0xff) - 24;
  }
  return KEY_BITS;
}

/** Below zero where key `a` comes before key `b`, zero where they are the same, above zero where it comes after. */
export function compareKeys(a: Int32Array, aAt: number, b: Int32Array, bAt: number): number {
  const shared = sharedBits(a, aAt, b, bAt);
  return shared === KEY_BITS ? 0 : bitAt(a, aAt, shared) - bitAt(b, bAt, shared);
}

/** The first `depth` bits of a key, and zeros behind them: the path of a node at that depth. */
export function pathOf(key: Uint8Array, depth: number): Uint8Array {
  const path = new Uint8Array(NODE_BYTES);
  path.set(key.subarray(0, (depth + 7) >>> 3));
  if ((depth & 7) !== 0) path[depth >>> 3]! &= 0xff00 >>> (depth & 7);
  return path;
}

/** Makes zeros of all bits of the key at `at` from `depth` on: what is left is the path of a node at that depth. */
export function truncateKey(words: Int32Array, at: number, depth: number): void {
  for (let word = depth >>> 5; word < NODE_WORDS; word++) {
    const bits = Math.max(depth - (word << 5), 0);
    const wholeBytes = bits & 24;
    words[at + word]! &= ((1 << wholeBytes) - 1) | (((0xff00 >> (bits & 7)) & 0xff) << wholeBytes);
  }
}
