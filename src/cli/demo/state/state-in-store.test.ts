/** The demo's change sets in a commit store: rows and hashes are those that the same change sets make in memory. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { toHex } from "../../../base/index.js";
import { FlatKv } from "../../../flatkv/index.js";
import { LtHash } from "../../../hash/index.js";
import { flightsOf } from "../flights.contract.js";
import type { Round } from "../node/feed.js";
import { makeRound } from "../node/round.js";
import { stateDatabases } from "./change-set.js";
import { flightChangeSets } from "./flight-changes.js";
import { genesisAccounts, genesisChangeSet } from "./genesis.js";
import { StateRows } from "./state-rows.js";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "holdfast-state-test-"));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

/** What a round of 70 flights has for each airport. */
function lanesOf(round: number): Round["lanes"] {
  const first = 1 + round * 70;
  return makeRound(round, first, flightsOf(first, first + 69).bytes).lanes;
}

it("a store has the rows and the hashes that the change sets make in memory, and again after it is opened anew", async () => {
  const place = path.join(directory, "state");
  const expected = new StateRows();
  const hashes = new Map(stateDatabases.map((database) => [database, new LtHash()]));
  let store = await FlatKv.open(place);
  for (let version = 1; version <= 13; version++) {
    const sets = version === 1 ? [await genesisChangeSet()] : await flightChangeSets(lanesOf(version - 2), store);
    expected.apply(sets, (database, { key, value }, before) => {
      const hash = hashes.get(database)!;
      if (before !== undefined) hash.remove(key, before);
      if (value !== undefined) hash.add(key, value);
    });
    await store.applyChangeSets(sets);
    expect(await store.commit()).toBe(version);
    expect(store.committedHash().equals(LtHash.sum(hashes.values()))).toBe(true);
    if (version !== 7) continue;
    await store.close();
    store = await FlatKv.open(place);
  }
  for (const database of stateDatabases) {
    expect(store.databaseHash(database).equals(hashes.get(database)!)).toBe(true);
    let rows = 0;
    for await (const { key, value } of store.iterate({ database })) {
      expect(toHex(value)).toBe(toHex(expected.get(key, { database }) ?? new Uint8Array(0)));
      rows += 1;
    }
    expect(rows).toBe(expected.count(database));
  }
  expect(expected.count("account")).toBe(genesisAccounts + 5);
  await store.close();
});
