/** Keys and sets of leaves as the property tests draw them. */
import fc from "fast-check";
import { toHex } from "../base/index.js";
import type { Leaves } from "./naive-trie.contract.js";

const uniform = fc.uint8Array({ minLength: 32, maxLength: 32 });

/** Keys that share long beginnings with each other: one of few bytes repeated, with some bit turned, and perhaps another one. */
const skewed = fc
  .tuple(fc.constantFrom(0x00, 0xff, 0xaa), fc.constantFrom(0, 1, 5, 6, 7, 8, 11, 12, 31, 127, 254, 255), fc.nat(255))
  .map(([fill, turned, other]) => {
    const key = new Uint8Array(32).fill(fill);
    key[turned >> 3]! ^= 0x80 >> (turned & 7);
    key[other >> 3]! ^= 0x80 >> (other & 7);
    return key;
  });

/** A key in hexadecimal digits: uniform as hashes are, or one of those that meet deep in the trie. */
export const anyKey: fc.Arbitrary<string> = fc.oneof(uniform, skewed).map(toHex);

/** The hash of a value, in hexadecimal digits. Any 32 bytes may be one, zeros too. */
export const anyValueHash: fc.Arbitrary<string> = fc
  .oneof(uniform, fc.constantFrom(new Uint8Array(32), new Uint8Array(32).fill(0xff)))
  .map(toHex);

/** Up to `maxLength` leaves. */
export function anyLeaves(maxLength: number): fc.Arbitrary<Leaves> {
  return fc.array(fc.tuple(anyKey, anyValueHash), { maxLength }).map((pairs) => new Map(pairs));
}
