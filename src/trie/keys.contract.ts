/** Kinds of keys that a trie is tried with: uniform ones, and ones that make it lopsided. */
import fc from "fast-check";

const BITS = [0, 1, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 254, 255];

/** A key with one bit turned. */
export function flipped(key: Uint8Array, bit: number): Uint8Array {
  const other = key.slice();
  other[bit >>> 3]! ^= 0x80 >>> (bit & 7);
  return other;
}

/** The kinds, each with a generator of keys that meet each other often. */
export function keySpaces(): { name: string; key: fc.Arbitrary<Uint8Array> }[] {
  const edge = fc.constantFrom(0x00, 0xff, 0xaa, 0x55).map((byte) => new Uint8Array(32).fill(byte));
  const diverging = fc
    .tuple(edge, fc.subarray(BITS, { maxLength: 3 }))
    .map(([key, bits]) => bits.reduce<Uint8Array>((other, bit) => flipped(other, bit), key));
  const uniform = fc.integer({ min: 0, max: 300 }).map((seed) => scattered(seed));
  const cluster = fc
    .tuple(fc.constantFrom(1, 2, 5, 11, 17, 31), fc.integer({ min: 0, max: 40 }))
    .map(([shared, seed]) => {
      const key = new Uint8Array(32).fill(0x5a);
      key.set(scattered(seed).subarray(0, 32 - shared), shared);
      return key;
    });
  const dense = fc.integer({ min: 0, max: 63 }).map((n) => {
    const key = new Uint8Array(32).fill(0xff);
    key[31] = n;
    return key;
  });
  return [
    { name: "uniform", key: uniform },
    { name: "edges and keys that leave them at one bit", key: fc.oneof(edge, diverging) },
    { name: "clusters with a shared prefix", key: cluster },
    { name: "the last bits", key: dense },
    { name: "all of these", key: fc.oneof(uniform, diverging, cluster, dense) },
  ];
}

/** 32 bytes that look random. */
export function scattered(seed: number): Uint8Array {
  const key = new Uint8Array(32);
  let state = (seed + 1) * 0x9e37_79b1;
  for (let at = 0; at < 32; at++) {
    state = Math.imul(state ^ (state >>> 15), 0x85eb_ca6b) + 0x6d2b_79f5;
    key[at] = (state ^ (state >>> 13)) & 0xff;
  }
  return key;
}
