/**
 * Going back to an older version.
 *
 * Crash argument: the databases at the older version are made in directories that nobody names, and are durable with their names. Then one write of the
 * books makes it true: it names them, begins a new timeline, says at which LSN, and drops the snapshots of what is abandoned. A crash before it
 * leaves the store as it was. A crash after it leaves the older version: records above that LSN are of an older timeline, and opening drops them
 * before it reads a commit. They can't come back, because whatever is committed later carries the new timeline.
 */
import { InvalidArgumentError } from "../base/index.js";
import { structureChannel } from "./channels.js";
import type { Database } from "./database.js";
import { type MadeDatabase, makeDatabase } from "./make-database.js";
import type { Store } from "./store.js";

/** The oldest version that the store can go back to. */
export function oldestVersion({ books, commits }: Store): number {
  const sources = [books.base, ...books.snapshots].filter(({ lsn }) => commits.firstLsn <= lsn + 1);
  return Math.min(...sources.map(({ version }) => version));
}

/** Refuses a version that the store can't go back to. */
export function checkRollback(store: Store, version: number): void {
  const oldest = oldestVersion(store);
  if (Number.isSafeInteger(version) && version >= oldest && version <= store.state.version) return;
  throw new InvalidArgumentError(
    "HF_VERSION_OUT_OF_RANGE",
    `FlatKv.rollback: version must be from ${oldest}, the oldest that a snapshot and the log reach, to ${store.state.version}, not ${String(version)}.`,
    { version, oldest, newest: store.state.version },
  );
}

/** Goes back. No commit may be on its way, nor a sync of the databases. Resolves when the store stands at `version`, durably. */
export async function rollBack(store: Store, version: number): Promise<void> {
  const made = await store.preparing(() => makeAll(store, version));
  try {
    await store.poisoning(() => switchTo(store, made, version));
  } finally {
    // Where the switch failed, the store keeps the old ones, to be closed, and these are nobody's.
    if (store.failure !== undefined) for (const { database } of made) await database.engine.close();
  }
}

/** Databases at an older version, which nobody names yet. */
async function makeAll(store: Store, version: number): Promise<MadeDatabase[]> {
  const { directory, settings, books, commits } = store;
  const numbers = store.reserveDirectories(store.databases.length);
  const context = {
    directory,
    engine: settings.engine,
    books,
    commits,
    links: settings.snapshots.links,
    redoBytes: settings.redoBytes,
  };
  const made: MadeDatabase[] = [];
  try {
    for (const [index, number] of numbers.entries())
      made.push(await makeDatabase(context, index, version, directory.place(number)));
    await directory.vfs.syncDirectory(directory.path);
    return made;
  } catch (error) {
    for (const { database } of made) await database.engine.close();
    store.housekeeping.add(numbers.map((number) => ({ number })));
    throw error;
  }
}

/** Makes it true. */
async function switchTo(store: Store, made: readonly MadeDatabase[], version: number): Promise<void> {
  const { books, databases: old, directory } = store;
  const { state } = made[0]!;
  const abandoned = books.snapshots.filter((snapshot) => snapshot.version > version);
  await store.writeBooks({
    directories: made.map(({ database }) => database.number),
    timeline: books.timeline + 1,
    timelineLsn: state.lsn,
    synced: { version, lsn: state.lsn },
    snapshots: books.snapshots.filter((snapshot) => snapshot.version <= version),
  });

  await store.journal.truncateAfter(state.lsn);
  store.databases = made.map(({ database }): Database => database);
  store.state = state;
  store.unsyncedBytes = 0;
  store.housekeeping.add(old.map(({ number, engine }) => ({ number, engine })));
  store.housekeeping.add(abandoned.flatMap(({ directories }) => directories.map((number) => ({ number }))));
  await store.housekeeping.sweep(store.books);
  if (structureChannel.hasSubscribers)
    structureChannel.publish({ directory: directory.path, change: "rollback", version });
}
