/** Checking a store against itself, and making damaged databases anew. */
import { describe, expect, test } from "vitest";
import { memoryEngine } from "../engine/index.js";
import { SimVfs } from "../vfs/index.js";
import { FlatKv } from "./flat-kv.js";
import { encodeRow, rowKey } from "./row-format.js";
import { bytes, options, put, rowsOf } from "./small-store.contract.js";

/** A closed store of four versions with a snapshot of the second. */
async function makeStore(vfs: SimVfs): Promise<void> {
  const store = await FlatKv.open("/store", options(vfs));
  for (const at of [1, 2, 3, 4]) {
    await store.applyChangeSets([put("a", { [`k${at}`]: "v", x: `${at}` }), put("b", { [`k${at}`]: "w" })]);
    await store.commit();
    if (at === 2) await store.snapshot();
  }
  await store.close();
}

/** Changes one row behind the store's back, with a right checksum or without one. */
async function tamper(
  vfs: SimVfs,
  directory: number,
  key: string,
  value: string | undefined,
  isChecked: boolean,
): Promise<void> {
  const database = await memoryEngine({ vfs }).open(`/store/db-${String(directory).padStart(16, "0")}`);
  const batch = database!.batch();
  const engineKey = rowKey(bytes(key));
  if (value === undefined) batch.delete(engineKey);
  else batch.put(engineKey, isChecked ? encodeRow(engineKey, bytes(value)) : bytes(value));
  await batch.write({ sync: true });
  await database!.close();
}

const rows = { k1: "v", k2: "v", k3: "v", k4: "v", x: "4" };

describe("verify and repair", () => {
  test("a store that nobody touched is sound", async () => {
    const vfs = new SimVfs();
    await makeStore(vfs);
    await using store = await FlatKv.open("/store", options(vfs));
    const seen: string[] = [];
    const report = await store.verify({ snapshots: true, onProgress: ({ what }) => seen.push(what) });
    expect(report).toMatchObject({ version: 4, sound: true, commits: 2, problems: [] });
    expect(report.databases).toEqual([
      { name: "a", rows: 5, bytes: 14, sound: true },
      { name: "b", rows: 4, bytes: 12, sound: true },
    ]);
    expect(seen).toContain("a of snapshot 2");
  });

  test.each([
    { what: "a lost row", key: "k2", value: undefined, isChecked: true, code: "hash-differs" },
    { what: "a row that nobody committed", key: "new", value: "row", isChecked: true, code: "hash-differs" },
    { what: "a row with another value", key: "k2", value: "u", isChecked: true, code: "hash-differs" },
    { what: "a row with a wrong checksum", key: "k2", value: "damaged", isChecked: false, code: "row-damaged" },
  ])("finds $what, and repair makes that database anew and no other", async ({ key, value, isChecked, code }) => {
    const vfs = new SimVfs();
    await makeStore(vfs);
    await tamper(vfs, 1, key, value, isChecked);
    await using store = await FlatKv.open("/store", options(vfs));
    const report = await store.verify();
    expect(report.problems).toMatchObject([{ code, database: "a" }]);
    expect(report.databases.map(({ sound }) => sound)).toEqual([false, true]);

    const repaired = await store.repair();
    expect(repaired.rebuilt).toMatchObject([{ database: "a", reason: "verify", fromVersion: 2 }]);
    expect(await rowsOf(store, "a")).toEqual(rows);
    expect(await store.verify()).toMatchObject({ sound: true });
    await store.applyChangeSets([put("a", { y: "5" })]);
    expect(await store.commit()).toBe(5);
  });

  test("a damaged row is an error where it is read, never absent", async () => {
    const vfs = new SimVfs();
    await makeStore(vfs);
    await tamper(vfs, 1, "k2", "damaged", false);
    await using store = await FlatKv.open("/store", options(vfs));
    await expect(store.get(bytes("k2"), { database: "a" })).rejects.toMatchObject({ code: "HF_CORRUPTION" });
    await expect(rowsOf(store, "a")).rejects.toMatchObject({ code: "HF_CORRUPTION" });
    await expect(store.applyChangeSets([put("a", { k2: "next" })])).rejects.toMatchObject({ code: "HF_CORRUPTION" });
    expect(store.stats()).toMatchObject({ stagedRows: 0 });
    expect(await store.get(bytes("k1"), { database: "a" })).toEqual(bytes("v"));
  });

  test("a damaged snapshot is told, and not used where an older one or the log serves", async () => {
    const vfs = new SimVfs();
    await makeStore(vfs);
    await tamper(vfs, 3, "k1", "damaged", false);
    await tamper(vfs, 1, "k1", undefined, true);
    await using store = await FlatKv.open("/store", options(vfs));
    const report = await store.verify({ snapshots: true });
    expect(report.problems).toMatchObject([
      { code: "hash-differs", database: "a" },
      { code: "row-damaged", database: "a", snapshot: 2 },
    ]);
    await expect(store.repair()).rejects.toMatchObject({ code: "HF_CORRUPTION" });
    // Nothing was changed, and the store goes on.
    await store.applyChangeSets([put("b", { y: "5" })]);
    expect(await store.commit()).toBe(5);
  });
});
