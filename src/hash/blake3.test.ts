import { readFileSync } from "node:fs";
import { blake3 as nobleBlake3 } from "@noble/hashes/blake3.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InvalidArgumentError, toHex } from "../base/index.js";
import { blake3, blake3Xof } from "./index.js";

interface Vectors {
  readonly cases: readonly { readonly input_len: number; readonly hash: string }[];
}

const vectors = JSON.parse(
  readFileSync(new URL("../../test/fixtures/blake3/vectors.json", import.meta.url), "utf8"),
) as Vectors;

/** The input of the official vectors. */
const counting = (length: number): Uint8Array => Uint8Array.from({ length }, (_, at) => at % 251);

/** Lengths around the edges of blocks, chunks and subtrees come up often; others too. */
const input = fc
  .tuple(
    fc.oneof(
      fc.nat(200),
      fc
        .tuple(fc.constantFrom(64, 1024, 2048, 3072, 4096, 7168, 8192), fc.integer({ min: -2, max: 2 }))
        .map(([a, b]) => a + b),
      fc.nat(20_000),
    ),
    fc.nat(255),
  )
  .map(([length, salt]) => Uint8Array.from({ length }, (_, at) => (at * 167 + (at >> 8) * 13 + salt) & 0xff));

describe("blake3", () => {
  it.each(vectors.cases)("gives the official digest and extended output of $input_len bytes", ({ input_len, hash }) => {
    const data = counting(input_len);
    expect(toHex(blake3Xof(data, hash.length / 2))).toBe(hash);
    expect(toHex(blake3.hash(data))).toBe(hash.slice(0, 64));
  });

  it("agrees with another implementation on any input", () => {
    fc.assert(
      fc.property(input, (data) => {
        expect(toHex(blake3.hash(data))).toBe(toHex(nobleBlake3(data)));
      }),
      { numRuns: 300 },
    );
  });

  it("agrees with another implementation on any length of output", () => {
    fc.assert(
      fc.property(input, fc.oneof(fc.nat(300), fc.constantFrom(1023, 2048, 2049, 70_000)), (data, bytes) => {
        // The other one refuses an output of no bytes.
        const expected = bytes === 0 ? new Uint8Array() : nobleBlake3(data, { dkLen: bytes });
        expect(toHex(blake3Xof(data, bytes))).toBe(toHex(expected));
      }),
      { numRuns: 100 },
    );
  });

  it("hashes two parts as if they were one, of whatever lengths", () => {
    const digest = fc.uint8Array({ minLength: 32, maxLength: 32 });
    const part = fc.oneof(digest, fc.uint8Array({ maxLength: 100 }));
    fc.assert(
      fc.property(part, part, (left, right) => {
        expect(toHex(blake3.hash2(left, right))).toBe(toHex(nobleBlake3(Uint8Array.of(...left, ...right))));
      }),
    );
  });

  it("takes parts of larger arrays, and leaves what it gave alone", () => {
    const whole = counting(300);
    const first = blake3.hash(whole.subarray(7, 107));
    const copy = first.slice();
    blake3.hash(whole);
    expect(first).toEqual(copy);
    expect(toHex(first)).toBe(toHex(nobleBlake3(whole.slice(7, 107))));
  });

  it("refuses what is not bytes, and lengths of output that are none", () => {
    const refused = (act: () => unknown) => {
      expect(act).toThrow(InvalidArgumentError);
      expect(act).toThrow(expect.objectContaining({ code: "HF_INVALID_ARGUMENT" }));
    };
    refused(() => blake3.hash("abc" as unknown as Uint8Array));
    refused(() => blake3.hash([1, 2] as unknown as Uint8Array));
    refused(() => blake3.hash2(counting(32), undefined as unknown as Uint8Array));
    refused(() => blake3.hash2("" as unknown as Uint8Array, counting(32)));
    refused(() => blake3Xof(undefined as unknown as Uint8Array, 3));
    for (const bytes of [-1, 0.5, Number.NaN, 2 ** 32, undefined as unknown as number])
      refused(() => blake3Xof(counting(3), bytes));
  });
});
