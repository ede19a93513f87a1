/** A small commit store on LevelDB for the damage sweep: rows in tables and in logs, two databases and a snapshot of them. */
import { cpSync, readFileSync, readdirSync, statSync } from "node:fs";
import path from "node:path";
import { classicLevel } from "holdfast/engine";
import { type ChangeSet, FlatKv, type FlatKvOptions } from "holdfast/flatkv";

export const DATABASES = ["a", "b"] as const;
/** Of the live databases, and of the snapshot's copies. */
export const LIVE = ["db-0000000000000001", "db-0000000000000002"] as const;
export const COPIES = ["db-0000000000000003", "db-0000000000000004"] as const;
const KEYS = 24;

/** How its process left it. Closed, it has everything in tables; killed, the last commits are in LevelDB's logs only. */
export type Leaving = "closed" | "killed";

/** What it answers: the value of every key that it ever had, by database; `null` for one that is gone. */
export type Answers = Readonly<Record<string, Readonly<Record<string, string | null>>>>;

export function storeOptions(links: boolean): FlatKvOptions {
  return {
    engine: classicLevel({ writeBufferBytes: 65_536, cacheBytes: 65_536 }),
    databases: DATABASES,
    log: { segmentBytes: 65_536, blockBytes: 512 },
    snapshots: { everyCommits: 0, links },
  };
}

/** The changes of a version: some keys put, some put anew, some deleted. */
function changesOf(version: number): ChangeSet[] {
  return DATABASES.map((database, at) => ({
    database,
    changes: Array.from({ length: 8 }, (_, index) => {
      const key = (version * 5 + index * (at + 2)) % KEYS;
      const isDelete = (version + index) % 4 === 3;
      return {
        key: Buffer.from(`key ${String(key).padStart(2, "0")}`),
        value: isDelete ? undefined : Buffer.from(`${database}, version ${version}, `.repeat(1 + (index % 3))),
      };
    }),
  }));
}

/** Makes the store at `directory`, which is left as the process would leave it; resolves to what it answers. */
export async function makeLevelStore(directory: string, leaving: Leaving, links: boolean): Promise<Answers> {
  const answers: Record<string, Record<string, string | null>> = {};
  const live = `${directory}-live`;
  const commit = async (store: FlatKv): Promise<void> => {
    const sets = changesOf(store.version + 1);
    for (const { database, changes } of sets)
      for (const { key, value } of changes)
        (answers[database ?? ""] ??= {})[Buffer.from(key).toString()] =
          value === undefined ? null : Buffer.from(value).toString();
    await store.applyChangeSets(sets);
    await store.commit();
  };
  // The snapshot shares a table with the live database, which then gets another one of its own.
  let store = await FlatKv.open(live, storeOptions(links));
  await commit(store);
  await store.snapshot();
  await commit(store);
  await store.close();
  store = await FlatKv.open(live, storeOptions(links));
  await commit(store);
  if (leaving === "closed") await store.close();
  // What a killed process leaves is what the files hold while it lives.
  cpSync(live, directory, { recursive: true });
  if (leaving === "killed") await store.close();
  return answers;
}

/** A file of the store, by its path in it, and its bytes. */
export type StoreFiles = ReadonlyMap<string, Uint8Array>;

export function readStoreFiles(directory: string): StoreFiles {
  const files = new Map<string, Uint8Array>();
  for (const name of readdirSync(directory, { recursive: true }).map(String).sort()) {
    const file = path.join(directory, name);
    if (statSync(file).isFile()) files.set(name, readFileSync(file));
  }
  return files;
}
