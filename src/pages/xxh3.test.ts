import fc from "fast-check";
import { expect, test } from "vitest";
import { Xxh3 } from "./xxh3.js";

const U64 = 2n ** 64n - 1n;
const SECRET = Buffer.from("b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f", "hex");

/** The algorithm as it is written down, for 32 bytes. */
function plain(bytes: Uint8Array, seed: bigint): bigint {
  const input = Buffer.from(bytes);
  const round = (at: number): bigint => {
    const a = input.readBigUInt64LE(at) ^ ((SECRET.readBigUInt64LE(at) + seed) & U64);
    const b = input.readBigUInt64LE(at + 8) ^ ((SECRET.readBigUInt64LE(at + 8) - seed) & U64);
    return ((a * b) & U64) ^ ((a * b) >> 64n);
  };
  let hash = (32n * 0x9e3779b185ebca87n + round(0) + round(16)) & U64;
  hash ^= hash >> 37n;
  hash = (hash * 0x165667919e3779f9n) & U64;
  return hash ^ (hash >> 32n);
}

function ours(bytes: Uint8Array, seed: bigint, at = 0): bigint {
  const hash = new Xxh3(Number(seed & 0xffff_ffffn), Number(seed >> 32n));
  hash.hash(bytes, at);
  return (BigInt(hash.high) << 32n) | BigInt(hash.low);
}

test.each([
  ["", 0n, 0xa057271c9071c99dn],
  ["40", 0n, 0xdfea4cd4c6e2a576n],
  ["7140", 0n, 0xece3b19e8b8cc654n],
  ["", 0x0001020304050607n, 0x7f9ac2322906aba8n],
])("32 bytes ending in %s hash as elsewhere with seed %s", (hex, seed, expected) => {
  expect(ours(Uint8Array.from(Buffer.from(hex.padStart(64, "0"), "hex")), seed)).toBe(expected);
});

test("any 32 bytes with any seed hash as the algorithm is written down", () => {
  const anyBytes = fc.uint8Array({ minLength: 32, maxLength: 32 });
  const extreme = fc.array(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), { minLength: 32, maxLength: 32 });
  const seeds = fc.oneof(fc.bigInt(0n, U64), fc.constantFrom(0n, 1n, 0xffff_ffffn, 0x1_0000_0000n, U64));
  fc.assert(
    fc.property(fc.oneof(anyBytes, extreme), seeds, fc.nat(3), (content, seed, at) => {
      const bytes = new Uint8Array(40);
      bytes.set(content, at);
      expect(ours(bytes, seed, at)).toBe(plain(Uint8Array.from(content), seed));
    }),
    { numRuns: 2000 },
  );
});
