/** Readers beside a writer, on the simulated disk. */
import { describe, expect, test } from "vitest";
import { crc32c } from "../checksum/index.js";
import { memoryEngine } from "../engine/index.js";
import { LogReader } from "../log/index.js";
import { SimVfs } from "../vfs/index.js";
import type { CommitSource } from "./commit-log.js";
import { FlatKv } from "./flat-kv.js";
import { bytes, options, put, rowsOf } from "./small-store.contract.js";
import { FlatKvReader } from "./store-reader.js";

async function commit(store: FlatKv, rows: Record<string, string | undefined>): Promise<void> {
  await store.applyChangeSets([put("a", rows)]);
  await store.commit();
}

describe("FlatKvReader", () => {
  test("reads the newest version beside the writer, stays there, and goes on when asked", async () => {
    const vfs = new SimVfs();
    await using store = await FlatKv.open("/store", options(vfs));
    await commit(store, { x: "1" });
    await store.snapshot();
    await commit(store, { y: "2" });
    const other = vfs.otherProcess();
    await using reader = await FlatKvReader.open("/store", { vfs: other, engine: memoryEngine({ vfs: other }) });
    expect(reader.version).toBe(2);
    await commit(store, { x: undefined });
    expect(await rowsOf(reader, "a")).toEqual({ x: "1", y: "2" });
    expect(await reader.refresh()).toBe(3);
    expect(await reader.get(bytes("x"), { database: "a" })).toBeUndefined();
    expect(reader.committedHash().equals(store.committedHash())).toBe(true);
  });

  test("follows a rollback to the older version", async () => {
    const vfs = new SimVfs();
    await using store = await FlatKv.open("/store", options(vfs));
    for (const at of [1, 2, 3, 4]) await commit(store, { [`k${at}`]: "v" });
    const other = vfs.otherProcess();
    await using reader = await FlatKvReader.open("/store", { vfs: other, engine: memoryEngine({ vfs: other }) });
    await store.rollback(2);
    await commit(store, { other: "3" });
    expect(await reader.refresh()).toBe(3);
    expect(await rowsOf(reader, "a")).toEqual({ k1: "v", k2: "v", other: "3" });
  });

  test("leaves nothing behind when it closes, and when it dies the next writer cleans up", async () => {
    const vfs = new SimVfs();
    const store = await FlatKv.open("/store", options(vfs));
    await commit(store, { x: "1" });
    const other = vfs.otherProcess();
    const reader = await FlatKvReader.open("/store", { vfs: other, engine: memoryEngine({ vfs: other }) });
    await reader.close();
    expect(await vfs.list("/store/readers")).toEqual([]);
    const third = vfs.otherProcess();
    await FlatKvReader.open("/store", { vfs: third, engine: memoryEngine({ vfs: third }) });
    expect(await vfs.list("/store/readers")).toHaveLength(2);
    await store.close();
    third.die();
    await using again = await FlatKv.open("/store", options(vfs));
    expect(await vfs.list("/store/readers")).toEqual([]);
    expect(again.version).toBe(1);
  });

  test("changes nothing of the writer's", async () => {
    const vfs = new SimVfs();
    const store = await FlatKv.open("/store", options(vfs));
    await commit(store, { x: "1" });
    await store.snapshot();
    await commit(store, { x: "2" });
    // The writer's own mark is written when it rests, which may be while the reader looks.
    const writers = (): string[] =>
      vfs
        .snapshotTree()
        .filter(({ path }) => !path.startsWith("/store/readers") && path !== "/store/log/mark")
        .map(({ path, contents }) => `${path} ${contents === undefined ? "" : crc32c(contents)}`);
    const before = writers();
    const other = vfs.otherProcess();
    const reader = await FlatKvReader.open("/store", { vfs: other, engine: memoryEngine({ vfs: other }) });
    await reader.close();
    expect(writers()).toEqual(before);
    await store.close();
  });

  test("refuses a directory without a store, and calls after close", async () => {
    const vfs = new SimVfs();
    const given = { vfs, engine: memoryEngine({ vfs }) };
    await expect(FlatKvReader.open("/nothing", given)).rejects.toMatchObject({ code: "HF_INVALID_ARGUMENT" });
    const store = await FlatKv.open("/store", options(vfs));
    const other = vfs.otherProcess();
    const reader = await FlatKvReader.open("/store", { vfs: other, engine: memoryEngine({ vfs: other }) });
    await reader.close();
    await expect(reader.get(bytes("x"), { database: "a" })).rejects.toMatchObject({ code: "HF_CLOSED" });
    await store.close();
  });
});

/** A reader whose look at the journal the writer interrupts, once. */
async function interruptedReader(vfs: SimVfs): Promise<{
  readonly reader: FlatKvReader;
  readonly interrupt: (act: () => Promise<void>) => void;
}> {
  const other = vfs.otherProcess();
  const log = await LogReader.open("/store/log", { vfs: other });
  let act: (() => Promise<void>) | undefined;
  const journal: CommitSource = {
    get firstLsn() {
      return log.firstLsn;
    },
    get lastLsn() {
      return log.lastLsn;
    },
    read: (given) => log.read(given),
    get: async (lsn) => {
      const now = act;
      act = undefined;
      await now?.();
      return await log.get(lsn);
    },
  };
  const reader = await FlatKvReader.open("/store", { vfs: other, engine: memoryEngine({ vfs: other }), journal });
  // The journal looks by itself when it is read.
  const interrupt = (given: () => Promise<void>): void => {
    act = async () => {
      await given();
      await log.refresh();
    };
  };
  return { reader, interrupt };
}

/**
 * Found by reading a store on LevelDB beside the process that wrote it: a writer that pruned its journal between two looks of the reader made `refresh`
 * and `open` reject with `CorruptionError`, for a record that was gone; and one that went back meanwhile would have had commits of the new timeline
 * done on top of rows of the old one.
 */
describe("a reader, when the writer changes the journal under it,", () => {
  test("goes on to the newest version though what it was about to read is pruned", async () => {
    const vfs = new SimVfs();
    await using store = await FlatKv.open("/store", options(vfs, { snapshots: { keep: 1 } }));
    await commit(store, { x: "1" });
    const { reader, interrupt } = await interruptedReader(vfs);
    await commit(store, { x: "2" });
    interrupt(async () => {
      await commit(store, { y: "3" });
      await store.snapshot();
      await commit(store, { z: "4" });
    });
    expect(await reader.refresh()).toBe(4);
    expect(await rowsOf(reader, "a")).toEqual({ x: "2", y: "3", z: "4" });
    await reader.close();
  });

  test("shows no commits of the new timeline on rows of the old one", async () => {
    const vfs = new SimVfs();
    await using store = await FlatKv.open("/store", options(vfs));
    await commit(store, { x: "1" });
    await commit(store, { old: "2" });
    const { reader, interrupt } = await interruptedReader(vfs);
    await commit(store, { old: "3" });
    interrupt(async () => {
      await store.rollback(1);
      await commit(store, { new: "2" });
      await commit(store, { new: "3" });
    });
    expect(await reader.refresh()).toBe(3);
    expect(await rowsOf(reader, "a")).toEqual({ x: "1", new: "3" });
    expect(reader.committedHash().equals(store.committedHash())).toBe(true);
    await reader.close();
  });
});
