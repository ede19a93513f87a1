/** The Merkle store of the demo's state: its versions, what is proved of it, and what its audit must find. */
import { describe, expect, it } from "vitest";
import { memoryEngine } from "../../../engine/index.js";
import { FlatKv } from "../../../flatkv/index.js";
import { MerkleStore } from "../../../trie/index.js";
import { SimVfs } from "../../../vfs/index.js";
import { type StateChangeSet, stateDatabases } from "./change-set.js";
import { type StateStores, prepareVersion } from "../../node/state.js";
import { StateModel } from "./state-model.js";
import { trieOf, verifyTrie } from "./trie-audit.js";
import { proveKeys } from "./trie-proofs.js";
import { trieKey } from "../../node/state.js";

const wrong = expect.objectContaining({ code: "HF_DEMO_MISMATCH", details: { part: "trie" } }) as Error;

/** A version that changes, adds and takes away rows of every database. */
function version(number: number): StateChangeSet[] {
  return stateDatabases.map((database) => ({
    database,
    changes: Array.from({ length: 9 }, (_, row) => ({
      key: Uint8Array.of(number % 3, row),
      value: (row + number) % 4 === 0 ? undefined : Uint8Array.of(number, row),
    })),
  }));
}

async function open(): Promise<StateStores & { readonly vfs: SimVfs }> {
  const vfs = new SimVfs({ seed: 1 });
  const engine = memoryEngine({ vfs });
  const flatkv = await FlatKv.open("/state", { vfs, engine });
  return { vfs, flatkv, trie: await MerkleStore.open("/trie", { vfs, engine, pages: { capacity: 16 } }) };
}

async function modelAndStores(versions: number): Promise<{ model: StateModel; stores: StateStores }> {
  const stores = await open();
  const model = new StateModel();
  for (let number = 1; number <= versions; number++) {
    model.apply(version(number));
    await Promise.all((await prepareVersion(stores, () => Promise.resolve(version(number)))).commit());
    expect(trieOf(stores.trie)).toEqual({ sequence: number, root: model.root(number) });
  }
  return { model, stores };
}

describe("the audit of the Merkle store", () => {
  it("reads all of it, and has ten keys proved, two of them absent", async () => {
    const { model, stores } = await modelAndStores(8);
    const { keys, pages, proofs } = await verifyTrie(stores, model);
    expect(keys).toBe(stateDatabases.reduce((sum, database) => sum + model.rows.count(database), 0));
    expect(pages).toBeGreaterThan(1);
    expect(proofs).toMatchObject({ present: 8, absent: 2, bytes: { length: 10 } });
    for (const bytes of proofs.bytes) expect(bytes).toBeGreaterThan(64);
    expect(proofs.multiBytes).toBeLessThan(proofs.bytes.reduce((sum, bytes) => sum + bytes, 0));
  });

  it("has eight keys proved where one database has all rows, and fewer where there are fewer", async () => {
    const stores = await open();
    const model = new StateModel();
    for (const [at, rows] of [3, 50].entries()) {
      const changes = Array.from({ length: rows }, (_, row) => ({ key: Uint8Array.of(row), value: Uint8Array.of(at) }));
      const sets: StateChangeSet[] = [{ database: "account", changes }];
      model.apply(sets);
      await Promise.all((await prepareVersion(stores, () => Promise.resolve(sets))).commit());
      expect(await proveKeys(stores.trie, model)).toMatchObject({ present: Math.min(8, rows), absent: 2 });
    }
  });

  it("finds rows of the commit store that the Merkle store does not have", async () => {
    const { model, stores } = await modelAndStores(3);
    await stores.flatkv.applyChangeSets([
      { database: "code", changes: [{ key: Uint8Array.of(9), value: Uint8Array.of(9) }] },
    ]);
    await stores.flatkv.commit();
    await expect(verifyTrie(stores, model)).rejects.toEqual(wrong);
    await stores.trie.begin().commit();
    model.apply([]);
    await expect(verifyTrie(stores, model)).rejects.toEqual(wrong);
  });

  it("finds a proof of another root, of another value, and of another key", async () => {
    const { model, stores } = await modelAndStores(5);
    const { trie } = stores;
    const of = (changed: Partial<Pick<MerkleStore, "prove" | "proveMany">>): MerkleStore =>
      ({
        prove: (key: Uint8Array) => trie.prove(key),
        proveMany: (keys: Uint8Array[]) => trie.proveMany(keys),
        ...changed,
      }) as MerkleStore;
    expect((await proveKeys(of({}), model)).present).toBe(8);
    const none = trieKey("account", Uint8Array.of(77, 77, 77));
    await expect(proveKeys(of({ prove: () => trie.prove(none) }), model)).rejects.toEqual(wrong);
    await expect(proveKeys(of({ proveMany: () => trie.proveMany([none]) }), model)).rejects.toEqual(wrong);
    const other = new StateModel();
    for (let number = 1; number <= 5; number++) other.apply(version(number));
    other.apply(version(6));
    await expect(proveKeys(trie, other)).rejects.toEqual(wrong);
  });
});
