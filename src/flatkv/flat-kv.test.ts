/** The store, on the simulated disk with the memory engine: what callers see of staging, commits, reads, snapshots and rollback. */
import { describe, expect, test } from "vitest";
import { memoryEngine } from "../engine/index.js";
import { LtHash } from "../hash/index.js";
import { SimVfs } from "../vfs/index.js";
import { FlatKv } from "./flat-kv.js";
import { bytes, hashOf, options, put, rowsOf } from "./small-store.contract.js";

describe("FlatKv", () => {
  test("commits what was staged, and has it after reopening", async () => {
    const vfs = new SimVfs();
    let store = await FlatKv.open("/store", options(vfs));
    await store.applyChangeSets([put("a", { x: "1", y: "2" }), put("b", { x: "3" })]);
    expect(await store.get(bytes("x"), { database: "a" })).toBeUndefined();
    expect(await store.commit()).toBe(1);
    await store.applyChangeSets([put("a", { x: "7", y: undefined })]);
    await store.applyChangeSets([put("a", { z: "8" })]);
    expect(store.workingHash("a").equals(hashOf({ x: "7", z: "8" }))).toBe(true);
    expect(await store.commit()).toBe(2);
    expect(await rowsOf(store, "a")).toEqual({ x: "7", z: "8" });
    await store.close();

    store = await FlatKv.open("/store", options(vfs));
    expect(store.version).toBe(2);
    expect(store.recovery).toMatchObject({ version: 2, redone: {}, rebuilt: [] });
    expect(await rowsOf(store, "a")).toEqual({ x: "7", z: "8" });
    expect(await rowsOf(store, "b")).toEqual({ x: "3" });
    expect(store.databaseHash("a").equals(hashOf({ x: "7", z: "8" }))).toBe(true);
    expect(store.committedHash().equals(LtHash.sum([store.databaseHash("a"), store.databaseHash("b")]))).toBe(true);
    await store.close();
  });

  test("redoes from the log what a power cut took from the databases", async () => {
    let vfs = new SimVfs();
    let store = await FlatKv.open("/store", options(vfs));
    for (let at = 0; at < 5; at++) {
      await store.applyChangeSets([put("a", { [`k${at % 2}`]: `v${at}` }), put("b", { x: `w${at}` })]);
      await store.commit();
    }
    vfs = vfs.powerCut();
    store = await FlatKv.open("/store", options(vfs));
    expect(store.recovery).toMatchObject({ version: 5, redone: { a: 5, b: 5 }, rebuilt: [] });
    expect(await rowsOf(store, "a")).toEqual({ k0: "v4", k1: "v3" });
    expect(store.databaseHash("a").equals(hashOf({ k0: "v4", k1: "v3" }))).toBe(true);
    await store.close();
  });

  test("goes back to an older version, and on from there", async () => {
    const vfs = new SimVfs();
    let store = await FlatKv.open("/store", options(vfs));
    for (let at = 1; at <= 6; at++) {
      await store.applyChangeSets([put("a", { [`k${at}`]: "v" })]);
      await store.commit();
      if (at === 2) await store.snapshot();
    }
    await store.rollback(4);
    expect(store.version).toBe(4);
    expect(await rowsOf(store, "a")).toEqual({ k1: "v", k2: "v", k3: "v", k4: "v" });
    await store.applyChangeSets([put("a", { other: "5" })]);
    expect(await store.commit()).toBe(5);
    await store.close();
    store = await FlatKv.open("/store", options(vfs));
    expect(store.version).toBe(5);
    expect(await rowsOf(store, "a")).toEqual({ k1: "v", k2: "v", k3: "v", k4: "v", other: "5" });
    await expect(store.rollback(6)).rejects.toMatchObject({ code: "HF_VERSION_OUT_OF_RANGE" });
    expect(store.stats()).toMatchObject({ timeline: 2, snapshots: 1, oldestVersion: 2 });
    await store.close();
  });

  test("makes a missing database anew from the snapshot and the log", async () => {
    const vfs = new SimVfs();
    let store = await FlatKv.open("/store", options(vfs));
    for (let at = 1; at <= 4; at++) {
      await store.applyChangeSets([put("a", { [`k${at}`]: "v" }), put("b", { [`k${at}`]: "w" })]);
      await store.commit();
      if (at === 2) await store.snapshot();
    }
    await store.close();
    await memoryEngine({ vfs }).remove("/store/db-0000000000000001");
    store = await FlatKv.open("/store", options(vfs));
    expect(store.recovery).toMatchObject({
      version: 4,
      rebuilt: [{ database: "a", reason: "missing", fromVersion: 2 }],
    });
    expect(await rowsOf(store, "a")).toEqual({ k1: "v", k2: "v", k3: "v", k4: "v" });
    await store.close();
  });
});
