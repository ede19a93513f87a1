/** Bugs of readers that a review found, each as the shortest story that shows it. */
import { describe, expect, test } from "vitest";
import { memoryEngine } from "../engine/index.js";
import { Log } from "../log/index.js";
import { SimVfs } from "../vfs/index.js";
import type { CommitSource } from "./commit-log.js";
import { FlatKv } from "./flat-kv.js";
import { bytes, hashOf, options, put, rowsOf } from "./small-store.contract.js";
import { FlatKvReader } from "./store-reader.js";
import { Gate, aroundWrites, wrapEngine } from "./wrapped-engine.contract.js";

async function open(vfs: SimVfs): Promise<{ readonly store: FlatKv; readonly journal: Log }> {
  const journal = await Log.open("/log", { vfs, blockBytes: 512, segmentBytes: 65_536 });
  const { log: _, ...rest } = options(vfs, { journal });
  return { journal, store: await FlatKv.open("/store", rest) };
}

/** The same row in both databases. */
async function commit(store: FlatKv, value: string): Promise<number> {
  await store.applyChangeSets([put("a", { k: value }), put("b", { k: value })]);
  return await store.commit();
}

describe("a refresh of a reader", () => {
  test.each([0, 1])(
    "beside a rollback and %i commits more than there were shows what the store holds",
    async (more) => {
      // The versions that were read before the rollback got those behind it on top, and what was abandoned stayed among the rows.
      const vfs = new SimVfs();
      const { store, journal } = await open(vfs);
      const go = async (rows: Record<string, string>): Promise<void> => {
        await store.applyChangeSets([put("a", rows)]);
        await store.commit();
      };
      await go({ base: "1" });
      await go({ abandoned: "2" });
      let reads = Number.NEGATIVE_INFINITY;
      const beforeSecondRead = async (): Promise<void> => {
        await store.rollback(1);
        for (let at = 0; at < 2 + more; at++) await go({ fresh: String(at) });
      };
      const source: CommitSource = {
        get firstLsn() {
          return journal.firstLsn;
        },
        get lastLsn() {
          return journal.lastLsn;
        },
        get: (lsn) => journal.get(lsn),
        async *read(range) {
          reads += 1;
          if (reads === 2) await beforeSecondRead();
          yield* journal.read(range);
        },
      };
      await using reader = await FlatKvReader.open("/store", { vfs, engine: memoryEngine({ vfs }), journal: source });
      await go({ x: "3" });
      reads = 0;
      expect(await reader.refresh()).toBe(store.version);
      const rows = await rowsOf(store, "a");
      expect(reads).toBeGreaterThan(2);
      expect(rows).toEqual({ base: "1", fresh: String(1 + more) });
      expect(await rowsOf(reader, "a")).toEqual(rows);
      expect(reader.databaseHash("a").equals(hashOf(rows))).toBe(true);
      await store.close();
      await journal.close();
    },
  );

  test("that fails half way leaves the reader at one version, and works again later", async () => {
    // One database was a version ahead of the other from then on.
    const vfs = new SimVfs();
    const { store, journal } = await open(vfs);
    await commit(store, "1");
    let failsAt = "";
    const engine = wrapEngine(memoryEngine({ vfs }), {
      database: (database, path) =>
        aroundWrites(database, {
          before: async () => {
            if (failsAt !== "" && path.endsWith(failsAt)) throw new Error("ENOSPC");
          },
        }),
    });
    await using reader = await FlatKvReader.open("/store", { vfs, engine, journal });
    await commit(store, "2");
    failsAt = "/2";
    await expect(reader.refresh()).rejects.toThrow("ENOSPC");
    const [a, b] = [await rowsOf(reader, "a"), await rowsOf(reader, "b")];
    expect(a).toEqual(b);
    expect(reader.committedHash().equals(store.committedHash())).toBe(true);
    await commit(store, "3");
    failsAt = "";
    expect(await reader.refresh()).toBe(3);
    expect([await rowsOf(reader, "a"), await rowsOf(reader, "b")]).toEqual([{ k: "3" }, { k: "3" }]);
    await store.close();
    await journal.close();
  });

  test("does not change the hashes before the version", async () => {
    // They were those of the databases, which are at the new version one after the other.
    const vfs = new SimVfs();
    const { store, journal } = await open(vfs);
    await commit(store, "1");
    const first = store.committedHash();
    const writing = new Gate();
    const engine = wrapEngine(memoryEngine({ vfs }), {
      database: (database) => aroundWrites(database, { before: () => writing.pass() }),
    });
    await using reader = await FlatKvReader.open("/store", { vfs, engine, journal });
    await commit(store, "2");
    // The first write is that of database a, the second that of b, when a has been brought on.
    for (const version of [1, 2]) {
      writing.shut();
      if (version === 2) await commit(store, "3");
      const hash = version === 1 ? first : reader.committedHash();
      const before = reader.version;
      const refreshing = reader.refresh();
      await writing.reached();
      if (version === 2) {
        writing.open();
        writing.shut();
        await writing.reached();
      }
      expect(reader.version).toBe(before);
      expect(reader.committedHash().equals(hash)).toBe(true);
      expect(reader.databaseHash("a").equals(hashOf({ k: String(before) }))).toBe(true);
      writing.open();
      await refreshing;
    }
    expect(reader.committedHash().equals(store.committedHash())).toBe(true);
    await store.close();
    await journal.close();
  });
});

test("the reads of a reader refuse options that they do not know", async () => {
  // A misspelt name of the database was overlooked, and the key was routed.
  const vfs = new SimVfs();
  const { store, journal } = await open(vfs);
  await using reader = await FlatKvReader.open("/store", { vfs, engine: memoryEngine({ vfs }), journal });
  const misspelt = { databse: "a" } as { readonly database?: string };
  const refused = { code: "HF_UNKNOWN_OPTION" };
  await expect(reader.get(bytes("k"), misspelt)).rejects.toMatchObject(refused);
  await expect(reader.has(bytes("k"), misspelt)).rejects.toMatchObject(refused);
  await expect(reader.getMany([bytes("k")], misspelt)).rejects.toMatchObject(refused);
  await store.close();
  await journal.close();
});
