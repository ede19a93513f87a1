/** Short stories about commit stores, each of which ends well, or throws. They hunt for what no crash finds, or only rarely. */
import { memoryEngine } from "../../src/engine/index.js";
import { FlatKv, importFlatKv } from "../../src/flatkv/index.js";
import { interruptImports, interruptOneImport, spoilNote } from "../../src/flatkv/interrupted-import.contract.js";
import { options } from "../../src/flatkv/small-store.contract.js";
import { Gate, aroundWrites, settle, wrapEngine } from "../../src/flatkv/wrapped-engine.contract.js";
import { Log } from "../../src/log/index.js";
import { type Chooser, SimVfs, keepNothing } from "../../src/vfs/index.js";

const SEED = 1;
const FIRST = "db-0000000000000001";
const key = Uint8Array.of(1);

/** Resolves to how many states were looked at. */
type Story = () => Promise<number>;

/** A version with a row of its own in each of these databases. */
async function commit(store: FlatKv, row: number, databases: readonly string[] = ["a", "b"]): Promise<void> {
  const changes = [{ key: Uint8Array.of(row), value: Uint8Array.of(row) }];
  await store.applyChangeSets(databases.map((database) => ({ database, changes })));
  await store.commit();
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return await promise.then(
    () => "none",
    (error: unknown) => (error as { readonly code?: string }).code ?? String(error),
  );
}

/** A commit is held between the writes of two databases, and read meanwhile. */
const parts: Story = async () => {
  const vfs = new SimVfs({ seed: SEED });
  const writing = new Gate();
  const engine = wrapEngine(memoryEngine({ vfs }), {
    database(database, path) {
      if (!path.endsWith(FIRST)) aroundWrites(database, { before: () => writing.pass() });
    },
  });
  const store = await FlatKv.open("/store", options(vfs, { engine }));
  writing.shut();
  const committing = commit(store, 1);
  await writing.reached();
  await settle();
  for (const database of store.databases)
    if (await store.has(key, { database })) throw new Error("a version was shown in part");
  writing.open();
  await committing;
  await store.close();
  return 1;
};

/** Commits are redone in several batches, and a power cut takes the first of them alone. */
const splitRedo: Story = async () => {
  const first = new SimVfs({ seed: SEED });
  const store = await FlatKv.open("/store", options(first));
  for (const row of [1, 2]) await commit(store, row);
  const second = first.powerCut(keepNothing);
  await FlatKv.open("/store", options(second, { syncEveryBytes: 1 }));
  let lost: number | undefined;
  const loseFirst: Chooser = {
    tornMax: 0,
    choose({ kind, path, operations, whole }) {
      if (kind !== "sector" || !path.includes(FIRST)) return whole - 1;
      lost ??= operations[0];
      return operations[0] === lost ? 0 : whole - 1;
    },
  };
  const third = second.powerCut(loseFirst);
  const again = await FlatKv.open("/store", options(third));
  if (lost === undefined) throw new Error("nothing was lost");
  const { problems } = await again.verify();
  if (problems.length > 0 || !(await again.has(key, { database: "a" }))) throw new Error("a redone row is gone");
  await again.close();
  return 1;
};

/** A sync of the databases fails once, in the background. */
const failedSync: Story = async () => {
  const vfs = new SimVfs({ seed: SEED });
  let isBad = false;
  const engine = wrapEngine(memoryEngine({ vfs }), {
    database(database) {
      const sync = database.sync.bind(database);
      database.sync = async () => {
        if (isBad) throw new Error("the disk is broken");
        await sync();
      };
    },
  });
  const store = await FlatKv.open("/store", options(vfs, { engine, syncEveryCommits: 1 }));
  isBad = true;
  await store.commit();
  await settle();
  isBad = false;
  if ((await codeOf(store.commit())) !== "HF_POISONED") throw new Error("a store went on after a failed sync");
  await store.close();
  return 1;
};

/** Rows without metadata, or with those of an older layout, are no empty store at version 0. */
const noHashes: Story = async () => {
  const vfs = new SimVfs({ seed: SEED });
  const store = await FlatKv.open("/store", options(vfs));
  await commit(store, 1);
  await store.close();
  const database = await memoryEngine({ vfs }).open(`/store/${FIRST}`);
  if (database === undefined) throw new Error("there is no database");
  const batch = database.batch();
  batch.delete(Uint8Array.of(0, 0x6d, 0x65, 0x74, 0x61));
  await batch.write({ sync: true });
  await database.close();
  const code = await codeOf(FlatKv.open("/store", options(vfs)));
  if (code !== "HF_HASHES_MISSING") throw new Error(`rows without a hash were opened with ${code}`);
  return 1;
};

/** A store that has lost its books and its journal is not a new one. */
const lostBooks: Story = async () => {
  const vfs = new SimVfs({ seed: SEED });
  const journal = await Log.open("/log", { vfs });
  const { log: _, ...rest } = options(vfs, { journal });
  const store = await FlatKv.open("/store", rest);
  await store.commit();
  await store.close();
  await vfs.remove("/store/anchor");
  const code = await codeOf(FlatKv.open("/store", options(vfs)));
  if (code !== "HF_CORRUPTION") throw new Error(`a store without its books was opened with ${code}`);
  return 1;
};

/** Imports that are interrupted everywhere, and begun again. */
const importNotes: Story = async () => {
  // The second note of all is one of the second database, when the first one has rows that no earlier note speaks of.
  const large = { rows: 5, valueBytes: 40_000, pieceBytes: 20_000, noteEveryBytes: 100_000 };
  return await interruptImports(new SimVfs({ seed: SEED }), large);
};

const IMPORT = { rows: 4, valueBytes: 40_000, noteEveryBytes: 60_000 } as const;

/** What an import noted outlasts a power cut. */
const importNotesKept: Story = async () => {
  const vfs = new SimVfs({ seed: SEED });
  const pieces = await interruptOneImport(vfs, IMPORT);
  const { resumedRows } = await importFlatKv("/copy", pieces, options(vfs.powerCut(keepNothing)));
  if (resumedRows === 0) throw new Error("an import began anew though it had made notes");
  return 1;
};

/** A note with the hash of other rows than there are, in a database that the next import passes over. */
const importCompares: Story = async () => {
  const vfs = new SimVfs({ seed: SEED });
  const pieces = await interruptOneImport(vfs, IMPORT);
  await spoilNote(memoryEngine({ vfs }), `/copy/${FIRST}`);
  const code = await codeOf(importFlatKv("/copy", pieces, options(vfs)));
  if (code !== "HF_CORRUPTION") throw new Error(`rows with another hash were imported with ${code}`);
  return 1;
};

/** All of them, by name. */
export const flatStories: readonly (readonly [name: string, story: Story])[] = [
  ["flat parts", parts],
  ["split redo", splitRedo],
  ["failed sync", failedSync],
  ["no hashes", noHashes],
  ["lost books", lostBooks],
  ["import notes", importNotes],
  ["import notes kept", importNotesKept],
  ["import compares", importCompares],
];
