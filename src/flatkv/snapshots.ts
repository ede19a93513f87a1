/**
 * Snapshots: copies of all databases at one version, from which a database can be made anew and to which the store can go back.
 *
 * Crash argument: the copies are made in directories that nobody names, and are durable with their names before the books name them. The same write of
 * the books drops the snapshots that are not kept. Only then is the log pruned, and are directories removed; opening does again what a crash kept
 * from being done.
 */
import type { SnapshotEntry } from "./books.js";
import { structureChannel } from "./channels.js";
import type { Store } from "./store.js";
import { syncDatabases } from "./sync-databases.js";

/** A snapshot, as callers see it. */
export interface SnapshotInfo {
  readonly version: number;
  readonly timeline: number;
}

/** Makes a snapshot of the version where the store stands, if there is none. No commit may be on its way, nor a sync of the databases. */
export async function makeSnapshot(store: Store): Promise<void> {
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
  await store.writeBooks({ snapshots: kept });

  const dropped = all.slice(0, -kept.length);
  store.housekeeping.add(dropped.flatMap(({ directories }) => directories.map((number) => ({ number }))));
  await store.housekeeping.sweep(store.books);
  if (structureChannel.hasSubscribers)
    structureChannel.publish({ directory: directory.path, change: "snapshot", version: state.version });
}
