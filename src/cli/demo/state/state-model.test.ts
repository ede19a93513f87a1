import { describe, expect, it } from "vitest";
import { toHex } from "../../../base/index.js";
import { memoryEngine } from "../../../engine/index.js";
import { FlatKv } from "../../../flatkv/index.js";
import { LtHash } from "../../../hash/index.js";
import { MerkleStore } from "../../../trie/index.js";
import { SimVfs } from "../../../vfs/index.js";
import { flightsOf } from "../flights.contract.js";
import { makeRound } from "../node/round.js";
import { type RowReader, type StateChangeSet, stateDatabases } from "./change-set.js";
import { flightChangeSets } from "./flight-changes.js";
import { prepareVersion } from "../../node/state.js";
import { checkState, checkTold, newestVersionOf, stateOf, verifyState } from "./state-audit.js";
import { StateModel } from "./state-model.js";

const row = (database: StateChangeSet["database"], key: number, value?: number): StateChangeSet => ({
  database,
  changes: [{ key: Uint8Array.of(key), value: value === undefined ? undefined : Uint8Array.of(value) }],
});

async function modelAndStore(rounds: number): Promise<{ model: StateModel; store: FlatKv; trie: MerkleStore }> {
  const vfs = new SimVfs({ seed: 1 });
  const store = await FlatKv.open("/state", { vfs, engine: memoryEngine({ vfs }) });
  const trie = await MerkleStore.open("/trie", { vfs, engine: memoryEngine({ vfs }), pages: { capacity: 16 } });
  const model = new StateModel();
  for (let round = 0; round < rounds; round++) {
    const first = 1 + round * 70;
    const { lanes } = makeRound(round, first, flightsOf(first, first + 69).bytes);
    model.apply(await flightChangeSets(lanes, model.rows));
    const changes = (rows: RowReader) => flightChangeSets(lanes, rows);
    await Promise.all((await prepareVersion({ flatkv: store, trie }, changes)).commit());
  }
  return { model, store, trie };
}

const mismatch = expect.objectContaining({ code: "HF_DEMO_MISMATCH", exitCode: 1 }) as Error;

describe("the model of the state", () => {
  it("has at each version the hashes of the rows that are there then, each of its own database", () => {
    const model = new StateModel();
    model.apply([row("account", 1, 10), row("legacy", 1, 10)]);
    model.apply([row("account", 1, 11), row("code", 2, 20)]);
    model.apply([row("code", 2), row("account", 1, 10), row("account", 1, 12)]);
    const hash = new LtHash();
    hash.add(Uint8Array.of(1), Uint8Array.of(10));
    const ten = toHex(hash.checksum());
    expect(model.at(1)?.databases).toMatchObject({ account: ten, legacy: ten });
    const none = toHex(new LtHash().checksum());
    expect([model.at(1)?.databases.code, model.at(2)?.databases.legacy]).toEqual([none, ten]);
    expect(model.at(3)?.databases).toMatchObject({ code: none, storage: none, legacy: ten });
    hash.add(Uint8Array.of(1), Uint8Array.of(12));
    expect(model.at(3)?.global).toBe(toHex(hash.checksum()));
    expect([model.version, model.at(0), model.at(4)]).toEqual([3, undefined, undefined]);
  });

  it("has the hashes of a store that got the same blocks", async () => {
    const { model, store, trie } = await modelAndStore(9);
    const state = stateOf(store);
    checkState(state, model);
    const newest = newestVersionOf({ flatkv: store, trie });
    expect(newest).toEqual({ version: 9, hash: model.at(9)?.global, root: model.root(9) });
    checkTold(newest, model);
    expect(() => checkTold({ ...newest, root: model.root(8)! }, model)).toThrow(mismatch);
    const databases = await verifyState(store);
    expect(databases).toEqual(stateDatabases.map((name) => ({ name, rows: model.rows.count(name) })));
    await store.close();
  });

  it("tells of a version that no run gets to, of another row, and of rows in another database", async () => {
    const { model, store } = await modelAndStore(3);
    const state = stateOf(store);
    expect(() => checkState({ ...state, version: 2 }, model)).toThrow(mismatch);
    expect(() => checkState({ ...state, version: 4 }, model)).toThrow(mismatch);
    const { databases } = state.hashes;
    const swapped = { ...databases, account: databases.code, code: databases.account };
    expect(() => checkState({ version: 3, hashes: { ...state.hashes, databases: swapped } }, model)).toThrow(mismatch);
    expect(() => checkState({ version: 3, hashes: { ...state.hashes, global: databases.code } }, model)).toThrow(
      mismatch,
    );
    await store.applyChangeSets([row("legacy", 1, 1)]);
    await store.commit();
    model.apply([row("legacy", 1, 2)]);
    expect(() => checkState(stateOf(store), model)).toThrow(mismatch);
    await store.close();
  });
});
