import fc from "fast-check";
import { expect, it } from "vitest";
import { toHex } from "../../../base/index.js";
import { blake3 } from "../../../hash/index.js";
import { type StateChangeSet, stateDatabases } from "./change-set.js";
import { TrieModel } from "./trie-model.js";
import { trieKey } from "../../node/state.js";

/** The root by its definition: a leaf alone stands where its siblings would join it. */
function rootOf(leaves: readonly { readonly bits: string; readonly leaf: Uint8Array }[], depth = 0): Uint8Array {
  const [first, second] = leaves;
  if (first === undefined) return new Uint8Array(32);
  if (second === undefined) return marked(blake3.hash(first.leaf), 0x80);
  const [left, right] = ["0", "1"].map((bit) =>
    rootOf(
      leaves.filter(({ bits }) => bits[depth] === bit),
      depth + 1,
    ),
  );
  return marked(blake3.hash2(left!, right!), 0);
}

function marked(node: Uint8Array, bit: number): Uint8Array {
  node[0] = (node[0]! & 0x7f) | bit;
  return node;
}

it("the model of the trie has the root that the definition gives, whatever comes and goes", () => {
  const change = fc.record({
    database: fc.constantFrom(...stateDatabases),
    key: fc.nat(40),
    value: fc.option(fc.nat(3), { nil: undefined }),
  });
  fc.assert(
    fc.property(fc.array(fc.array(change, { maxLength: 30 }), { maxLength: 6 }), (versions) => {
      const model = new TrieModel();
      const rows = new Map<string, Uint8Array>();
      for (const version of versions) {
        const sets = version.map(({ database, key, value }): StateChangeSet => {
          const change = { key: Uint8Array.of(key), value: value === undefined ? undefined : Uint8Array.of(value) };
          const name = toHex(trieKey(database, change.key));
          if (change.value === undefined) rows.delete(name);
          else rows.set(name, change.value);
          return { database, changes: [change] };
        });
        model.apply(sets);
        const leaves = [...rows].map(([key, value]) => {
          const bytes = Buffer.from(key, "hex");
          const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
          return { bits, leaf: Buffer.concat([bytes, blake3.hash(value)]) };
        });
        expect(toHex(model.root())).toBe(toHex(rootOf(leaves)));
        expect(model.count).toBe(rows.size);
      }
    }),
    { numRuns: 40 },
  );
});

it("a row has another key in each database, and no name and key run together", () => {
  const keys = stateDatabases.map((database) => toHex(trieKey(database, Uint8Array.of(1))));
  expect(new Set(keys).size).toBe(stateDatabases.length);
  const expected = blake3.hash(Uint8Array.of(4, ...new TextEncoder().encode("code"), 1, 2));
  expect(trieKey("code", Uint8Array.of(1, 2))).toEqual(expected);
});
