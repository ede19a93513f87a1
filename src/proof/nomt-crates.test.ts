/** What the NOMT crates say of the same batches: every root, and every proof, to the byte; and what ours says of their proofs. */
import { describe, expect, it } from "vitest";
import { toHex } from "../base/index.js";
import { blake3 } from "../hash/index.js";
import { listOf, rootOf } from "./leaf-list.contract.js";
import { multiProofOf, siblingsInList, verifyMultiProof, verifyPathProof, verifyUpdate } from "./index.js";
import { hex } from "./naive-trie.contract.js";
import { bulkBatch, crateVectors, hashers, multiProof, nodeOf, pathProof, states } from "./nomt-crates.contract.js";
import type { CrateBatch, CrateOp, HasherName } from "./nomt-crates.contract.js";

const names = Object.keys(hashers) as HasherName[];

/** The hashes of a trie's values by key. */
class Trie {
  readonly leaves: Map<string, string> = new Map();
  readonly #hasher: HasherName;

  constructor(hasher: HasherName) {
    this.#hasher = hasher;
  }

  apply(ops: readonly CrateOp[]): void {
    for (const [key, value] of ops) {
      if (value === null) this.leaves.delete(key);
      else this.leaves.set(key, toHex(hashers[this.#hasher].hash(hex(value))));
    }
  }
}

function* triesOf(hasher: HasherName, batches: readonly CrateBatch[]): Generator<[Trie, CrateBatch]> {
  const trie = new Trie(hasher);
  for (const batch of batches) {
    trie.apply(batch.ops);
    yield [trie, batch];
  }
}

describe.each(names)("the NOMT crates with %s", (name) => {
  const hasher = hashers[name];
  const made = <T extends { readonly hasher: HasherName }>(all: readonly T[] | undefined): readonly T[] =>
    (all ?? []).filter((one) => one.hasher === name);

  it.each(crateVectors.cases)("give the roots that buildRoot gives: $name", ({ batches }) => {
    for (const [{ leaves }, batch] of triesOf(name, batches)) expect(rootOf(hasher, leaves)).toBe(batch.roots[name]);
  });

  it.each(crateVectors.cases)("prove keys by the same path: $name", ({ batches }) => {
    for (const [{ leaves }, batch] of triesOf(name, batches)) {
      const list = listOf(leaves);
      for (const proofs of made(batch.proofs)) {
        expect(proofs.root).toBe(batch.roots[name]);
        for (const path of proofs.paths) {
          expect(leaves.get(path.key) ?? null).toBe(path.valueHash);
          expect(siblingsInList(hasher, list, 0, hex(path.key))).toEqual(pathProof(path));
        }
        expect(multiProofOf(proofs.paths.map(pathProof))).toEqual(multiProof(proofs.multi));
      }
    }
  });

  it.each(crateVectors.cases)("prove what ours takes, and takes for nothing else: $name", ({ batches }) => {
    for (const { root: digits, paths, multi } of batches.flatMap(({ proofs }) => made(proofs))) {
      const root = nodeOf(digits);
      for (const path of paths) {
        const [state] = states([[path.key, path.valueHash]]);
        const claim = { root, hasher, proof: pathProof(path), key: state!.key };
        expect(verifyPathProof({ ...claim, valueHash: state!.valueHash })).toBe(true);
        const other = state!.valueHash === undefined ? claim.key : undefined;
        expect(verifyPathProof({ ...claim, valueHash: other })).toBe(false);
      }
      const claims = states(paths.map(({ key, valueHash }) => [key, valueHash]));
      const proof = multiProof(multi);
      expect(verifyMultiProof({ root, hasher, proof, claims })).toBe(true);
      for (const [at, { key, valueHash }] of claims.entries()) {
        const other = claims.with(at, { key, valueHash: valueHash === undefined ? key : undefined });
        expect(verifyMultiProof({ root, hasher, proof, claims: other })).toBe(false);
      }
    }
  });

  it.each(crateVectors.cases)("prove updates that ours takes to the same root: $name", ({ batches }) => {
    for (const { prevRoot, root, paths } of batches.flatMap(({ updates }) => made(updates))) {
      const proof = multiProofOf(paths.map(pathProof));
      const updates = states(paths.flatMap(({ ops }) => ops));
      expect(verifyUpdate({ root: nodeOf(prevRoot), hasher, proof, updates })).toEqual(nodeOf(root));
    }
  });

  it("give the roots that buildRoot gives: thousands of keys", () => {
    const { keys, roots } = crateVectors.bulk;
    const trie = new Trie(name);
    const ours = roots.map((_, number) => {
      trie.apply(bulkBatch(number, keys));
      return rootOf(hasher, trie.leaves);
    });
    expect(ours).toEqual(roots.map((root) => root[name]));
  });
});

it("the vectors prove keys of every kind", () => {
  const paths = crateVectors.cases.flatMap(({ batches }) =>
    batches.flatMap(({ proofs }) =>
      (proofs ?? []).filter(({ hasher }) => hasher === blake3.name).flatMap((p) => p.paths),
    ),
  );
  const kinds = new Set(paths.map(({ valueHash, terminal }) => `${terminal.kind} ${valueHash === null}`));
  expect([...kinds].sort()).toEqual(["leaf false", "leaf true", "terminator true"]);
});
