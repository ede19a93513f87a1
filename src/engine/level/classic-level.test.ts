import { mkdtemp, open as openFile, readFile, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { HoldfastError } from "../../base/index.js";
import { nodeVfs } from "../../vfs/index.js";
import { engineContract } from "../engine.contract.js";
import type { EngineDatabase } from "../index.js";
import { classicLevel } from "../index.js";

engineContract(
  "classic-level",
  async () => {
    const root = await mkdtemp(path.join(tmpdir(), "holdfast-level-"));
    return {
      engine: classicLevel({ writeBufferBytes: 65_536 }),
      path: (name) => path.join(root, name),
      syncParent: () => nodeVfs.syncDirectory(root),
      dispose: () => rm(root, { recursive: true, force: true }),
    };
  },
  20,
);

describe("a LevelDB database", () => {
  let root: string;
  let directory: string;
  const engine = classicLevel({ writeBufferBytes: 65_536 });
  const open: EngineDatabase[] = [];

  beforeEach(async () => {
    root = await mkdtemp(path.join(tmpdir(), "holdfast-level-"));
    directory = path.join(root, "database");
  });
  afterEach(async () => {
    for (const database of open.splice(0)) await database.close();
    await rm(root, { recursive: true, force: true });
  });

  function kept(database: EngineDatabase | undefined): EngineDatabase {
    if (database === undefined) throw new Error("there is no database");
    open.push(database);
    return database;
  }

  /** Rows that do not shrink, in no order. */
  async function put(database: EngineDatabase, from: number, count: number, sync = false): Promise<void> {
    const batch = database.batch();
    for (let n = from; n < from + count; n++) batch.put(keyOf(n), new Uint8Array(500).fill(n));
    await batch.write({ sync });
  }

  function keyOf(n: number): Uint8Array {
    const key = new Uint8Array(8);
    new DataView(key.buffer).setUint32(0, Math.imul(n, 0x9e3779b1));
    new DataView(key.buffer).setUint32(4, n);
    return key;
  }

  const filesIn = async (at: string, pattern: RegExp): Promise<string[]> =>
    (await readdir(at)).filter((name) => pattern.test(name)).sort();

  it("has everything in tables and nothing in its log after a sync, which is free where nothing was written", async () => {
    const database = kept(await engine.create(directory));
    await put(database, 0, 10);
    expect(await filesIn(directory, /\.ldb$/)).toEqual([]);
    await database.sync();
    expect(await filesIn(directory, /\.ldb$/)).toHaveLength(1);
    const [log = ""] = await filesIn(directory, /\.log$/);
    expect((await stat(path.join(directory, log))).size).toBe(0);
    await database.sync();
    await database.batch().write({ sync: true });
    expect(await filesIn(directory, /\.log$/)).toEqual([log]);
  });

  it("copies itself whole while its compactions run, with links to tables that nobody ever changes", async () => {
    const database = kept(await engine.create(directory));
    let rows = 0;
    for (let round = 0; round < 6; round++) {
      // Several memtables' worth, so that tables come and go while they are linked.
      for (let at = 0; at < 8; at++) await put(database, (rows += 150) - 150, 150);
      const copy = path.join(root, `copy-${round}`);
      await database.checkpoint(copy);
      const tables = await filesIn(copy, /\.ldb$/);
      expect(await filesIn(copy, /^(?!.*\.ldb$)/)).toEqual(["CURRENT", expect.stringMatching(/^MANIFEST-/)]);
      const before = await Promise.all(tables.map((name) => readFile(path.join(copy, name))));
      expect((await stat(path.join(copy, tables[0] ?? ""))).nlink).toBeGreaterThan(0);
      const linked = await Promise.all(tables.map((name) => openFile(path.join(copy, name), "r")));
      const other = kept(await engine.open(copy));
      await put(other, 1_000_000, 2000);
      await other.sync();
      let found = 0;
      for await (const chunk of other.iterate()) found += chunk.length;
      expect(found).toBe(rows + 2000);
      await other.close();
      for (const [at, file] of linked.entries()) {
        expect(Buffer.compare(await file.readFile(), before[at] as Buffer)).toBe(0);
        await file.close();
      }
      await engine.remove(copy);
    }
    let found = 0;
    for await (const chunk of database.iterate()) found += chunk.length;
    expect(found).toBe(rows);
  });

  it("links tables or copies them, as asked", async () => {
    const database = kept(await engine.create(directory));
    await put(database, 0, 100, true);
    await database.checkpoint(path.join(root, "linked"));
    await database.checkpoint(path.join(root, "copied"), { links: false });
    const [table = ""] = await filesIn(directory, /\.ldb$/);
    const inode = async (at: string): Promise<number> => (await stat(path.join(at, table))).ino;
    expect(await inode(path.join(root, "linked"))).toBe(await inode(directory));
    expect(await inode(path.join(root, "copied"))).not.toBe(await inode(directory));
  });

  it("is damaged where its MANIFEST is, which is then named, or where a table is gone", async () => {
    await put(kept(await engine.create(directory)), 0, 100, true);
    await open.pop()?.close();
    const [manifest = ""] = await filesIn(directory, /^MANIFEST/);
    const [table = ""] = await filesIn(directory, /\.ldb$/);
    const bytes = await readFile(path.join(directory, manifest));
    const flipped = Buffer.from(bytes);
    flipped[12]! ^= 1;
    await writeFile(path.join(directory, manifest), flipped);
    await expect(engine.open(directory)).rejects.toMatchObject({
      code: "HF_CORRUPTION",
      details: { path: path.join(directory, manifest) },
    });
    await writeFile(path.join(directory, manifest), bytes);
    await rename(path.join(directory, table), path.join(root, table));
    await expect(engine.open(directory)).rejects.toMatchObject({ code: "HF_CORRUPTION" });
    await rename(path.join(root, table), path.join(directory, table));
    await kept(await engine.open(directory)).get(keyOf(1));
  });

  it("whose table can't be read as one says so, and not that a row is absent", async () => {
    const database = kept(await engine.create(directory));
    await put(database, 0, 100, true);
    await database.close();
    const [table = ""] = await filesIn(directory, /\.ldb$/);
    const bytes = await readFile(path.join(directory, table));
    bytes.fill(0xa5, 0, 4096);
    await writeFile(path.join(directory, table), bytes);
    const again = kept(await engine.open(directory));
    const outcomes = new Set<unknown>();
    for (let n = 0; n < 100; n++)
      outcomes.add(await again.get(keyOf(n)).catch((error: unknown) => (error as HoldfastError).code));
    expect(outcomes).toContain("HF_CORRUPTION");
    const scan = async (): Promise<void> => {
      for await (const _ of again.iterate());
    };
    await expect(scan()).rejects.toMatchObject({ code: "HF_CORRUPTION" });
  });

  it("is made of LevelDB's files only: others in its directory are left, and so is that", async () => {
    await (await engine.create(directory)).close();
    await writeFile(path.join(directory, "mine"), "");
    await expect(engine.remove(directory)).rejects.toMatchObject({ code: "HF_IO", details: { errno: "ENOTEMPTY" } });
    expect(await readdir(directory)).toEqual(["mine"]);
  });

  it("can be removed when a crash left half of it", async () => {
    await (await engine.create(directory)).close();
    await rm(path.join(directory, "CURRENT"));
    expect(await engine.open(directory)).toBeUndefined();
    await engine.remove(directory);
    await expect(stat(directory)).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("refuses options that are unknown or out of range", () => {
    for (const options of [{ cacheBytes: -1 }, { writeBufferBytes: 1000 }, { compression: 1 }])
      expect(() => classicLevel(options as object)).toThrow(expect.objectContaining({ code: "HF_INVALID_ARGUMENT" }));
    expect(() => classicLevel({ cacheSize: 1 } as object)).toThrow(
      expect.objectContaining({ code: "HF_UNKNOWN_OPTION" }),
    );
  });

  it("made with some options opens with others", async () => {
    await put(kept(await classicLevel({ compression: true, cacheBytes: 0 }).create(directory)), 0, 500, true);
    await open.pop()?.close();
    const database = kept(await classicLevel({ writeBufferBytes: 1 << 20 }).open(directory));
    await put(database, 500, 500, true);
    let found = 0;
    for await (const chunk of database.iterate()) found += chunk.length;
    expect(found).toBe(1000);
  });
});
