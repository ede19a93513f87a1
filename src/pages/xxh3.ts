/**
 * XXH3-64 (Yann Collet) of 32 bytes, with a seed: where pages go in the table.
 *
 * Only the case of 17 to 32 bytes of the algorithm, with its default secret, in 32-bit arithmetic: two 64 x 64 to 128-bit products, folded, and the
 * avalanche step.
 */

/** The first 32 bytes of the default secret, as little-endian words. */
const SECRET: readonly number[] = [
  0x396cfeb8, 0xbe4ba423, 0x2c81017c, 0x1cad21f7, 0xe96dd4de, 0xdb979083, 0xa4a44072, 0x1f67b3b7,
];

/** 32 times the prime 0x9e3779b185ebca87, modulo 2^64. */
const LENGTH_LOW = 0xbd7950e0;
const LENGTH_HIGH = 0xc6ef3630;

/** 0x165667919e3779f9 */
const AVALANCHE_LOW = 0x9e3779f9;
const AVALANCHE_HIGH = 0x16566791;

const U32 = 0x1_0000_0000;

/** Hashes 32 bytes at a time with one seed; the result is in {@link low} and {@link high}. */
export class Xxh3 {
  /** The low 32 bits of the last hash, unsigned. */
  low = 0;
  /** The high 32 bits of it, unsigned. */
  high = 0;
  /** The secret plus and minus the seed, as the two rounds use it: four 64-bit numbers. */
  readonly #keys: readonly number[];
  /** High half of the last {@link #multiply}; its low half is what it returned. */
  #productHigh = 0;

  /** A seed of 64 bits, as two unsigned numbers of 32. */
  constructor(seedLow: number, seedHigh: number) {
    const keys: number[] = [];
    for (let at = 0; at < SECRET.length; at += 4) {
      const low = SECRET[at]! + seedLow;
      keys.push(low >>> 0, (SECRET[at + 1]! + seedHigh + (low >= U32 ? 1 : 0)) >>> 0);
      const less = SECRET[at + 2]! - seedLow;
      keys.push(less >>> 0, (SECRET[at + 3]! - seedHigh - (less < 0 ? 1 : 0)) >>> 0);
    }
    this.#keys = keys;
  }

  /** Hashes the 32 bytes at `at`. */
  hash(bytes: Uint8Array, at: number): void {
    this.low = LENGTH_LOW;
    this.high = LENGTH_HIGH;
    this.#mix(bytes, at, 0);
    this.#mix(bytes, at + 16, 4);
    // h ^= h >> 37; h *= prime; h ^= h >> 32
    const low = (this.low ^ (this.high >>> 5)) >>> 0;
    const product = this.#multiply(low, AVALANCHE_LOW);
    const high = (this.#productHigh + Math.imul(low, AVALANCHE_HIGH) + Math.imul(this.high, AVALANCHE_LOW)) >>> 0;
    this.low = (product ^ high) >>> 0;
    this.high = high;
  }

  /** Adds the folded product of two keyed halves of 16 bytes. */
  #mix(bytes: Uint8Array, at: number, key: number): void {
    const keys = this.#keys;
    const aLow = (word(bytes, at) ^ keys[key]!) >>> 0;
    const aHigh = (word(bytes, at + 4) ^ keys[key + 1]!) >>> 0;
    const bLow = (word(bytes, at + 8) ^ keys[key + 2]!) >>> 0;
    const bHigh = (word(bytes, at + 12) ^ keys[key + 3]!) >>> 0;
    const lowLow = this.#multiply(aLow, bLow);
    const lowHigh = this.#productHigh;
    const crossA = this.#multiply(aHigh, bLow);
    const crossAHigh = this.#productHigh;
    const crossB = this.#multiply(aLow, bHigh);
    const crossBHigh = this.#productHigh;
    const top = this.#multiply(aHigh, bHigh);
    const topHigh = this.#productHigh;
    const middle = lowHigh + crossA + crossB;
    const upper = top + crossAHigh + crossBHigh + Math.floor(middle / U32);
    const foldedLow = (lowLow ^ upper) >>> 0;
    const foldedHigh = (middle ^ (topHigh + Math.floor(upper / U32))) >>> 0;
    const low = this.low + foldedLow;
    this.high = (this.high + foldedHigh + (low >= U32 ? 1 : 0)) >>> 0;
    this.low = low >>> 0;
  }

  /** The 64-bit product of two unsigned 32-bit numbers: returns its low half, keeps the high one. */
  #multiply(a: number, b: number): number {
    const aLow = a & 0xffff;
    const aHigh = a >>> 16;
    const bLow = b & 0xffff;
    const bHigh = b >>> 16;
    const low = aLow * bLow;
    const middle = aHigh * bLow + (low >>> 16);
    const cross = aLow * bHigh + (middle % 0x1_0000);
    this.#productHigh = aHigh * bHigh + Math.floor(middle / 0x1_0000) + Math.floor(cross / 0x1_0000);
    return Math.imul(a, b) >>> 0;
  }
}

function word(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}
