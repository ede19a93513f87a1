import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toHex } from "../base/index.js";
import { blake3, keccak256, sha256 } from "../hash/index.js";
import type { KeyState, MultiProof, PathProof } from "./index.js";
import { multiProofOf, pathOf, siblingsInList, verifyMultiProof, verifyPathProof, verifyUpdate } from "./index.js";
import { listOf } from "./leaf-list.contract.js";
import type { Leaves } from "./naive-trie.contract.js";
import { bitsOf, hex, naiveRoot } from "./naive-trie.contract.js";
import { accountPath, nomtVectors } from "./nomt-vectors.contract.js";
import { inDigits, multiProofFor, proofOf, stateOf } from "./proofs.contract.js";
import { anyKey, anyLeaves } from "./random-leaves.contract.js";

const hasher = blake3;
const filled = (byte: number): string => byte.toString(16).padStart(2, "0").repeat(32);
const rootOf = (leaves: Leaves): Uint8Array => hex(naiveRoot(hasher, leaves));

describe.each([blake3, sha256, keccak256])("nomt's proofs with $name", (hasher) => {
  const vectors = nomtVectors.hashers[hasher.name].tenAccounts;
  const root = hex(vectors.root);
  const valueHash = hasher.hash(hex("e803000000000000"));
  const leaves: Leaves = new Map(Object.values(nomtVectors.accountPaths).map((path) => [path, toHex(valueHash)]));
  type PathVector = (typeof vectors.proofs)[string];
  const terminalOf = (
    { terminal, depth }: Pick<PathVector, "terminal" | "depth">,
    key: string,
  ): PathProof["terminal"] =>
    terminal.leaf === undefined
      ? { kind: "terminator", path: pathOf(hex(key), depth) }
      : { kind: "leaf", key: hex(terminal.leaf.key), valueHash: hex(terminal.leaf.valueHash) };
  const proofFrom = (vector: PathVector, key: string): PathProof => ({
    terminal: terminalOf(vector, key),
    siblings: vector.siblings.map(hex),
  });

  it.each(Object.entries(vectors.proofs))("the one of account %s is verified, and made", (id, vector) => {
    const key = accountPath(Number(id));
    const proof = proofFrom(vector, key);
    const claim = { root, hasher, proof, key: hex(key) };
    expect(proof.siblings).toHaveLength(vector.depth);
    expect(verifyPathProof({ ...claim, value: hex("e803000000000000") })).toBe(Number(id) < 10);
    expect(verifyPathProof({ ...claim, value: undefined })).toBe(Number(id) >= 10);
    expect(verifyPathProof({ ...claim, value: hex("e903000000000000") })).toBe(false);
    expect(inDigits(siblingsInList(hasher, listOf(leaves), 0, hex(key)))).toEqual(inDigits(proof));
    expect(inDigits(proofOf(hasher, leaves, key))).toEqual(inDigits(proof));
  });

  it("the one of several accounts is verified, and made from theirs", () => {
    const ids = [0, 3, 7, 101];
    const made = multiProofOf(ids.map((id) => proofFrom(vectors.proofs[id]!, accountPath(id))));
    const absent = accountPath(101);
    const proof: MultiProof = {
      paths: vectors.multiProof.paths.map((path) => ({ terminal: terminalOf(path, absent), depth: path.depth })),
      siblings: vectors.multiProof.siblings.map(hex),
    };
    expect(inDigits(made)).toEqual(inDigits(proof));
    const claims = ids.map((id) => stateOf(leaves, accountPath(id)));
    expect(verifyMultiProof({ root, hasher, proof, claims })).toBe(true);
    expect(verifyMultiProof({ root, hasher, proof, claims: [stateOf(leaves, accountPath(1))] })).toBe(false);
  });

  it("updates give the root of the trie that has them", () => {
    const updates: KeyState[] = [
      { key: hex(accountPath(3)), value: undefined },
      { key: hex(accountPath(101)), valueHash },
      { key: hex(accountPath(7)), value: hex("00") },
    ];
    const after = new Map(leaves);
    after.delete(accountPath(3));
    after.set(accountPath(101), toHex(valueHash));
    after.set(accountPath(7), toHex(hasher.hash(hex("00"))));
    const proof = multiProofOf([101, 7, 3, 7].map((id) => proofFrom(vectors.proofs[id]!, accountPath(id))));
    const root2 = verifyUpdate({ root, hasher, proof, updates });
    expect(root2 && toHex(root2)).toBe(naiveRoot(hasher, after));
  });
});

describe("verifyPathProof", () => {
  it("says of any key what the trie's definition says", () => {
    fc.assert(
      fc.property(anyLeaves(16), anyKey, fc.nat(20), (leaves, other, which) => {
        const key = [...leaves.keys()][which] ?? other;
        const proof = proofOf(hasher, leaves, key);
        const claim = { root: rootOf(leaves), hasher, proof };
        expect(verifyPathProof({ ...claim, ...stateOf(leaves, key) })).toBe(true);
        const wrong = leaves.has(key) ? undefined : hex(filled(1));
        expect(verifyPathProof({ ...claim, key: hex(key), valueHash: wrong })).toBe(false);
      }),
    );
  });

  it("proves a key that is not there by the leaf in whose place it would be", () => {
    const leaves = new Map([
      [filled(0x80), filled(1)],
      [filled(0x01), filled(2)],
    ]);
    const proof = proofOf(hasher, leaves, filled(0x02));
    expect(proof.terminal.kind).toBe("leaf");
    const claim = { root: rootOf(leaves), hasher, proof };
    expect(verifyPathProof({ ...claim, key: hex(filled(0x02)), value: undefined })).toBe(true);
    // Not in the place of this leaf.
    expect(verifyPathProof({ ...claim, key: hex(filled(0x82)), value: undefined })).toBe(false);
  });

  it("proves every key absent from an empty trie", () => {
    const proof: PathProof = { terminal: { kind: "terminator", path: new Uint8Array(32) }, siblings: [] };
    const claim = { root: new Uint8Array(32), hasher, proof, key: hex(filled(0xab)) };
    expect(verifyPathProof({ ...claim, value: undefined })).toBe(true);
    expect(verifyPathProof({ ...claim, value: new Uint8Array() })).toBe(false);
  });

  it("tells an empty value from none", () => {
    const leaves = new Map([[filled(7), toHex(hasher.hash(new Uint8Array()))]]);
    const claim = { root: rootOf(leaves), hasher, proof: proofOf(hasher, leaves, filled(7)), key: hex(filled(7)) };
    expect(verifyPathProof({ ...claim, value: new Uint8Array() })).toBe(true);
    expect(verifyPathProof({ ...claim, value: undefined })).toBe(false);
  });

  it("goes 256 nodes deep", () => {
    const [key, beside] = [filled(0xff), `${"ff".repeat(31)}fe`];
    const leaves = new Map([
      [key, filled(1)],
      [beside, filled(2)],
    ]);
    const proof = proofOf(hasher, leaves, key);
    expect(proof.siblings).toHaveLength(256);
    expect(verifyPathProof({ root: rootOf(leaves), hasher, proof, ...stateOf(leaves, key) })).toBe(true);
  });
});

describe("verifyMultiProof", () => {
  it("says of any keys what the trie's definition says", () => {
    fc.assert(
      fc.property(anyLeaves(12), fc.array(anyKey, { minLength: 1, maxLength: 6 }), (leaves, others) => {
        const keys = [...others, ...[...leaves.keys()].slice(0, 5)];
        const claim = { root: rootOf(leaves), hasher, proof: multiProofFor(hasher, leaves, keys) };
        const claims = keys.map((key) => stateOf(leaves, key));
        expect(verifyMultiProof({ ...claim, claims })).toBe(true);
        for (const [n, { key, valueHash }] of claims.entries()) {
          const wrong = { key, valueHash: valueHash === undefined ? key : undefined };
          expect(verifyMultiProof({ ...claim, claims: claims.with(n, wrong) })).toBe(false);
        }
      }),
    );
  });

  it("has no sibling that it could do without", () => {
    const leaves = new Map(Array.from({ length: 64 }, (_, n) => [filled(n * 4), filled(n)] as const));
    expect(multiProofFor(hasher, leaves, [...leaves.keys()]).siblings).toHaveLength(0);
    expect(multiProofFor(hasher, leaves, [...leaves.keys()].slice(0, 32)).siblings).toHaveLength(1);
  });
});

describe("siblingsInList", () => {
  it("gives the lower part of the proof that the definition gives", () => {
    fc.assert(
      fc.property(anyLeaves(10), anyKey, fc.nat(20), fc.nat(256), (leaves, other, which, depth) => {
        const key = [...leaves.keys()][which] ?? other;
        const whole = proofOf(hasher, leaves, key);
        const above = Math.min(depth, whole.siblings.length);
        const below = [...leaves].filter(([each]) => bitsOf(each).startsWith(bitsOf(key).slice(0, above)));
        const part = siblingsInList(hasher, listOf(new Map(below)), above, hex(key));
        expect(inDigits(part)).toEqual(inDigits({ ...whole, siblings: whole.siblings.slice(above) }));
      }),
    );
  });
});

describe("multiProofOf", () => {
  const leaves = new Map([
    [filled(1), filled(2)],
    [filled(0xf0), filled(2)],
  ]);
  const [a, b] = [proofOf(hasher, leaves, filled(1)), proofOf(hasher, leaves, filled(0xf0))];

  it("does not depend on the order of the proofs, nor on how often one comes", () => {
    expect(multiProofOf([b, a, b, a])).toEqual(multiProofOf([a, b]));
  });

  it.each<[string, unknown]>([
    ["no proofs", []],
    ["no array", a],
    ["something else among them", [a, { terminal: a.terminal }]],
    ["a path that goes on where another ends", [a, { ...a, siblings: [] }]],
    ["two values for one key", [a, { ...a, terminal: { ...a.terminal, valueHash: hex(filled(5)) } }]],
    ["a leaf and a terminator in one place", [a, { ...a, terminal: { kind: "terminator", path: new Uint8Array(32) } }]],
  ])("refuses %s", (_, proofs) => {
    expect(() => multiProofOf(proofs as PathProof[])).toThrow(expect.objectContaining({ code: "HF_INVALID_ARGUMENT" }));
  });
});
