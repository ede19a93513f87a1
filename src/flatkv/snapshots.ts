/**
 * Snapshots: copies of all databases at one version, from which a database can be made anew and to which the store can go back.
 *
 * Crash argument: the copies are made in directories that nobody names, and are durable with their names before the books name them. The same write of
 * the books drops the snapshots that are not kept. Only then is the log pruned, and are directories removed; opening does again what a crash kept
 * from being done.
 */
import type { SnapshotEntry } from "./books.js";
import { firstNeededLsn } from "./books.js";
import { structureChannel } from "./channels.js";
import type { Store } from "./store.js";
import { syncDatabases } from "./sync-databases.js";

/** A snapshot, as callers see it. */
export interface SnapshotInfo {
  readonly version: number;
  readonly timeline: number;
}

/** Makes a snapshot of the version where the store stands. No commit may be on its way. */
export async function makeSnapshot(store: Store): Promise<void> {
  await store.syncing;
  const { settings, directory, state } = store;
  if (store.books.snapshots.at(-1)?.version === state.version) return;
  await syncDatabases(store);
  const numbers = store.reserveDirectories(store.databases.length);
  const { links, keep } = settings.snapshots;
  for (const [at, { engine }] of store.databases.entries())
    await engine.checkpoint(directory.database(numbers[at]!), { links });
  await directory.vfs.syncDirectory(directory.path);

  const entry: SnapshotEntry = { ...state, timeline: store.books.timeline, directories: numbers };
  const all = [...store.books.snapshots, entry];
  const kept = all.slice(-keep);
  await store.writeBooks({ ...store.books, snapshots: kept });

  await pruneJournal(store);
  await removeDirectories(
    store,
    all.slice(0, -kept.length).flatMap(({ directories }) => directories),
  );
  if (structureChannel.hasSubscribers)
    structureChannel.publish({ directory: directory.path, change: "snapshot", version: state.version });
}

/** Drops what the books say is not needed. */
export async function pruneJournal({ journal, books }: Pick<Store, "journal" | "books">): Promise<void> {
  const first = firstNeededLsn(books);
  if (first > journal.firstLsn) await journal.truncateBefore(first);
}

/** Removes directories that the books do not name any more. */
export async function removeDirectories(
  { settings, directory }: Pick<Store, "settings" | "directory">,
  numbers: readonly number[],
): Promise<void> {
  for (const number of numbers) await settings.engine.remove(directory.database(number));
}
