/** Where the suites about commit stores keep theirs, how it is opened, and how all of it is read. */
import { toHex } from "../../base/index.js";
import { memoryEngine } from "../../engine/index.js";
import { FlatKv, type FlatKvOptions, type Routing, importFlatKv, rebuildHashes } from "../../flatkv/index.js";
import { LtHash } from "../../hash/index.js";
import type { SimVfs } from "../../vfs/index.js";
import { FlatState, valueText } from "./flatkv-model.js";
import { type JournalPlan, type OpenStore, openOnJournal, withJournal } from "./journal-place.js";

/** The directory of the store. */
export const STORE_PATH = "/data/store";
const STREAM = { stream: "commits", checkpointBytes: 4096 } as const;

/** On which journal, and how large everything is. */
export interface FlatPlan extends JournalPlan {
  /** 1 to 3 databases. */
  readonly databases: number;
  readonly options: Pick<FlatKvOptions, "syncEveryCommits" | "syncEveryBytes"> & {
    readonly snapshots: { readonly everyCommits: number; readonly keep: number };
  };
  /** How often an import is made durable. Default: after each piece. */
  readonly noteEveryBytes?: number;
}

/** A store that is open on its journal. */
export type OpenFlat = OpenStore<FlatKv>;

/** Names of the databases of a plan. */
export function namesOf({ databases }: Pick<FlatPlan, "databases">): readonly string[] {
  return ["a", "b", "c"].slice(0, databases);
}

/** The first byte of a key says which database's it is. */
function routingTo(names: readonly string[]): Routing {
  return {
    databases: names,
    route(key) {
      const database = names.find((name) => name.charCodeAt(0) === key[0]);
      return database === undefined ? undefined : { database, key };
    },
  };
}

function optionsOf(vfs: SimVfs, plan: FlatPlan): FlatKvOptions {
  const names = namesOf(plan);
  return { vfs, engine: memoryEngine({ vfs }), databases: names, route: routingTo(names), ...plan.options };
}

/** Puts what a stream holds in the place of the store, which is closed. */
export async function importFlat(vfs: SimVfs, plan: FlatPlan, source: Iterable<Uint8Array>): Promise<void> {
  await withJournal(vfs, plan, STREAM, async (journal) => {
    const options = { ...optionsOf(vfs, plan), ...journal };
    await importFlatKv(STORE_PATH, source, { ...options, noteEveryBytes: plan.noteEveryBytes ?? 1 });
  });
}

/** Makes the store anew of the rows that it holds, while it is closed. */
export async function rebuildFlat(vfs: SimVfs, plan: FlatPlan): Promise<void> {
  await withJournal(vfs, plan, STREAM, async (journal) => {
    await rebuildHashes(STORE_PATH, { ...optionsOf(vfs, plan), ...journal });
  });
}

/** Makes anew what `verify` finds damaged. Whether there was anything. */
export async function repairFlat(store: FlatKv): Promise<boolean> {
  if ((await store.verify()).problems.length === 0) return false;
  await store.repair();
  const { problems } = await store.verify();
  if (problems.length > 0) throw new Error(`repair left ${JSON.stringify(problems)}`);
  return true;
}

/** Opens it, or makes it. */
export async function openFlat(vfs: SimVfs, plan: FlatPlan): Promise<OpenFlat> {
  const options = optionsOf(vfs, plan);
  return await openOnJournal(vfs, plan, STREAM, (journal) => FlatKv.open(STORE_PATH, { ...options, ...journal }));
}

/** Reads all of an open store, in every way there is, and holds what it says of itself against that. */
export async function readFlat(store: FlatKv): Promise<FlatState> {
  const rows = new Map<string, string>();
  const keys: Uint8Array[] = [];
  for (const database of store.databases) {
    const hash = new LtHash();
    let before = "";
    for await (const { key, value } of store.iterate({ database })) {
      const text = textOf(key);
      if (text <= before) throw new Error(`row ${text} comes after ${before}`);
      before = text;
      rows.set(text, valueText(value));
      keys.push(key);
      hash.add(key, value);
    }
    if (!hash.equals(store.databaseHash(database))) throw new Error(`the hash of ${database} is not that of its rows`);
  }
  const values = await store.getMany(keys);
  for (const [at, value] of values.entries()) {
    const text = textOf(keys[at]!);
    if (value === undefined || valueText(value) !== rows.get(text))
      throw new Error(`getMany and iterate differ at ${text}`);
  }
  const sum = LtHash.sum(store.databases.map((name) => store.databaseHash(name)));
  if (!sum.equals(store.committedHash()) || !sum.equals(store.workingHash()))
    throw new Error("the hash of all is not the sum of the databases'");
  const { version, timeline, snapshots, syncedVersion, oldestVersion } = store.stats();
  if (version !== store.version || syncedVersion > version || oldestVersion > version)
    throw new Error(
      `the store says version ${store.version}, ${version}, synced ${syncedVersion}, oldest ${oldestVersion}`,
    );
  const state = new FlatState();
  state.version = version;
  state.timeline = timeline;
  state.snapshots = store.snapshots().map((snapshot) => snapshot.version);
  if (snapshots !== state.snapshots.length) throw new Error("snapshots are counted and listed otherwise");
  state.rows = rows;
  return state;
}

/** Directories of databases that nobody should need: an open store leaves none. */
export async function checkDirectories(vfs: SimVfs, store: FlatKv): Promise<void> {
  const count = (await databaseDirectories(vfs)).length;
  const wanted = store.databases.length * (1 + store.snapshots().length);
  if (count !== wanted) throw new Error(`there are ${count} directories of databases, not ${wanted}`);
}

/** Names of the directories of databases. */
export async function databaseDirectories(vfs: SimVfs): Promise<readonly string[]> {
  return (await vfs.list(STORE_PATH)).filter((name) => name.startsWith("db-")).sort();
}

function textOf(key: Uint8Array): string {
  return key.every((byte) => byte > 0x20 && byte < 0x7f) ? new TextDecoder().decode(key) : toHex(key);
}
