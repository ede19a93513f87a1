/** The tries that the NOMT crates made, in a store of ours: every root, every proof to the byte, and the witness of every commit. */
import { describe, expect, it } from "vitest";
import { toHex } from "../base/index.js";
import { memoryEngine } from "../engine/index.js";
import { verifyUpdate } from "../proof/index.js";
import { hex } from "../proof/naive-trie.contract.js";
import { bulkBatch, crateVectors, hashers, multiProof, pathProof } from "../proof/nomt-crates.contract.js";
import type { CrateOp, HasherName } from "../proof/nomt-crates.contract.js";
import { SimVfs } from "../vfs/index.js";
import { MerkleStore } from "./index.js";
import type { Committed } from "./index.js";

const names = Object.keys(hashers) as HasherName[];

async function open(vfs: SimVfs, name: HasherName): Promise<MerkleStore> {
  return await MerkleStore.open("/store", { vfs, hasher: hashers[name], engine: memoryEngine({ vfs }) });
}

async function commit(store: MerkleStore, ops: readonly CrateOp[], witness: boolean): Promise<Committed> {
  const session = store.begin();
  for (const [key, value] of ops) {
    if (value === null) session.delete(hex(key));
    else session.put(hex(key), hex(value));
  }
  return await session.commit({ witness });
}

describe.each(names)("a store that hashes with %s", (name) => {
  const hasher = hashers[name];

  it.each(crateVectors.cases)("agrees with the NOMT crates: $name", async ({ batches }) => {
    const vfs = new SimVfs({ seed: 1 });
    let store = await open(vfs, name);
    for (const [at, { ops, roots, proofs }] of batches.entries()) {
      const before = store.root;
      const { root, witness } = await commit(store, ops, true);
      expect(toHex(root)).toBe(roots[name]);
      const { proof, writes } = witness!;
      expect(verifyUpdate({ root: before, hasher, proof: proof!, updates: writes })).toEqual(root);
      // What is proven is what is stored, not only what a commit has left in memory.
      if (at % 2 === 1) {
        await store.close();
        store = await open(vfs, name);
        expect(toHex(store.root)).toBe(roots[name]);
      }
      for (const { paths, multi } of (proofs ?? []).filter((made) => made.hasher === name)) {
        for (const path of paths) expect(await store.prove(hex(path.key))).toEqual(pathProof(path));
        expect(await store.proveMany(paths.map(({ key }) => hex(key)))).toEqual(multiProof(multi));
      }
    }
    expect(await store.verify()).toMatchObject({ sound: true });
    await store.close();
  });

  it("agrees with the NOMT crates: thousands of keys", async () => {
    const { keys, roots } = crateVectors.bulk;
    const store = await open(new SimVfs({ seed: 1 }), name);
    for (const [number, expected] of roots.entries()) {
      const { root } = await commit(store, bulkBatch(number, keys), false);
      expect(toHex(root)).toBe(expected[name]);
    }
    await store.close();
  });
});
