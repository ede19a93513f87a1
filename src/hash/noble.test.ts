import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InvalidArgumentError, toHex } from "../base/index.js";
import { keccak256, sha256 } from "./index.js";

const text = new TextEncoder();

describe("sha256", () => {
  it("agrees with the platform's", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 300 }), (left, right) => {
        expect(toHex(sha256.hash(left))).toBe(createHash("sha256").update(left).digest("hex"));
        expect(toHex(sha256.hash2(left, right))).toBe(createHash("sha256").update(left).update(right).digest("hex"));
      }),
    );
  });
});

describe("keccak256", () => {
  it("has Keccak's padding, not that of SHA3-256", () => {
    expect(toHex(keccak256.hash(new Uint8Array()))).toBe(
      "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470",
    );
    expect(toHex(keccak256.hash(text.encode("abc")))).toBe(
      "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45",
    );
  });

  it("hashes two parts as if they were one", () => {
    expect(toHex(keccak256.hash2(text.encode("a"), text.encode("bc")))).toBe(toHex(keccak256.hash(text.encode("abc"))));
  });
});

describe.each([sha256, keccak256])("$name", (hasher) => {
  it("has digests of as many bytes as it says", () => {
    expect(hasher.bytes).toBe(32);
    expect(hasher.hash(text.encode("x"))).toHaveLength(32);
  });

  it("refuses what is not bytes", () => {
    const wrong = "abc" as unknown as Uint8Array;
    expect(() => hasher.hash(wrong)).toThrow(InvalidArgumentError);
    expect(() => hasher.hash2(wrong, new Uint8Array())).toThrow(InvalidArgumentError);
    expect(() => hasher.hash2(new Uint8Array(), wrong)).toThrow(InvalidArgumentError);
  });
});
