import fc from "fast-check";
import { expect, test } from "vitest";
import { DIFF_BYTES, PageDiff } from "./page-diff.js";
import { NODES, NODE_BYTES, NODE_WORDS, PAGE_BYTES, Page } from "./page.js";

const anyNodes = fc.uniqueArray(fc.nat(NODES - 1));

function diffOf(nodes: readonly number[]): PageDiff {
  const diff = new PageDiff();
  for (const node of nodes) diff.add(node);
  return diff;
}

const ascending = (nodes: readonly number[]): number[] => nodes.toSorted((a, b) => a - b);

function pageWith(nodes: readonly number[], fill: number): Page {
  const page = Page.empty("");
  for (const node of nodes) page.bytes.fill(fill + node, node * NODE_BYTES, (node + 1) * NODE_BYTES);
  return page;
}

test("a diff is the set of nodes that were added, whatever was added between", () => {
  fc.assert(
    fc.property(anyNodes, anyNodes, (first, second) => {
      const diff = diffOf(first);
      diff.join(diffOf(second));
      const nodes = ascending([...new Set([...first, ...second])]);
      expect([...diff]).toEqual(nodes);
      expect(diff.count).toBe(nodes.length);
      expect(diff.isEmpty).toBe(nodes.length === 0);
      expect([...diff.copy()]).toEqual(nodes);
    }),
  );
});

test("a page that loses one half and gains the other has changed nodes in both, down to the first ones", () => {
  // 00… and 01… go, 10… and 11… come: node 0 becomes empty, and the second half is filled. Nodes 0 and 1 are both in the diff.
  const before = pageWith([0, 2, 3], 1);
  const after = pageWith([1, 4, 5], 1);
  expect([...PageDiff.between(before, after)]).toEqual([0, 1, 2, 3, 4, 5]);
  // In the order in which a walker comes by: the empty nodes first, then those that are filled.
  expect([...diffOf([2, 3, 0, 4, 5, 1])]).toEqual([0, 1, 2, 3, 4, 5]);
});

test("bit i of the little-endian number is node i", () => {
  const bytes = new Uint8Array(DIFF_BYTES);
  diffOf([0, 9, 63, 64, 125]).write(bytes, 0);
  expect(Buffer.from(bytes).toString("hex")).toBe("01020000000000800100000000000020");
});

test("what is written is read again, and nodes that no page has are refused", () => {
  fc.assert(
    fc.property(anyNodes, fc.nat(7), (nodes, at) => {
      const bytes = new Uint8Array(DIFF_BYTES + 8);
      diffOf(nodes).write(bytes, at);
      expect([...PageDiff.read(bytes, at)!]).toEqual(ascending(nodes));
      for (const bit of [0x40, 0x80]) {
        const wrong = bytes.slice();
        wrong[at + 15]! |= bit;
        expect(PageDiff.read(wrong, at)).toBeUndefined();
      }
    }),
  );
  const diff = diffOf([126, 127, 128, 1000]);
  expect(diff.isEmpty).toBe(true);
});

test("packed nodes, put into the page before, give the page after", () => {
  fc.assert(
    fc.property(anyNodes, anyNodes, fc.nat(100), (first, second, fill) => {
      const before = pageWith(first, fill);
      const after = pageWith(second, fill + 1);
      const diff = PageDiff.between(before, after);
      const packed = new Int32Array((1 + diff.count) * NODE_WORDS);
      expect(diff.pack(after, packed, NODE_WORDS)).toBe(packed.length);
      const redone = before.copy();
      diff.unpack(new Uint8Array(packed.buffer), NODE_BYTES, redone);
      expect(redone.bytes).toEqual(after.bytes);
    }),
  );
});

test("the diff of an empty page is every node that is not zero", () => {
  fc.assert(
    fc.property(anyNodes, (nodes) => {
      const page = Page.empty("");
      // A node that is zero but for one bit, in any place.
      for (const node of nodes) page.bytes[node * NODE_BYTES + (node % NODE_BYTES)] = 1 << (node % 8);
      expect([...PageDiff.ofNonZero(page)]).toEqual(ascending(nodes));
      expect([...PageDiff.between(Page.empty(""), page)]).toEqual(ascending(nodes));
    }),
  );
});

test("a copy of a page has its content and nothing in common with it", () => {
  const page = pageWith([3, 7], 1);
  page.leafCount = 2 ** 40;
  page.setElided(0, true);
  page.setElided(31, true);
  page.setElided(32, true);
  page.setElided(63, true);
  page.setElided(31, false);
  page.companion = { bytes: 1 };
  const copy = page.copy();
  expect(copy.bytes).toEqual(page.bytes);
  expect(copy.bytes).toHaveLength(PAGE_BYTES);
  expect(copy.leafCount).toBe(2 ** 40);
  expect(Array.from({ length: 64 }, (_, child) => child).filter((child) => copy.isElided(child))).toEqual([0, 32, 63]);
  expect(copy.companion).toBeUndefined();
  copy.words[0] = 1;
  expect(page.words[0]).toBe(0);
});
