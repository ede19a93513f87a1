import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toHex } from "../base/index.js";
import { blake3, keccak256, sha256 } from "../hash/index.js";
import { listOf, rootOf } from "./leaf-list.contract.js";
import { buildRoot, hashInternal, hashLeaf, isLeaf, isTerminator } from "./index.js";
import { bitsOf, hex, naiveRoot } from "./naive-trie.contract.js";
import { accountPath, nomtVectors } from "./nomt-vectors.contract.js";
import { anyLeaves } from "./random-leaves.contract.js";

const { published, accountPaths, hashers } = nomtVectors;
const filled = (byte: number): string => byte.toString(16).padStart(2, "0").repeat(32);
const words = (...nodes: string[]): Int32Array => new Int32Array(hex(nodes.join("")).buffer);

describe("the keys of the vectors", () => {
  it.each(Object.entries(accountPaths))("account %s has its published path", (id, path) => {
    expect(accountPath(Number(id))).toBe(path);
  });
});

describe("roots that nomt publishes", () => {
  it.each(Object.entries(published.roots))("%s accounts", (count, root) => {
    const leaves = new Map(
      Array.from({ length: Number(count) }, (_, id) => [accountPath(id), published.valueHash] as const),
    );
    expect(rootOf(blake3, leaves)).toBe(root);
  });

  it("one key", () => {
    const { key, value, root } = published.oneKey;
    expect(rootOf(blake3, new Map([[key, toHex(blake3.hash(hex(value)))]]))).toBe(root);
  });
});

describe.each([blake3, sha256, keccak256])("roots of $name", (hasher) => {
  const vectors = hashers[hasher.name];
  const valueHash = (digits: string): string => toHex(hasher.hash(hex(digits)));

  it("values are hashed as they are, empty ones too", () => {
    expect(valueHash("")).toBe(vectors.emptyValue);
    expect(valueHash("010203")).toBe(vectors.value);
  });

  it("a leaf and an internal node", () => {
    const nodes = words(filled(0xff), filled(0xff));
    hashLeaf(hasher, nodes, 0, nodes, 0);
    expect(toHex(new Uint8Array(nodes.buffer, 0, 32))).toBe(vectors.leaf);
    expect([isLeaf(nodes, 0), isTerminator(nodes, 0)]).toEqual([true, false]);

    const pair = words(filled(0x11), filled(0x11), filled(0x12), filled(0x12));
    hashLeaf(hasher, pair, 0, pair, 0);
    hashLeaf(hasher, pair, 16, pair, 8);
    hashInternal(hasher, pair, 0, pair, 0);
    expect(toHex(new Uint8Array(pair.buffer, 0, 32))).toBe(vectors.internal);
    expect([isLeaf(pair, 0), isTerminator(pair, 0)]).toEqual([false, false]);
  });

  it("several keys, two keys, a part of the trie", () => {
    const keys = (bytes: number[]) => new Map(bytes.map((byte) => [filled(byte), filled(byte)]));
    expect(rootOf(hasher, keys([0x10, 0x20, 0x40, 0xa0, 0xb0]))).toBe(vectors.multiValueRoot);
    expect(rootOf(hasher, keys([0x11, 0x12, 0x14]), 4)).toBe(vectors.subTrieRoot);
    const two = new Map([0, 1].map((byte) => [filled(byte), valueHash("010203")]));
    expect(rootOf(hasher, two)).toBe(vectors.twoKeysRoot);
  });

  it("ten accounts", () => {
    const value = valueHash("e803000000000000");
    const leaves = new Map(Object.values(accountPaths).map((path) => [path, value]));
    expect(rootOf(hasher, leaves)).toBe(vectors.tenAccounts.root);
  });

  it("of no key is zeros, of one key its leaf, whatever the depth", () => {
    expect(rootOf(hasher, new Map())).toBe(filled(0));
    for (const depth of [0, 6, 255, 256])
      expect(rootOf(hasher, new Map([[filled(0xff), filled(0xff)]]), depth)).toBe(vectors.leaf);
  });

  it("two keys that differ in their last bit", () => {
    const leaves = new Map([
      [filled(0x55), filled(1)],
      [`${"55".repeat(31)}54`, filled(2)],
    ]);
    expect(rootOf(hasher, leaves)).toBe(naiveRoot(hasher, leaves));
    expect(rootOf(hasher, leaves, 255)).toBe(naiveRoot(hasher, leaves, bitsOf(filled(0x55)).slice(0, 255)));
  });
});

describe("buildRoot", () => {
  it("agrees with the trie's definition on any set of keys", () => {
    fc.assert(
      fc.property(anyLeaves(24), (leaves) => {
        expect(rootOf(blake3, leaves)).toBe(naiveRoot(blake3, leaves));
      }),
    );
  });

  it("agrees with the definition on the part below any path", () => {
    fc.assert(
      fc.property(anyLeaves(12), fc.nat(11), fc.nat(256), (leaves, which, depth) => {
        const keys = [...leaves.keys()].sort();
        const prefix = bitsOf(keys[which % keys.length] ?? filled(0)).slice(0, depth);
        const list = listOf(leaves);
        const from = keys.findIndex((key) => bitsOf(key).startsWith(prefix));
        const to = keys.findLastIndex((key) => bitsOf(key).startsWith(prefix)) + 1;
        const root = new Int32Array(10).fill(7);
        buildRoot(blake3, list, Math.max(from, 0), to, depth, root, 1);
        expect(toHex(new Uint8Array(root.buffer, 4, 32))).toBe(naiveRoot(blake3, leaves, prefix));
        expect([root[0], root[9]]).toEqual([7, 7]);
      }),
    );
  });
});
