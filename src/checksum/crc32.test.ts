import { crc32 as nativeCrc32 } from "@node-rs/crc32";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SeededRandom, writeU32 } from "../base/index.js";
import { crc32Range } from "./crc32.js";
import { crc32cRange } from "./crc32c.js";

const crc32 = (bytes: Uint8Array): number => crc32Range(bytes, 0, bytes.length);
const crc32c = (bytes: Uint8Array): number => crc32cRange(bytes, 0, bytes.length);

/** `bytes` followed by a checksum of them. */
function sealed(bytes: Uint8Array, checksum: (bytes: Uint8Array) => number): Uint8Array {
  const whole = new Uint8Array(bytes.length + 4);
  whole.set(bytes);
  writeU32(whole, bytes.length, checksum(bytes));
  return whole;
}

describe("crc32", () => {
  it("gives the published check value", () => {
    expect(crc32(new TextEncoder().encode("123456789"))).toBe(0xcbf43926);
  });

  it("equals the native code at every size around the switch, at every alignment", () => {
    const bytes = new SeededRandom(1).bytes(700);
    for (let length = 0; length <= 600; length++) {
      const start = length % 9;
      expect(crc32Range(bytes, start, start + length)).toBe(nativeCrc32(bytes.subarray(start, start + length)));
    }
  });
});

describe("the two checksums around bytes that hold checksums of their own", () => {
  const parts = fc.record({
    before: fc.uint8Array({ maxLength: 40 }),
    one: fc.uint8Array({ minLength: 24, maxLength: 24 }),
    other: fc.uint8Array({ minLength: 24, maxLength: 24 }),
    after: fc.uint8Array({ maxLength: 40 }),
  });
  const around = (before: Uint8Array, part: Uint8Array, after: Uint8Array): Uint8Array =>
    Uint8Array.of(...before, ...part, ...after);

  it("are each the same around any that are followed by their own, which the other tells apart", () => {
    fc.assert(
      fc.property(parts, ({ before, one, other, after }) => {
        fc.pre(crc32(one) !== crc32(other) && crc32c(one) !== crc32c(other));
        for (const [blind, sees] of [
          [crc32c, crc32],
          [crc32, crc32c],
        ] as const) {
          const [a, b] = [one, other].map((part) => around(before, sealed(part, blind), after)) as [
            Uint8Array,
            Uint8Array,
          ];
          expect(blind(a)).toBe(blind(b));
          expect(sees(a)).not.toBe(sees(b));
        }
      }),
    );
  });

  it("tell apart bytes under both, one inside or beside the other", () => {
    fc.assert(
      fc.property(parts, ({ before, one, other, after }) => {
        fc.pre(crc32(one) !== crc32(other) && crc32c(one) !== crc32c(other));
        for (const shape of [
          (part: Uint8Array) => sealed(sealed(part, crc32), crc32c),
          (part: Uint8Array) => sealed(sealed(part, crc32c), crc32),
          (part: Uint8Array) => Uint8Array.of(...sealed(part, crc32c), ...sealed(part, crc32)),
        ]) {
          const [a, b] = [one, other].map((part) => around(before, shape(part), after)) as [Uint8Array, Uint8Array];
          expect([crc32c(a), crc32(a)]).not.toEqual([crc32c(b), crc32(b)]);
        }
      }),
    );
  });
});
