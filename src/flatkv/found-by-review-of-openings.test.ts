/** Bugs of openings and imports that a review found, each as the shortest story that shows it. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { Anchor } from "../anchor/index.js";
import { memoryEngine } from "../engine/index.js";
import { Log } from "../log/index.js";
import { SimVfs, keepNothing } from "../vfs/index.js";
import { FlatKv } from "./flat-kv.js";
import { importFlatKv } from "./import.js";
import { interruptOneImport, spoilNote } from "./interrupted-import.contract.js";
import { options, put, rowsOf } from "./small-store.contract.js";
import { wrapEngine } from "./wrapped-engine.contract.js";

const FIRST = "db-0000000000000001";

afterEach(() => {
  vi.restoreAllMocks();
});

/** A first database that is larger than a note. */
const IMPORT = { rows: 4, valueBytes: 40_000, noteEveryBytes: 60_000 } as const;

describe("an import that is resumed", () => {
  test("compares the hashes of databases that it passes over, too", async () => {
    // It compared a database at its end in the stream, which for what was passed over was never read.
    const vfs = new SimVfs();
    const pieces = await interruptOneImport(vfs, IMPORT);
    await spoilNote(memoryEngine({ vfs }), `/copy/${FIRST}`);
    await expect(importFlatKv("/copy", pieces, options(vfs))).rejects.toMatchObject({ code: "HF_CORRUPTION" });
    await importFlatKv("/copy", pieces, { ...options(vfs), resume: false });
    await using store = await FlatKv.open("/copy", options(vfs));
    expect(await store.verify({ snapshots: true })).toMatchObject({ sound: true, version: 1 });
  });

  test("finds what was noted before a power cut", async () => {
    // The names of the directories were not durable before the end, so all notes were lost with them.
    const vfs = new SimVfs();
    const pieces = await interruptOneImport(vfs, IMPORT);
    const after = vfs.powerCut(keepNothing);
    const report = await importFlatKv("/copy", pieces, options(after));
    expect(report.rows).toBe(5);
    expect(report.resumedRows).toBeGreaterThan(0);
    await using store = await FlatKv.open("/copy", options(after));
    expect(await store.verify()).toMatchObject({ sound: true });
  });
});

describe("an opening that finds no books", () => {
  /** A store of three commits and a snapshot that has lost its anchor. */
  async function loseBooks(vfs: SimVfs, journal?: Log): Promise<readonly string[]> {
    const { log: _, ...rest } = options(vfs);
    const store = await FlatKv.open("/store", journal === undefined ? options(vfs) : { journal, ...rest });
    for (const value of ["1", "2", "3"]) {
      await store.applyChangeSets([put("a", { k: value })]);
      await store.commit();
    }
    await store.snapshot();
    await store.close();
    await vfs.remove("/store/anchor");
    return await vfs.list("/store");
  }

  test("refuses where the log has had records, and removes nothing", async () => {
    // A snapshot had emptied the log, so the store was taken for a new one, and its databases were removed.
    const vfs = new SimVfs();
    const names = await loseBooks(vfs);
    await expect(FlatKv.open("/store", options(vfs))).rejects.toMatchObject({ code: "HF_CORRUPTION" });
    expect(await vfs.list("/store")).toEqual(names);
  });

  test.each(["FlatKv.open", "importFlatKv"])(
    "%s refuses where databases hold commits, whose journal is elsewhere",
    async (how) => {
      // With another journal, or one that was lost too, nothing said that the directory was not new.
      const vfs = new SimVfs();
      const log = { blockBytes: 512, segmentBytes: 65_536 };
      const journal = await Log.open("/log", { vfs, ...log });
      const names = await loseBooks(vfs, journal);
      const empty = await Log.open("/empty", { vfs, ...log });
      const { log: _, ...rest } = options(vfs, { journal: empty });
      const opening =
        how === "importFlatKv"
          ? importFlatKv("/store", await interruptOneImport(new SimVfs(), IMPORT), rest)
          : FlatKv.open("/store", rest);
      await expect(opening).rejects.toMatchObject({ code: "HF_CORRUPTION" });
      expect(await vfs.list("/store")).toEqual(names);
    },
  );

  test("makes anew what a creation left that was interrupted", async () => {
    // The refusals above must not meet what never was a store.
    const vfs = new SimVfs();
    let made = 0;
    const engine = wrapEngine(memoryEngine({ vfs }), {
      beforeCreate() {
        made += 1;
        if (made === 2) throw new Error("ENOSPC");
      },
    });
    await expect(FlatKv.open("/store", options(vfs, { engine }))).rejects.toThrow("ENOSPC");
    expect(await vfs.list("/store")).toContain(FIRST);
    await using store = await FlatKv.open("/store", options(vfs));
    expect(store.version).toBe(0);
    expect(store.recovery.removedDirectories).toBe(1);
  });

  test("makes anew what an import left that was interrupted", async () => {
    // As above; an import says of its databases what they are as long as they are nobody's.
    const vfs = new SimVfs();
    const pieces = await interruptOneImport(vfs, IMPORT);
    vi.spyOn(Anchor, "create").mockRejectedValueOnce(new Error("EIO"));
    await expect(importFlatKv("/copy", pieces, options(vfs))).rejects.toThrow("EIO");
    expect(await vfs.list("/copy")).toContain(FIRST);
    await using store = await FlatKv.open("/copy", options(vfs));
    expect(store.version).toBe(0);
    expect(await rowsOf(store, "a")).toEqual({});
  });
});

test("a file of somebody else in a directory that no book names does not keep a store from opening", async () => {
  // The directory could not be removed, and opening failed with that for ever.
  const vfs = new SimVfs();
  await (await FlatKv.open("/store", options(vfs))).close();
  const path = "/store/db-0000000000000099";
  await vfs.makeDirectory(path);
  await (await vfs.open(`${path}/stray`, { access: "read-write", create: "exclusive" })).close();
  for (let opening = 0; opening < 2; opening++) {
    await using store = await FlatKv.open("/store", options(vfs));
    expect(store.recovery).toMatchObject({ keptDirectories: [path], removedDirectories: 0 });
    await store.snapshot();
  }
  expect(await vfs.list(path)).toEqual(["stray"]);
});
