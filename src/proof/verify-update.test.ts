import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toHex } from "../base/index.js";
import { blake3 as hasher } from "../hash/index.js";
import { verifyUpdate } from "./index.js";
import type { Leaves } from "./naive-trie.contract.js";
import { hex, naiveRoot } from "./naive-trie.contract.js";
import { multiProofFor, stateOf } from "./proofs.contract.js";
import { anyKey, anyLeaves, anyValueHash } from "./random-leaves.contract.js";

const filled = (byte: number): string => byte.toString(16).padStart(2, "0").repeat(32);
const rootOf = (leaves: Leaves): Uint8Array => hex(naiveRoot(hasher, leaves));

/** A trie, a batch of puts and deletes, and the trie that it makes. */
const anyBatch = fc
  .tuple(
    anyLeaves(12),
    fc.array(fc.tuple(anyKey, fc.option(anyValueHash)), { maxLength: 6 }),
    fc.array(fc.tuple(fc.nat(11), fc.option(anyValueHash)), { maxLength: 8 }),
  )
  .map(([leaves, added, changed]) => {
    const keys = [...leaves.keys()];
    const batch = new Map(added);
    for (const [which, valueHash] of changed) if (keys[which] !== undefined) batch.set(keys[which], valueHash);
    const after = new Map(leaves);
    for (const [key, valueHash] of batch) {
      if (valueHash === null) after.delete(key);
      else after.set(key, valueHash);
    }
    return { leaves, batch: [...batch.keys()], after };
  });

describe("verifyUpdate", () => {
  it("gives the root of the trie after any batch", () => {
    fc.assert(
      fc.property(anyBatch, anyKey, ({ leaves, batch, after }, untouched) => {
        const proof = multiProofFor(hasher, leaves, [...batch, untouched]);
        const updates = batch.map((key) => stateOf(after, key));
        const root = verifyUpdate({ root: rootOf(leaves), hasher, proof, updates });
        expect(root && toHex(root)).toBe(naiveRoot(hasher, after));
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ["the only key", [filled(1)], [filled(1)]],
    ["one of two keys", [filled(1), filled(2)], [filled(2)]],
    ["the deeper of three", [filled(0x80), filled(1), filled(0)], [filled(1)]],
    [
      "both keys of a deep pair",
      [filled(0x80), filled(0xff), `${"ff".repeat(31)}fe`],
      [filled(0xff), `${"ff".repeat(31)}fe`],
    ],
    ["one key of a deep pair", [filled(0x80), filled(0xff), `${"ff".repeat(31)}fe`], [filled(0xff)]],
    ["every key", [filled(0), filled(1), filled(2), filled(0xff)], [filled(0), filled(1), filled(2), filled(0xff)]],
  ])("makes the trie as high as it can be when it loses %s", (_, keys, deleted) => {
    const leaves = new Map(keys.map((key) => [key, filled(9)]));
    const after = new Map(leaves);
    for (const key of deleted) after.delete(key);
    const proof = multiProofFor(hasher, leaves, deleted);
    const updates = deleted.map((key) => stateOf(after, key));
    const root = verifyUpdate({ root: rootOf(leaves), hasher, proof, updates });
    expect(root && toHex(root)).toBe(naiveRoot(hasher, after));
  });

  it("with no updates gives the root, or false", () => {
    const leaves = new Map([
      [filled(1), filled(2)],
      [filled(0xf0), filled(2)],
    ]);
    const proof = multiProofFor(hasher, leaves, [filled(3)]);
    expect(verifyUpdate({ root: rootOf(leaves), hasher, proof, updates: [] })).toEqual(rootOf(leaves));
    expect(verifyUpdate({ root: hex(filled(1)), hasher, proof, updates: [] })).toBe(false);
  });

  it("is false for an update of a key that the proof says nothing about", () => {
    const leaves = new Map([
      [filled(1), filled(2)],
      [filled(0xf0), filled(2)],
    ]);
    const proof = multiProofFor(hasher, leaves, [filled(3)]);
    const updates = [{ key: hex(filled(0xf1)), valueHash: hex(filled(1)) }];
    expect(verifyUpdate({ root: rootOf(leaves), hasher, proof, updates })).toBe(false);
  });
});
