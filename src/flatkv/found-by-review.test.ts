/** Bugs of the commit store that a review found, each as the shortest story that shows it. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { Anchor } from "../anchor/index.js";
import { type EngineDatabase, memoryEngine } from "../engine/index.js";
import { Log } from "../log/index.js";
import { SimVfs } from "../vfs/index.js";
import { peekBooks } from "./books-file.js";
import { FlatKv } from "./flat-kv.js";
import type { RowField } from "./routing.js";
import { rowKey } from "./row-format.js";
import { bytes, options, put, rowsOf } from "./small-store.contract.js";
import { StoreDirectory } from "./store-directory.js";
import { Gate, aroundWrites, settle, wrapEngine } from "./wrapped-engine.contract.js";

const text = new TextDecoder();

afterEach(() => {
  vi.restoreAllMocks();
});

async function commit(store: FlatKv, rows: Record<string, string | undefined>): Promise<number> {
  await store.applyChangeSets([put("a", rows)]);
  return await store.commit();
}

/** Directories that the books name, and those that are there. */
async function directories(vfs: SimVfs): Promise<{ readonly named: string[]; readonly there: string[] }> {
  const directory = new StoreDirectory(vfs, "/store");
  const books = await peekBooks(directory);
  const numbers = [...books.directories, ...books.snapshots.flatMap((snapshot) => snapshot.directories)];
  const there = (await directory.list()).databases.map((number) => directory.database(number));
  return { named: numbers.map((number) => directory.database(number)).sort(), there: there.sort() };
}

describe("verify", () => {
  test("removes no directory that the books name, though a sync writes them while it looks at snapshots", async () => {
    // A write of the books that was on its way took back the number that verify had reserved, so the next snapshot was made where verify had its copy.
    const vfs = new SimVfs();
    const copying = new Gate();
    const engine = wrapEngine(memoryEngine({ vfs }), { beforeCopy: () => copying.pass() });
    await using store = await FlatKv.open("/store", options(vfs, { engine, syncEveryCommits: 2 }));
    await commit(store, { k: "1" });
    await store.snapshot();
    const writing = new Gate();
    const write = Anchor.prototype.write;
    vi.spyOn(Anchor.prototype, "write").mockImplementation(async function (this: Anchor, value) {
      await writing.pass();
      await write.call(this, value);
    });
    writing.shut();
    await store.commit();
    await store.commit();
    await writing.reached();
    copying.shut();
    const verifying = store.verify({ snapshots: true });
    await copying.reached();
    writing.open();
    await store.snapshot();
    copying.open();
    expect(await verifying).toMatchObject({ sound: true, version: 3 });
    const { named, there } = await directories(vfs);
    expect(there).toEqual(named);
    expect(await store.verify({ snapshots: true })).toMatchObject({ sound: true });
  });

  test("is waited for by close", async () => {
    // It went on beside the next opening of the store, and removed a directory that this one had made.
    const vfs = new SimVfs();
    const copying = new Gate();
    const engine = wrapEngine(memoryEngine({ vfs }), { beforeCopy: () => copying.pass() });
    const store = await FlatKv.open("/store", options(vfs, { engine }));
    await commit(store, { k: "1" });
    await store.snapshot();
    copying.shut();
    const verifying = store.verify({ snapshots: true });
    await copying.reached();
    let isClosed = false;
    const closing = store.close().then(() => (isClosed = true));
    await settle();
    expect(isClosed).toBe(false);
    await expect(FlatKv.open("/store", options(vfs))).rejects.toMatchObject({ code: "HF_LOCKED" });
    copying.open();
    expect(await verifying).toMatchObject({ sound: true });
    await closing;
    await (await FlatKv.open("/store", options(vfs))).close();
  });

  test("keeps what it reads from snapshots that prune, and drops it afterwards", async () => {
    // The journal was pruned before it had been read, and a snapshot removed: a sound store was reported as damaged.
    const vfs = new SimVfs();
    const reading = new Gate();
    const engine = wrapEngine(memoryEngine({ vfs }), {
      database(database) {
        const viewOf = database.view.bind(database);
        database.view = () => {
          const view = viewOf();
          const get = view.get.bind(view);
          view.get = async (key) => {
            await reading.pass();
            return await get(key);
          };
          return view;
        };
      },
    });
    await using store = await FlatKv.open("/store", options(vfs, { engine, snapshots: { keep: 1 } }));
    await commit(store, { k: "1" });
    await store.snapshot();
    for (const value of ["2", "3"]) await commit(store, { k: value });
    const old = await directories(vfs);
    reading.shut();
    const verifying = store.verify({ snapshots: true });
    await reading.reached();
    await commit(store, { k: "4" });
    await store.snapshot();
    expect((await directories(vfs)).there).toEqual(expect.arrayContaining(old.there));
    reading.open();
    expect(await verifying).toMatchObject({ sound: true, problems: [], version: 3, commits: 2 });
    const { named, there } = await directories(vfs);
    expect(there).toEqual(named);
    expect(store.stats().oldestVersion).toBe(4);
  });
});

describe("reads", () => {
  test("return rows of one version, however long they take and whatever is committed meanwhile", async () => {
    // A read that outlasted a commit was corrected with the rows of the commit after it, which it could not have seen.
    const vfs = new SimVfs();
    const reading = new Gate();
    const writing = new Gate();
    const engine = wrapEngine(memoryEngine({ vfs }), {
      database(database) {
        const getMany = database.getMany.bind(database);
        database.getMany = async (keys) => {
          const rows = await getMany(keys);
          await reading.pass();
          return rows;
        };
        aroundWrites(database, { after: () => writing.pass() });
      },
    });
    await using store = await FlatKv.open("/store", options(vfs, { engine }));
    await commit(store, { x: "1", y: "1" });
    reading.shut();
    const rows = store.getMany([bytes("x"), bytes("y")], { database: "a" });
    await reading.reached();
    await commit(store, { x: "2", y: "2" });
    await store.applyChangeSets([put("a", { y: "3" })]);
    writing.shut();
    const committing = store.commit();
    await writing.reached();
    reading.open();
    expect((await rows).map((row) => text.decode(row))).toEqual(["1", "1"]);
    writing.open();
    await committing;
  });

  test("refuse options that they do not know", async () => {
    // A misspelt name of the database was overlooked, and the key was routed.
    await using store = await FlatKv.open("/store", options(new SimVfs()));
    const misspelt = { databse: "a" } as { readonly database?: string };
    const refused = { code: "HF_UNKNOWN_OPTION" };
    await expect(store.get(bytes("k"), misspelt)).rejects.toMatchObject(refused);
    await expect(store.has(bytes("k"), misspelt)).rejects.toMatchObject(refused);
    await expect(store.getMany([bytes("k")], misspelt)).rejects.toMatchObject(refused);
  });
});

test("a row that a routing's field makes empty is refused", async () => {
  // The hash does not cover empty values, so a row without bytes was one that nobody would miss.
  const field: RowField = { read: (row) => row, write: () => new Uint8Array(0) };
  const route = { databases: ["a"], route: (key: Uint8Array) => ({ database: "a", key, field }) };
  await using store = await FlatKv.open("/store", options(new SimVfs(), { route, databases: ["a"] }));
  await expect(store.applyChangeSets([{ changes: [{ key: bytes("k"), value: bytes("v") }] }])).rejects.toMatchObject({
    code: "HF_INVALID_ARGUMENT",
  });
  expect(store.stats().stagedRows).toBe(0);
});

describe("after a failure", () => {
  test("of the journal in a rollback, the store can be closed and opened again in the same process", async () => {
    // The databases that the rollback had made were left open, and with them their locks.
    const vfs = new SimVfs();
    const journal = await Log.open("/log", { vfs, blockBytes: 512, segmentBytes: 65_536 });
    const { log: _, ...rest } = options(vfs, { journal });
    const store = await FlatKv.open("/store", rest);
    for (const value of ["1", "2", "3"]) await commit(store, { k: value });
    vi.spyOn(journal, "truncateAfter").mockRejectedValueOnce(new Error("EIO"));
    await expect(store.rollback(1)).rejects.toMatchObject({ code: "HF_POISONED" });
    await store.close();
    await using again = await FlatKv.open("/store", rest);
    expect(again.version).toBe(1);
    expect(await rowsOf(again, "a")).toEqual({ k: "1" });
    await journal.close();
  });

  test("of an engine's close, the lock, the log and the anchor are released all the same", async () => {
    // The first release that failed kept the others from being tried, and the store stayed locked.
    const vfs = new SimVfs();
    const engine = wrapEngine(memoryEngine({ vfs }), {
      database(database) {
        const close = database.close.bind(database);
        database.close = async () => {
          await close();
          throw new Error("EIO");
        };
      },
    });
    const store = await FlatKv.open("/store", options(vfs, { engine }));
    await commit(store, { k: "1" });
    await expect(store.close()).rejects.toThrow("EIO");
    await using again = await FlatKv.open("/store", options(vfs));
    expect(again.version).toBe(1);
  });

  test("of a sync in the background, close rejects with it where no call was refused for it", async () => {
    // The failure was told to nobody: close resolved as if everything were durable in the databases.
    const vfs = new SimVfs();
    let isBad = false;
    const engine = wrapEngine(memoryEngine({ vfs }), {
      database(database) {
        const sync = database.sync.bind(database);
        database.sync = async () => {
          if (isBad) throw new Error("EIO");
          await sync();
        };
      },
    });
    for (const isTold of [false, true]) {
      isBad = false;
      const store = await FlatKv.open("/store", options(vfs, { engine, syncEveryCommits: 1 }));
      isBad = true;
      await store.commit();
      await settle();
      expect(store.failure).toMatchObject({ code: "HF_POISONED" });
      if (isTold) await expect(store.commit()).rejects.toBe(store.failure);
      const told = await store.close().then(
        () => "nothing",
        (error: unknown) => error,
      );
      expect(told).toBe(isTold ? "nothing" : store.failure);
    }
    await using again = await FlatKv.open("/store", options(vfs));
    expect(again.version).toBe(2);
  });
});

describe("a repair that is aborted", () => {
  test("rejects with the reason, and the store goes on", async () => {
    // The abort was taken for a failed write, and ended the store.
    const vfs = new SimVfs();
    const live = new Map<string, EngineDatabase>();
    const engine = wrapEngine(memoryEngine({ vfs }), { database: (database, path) => void live.set(path, database) });
    await using store = await FlatKv.open("/store", options(vfs, { engine }));
    await store.applyChangeSets([put("a", { k: "1" }), put("b", { z: "1" })]);
    await store.commit();
    const damage = live.get("/store/db-0000000000000001")!.batch();
    damage.put(rowKey(bytes("k")), bytes("damaged"));
    await damage.write();
    for (const last of ["a", "b"]) {
      const abort = new AbortController();
      const reason = new Error("changed my mind");
      const onProgress = ({ what }: { readonly what: string }): void => void (what === last && abort.abort(reason));
      await expect(store.repair({ signal: abort.signal, onProgress })).rejects.toBe(reason);
      expect(store.failure).toBeUndefined();
      await commit(store, { [last]: "1" });
    }
    expect(await store.repair()).toMatchObject({ rebuilt: [{ database: "a", reason: "verify" }] });
    expect(await rowsOf(store, "a")).toEqual({ a: "1", b: "1", k: "1" });
    expect(await store.verify()).toMatchObject({ sound: true });
  });
});
