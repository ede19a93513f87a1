/**
 * Makes a store.
 *
 * Crash argument: the anchor is written last. Until then the directory holds nothing that counts, and the next opening makes everything again. What the
 * anchor names is durable with its names before.
 */
import { Anchor } from "../anchor/index.js";
import { ConflictError, type Held } from "../base/index.js";
import { LtHash } from "../hash/index.js";
import type { VfsLock } from "../vfs/index.js";
import { type Books, FLAT_KV_ANCHOR_KIND, type KnownState, encodeBooks } from "./books.js";
import { CommitLog } from "./commit-log.js";
import type { Database } from "./database.js";
import { removeDirectories } from "./housekeeping.js";
import { refuseLiveDatabases, booksMissing } from "./lost-books.js";
import { openJournal } from "./journal.js";
import { createDatabase } from "./make-database.js";
import type { OpenedStore } from "./opened-store.js";
import { type FlatKvSettings, namesOfNew } from "./options.js";
import { STORE_ID_BYTES } from "./row-format.js";
import type { StoreDirectory } from "./store-directory.js";
import { Store } from "./store.js";

/** Makes it, empty, at version 0. */
export async function createStore(
  directory: StoreDirectory,
  settings: FlatKvSettings,
  lock: VfsLock,
  held: Held,
): Promise<OpenedStore> {
  const { vfs, engine } = settings;
  const { journal, ownLog } = await openJournal(directory, settings, true, held);
  if (journal.lastLsn >= journal.firstLsn)
    throw new ConflictError(
      "HF_EXISTS",
      `The journal of the new store ${directory.path} holds records already. Pass an empty one.`,
      { path: directory.path, firstLsn: journal.firstLsn, lastLsn: journal.lastLsn },
    );
  const { databases: leftovers } = await directory.list();
  if (ownLog !== undefined && ownLog.lastLsn > 0) throw booksMissing(directory.path, "a log that has had records");
  await refuseLiveDatabases(directory, engine, leftovers);
  const kept = await removeDirectories({ directory, engine }, leftovers);
  const firstDirectory = 1 + Math.max(0, ...kept);

  const names = namesOfNew(settings);
  const storeId = vfs.randomBytes(STORE_ID_BYTES);
  const databases: Database[] = [];
  for (const [at, name] of names.entries()) {
    const place = directory.place(firstDirectory + at);
    const database = await createDatabase(engine, { storeId, name }, place, { timeline: 1, version: 0 });
    held.add(() => database.engine.close());
    databases.push(database);
  }
  await vfs.syncDirectory(directory.path);
  // Even where the directory was there already: an earlier opening may have been killed between making it and making its name durable.
  await vfs.syncDirectory(vfs.parent(directory.path));

  const lsn = journal.lastLsn;
  const nothing = new LtHash().checksum();
  const state: KnownState = { version: 0, lsn, checksums: names.map(() => nothing) };
  const books: Books = {
    storeId,
    engine: engine.name,
    names,
    directories: databases.map(({ number }) => number),
    nextDirectory: firstDirectory + names.length,
    timeline: 1,
    timelineLsn: lsn,
    base: state,
    synced: { version: 0, lsn },
    snapshots: [],
  };
  const anchor = await Anchor.create(directory.anchor, encodeBooks(books), { vfs, kind: FLAT_KV_ANCHOR_KIND });
  held.add(() => anchor.close());
  const commits = new CommitLog(journal, books, `the journal of ${directory.path}`);
  return {
    store: new Store({ directory, settings, lock, anchor, journal, ownLog, commits, books, databases, state }),
    recovery: {
      version: 0,
      redone: {},
      rebuilt: [],
      abandonedRecords: 0,
      removedDirectories: leftovers.length - kept.length,
      keptDirectories: kept.map((number) => directory.database(number)),
    },
  };
}
