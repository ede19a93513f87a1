/** Readers beside a writer, on the simulated disk. */
import { describe, expect, test } from "vitest";
import { crc32c } from "../base/index.js";
import { memoryEngine } from "../engine/index.js";
import { SimVfs } from "../vfs/index.js";
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
