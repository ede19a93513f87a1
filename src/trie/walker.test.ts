import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toHex } from "../base/index.js";
import { blake3, keccak256, sha256 } from "../hash/index.js";
import { rootOf } from "../proof/leaf-list.contract.js";
import { hex, naiveRoot } from "../proof/naive-trie.contract.js";
import { accountPath, nomtVectors } from "../proof/nomt-vectors.contract.js";
import { flipped, keySpaces, scattered } from "./keys.contract.js";
import { isStored, leavesMin } from "./page-shape.js";
import { type KeyOp, SmallTrie } from "./small-trie.contract.js";

const { published, hashers } = nomtVectors;
const valueHash = (value: number): Uint8Array => new Uint8Array(32).fill(value);

/** Applies a batch to the trie and to the model. */
function apply(trie: SmallTrie, model: Map<string, string>, ops: readonly KeyOp[]): void {
  trie.apply(ops);
  for (const [key, hash] of ops) {
    if (hash === undefined) model.delete(toHex(key));
    else model.set(toHex(key), toHex(hash));
  }
}

/** The pages and what is known of their leaves are what a trie has to which all keys came at once. */
function expectCanonical(trie: SmallTrie, model: ReadonlyMap<string, string>): void {
  const fresh = new SmallTrie(trie.hasher);
  fresh.apply([...model].map(([key, hash]) => [hex(key), hex(hash)]));
  expect(trie.leafCount).toBe(model.size);
  expect(trie.shape()).toEqual(fresh.shape());
  for (const page of trie.pages.values()) expect(page.leafCount).toBeGreaterThanOrEqual(leavesMin(page.id.length));
}

describe.each(keySpaces())("a walk over keys of the kind: $name", ({ key }) => {
  const op = fc
    .tuple(key, fc.integer({ min: -1, max: 2 }))
    .map(([bytes, value]): KeyOp => [bytes, value < 0 ? undefined : valueHash(value)]);
  const removal = key.map((bytes): KeyOp => [bytes, undefined]);
  const batch = fc.oneof(fc.array(op, { maxLength: 80 }), fc.array(removal, { maxLength: 80 }));

  it("comes to the root of the definition, and to the pages of a trie made at once", () => {
    fc.assert(
      fc.property(fc.array(batch, { minLength: 1, maxLength: 6 }), (history) => {
        const trie = new SmallTrie(blake3);
        const model = new Map<string, string>();
        for (const ops of history) {
          apply(trie, model, ops);
          expect(toHex(trie.rootBytes())).toBe(rootOf(blake3, model));
          expectCanonical(trie, model);
        }
        if (model.size < 50) expect(toHex(trie.rootBytes())).toBe(naiveRoot(blake3, model));
      }),
      { numRuns: 40 },
    );
  });
});

describe("a trie that fills and empties", () => {
  it("has the roots that nomt publishes, the same ones up and down", () => {
    const trie = new SmallTrie(blake3);
    const model = new Map<string, string>();
    const hundred = (at: number, hash: string | undefined): KeyOp[] =>
      Array.from({ length: 100 }, (_, n) => [hex(accountPath(at + n)), hash === undefined ? undefined : hex(hash)]);
    for (let count = 100; count <= 1000; count += 100) {
      apply(trie, model, hundred(count - 100, published.valueHash));
      expect(toHex(trie.rootBytes())).toBe(published.roots[count]);
      expectCanonical(trie, model);
    }
    for (let count = 900; count >= 0; count -= 100) {
      apply(trie, model, hundred(count, undefined));
      expect(toHex(trie.rootBytes())).toBe(published.roots[count]);
      expectCanonical(trie, model);
    }
    expect(trie.pages.size).toBe(0);
  });

  it("makes pages of sub-tries with 20 leaves, and drops them below, at every depth of a shared prefix", () => {
    const base = new Uint8Array(32).fill(0x33);
    for (const shared of [0, 6, 12, 66, 246]) {
      const trie = new SmallTrie(blake3);
      const model = new Map<string, string>();
      // Keys that differ from each other in the five bits behind the prefix only, and so go on together up to the page below.
      const keys = Array.from({ length: 21 }, (_, n) => {
        let key: Uint8Array = base;
        for (let bit = 0; bit < 5; bit++) if (((n >>> bit) & 1) === 1) key = flipped(key, shared + bit);
        return key;
      });
      for (const [at, key] of keys.entries()) {
        apply(trie, model, [[key, valueHash(at)]]);
        expectCanonical(trie, model);
      }
      const deepest = Math.max(...[...trie.pages.keys()].map((id) => id.length));
      expect(deepest, `${shared} bits`).toBe(shared / 6);
      apply(trie, model, [
        [keys[3]!, undefined],
        [keys[7]!, undefined],
      ]);
      expectCanonical(trie, model);
      expect(Math.max(...[...trie.pages.keys()].map((id) => id.length))).toBe(Math.min(deepest, 1));
    }
  });

  it("takes two keys that differ in their last bit", () => {
    const key = new Uint8Array(32).fill(0xaa);
    const trie = new SmallTrie(blake3);
    const model = new Map<string, string>();
    apply(trie, model, [[key, valueHash(1)]]);
    expect(trie.pages.size).toBe(0);
    apply(trie, model, [[flipped(key, 255), valueHash(2)]]);
    expect(toHex(trie.rootBytes())).toBe(naiveRoot(blake3, model));
    expectCanonical(trie, model);
    expect([...trie.pages.keys()].map((id) => id.length)).toEqual([1, 0]);
    apply(trie, model, [[key, undefined]]);
    expect(trie.pages.size).toBe(0);
    expect(toHex(trie.rootBytes())).toBe(naiveRoot(blake3, model));
  });
});

describe("a walk", () => {
  const many = Array.from({ length: 500 }, (_, n): KeyOp => [scattered(n), valueHash(n & 7)]);

  it("changes no page where no op changes anything", () => {
    const trie = new SmallTrie(blake3);
    trie.apply(many);
    const before = trie.shape();
    const result = trie.apply([...many.slice(0, 50), [scattered(1000), undefined]]);
    expect(result.pages).toEqual([]);
    expect(result.clears).toEqual([]);
    expect(trie.shape()).toEqual(before);
  });

  it("leaves the pages as they were that it was given, and names every node that it changed", () => {
    const trie = new SmallTrie(blake3);
    trie.apply(many);
    const before = new Map([...trie.pages].map(([id, page]) => [id, page.bytes.slice()]));
    const olds = new Map(trie.pages);
    const { pages } = trie.apply([
      ...many.slice(0, 30).map(([key]): KeyOp => [key, undefined]),
      ...many.slice(100, 130),
    ]);
    expect(pages.length).toBeGreaterThan(3);
    for (const [id, page] of olds) expect(page.bytes).toEqual(before.get(id));
    for (const { page, before: old, diff } of pages)
      for (let node = 0; node < 126; node++) {
        const isSame = toHex(page.node(node)) === (old === undefined ? "00".repeat(32) : toHex(old.node(node)));
        if (!diff.has(node)) expect(isSame).toBe(true);
      }
  });

  it.each([blake3, sha256, keccak256])("comes to the roots of $name", (hasher) => {
    const vectors = hashers[hasher.name];
    const filled = [0x10, 0x20, 0x40, 0xa0, 0xb0].map((byte): KeyOp => [valueHash(byte), valueHash(byte)]);
    const several = new SmallTrie(hasher);
    several.apply(filled);
    expect(toHex(several.rootBytes())).toBe(vectors.multiValueRoot);
    const two = new SmallTrie(hasher);
    const value = hasher.hash(Uint8Array.of(1, 2, 3));
    two.apply([
      [valueHash(0), value],
      [valueHash(1), value],
    ]);
    expect(toHex(two.rootBytes())).toBe(vectors.twoKeysRoot);
    expect(isStored(two.pages.get("")!, 0)).toBe(true);
  });
});
