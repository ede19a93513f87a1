/** Databases whose metadata are missing, damaged, older or of another store: what opening makes of each, and what `rebuildHashes` does. */
import { describe, expect, test } from "vitest";
import { memoryEngine } from "../engine/index.js";
import { LtHash } from "../hash/index.js";
import { SimVfs } from "../vfs/index.js";
import { FlatKv } from "./flat-kv.js";
import { rebuildHashes } from "./rebuild-hashes.js";
import { META_KEY, encodeMetadata } from "./row-format.js";
import { bytes, hashOf, options, put, rowsOf } from "./small-store.contract.js";

const DATABASE_A = "/store/db-0000000000000001";
const rows = { k1: "v", k2: "v", k3: "v" };

async function makeStore(vfs: SimVfs, snapshotAt = 0): Promise<void> {
  const store = await FlatKv.open("/store", options(vfs));
  for (const at of [1, 2, 3]) {
    await store.applyChangeSets([put("a", { [`k${at}`]: "v" }), put("b", { [`k${at}`]: "w" })]);
    await store.commit();
    if (at === snapshotAt) await store.snapshot();
  }
  await store.close();
}

/** Writes engine entries behind the store's back; `undefined` deletes. */
async function tamper(
  vfs: SimVfs,
  path: string,
  entries: readonly (readonly [Uint8Array, Uint8Array | undefined])[],
): Promise<void> {
  const engine = memoryEngine({ vfs });
  const database = (await engine.open(path)) ?? (await engine.create(path));
  const batch = database.batch();
  for (const [key, value] of entries) {
    if (value === undefined) batch.delete(key);
    else batch.put(key, value);
  }
  await batch.write({ sync: true });
  await database.close();
}

function bigEndian(version: number, more = 0): Uint8Array {
  const value = new Uint8Array(8 + more);
  value[7] = version;
  return value;
}

describe("opening a store with databases whose metadata are not as they should be", () => {
  test.each([
    { what: "no metadata", entries: [], older: undefined },
    { what: "the version alone", entries: [[Uint8Array.of(0), bigEndian(3)]] as const, older: "version-only" },
    {
      what: "version and hash in one record",
      entries: [[Uint8Array.of(0), bigEndian(3, 2048)]] as const,
      older: "version-and-hash",
    },
    {
      what: "version and hash under other names",
      entries: [
        [bytes("_meta/version"), bigEndian(3)],
        [bytes("_meta/hash"), new Uint8Array(2048)],
      ] as const,
      older: "separate-keys",
    },
    {
      what: "a version under another name without a hash",
      entries: [[bytes("_meta/version"), bigEndian(3)]] as const,
      older: "separate-keys",
    },
  ])("rows with $what are an error that names rebuildHashes, and nothing is changed", async ({ entries, older }) => {
    const vfs = new SimVfs();
    await makeStore(vfs, 2);
    await tamper(vfs, DATABASE_A, [[META_KEY, undefined], ...entries]);
    const opening = FlatKv.open("/store", options(vfs));
    await expect(opening).rejects.toMatchObject({
      code: "HF_HASHES_MISSING",
      message: expect.stringContaining("rebuildHashes"),
    });
    if (older !== undefined) await expect(opening).rejects.toMatchObject({ details: { older } });
    await expect(FlatKv.open("/store", options(vfs))).rejects.toMatchObject({ code: "HF_HASHES_MISSING" });
  });

  test("a store whose database lost its metadata is whole again after rebuildHashes", async () => {
    const vfs = new SimVfs();
    await makeStore(vfs);
    await tamper(vfs, DATABASE_A, [[META_KEY, undefined]]);
    expect(await rebuildHashes("/store", options(vfs))).toEqual({
      version: 3,
      databases: [
        { name: "a", rows: 3, emptyRows: 0, older: undefined },
        { name: "b", rows: 3, emptyRows: 0, older: undefined },
      ],
    });
    await using store = await FlatKv.open("/store", options(vfs));
    expect(store.version).toBe(3);
    expect(await rowsOf(store, "a")).toEqual(rows);
    expect(store.databaseHash("a").equals(hashOf(rows))).toBe(true);
    expect(await store.verify({ snapshots: true })).toMatchObject({ sound: true });
    await store.applyChangeSets([put("a", { k4: "v" })]);
    expect(await store.commit()).toBe(4);
  });

  test.each([
    { reason: "metadata-damaged", entries: [[META_KEY, bytes("garbage")]] as const },
    { reason: "metadata-damaged", entries: [[META_KEY, new Uint8Array(0)]] as const },
  ])("damaged metadata make the database anew from the snapshot and the log", async ({ reason, entries }) => {
    const vfs = new SimVfs();
    await makeStore(vfs, 2);
    await tamper(vfs, DATABASE_A, entries);
    await using store = await FlatKv.open("/store", options(vfs));
    expect(store.recovery.rebuilt).toEqual([{ database: "a", reason, fromVersion: 2 }]);
    expect(await rowsOf(store, "a")).toEqual(rows);
    expect(await store.verify()).toMatchObject({ sound: true });
  });

  test("metadata that name another hash than the log make the database anew", async () => {
    const vfs = new SimVfs();
    await makeStore(vfs, 2);
    const store = await FlatKv.open("/store", options(vfs));
    await store.close();
    const engine = memoryEngine({ vfs });
    const database = await engine.open(DATABASE_A);
    const stored = await database!.get(META_KEY);
    await database!.close();
    const storeId = stored!.slice(4, 20);
    const lie = encodeMetadata({ storeId, database: "a", timeline: 1, version: 3, hash: new LtHash() });
    await tamper(vfs, DATABASE_A, [[META_KEY, lie]]);
    await using again = await FlatKv.open("/store", options(vfs));
    expect(again.recovery.rebuilt).toMatchObject([{ database: "a", reason: "hash-differs" }]);
    expect(again.databaseHash("a").equals(hashOf(rows))).toBe(true);
  });

  test("one database ahead of the log is made anew; where all are, the log is what is wrong", async () => {
    const vfs = new SimVfs();
    await makeStore(vfs, 2);
    const ahead = async (path: string, database: string): Promise<void> => {
      const opened = await memoryEngine({ vfs }).open(path);
      const storeId = (await opened!.get(META_KEY))!.slice(4, 20);
      await opened!.close();
      await tamper(vfs, path, [
        [META_KEY, encodeMetadata({ storeId, database, timeline: 1, version: 9, hash: new LtHash() })],
      ]);
    };
    await ahead(DATABASE_A, "a");
    const store = await FlatKv.open("/store", options(vfs));
    expect(store.recovery.rebuilt).toMatchObject([{ database: "a", reason: "ahead-of-log" }]);
    expect(await rowsOf(store, "a")).toEqual(rows);
    await store.close();
    const [live] = (await vfs.list("/store"))
      .filter((name) => name.startsWith("db-"))
      .sort()
      .slice(-1);
    await ahead(`/store/${live!}`, "a");
    await ahead("/store/db-0000000000000002", "b");
    await expect(FlatKv.open("/store", options(vfs))).rejects.toMatchObject({ code: "HF_CORRUPTION" });
  });

  test("a database of another name or store is refused, not made anew", async () => {
    const vfs = new SimVfs();
    await makeStore(vfs);
    const opened = await memoryEngine({ vfs }).open(DATABASE_A);
    const storeId = (await opened!.get(META_KEY))!.slice(4, 20);
    await opened!.close();
    const meta = (id: Uint8Array, database: string): Uint8Array =>
      encodeMetadata({ storeId: id, database, timeline: 1, version: 3, hash: new LtHash() });
    await tamper(vfs, DATABASE_A, [[META_KEY, meta(storeId, "b")]]);
    await expect(FlatKv.open("/store", options(vfs))).rejects.toMatchObject({ code: "HF_FORMAT_FOREIGN" });
    await tamper(vfs, DATABASE_A, [[META_KEY, meta(new Uint8Array(16), "a")]]);
    await expect(FlatKv.open("/store", options(vfs))).rejects.toMatchObject({ code: "HF_FORMAT_FOREIGN" });
  });
});

describe("databases of older layouts, without books", () => {
  const older = { k: "1", other: "2" };

  async function makeOlder(vfs: SimVfs, metadata: readonly (readonly [Uint8Array, Uint8Array])[]): Promise<void> {
    await vfs.makeDirectory("/store");
    for (const database of ["a", "b"])
      await tamper(vfs, `/store/${database}`, [
        ...Object.entries(older).map(([key, value]) => [bytes(key), bytes(value)] as const),
        [bytes("empty"), new Uint8Array(0)],
        ...metadata,
      ]);
  }

  test.each([
    { older: "version-only", metadata: [[Uint8Array.of(0), bigEndian(7)]] as const },
    { older: "version-and-hash", metadata: [[Uint8Array.of(0), bigEndian(7, 2048)]] as const },
    {
      older: "separate-keys",
      metadata: [
        [bytes("_meta/version"), bigEndian(7)],
        [bytes("_meta/hash"), new Uint8Array(2048)],
      ] as const,
    },
  ])("with $older are not taken for a new store, and become one by rebuildHashes", async (layout) => {
    const vfs = new SimVfs();
    await makeOlder(vfs, layout.metadata);
    await expect(FlatKv.open("/store", options(vfs))).rejects.toMatchObject({ code: "HF_HASHES_MISSING" });
    const report = await rebuildHashes("/store", options(vfs));
    expect(report).toMatchObject({
      version: 7,
      databases: [{ name: "a", rows: 2, emptyRows: 1, older: layout.older }, {}],
    });
    await using store = await FlatKv.open("/store", options(vfs));
    expect(store.version).toBe(7);
    expect(await rowsOf(store, "b")).toEqual(older);
    expect(store.databaseHash("b").equals(hashOf(older))).toBe(true);
    expect(await store.commit()).toBe(8);
  });

  test("with no version anywhere need one from the caller, and so do those that differ", async () => {
    const vfs = new SimVfs();
    await makeOlder(vfs, []);
    await expect(rebuildHashes("/store", { ...options(vfs), rows: "raw" })).rejects.toMatchObject({
      code: "HF_INVALID_ARGUMENT",
    });
    await tamper(vfs, "/store/a", [[Uint8Array.of(0), bigEndian(7)]]);
    await tamper(vfs, "/store/b", [[Uint8Array.of(0), bigEndian(8)]]);
    await expect(rebuildHashes("/store", options(vfs))).rejects.toMatchObject({ code: "HF_VERSIONS_DIFFER" });
    expect(await rebuildHashes("/store", { ...options(vfs), version: 8 })).toMatchObject({ version: 8 });
  });

  test("are not read as raw rows unless something says that they are", async () => {
    const vfs = new SimVfs();
    await makeOlder(vfs, []);
    await expect(rebuildHashes("/store", { ...options(vfs), version: 1 })).rejects.toMatchObject({
      code: "HF_CORRUPTION",
    });
    expect(await vfs.stat("/store/anchor")).toBeUndefined();
  });
});
