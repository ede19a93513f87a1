/** Defects that a review of the store's crash safety found, each with its story. */
import { expect, test } from "vitest";
import { type Engine, type EngineDatabase, memoryEngine } from "../engine/index.js";
import { blake3 } from "../hash/index.js";
import { Log } from "../log/index.js";
import { verifyMultiProof } from "../proof/index.js";
import { FaultPlan, SimVfs } from "../vfs/index.js";
import { exchange, filesOf } from "./exchanged-files.contract.js";
import { MerkleStore, type MerkleStoreOptions } from "./index.js";
import { DIRECTORY, openSmall } from "./small-merkle-store.contract.js";

const key = (n: number): Uint8Array => blake3.hash(Uint8Array.of(n));
const VALUES = `${DIRECTORY}/values`;
const PAGES = `${DIRECTORY}/pages`;
const RARE: MerkleStoreOptions = { pages: { capacity: 16, checkpoint: { dirtyPagesMax: 1000 } } };

async function put(store: MerkleStore, n: number, value: Uint8Array = Uint8Array.of(n)): Promise<void> {
  const session = store.begin();
  session.put(key(n), value);
  await session.commit();
}

/** An engine some calls of whose databases are others. */
function withCalls(engine: Engine, calls: (database: EngineDatabase) => Partial<EngineDatabase>): Engine {
  const wrap = (database: EngineDatabase): EngineDatabase => {
    const changed = calls(database);
    return new Proxy(database, {
      get(target, name) {
        const call: unknown = Reflect.get(name in changed ? changed : target, name);
        return typeof call === "function" ? (call as (...args: unknown[]) => unknown).bind(target) : call;
      },
    });
  };
  return {
    name: engine.name,
    create: async (directory) => wrap(await engine.create(directory)),
    open: async (directory) => {
      const database = await engine.open(directory);
      return database && wrap(database);
    },
    copy: (from, to, options) => engine.copy(from, to, options),
    remove: (directory) => engine.remove(directory),
  };
}

test("a store opens once all redone rows are with the engine", async () => {
  // Opening found enough dirty pages for a checkpoint. That took the batch of redone rows to write it, and opening, which found none left, did not wait:
  // readers missed rows, and the rows of a new commit could be written before the older ones.
  const first = new SimVfs();
  const store = await openSmall(first, RARE);
  const session = store.begin();
  for (const n of [1, 2]) session.put(key(n), Uint8Array.of(n));
  await session.commit();
  const vfs = first.powerCut();
  let written = 0;
  const engine = withCalls(memoryEngine({ vfs }), (database) => ({
    batch() {
      const batch = database.batch();
      return {
        get size() {
          return batch.size;
        },
        put: (name, value) => batch.put(name, value),
        delete: (name) => batch.delete(name),
        async write(options) {
          await vfs.delay(1000);
          await batch.write(options);
          written++;
        },
      };
    },
  }));
  const again = await openSmall(vfs, { engine, pages: { checkpoint: { dirtyPagesMax: 1 } } });
  expect(written).toBe(1);
  expect(again.recovery.redone).toBe(1);
  expect(await again.get(key(1))).toEqual(Uint8Array.of(1));
  await again.close();
});

test("values that are older than the checkpoint are refused at every opening, not at the first alone", async () => {
  // The rows of later commits were redone before the sequence was looked at. They brought the database to the newest sequence, so the next opening took it
  // for whole, without the rows of the commits in between.
  const before = new SimVfs();
  const store = await openSmall(before, RARE);
  await put(store, 1);
  await store.checkpoint();
  const older = await filesOf(before, VALUES);
  await put(store, 2);
  await store.checkpoint();
  await put(store, 3);
  const vfs = before.kill();
  const whole = await filesOf(vfs, VALUES);
  await exchange(vfs, VALUES, older);
  for (let opening = 0; opening < 3; opening++)
    await expect(openSmall(vfs, RARE)).rejects.toMatchObject({ code: "HF_CORRUPTION" });
  // Nothing was lost meanwhile: with the right values it is the store that it was.
  await exchange(vfs, VALUES, whole);
  const again = await openSmall(vfs, RARE);
  for (const n of [1, 2, 3]) expect(await again.get(key(n))).toEqual(Uint8Array.of(n));
  expect((await again.verify()).sound).toBe(true);
  await again.close();
});

test("values that are newer than the journal are refused at every opening, not at the first alone", async () => {
  // Redoing the commits that were there took the database's sequence back to the newest of them, so the next opening took rows of later commits for theirs.
  const before = new SimVfs();
  const store = await openSmall(before, RARE);
  await put(store, 1);
  await store.checkpoint();
  await put(store, 2);
  const older = await filesOf(before, PAGES);
  await put(store, 3);
  const vfs = before.kill();
  await exchange(vfs, PAGES, older);
  for (let opening = 0; opening < 3; opening++)
    await expect(openSmall(vfs, RARE)).rejects.toMatchObject({ code: "HF_CORRUPTION" });
});

test("a witness has what was read after the commit was prepared", async () => {
  // `prepare` made the witness. A key that was read after it was missing from what the same session's `commit` returned.
  const store = await openSmall(new SimVfs());
  await put(store, 1);
  const session = store.begin();
  session.put(key(2), Uint8Array.of(2));
  await session.prepare({ witness: true });
  await session.get(key(1));
  const { witness } = await session.commit({ witness: true });
  expect(witness?.reads).toEqual([{ key: key(1), valueHash: blake3.hash(Uint8Array.of(1)) }]);
  const { before, reads, proof } = witness!;
  expect(verifyMultiProof({ root: before, proof: proof!, claims: reads, hasher: blake3 })).toBe(true);
  await store.close();
});

test("a witness is made of values that are what their hashes say", async () => {
  // It took hashes from rows that nobody held against anything: a row that was damaged since it was read made a witness that proves nothing.
  const vfs = new SimVfs();
  let database: EngineDatabase | undefined;
  const engine = withCalls(memoryEngine({ vfs }), (opened) => {
    database = opened;
    return {};
  });
  const store = await openSmall(vfs, { engine });
  await put(store, 1);
  const session = store.begin();
  await session.get(key(1));
  const row = Uint8Array.of(1, ...key(1));
  const batch = database!.batch();
  batch.put(row, (await database!.get(row))!.with(5, 0xee));
  await batch.write();
  session.put(key(2), Uint8Array.of(2));
  await expect(session.commit({ witness: true })).rejects.toMatchObject({ code: "HF_CORRUPTION" });
  expect(store.sequence).toBe(1);
  await store.close();
});

test("a store whose pages are gone is damaged, and says so", async () => {
  // It was told as a store that is not there, with the advice to make one.
  const vfs = new SimVfs();
  const store = await openSmall(vfs);
  await put(store, 1);
  await store.close();
  const list = async (directory: string): Promise<void> => {
    for (const name of await vfs.list(directory)) {
      const path = vfs.join(directory, name);
      if ((await vfs.stat(path))!.kind === "directory") await list(path);
      else await vfs.remove(path);
    }
    await vfs.removeDirectory(directory);
  };
  await list(PAGES);
  await expect(openSmall(vfs)).rejects.toMatchObject({ code: "HF_CORRUPTION" });
});

test("a damaged database without anchor and pages is not made anew", async () => {
  // What could not be opened was taken for half of a database that an interrupted making left, though pages are made before it.
  const vfs = new SimVfs();
  await vfs.makeDirectory(DIRECTORY);
  await (await memoryEngine({ vfs }).create(VALUES)).close();
  const files = await filesOf(vfs, VALUES);
  for (const content of files.values()) content.fill(7);
  await exchange(vfs, VALUES, files);
  await expect(openSmall(vfs)).rejects.toMatchObject({ code: "HF_CORRUPTION" });
  expect(await filesOf(vfs, VALUES)).toEqual(files);
});

test("a session reads one commit, whatever moment an engine reads at", async () => {
  // An engine may read rows of any moment until it answers. One that did so after the next commit's rows were written, and before it was published, gave a
  // session the next commit's value.
  const vfs = new SimVfs();
  const slow = { reads: false };
  const engine = withCalls(memoryEngine({ vfs }), (database) => ({
    async getMany(keys) {
      if (slow.reads) await vfs.delay(10);
      return await database.getMany(keys);
    },
    batch() {
      const batch = database.batch();
      return {
        get size() {
          return batch.size;
        },
        put: (name, value) => batch.put(name, value),
        delete: (name) => batch.delete(name),
        async write(options) {
          await batch.write(options);
          if (slow.reads) await vfs.delay(1000);
        },
      };
    },
  }));
  const store = await openSmall(vfs, { engine });
  await put(store, 1, Uint8Array.of(1));
  const session = store.begin();
  const next = store.begin();
  next.put(key(1), Uint8Array.of(2));
  await next.prepare();
  slow.reads = true;
  // A read that begins just before the rows are written.
  const committing = next.commit();
  const looks: Promise<Uint8Array | undefined>[] = [];
  for (let look = 0; look < 200 && store.sequence === 1; look++) {
    looks.push(session.get(key(1)));
    await vfs.delay(1);
  }
  await committing;
  const seen = (await Promise.allSettled(looks)).flatMap((look) => (look.status === "fulfilled" ? [look.value] : []));
  expect(seen.every((value) => value?.[0] === 1)).toBe(true);
  await store.close();
});

test("a rollback that meets a journal that failed ends the store, as everything does that says HF_POISONED", async () => {
  // The journal failed at rest, after its last batch was acknowledged. Only the rollback noticed, said that the store was poisoned, and left it serving.
  const vfs = new SimVfs();
  const store = await openSmall(vfs, { rollback: { commits: 2 } });
  vfs.faults = new FaultPlan([{ operation: "write", path: "mark", errno: "EIO" }]);
  await put(store, 1);
  await vfs.delay(1000);
  vfs.faults = undefined;
  await expect(store.rollback(1)).rejects.toMatchObject({ code: "HF_POISONED" });
  expect(store.failure).toMatchObject({ code: "HF_POISONED" });
  await expect(store.get(key(1))).rejects.toMatchObject({ code: "HF_POISONED" });
  await store.close();
  const again = await openSmall(vfs, { rollback: { commits: 2 } });
  expect(again.sequence).toBe(1);
  await again.rollback(1);
  expect(await again.get(key(1))).toBeUndefined();
  await again.close();
});

test("two stores on one journal find out at the next commit, before one prunes what the other needs", async () => {
  // Each took the records of the other for none of its business: a checkpoint of the one dropped commits of the other, and neither opened again.
  const vfs = new SimVfs();
  const journal = await Log.open("/log", { vfs });
  const open = (path: string): Promise<MerkleStore> =>
    MerkleStore.open(path, { vfs, engine: memoryEngine({ vfs }), pages: { capacity: 16 }, journal });
  const one = await open("/one");
  const other = await open("/other");
  await put(one, 1);
  await put(one, 2);
  const failure: unknown = await put(other, 3).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: "HF_POISONED", cause: { code: "HF_SECOND_WRITER" } });
  await put(one, 4);
  await other.close();
  await one.close();
  const again = await open("/one");
  expect(again.sequence).toBe(3);
  expect((await again.verify()).sound).toBe(true);
  await again.close();
  await journal.close();
});
