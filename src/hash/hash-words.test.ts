import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toHex } from "../base/index.js";
import { blake3, keccak256, sha256 } from "./index.js";

const WORDS = 64;
const filled = fc.uint8Array({ minLength: WORDS * 4, maxLength: WORDS * 4 });
const from = fc.nat(WORDS - 16);
const to = fc.nat(WORDS - 8);

describe.each([blake3, sha256, keccak256])("hashWords of $name", (hasher) => {
  it("writes what hash2 gives for the same bytes, and nothing else", () => {
    fc.assert(
      fc.property(filled, filled, from, to, (bytes, others, at, targetAt) => {
        const source = bytes.slice();
        const target = others.slice();
        const digest = hasher.hash2(bytes.slice(at * 4, at * 4 + 32), bytes.slice(at * 4 + 32, at * 4 + 64));
        hasher.hashWords(new Int32Array(source.buffer), at, new Int32Array(target.buffer), targetAt);
        expect(toHex(source)).toBe(toHex(bytes));
        others.set(digest, targetAt * 4);
        expect(toHex(target)).toBe(toHex(others));
      }),
    );
  });

  it("reads before it writes where source and target overlap", () => {
    fc.assert(
      fc.property(filled, from, to, (bytes, at, targetAt) => {
        const both = bytes.slice();
        hasher.hashWords(new Int32Array(both.buffer), at, new Int32Array(both.buffer), targetAt);
        bytes.set(hasher.hash(bytes.slice(at * 4, at * 4 + 64)), targetAt * 4);
        expect(toHex(both)).toBe(toHex(bytes));
      }),
    );
  });

  it("takes arrays that begin inside their buffer", () => {
    const bytes = Uint8Array.from({ length: 128 }, (_, at) => at);
    const words = new Int32Array(bytes.buffer, 8, 24);
    const expected = hasher.hash(bytes.slice(12, 76));
    hasher.hashWords(words, 1, words, 16);
    expect(toHex(bytes.subarray(72, 104))).toBe(toHex(expected));
  });
});

describe.each([blake3, sha256, keccak256])("hashInto of $name", (hasher) => {
  it("writes what hash gives for any data, and nothing else", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3000 }), filled, to, (data, others, targetAt) => {
        const target = others.slice();
        hasher.hashInto(data, new Int32Array(target.buffer), targetAt);
        others.set(hasher.hash(data), targetAt * 4);
        expect(toHex(target)).toBe(toHex(others));
      }),
    );
  });

  it("refuses what is no bytes", () => {
    expect(() => hasher.hashInto("text" as never, new Int32Array(8), 0)).toThrow(
      expect.objectContaining({ code: "HF_INVALID_ARGUMENT" }),
    );
  });
});
