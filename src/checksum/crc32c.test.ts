import { crc32c as nativeCrc32c } from "@node-rs/crc32";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { crc32c, crc32cRange } from "./crc32c.js";
import { SeededRandom } from "../base/index.js";

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("crc32c", () => {
  it("gives the published check value", () => {
    expect(crc32c(ascii("123456789"))).toBe(0xe3069283);
  });

  it("gives the published values of RFC 3720 for 32 zeros, 32 ones and an ascending run", () => {
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, index) => index))).toBe(0x46dd794e);
  });

  it("of nothing is zero, and leaves a seed as it is", () => {
    expect(crc32c(new Uint8Array(0))).toBe(0);
    expect(crc32c(new Uint8Array(0), 0xdeadbeef)).toBe(0xdeadbeef);
  });

  it("equals the native code at every size around the switch, at every alignment", () => {
    const bytes = new SeededRandom(1).bytes(700);
    for (let length = 0; length <= 600; length++) {
      const start = length % 9;
      const expected = nativeCrc32c(bytes.subarray(start, start + length));
      expect(crc32cRange(bytes, start, start + length)).toBe(expected);
      expect(crc32c(bytes.subarray(start, start + length))).toBe(expected);
    }
  });

  it("equals the native code for any bytes, range and seed", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 1200 }),
        fc.nat(1200),
        fc.nat(1200),
        fc.nat(0xffffffff),
        (bytes, one, other, seed) => {
          const start = Math.min(one, other, bytes.length);
          const end = Math.min(Math.max(one, other), bytes.length);
          const expected = nativeCrc32c(bytes.slice(start, end), seed);
          expect(crc32cRange(bytes, start, end, seed)).toBe(expected);
        },
      ),
    );
  });

  it("of two parts chained is that of the whole, wherever it is cut", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1200 }), fc.nat(1200), (bytes, at) => {
        const cut = Math.min(at, bytes.length);
        expect(crc32cRange(bytes, cut, bytes.length, crc32cRange(bytes, 0, cut))).toBe(crc32c(bytes));
      }),
    );
  });
});
