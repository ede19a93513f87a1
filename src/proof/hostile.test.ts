/** Proofs from somebody who wants to be believed, or to do harm: a verifier may say no, and never anything that is not so. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toHex } from "../base/index.js";
import { blake3 } from "../hash/index.js";
import type { MultiProof, PathProof, ProofPath, Terminal } from "./index.js";
import { multiProofOf, pathOf, verifyMultiProof, verifyPathProof, verifyUpdate } from "./index.js";
import type { Leaves } from "./naive-trie.contract.js";
import { hex, naiveRoot } from "./naive-trie.contract.js";
import { multiProofFor, proofOf, stateOf } from "./proofs.contract.js";
import { anyKey, anyLeaves, anyValueHash } from "./random-leaves.contract.js";

const hasher = blake3;
const filled = (byte: number): string => byte.toString(16).padStart(2, "0").repeat(32);
const rootOf = (leaves: Leaves): Uint8Array => hex(naiveRoot(hasher, leaves));
const zeros = new Uint8Array(32);
const nodes = (count: number): Uint8Array[] => Array.from({ length: count }, () => zeros);

/** One thing that somebody may do to a proof, by a few numbers drawn at random. */
interface Change {
  readonly what: number;
  readonly where: number;
  readonly to: number;
  readonly bytes: string;
}
const anyChange: fc.Arbitrary<Change> = fc.record({ what: fc.nat(12), where: fc.nat(), to: fc.nat(), bytes: anyKey });

const flipped = (bytes: Uint8Array, bit: number): Uint8Array =>
  bytes.with((bit >>> 3) & 31, bytes[(bit >>> 3) & 31]! ^ (1 << (bit & 7)));

function changedTerminal(terminal: Terminal, depth: number, { what, to, bytes }: Change): Terminal {
  const other = hex(bytes);
  if (what % 4 === 0)
    return { kind: "terminator", path: pathOf(terminal.kind === "leaf" ? terminal.key : other, depth) };
  if (terminal.kind === "terminator")
    return what % 4 === 1
      ? { kind: "leaf", key: other, valueHash: zeros }
      : { ...terminal, path: flipped(terminal.path, to) };
  if (what % 4 === 1) return { ...terminal, valueHash: flipped(terminal.valueHash, to) };
  return { ...terminal, key: what % 4 === 2 ? flipped(terminal.key, to) : other };
}

function changedSiblings(siblings: readonly Uint8Array[], { what, where, to, bytes }: Change): Uint8Array[] {
  const all = [...siblings];
  const at = where % Math.max(all.length, 1);
  const node = [hex(bytes), zeros, all[to % Math.max(all.length, 1)] ?? zeros][to % 3]!;
  if (what % 5 === 0) all.splice(at, 1);
  else if (what % 5 === 1) all.splice(at, 0, node);
  else if (what % 5 === 2) all.splice(at, 2, ...all.slice(at, at + 2).reverse());
  else if (what % 5 === 3 || all[at] === undefined) all[at] = node;
  else all[at] = flipped(all[at], to);
  return all;
}

function changedPath(proof: PathProof, change: Change): PathProof {
  if (change.what >= 8) return { ...proof, terminal: changedTerminal(proof.terminal, proof.siblings.length, change) };
  return { ...proof, siblings: changedSiblings(proof.siblings, change) };
}

function changedMulti(proof: MultiProof, change: Change): MultiProof {
  const { what, where, to } = change;
  if (what < 5) return { ...proof, siblings: changedSiblings(proof.siblings, change) };
  const paths: ProofPath[] = [...proof.paths];
  const at = where % paths.length;
  const path = paths[at]!;
  if (what < 9) paths[at] = { ...path, terminal: changedTerminal(path.terminal, path.depth, change) };
  else if (what === 9) paths[at] = { ...path, depth: [path.depth + 1, path.depth - 1, to % 257][to % 3]! };
  else if (what === 10) paths.splice(at, 1);
  else if (what === 11) paths.splice(at, 0, path);
  else paths.splice(at, 2, ...paths.slice(at, at + 2).reverse());
  return { ...proof, paths };
}

describe("a proof that somebody changed", () => {
  it("of one key shows nothing that is not so", () => {
    fc.assert(
      fc.property(
        anyLeaves(8),
        anyKey,
        fc.nat(10),
        fc.array(anyChange, { minLength: 1, maxLength: 3 }),
        anyKey,
        anyValueHash,
        (leaves, other, which, changes, third, valueHash) => {
          const key = [...leaves.keys()][which] ?? other;
          const proof = changes.reduce(changedPath, proofOf(hasher, leaves, key));
          const root = rootOf(leaves);
          for (const about of [key, other, third]) {
            const wrong = leaves.has(about) ? undefined : hex(valueHash);
            expect(verifyPathProof({ root, hasher, proof, key: hex(about), valueHash: wrong })).toBe(false);
            if (leaves.has(about))
              expect(
                verifyPathProof({
                  root,
                  hasher,
                  proof,
                  key: hex(about),
                  valueHash: flipped(hex(leaves.get(about)!), which),
                }),
              ).toBe(false);
            expect(typeof verifyPathProof({ root, hasher, proof, ...stateOf(leaves, about) })).toBe("boolean");
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it("of many keys shows nothing that is not so, and leads to no other root", () => {
    let refused = 0;
    fc.assert(
      fc.property(
        anyLeaves(8),
        fc.array(anyKey, { minLength: 1, maxLength: 3 }),
        fc.array(anyChange, { minLength: 1, maxLength: 3 }),
        anyValueHash,
        (leaves, others, changes, valueHash) => {
          const keys = [...new Set([...others, ...[...leaves.keys()].slice(0, 3)])];
          const proof = changes.reduce<MultiProof>(
            (proof, change) => (proof.paths.length === 0 ? proof : changedMulti(proof, change)),
            multiProofFor(hasher, leaves, keys),
          );
          const root = rootOf(leaves);
          for (const key of keys) {
            const wrong = leaves.has(key) ? undefined : hex(valueHash);
            expect(verifyMultiProof({ root, hasher, proof, claims: [{ key: hex(key), valueHash: wrong }] })).toBe(
              false,
            );
          }
          const after = new Map(leaves);
          for (const [n, key] of keys.entries()) {
            if (n % 2 === 0) after.delete(key);
            else after.set(key, valueHash);
          }
          const updated = verifyUpdate({ root, hasher, proof, updates: keys.map((key) => stateOf(after, key)) });
          if (updated === false) refused++;
          else expect(toHex(updated)).toBe(naiveRoot(hasher, after));
        },
      ),
      { numRuns: 500 },
    );
    // Changes that undo each other leave a sound proof; most don't.
    expect(refused).toBeGreaterThan(400);
  });
});

describe("what is no proof", () => {
  const leaves = new Map([1, 2, 0xf0].map((byte) => [filled(byte), filled(byte)]));
  const root = rootOf(leaves);
  const key = hex(filled(2));
  const sound = proofOf(hasher, leaves, filled(2));
  const multi = multiProofFor(hasher, leaves, [filled(2), filled(0xf0)]);
  const state = stateOf(leaves, filled(2));
  /** What each verifier says of it, of a claim that is so, one that is not, and none. */
  const answersTo = (proof: unknown): unknown[] => {
    const path = { root, hasher, proof: proof as PathProof };
    const multi = { root, hasher, proof: proof as MultiProof };
    return [
      verifyPathProof({ ...path, ...state }),
      verifyPathProof({ ...path, key, value: undefined }),
      verifyMultiProof({ ...multi, claims: [state] }),
      verifyMultiProof({ ...multi, claims: [] }),
      verifyUpdate({ ...multi, updates: [state] }),
      verifyUpdate({ ...multi, updates: [] }),
    ];
  };
  const NO = [false, false, false, false, false, false];

  it("is refused whatever it is", () => {
    const any = fc.anything({ withTypedArray: true, withSparseArray: true, withNullPrototype: true, withBigInt: true });
    const siblings = fc.array(fc.oneof(any, fc.constant(zeros)));
    const terminal = fc.oneof(
      any,
      fc.record({ kind: fc.constantFrom("leaf", "terminator"), key: any, valueHash: any, path: any }),
    );
    const shaped = fc.record(
      { terminal, siblings, paths: fc.array(fc.oneof(any, fc.record({ terminal, depth: any }))) },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.oneof(any, shaped), (proof) => {
        expect(answersTo(proof)).toEqual(NO);
      }),
      { numRuns: 1000 },
    );
  });

  it.each<[string, unknown]>([
    ["no paths", { paths: [], siblings: [] }],
    ["no paths, the root for a sibling", { paths: [], siblings: [root] }],
    [
      "texts",
      {
        terminal: { kind: "leaf", key: filled(2), valueHash: filled(2) },
        siblings: sound.siblings.map(toHex),
        paths: [],
      },
    ],
    ["a number of siblings that no memory holds", { ...sound, siblings: new Array(2 ** 32 - 1) }],
    ["a number of paths that no memory holds", { ...multi, paths: new Array(2 ** 32 - 1) }],
    ["holes among paths", { ...multi, paths: [multi.paths[0], , multi.paths[1]] }], // oxlint-disable-line no-sparse-arrays
    ["paths in another order", { ...multi, paths: multi.paths.toReversed() }],
    ["a path twice", { ...multi, paths: [multi.paths[0], multi.paths[0], multi.paths[1]] }],
    ["a path that goes on where another ends", { ...multi, paths: [{ ...multi.paths[0], depth: 1 }, ...multi.paths] }],
    ["a depth that is no number of bits", { ...multi, paths: [{ ...multi.paths[0], depth: 1.5 }, multi.paths[1]] }],
    ["a depth below zero", { ...multi, paths: [{ ...multi.paths[0], depth: -1 }, multi.paths[1]] }],
    ["a depth past the last bit", { ...multi, paths: [{ ...multi.paths[0], depth: 257 }, multi.paths[1]] }],
    ["an infinite depth", { ...multi, paths: [{ ...multi.paths[0], depth: Infinity }, multi.paths[1]] }],
    ["one sibling too few", { ...multi, ...sound, siblings: sound.siblings.slice(2) }],
    ["one sibling too many", { paths: multi.paths, terminal: sound.terminal, siblings: [...sound.siblings, zeros] }],
    ["more siblings than bits", { ...sound, siblings: nodes(257) }],
    ["very many siblings", { ...multi, terminal: sound.terminal, siblings: nodes(1_000_000) }],
    [
      "the same leaf at the greatest depth twice",
      {
        paths: [0, 1].map(() => ({ terminal: sound.terminal, depth: 256 })),
        siblings: nodes(256),
      },
    ],
  ])("is refused: %s", (_, proof) => {
    expect(answersTo(proof)).toEqual(NO);
  });

  it("is refused in good time where it is as large as it can be", () => {
    const paths = Array.from({ length: 20_000 }, (_, n) => {
      const path = new Uint8Array(32);
      new DataView(path.buffer).setUint32(0, n << 12);
      return { terminal: { kind: "leaf" as const, key: path, valueHash: zeros }, depth: 20 };
    });
    const before = performance.now();
    expect(answersTo({ paths, siblings: nodes(200_000) })).toEqual(NO);
    expect(performance.now() - before).toBeLessThan(10_000);
  });
});

describe("proofs with whole keys in common", () => {
  const deep = [filled(0xff), `${"ff".repeat(31)}fe`];
  const leaves = new Map(deep.map((key, n) => [key, filled(n)]));
  const root = rootOf(leaves);

  it("two leaves at depth 256 are proven together, changed, and brought together again", () => {
    const proof = multiProofFor(hasher, leaves, deep);
    expect(proof.paths.map(({ depth }) => depth)).toEqual([256, 256]);
    expect(verifyMultiProof({ root, hasher, proof, claims: deep.map((key) => stateOf(leaves, key)) })).toBe(true);
    const updates = [{ key: hex(deep[0]!), value: undefined }];
    const updated = verifyUpdate({ root, hasher, proof, updates });
    expect(updated && toHex(updated)).toBe(naiveRoot(hasher, new Map([[deep[1]!, filled(1)]])));
  });

  it("nothing is at depth 256 for a key that differs in its last bit", () => {
    const proof = proofOf(hasher, leaves, deep[0]!);
    const { siblings } = proof;
    expect(verifyPathProof({ root, hasher, proof, key: hex(deep[1]!), value: undefined })).toBe(false);
    const forged: PathProof = { terminal: { kind: "terminator", path: hex(deep[0]!) }, siblings };
    expect(verifyPathProof({ root, hasher, proof: forged, key: hex(deep[0]!), value: undefined })).toBe(false);
    expect(verifyMultiProof({ root, hasher, proof: multiProofOf([forged]), claims: [] })).toBe(false);
  });
});

describe("a node that passes for another kind", () => {
  const leaves = new Map([1, 2, 0xf0].map((byte) => [filled(byte), filled(byte)]));
  const root = rootOf(leaves);

  it("an internal node is no leaf: its children are no key and value", () => {
    const left = hex(naiveRoot(hasher, leaves, "0"));
    const right = hex(naiveRoot(hasher, leaves, "1"));
    const proof: PathProof = { terminal: { kind: "leaf", key: left, valueHash: right }, siblings: [] };
    expect(verifyPathProof({ root, hasher, proof, key: left, valueHash: right })).toBe(false);
    expect(verifyPathProof({ root, hasher, proof, key: hex(filled(1)), value: undefined })).toBe(false);
  });

  it("a leaf is no internal node: its key and value hash are no siblings", () => {
    const one = new Map([[filled(0x40), filled(0x81)]]);
    const proof: PathProof = {
      terminal: { kind: "terminator", path: zeros },
      siblings: [hex(filled(0x81))],
    };
    expect(verifyPathProof({ root: rootOf(one), hasher, proof, key: zeros, value: undefined })).toBe(false);
  });
});
