/** Exports of a store, and stores made of them. */
import { describe, expect, test } from "vitest";
import { SimVfs } from "../vfs/index.js";
import { FlatKv } from "./flat-kv.js";
import { importFlatKv } from "./import.js";
import { bytes, options, put, rowsOf } from "./small-store.contract.js";

const COUNT = 5000;

/** A store with many rows, and its export. */
async function makeExport(
  vfs: SimVfs,
): Promise<{ readonly pieces: Uint8Array[]; readonly checksum: Uint8Array; readonly rows: Record<string, string> }> {
  await using store = await FlatKv.open("/source", options(vfs, { log: { segmentBytes: 1 << 21 } }));
  const rows: Record<string, string> = {};
  for (let at = 0; at < COUNT; at++) rows[`key ${String(at).padStart(6, "0")}`] = `value ${at}`.repeat(4);
  await store.applyChangeSets([put("a", rows), put("b", { x: "1" })]);
  await store.commit();
  await store.commit();
  const pieces: Uint8Array[] = [];
  for await (const piece of store.export()) pieces.push(piece);
  return { pieces, checksum: store.committedHash().checksum(), rows };
}

async function* interrupted(pieces: readonly Uint8Array[], after: number): AsyncGenerator<Uint8Array> {
  for (const [at, piece] of pieces.entries()) {
    if (at === after) throw new Error("the network is gone");
    yield piece;
  }
}

describe("export and import", () => {
  test("an import has the rows, version and hashes of the export, and goes on from there", async () => {
    const vfs = new SimVfs();
    const { pieces, checksum, rows } = await makeExport(vfs);
    const seen: number[] = [];
    const report = await importFlatKv("/copy", pieces, {
      ...options(vfs),
      onProgress: (progress) => seen.push(progress.rows),
    });
    expect(report).toEqual({
      version: 2,
      rows: COUNT + 1,
      databases: [
        { name: "a", rows: COUNT },
        { name: "b", rows: 1 },
      ],
      resumedRows: 0,
    });
    expect(seen.at(-1)).toBe(COUNT + 1);
    await using copy = await FlatKv.open("/copy", options(vfs));
    expect(copy.version).toBe(2);
    expect(copy.committedHash().checksum()).toEqual(checksum);
    expect(await rowsOf(copy, "a")).toEqual(rows);
    expect(await copy.verify({ snapshots: true })).toMatchObject({ sound: true });
    await copy.applyChangeSets([put("b", { x: "2" })]);
    expect(await copy.commit()).toBe(3);
    await copy.rollback(2);
    expect(await rowsOf(copy, "b")).toEqual({ x: "1" });
  });

  test("an import over a store leaves no row, commit or snapshot of what was there", async () => {
    const vfs = new SimVfs();
    const { pieces, checksum } = await makeExport(vfs);
    const old = await FlatKv.open("/copy", options(vfs));
    for (let at = 0; at < 7; at++) {
      await old.applyChangeSets([put("a", { [`stale ${at}`]: "row" })]);
      await old.commit();
      if (at === 4) await old.snapshot();
    }
    await old.close();
    await importFlatKv("/copy", pieces, options(vfs));
    await using copy = await FlatKv.open("/copy", options(vfs));
    expect(copy.version).toBe(2);
    expect(copy.committedHash().checksum()).toEqual(checksum);
    expect(await copy.get(bytes("stale 0"), { database: "a" })).toBeUndefined();
    expect(copy.snapshots()).toEqual([{ version: 2, timeline: 2 }]);
    await expect(copy.rollback(1)).rejects.toMatchObject({ code: "HF_VERSION_OUT_OF_RANGE" });
    const names = await vfs.list("/copy");
    expect(names.filter((name) => name.startsWith("db-"))).toHaveLength(4);
  });

  test("an interrupted import is never seen, and the next one of the same export goes on from it", async () => {
    const vfs = new SimVfs();
    const { pieces, rows } = await makeExport(vfs);
    const half = Math.floor(pieces.length / 2);
    const given = { ...options(vfs), noteEveryBytes: 1 };
    await expect(importFlatKv("/copy", interrupted(pieces, half), given)).rejects.toThrow("the network is gone");
    const report = await importFlatKv("/copy", pieces, given);
    expect(report.resumedRows).toBeGreaterThan(0);
    expect(report.rows).toBe(COUNT + 1);
    await using copy = await FlatKv.open("/copy", options(vfs));
    expect(await rowsOf(copy, "a")).toEqual(rows);
    expect(await copy.verify()).toMatchObject({ sound: true });
  });

  test("an interrupted import over a store leaves the store, and what it had taken goes with the next opening", async () => {
    const vfs = new SimVfs();
    const { pieces } = await makeExport(vfs);
    let store = await FlatKv.open("/copy", options(vfs));
    await store.applyChangeSets([put("a", { mine: "1" })]);
    await store.commit();
    await store.close();
    const given = { ...options(vfs), noteEveryBytes: 1 };
    await expect(importFlatKv("/copy", interrupted(pieces, pieces.length - 1), given)).rejects.toThrow("gone");
    store = await FlatKv.open("/copy", options(vfs));
    expect(store.recovery.removedDirectories).toBe(2);
    expect(await rowsOf(store, "a")).toEqual({ mine: "1" });
    await store.close();
    expect(await importFlatKv("/copy", pieces, given)).toMatchObject({ resumedRows: 0, rows: COUNT + 1 });
  });

  test("an import of another export begins from nothing", async () => {
    const vfs = new SimVfs();
    const first = await makeExport(vfs);
    const other = new SimVfs({ seed: 9 });
    const second = await makeExport(other);
    const given = { ...options(vfs), noteEveryBytes: 1 };
    await expect(importFlatKv("/copy", interrupted(first.pieces, 3), given)).rejects.toThrow("gone");
    expect(await importFlatKv("/copy", second.pieces, given)).toMatchObject({ resumedRows: 0, rows: COUNT + 1 });
    await using copy = await FlatKv.open("/copy", options(vfs));
    expect(await copy.verify()).toMatchObject({ sound: true });
  });

  test("a damaged, cut or longer stream is refused, and nothing becomes of it", async () => {
    const vfs = new SimVfs();
    const { pieces } = await makeExport(vfs);
    const middle = pieces[1]!.slice();
    middle[1000]! ^= 1;
    for (const stream of [
      [pieces[0]!, middle, ...pieces.slice(2)],
      pieces.slice(0, -1),
      [...pieces, Uint8Array.of(0)],
    ]) {
      await expect(importFlatKv("/copy", stream, options(vfs))).rejects.toMatchObject({ code: "HF_CORRUPTION" });
      expect(await vfs.stat("/copy/anchor")).toBeUndefined();
    }
    await using store = await FlatKv.open("/copy", options(vfs));
    expect(store.version).toBe(0);
  });

  test("databases other than the store's are refused", async () => {
    const vfs = new SimVfs();
    const { pieces } = await makeExport(vfs);
    await (await FlatKv.open("/copy", options(vfs, { databases: ["a", "c"] }))).close();
    const given = options(vfs, { databases: ["a", "c"] });
    await expect(importFlatKv("/copy", pieces, given)).rejects.toMatchObject({ code: "HF_OPTION_MISMATCH" });
  });

  test("an export of damaged rows is an error, not a stream", async () => {
    const vfs = new SimVfs();
    const store = await FlatKv.open("/source", options(vfs));
    await store.applyChangeSets([put("a", { x: "1", y: "2" })]);
    await store.commit();
    await store.close();
    const { memoryEngine } = await import("../engine/index.js");
    const { rowKey } = await import("./row-format.js");
    const database = await memoryEngine({ vfs }).open("/source/db-0000000000000001");
    const batch = database!.batch();
    batch.delete(rowKey(bytes("x")));
    await batch.write({ sync: true });
    await database!.close();
    await using again = await FlatKv.open("/source", options(vfs));
    const exporting = async (): Promise<void> => {
      for await (const piece of again.export()) expect(piece.length).toBeGreaterThan(0);
    };
    await expect(exporting()).rejects.toMatchObject({ code: "HF_CORRUPTION" });
  });
});
