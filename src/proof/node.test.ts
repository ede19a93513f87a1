import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InvalidArgumentError, toHex } from "../base/index.js";
import { LeafList, bitAt, compareKeys, loadNode, nodeBytes, pathOf, sharedBits } from "./index.js";
import { bitsOf, hex } from "./naive-trie.contract.js";
import { anyKey } from "./random-leaves.contract.js";

const wordsOf = (key: string): Int32Array => {
  const words = new Int32Array(9);
  loadNode(hex(key), words, 1);
  return words;
};

describe("bits of keys in words", () => {
  it("are those of the bytes, the highest bit of byte 0 first", () => {
    fc.assert(
      fc.property(anyKey, (key) => {
        const words = wordsOf(key);
        expect(Array.from({ length: 256 }, (_, depth) => bitAt(words, 1, depth)).join("")).toBe(bitsOf(key));
        expect(toHex(nodeBytes(words, 1))).toBe(key);
      }),
    );
  });

  it("are shared as far as the texts of the bits are, and ordered as the digits are", () => {
    fc.assert(
      fc.property(anyKey, anyKey, (a, b) => {
        const [aBits, bBits] = [bitsOf(a), bitsOf(b)];
        let shared = 0;
        while (shared < 256 && aBits[shared] === bBits[shared]) shared++;
        expect(sharedBits(wordsOf(a), 1, wordsOf(b), 1)).toBe(shared);
        expect(Math.sign(compareKeys(wordsOf(a), 1, wordsOf(b), 1))).toBe(a < b ? -1 : a > b ? 1 : 0);
      }),
    );
  });

  it("give the path of every depth, with zeros behind it", () => {
    fc.assert(
      fc.property(anyKey, fc.nat(256), (key, depth) => {
        expect(bitsOf(toHex(pathOf(hex(key), depth)))).toBe(bitsOf(key).slice(0, depth).padEnd(256, "0"));
      }),
    );
  });
});

describe("LeafList", () => {
  const key = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);

  it("keeps what it is given while it grows", () => {
    const list = new LeafList(1);
    for (let byte = 0; byte < 200; byte++) list.push(key(byte), key(255 - byte));
    const copy = new LeafList(200);
    for (let leaf = 0; leaf < list.length; leaf++) copy.pushWords(list.words, leaf * 16);
    expect(copy.length).toBe(200);
    expect([copy.bytes, list.bytes]).toEqual([200 * 64, 256 * 64]);
    for (let byte = 0; byte < 200; byte++)
      expect([copy.key(byte), copy.valueHash(byte)]).toEqual([key(byte), key(255 - byte)]);
  });

  it("refuses keys that do not ascend, and stays as it was", () => {
    const list = new LeafList();
    list.push(key(5), key(1));
    for (const byte of [5, 4]) {
      expect(() => list.push(key(byte), key(2))).toThrow(InvalidArgumentError);
      expect(() => list.pushWords(new Int32Array(16).fill(0x01010101 * byte), 0)).toThrow(InvalidArgumentError);
    }
    expect(list.length).toBe(1);
    list.push(key(6), key(3));
    expect([list.key(1), list.valueHash(1)]).toEqual([key(6), key(3)]);
  });

  it("refuses keys and value hashes that have not 32 bytes", () => {
    const list = new LeafList();
    for (const wrong of [new Uint8Array(31), new Uint8Array(33), "00".repeat(16) as unknown as Uint8Array]) {
      expect(() => list.push(wrong, key(1))).toThrow(expect.objectContaining({ code: "HF_INVALID_ARGUMENT" }));
      expect(() => list.push(key(1), wrong)).toThrow(expect.objectContaining({ code: "HF_INVALID_ARGUMENT" }));
    }
    expect(list.length).toBe(0);
  });
});
