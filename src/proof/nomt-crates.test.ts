/** What the NOMT crates say of the same batches: every root, and every proof to the byte. */
import { describe, expect, it } from "vitest";
import { toHex } from "../base/index.js";
import { blake3 } from "../hash/index.js";
import { listOf, rootOf } from "./leaf-list.contract.js";
import { siblingsInList } from "./index.js";
import { hex } from "./naive-trie.contract.js";
import { bulkBatch, crateVectors, hashers, nodeOf, terminalOf } from "./nomt-crates.contract.js";
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

  it.each(crateVectors.cases)("give the roots that buildRoot gives: $name", ({ batches }) => {
    for (const [{ leaves }, batch] of triesOf(name, batches)) expect(rootOf(hasher, leaves)).toBe(batch.roots[name]);
  });

  it.each(crateVectors.cases)("prove keys by the same path: $name", ({ batches }) => {
    for (const [{ leaves }, batch] of triesOf(name, batches)) {
      const list = listOf(leaves);
      for (const proofs of batch.proofs ?? []) {
        if (proofs.hasher !== name) continue;
        expect(proofs.root).toBe(batch.roots[name]);
        for (const { key, valueHash, terminal, siblings } of proofs.paths) {
          expect(leaves.get(key) ?? null).toBe(valueHash);
          expect(siblingsInList(hasher, list, 0, hex(key))).toEqual({
            terminal: terminalOf(terminal),
            siblings: siblings.map(nodeOf),
          });
        }
      }
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
    batches.flatMap(({ proofs }) => (proofs ?? []).filter(({ hasher }) => hasher === blake3.name).flatMap((p) => p.paths)),
  );
  const kinds = new Set(paths.map(({ valueHash, terminal }) => `${terminal.kind} ${valueHash === null}`));
  expect([...kinds].sort()).toEqual(["leaf false", "leaf true", "terminator true"]);
});
