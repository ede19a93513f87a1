/**
 * Makes the databases durable, and notes how far, so that opening need not look at what is older.
 *
 * Crash argument: the books move after every database is synced. A crash before leaves the older note, from which more is checked and redone.
 */
import { structureChannel } from "./channels.js";
import { MARKER_SLOTS } from "./row-format.js";
import type { Store } from "./store.js";

/** A slot of a marker must not be used again before the databases are synced up to the version that has it. */
const UNSYNCED_VERSIONS_MAX: number = MARKER_SLOTS - 16;

/** Syncs all databases at the version where the store stands, and notes it in the books. No commit may be half applied at the call. */
export async function syncDatabases(store: Store): Promise<void> {
  const { version, lsn } = store.state;
  store.unsyncedBytes = 0;
  if (version <= store.books.synced.version) return;
  // One after the other: a sync may hold a thread of the pool for long, and reads and the journal need some.
  for (const { engine } of store.databases) await engine.sync();
  await store.writeBooks({ synced: { version, lsn } });
  if (structureChannel.hasSubscribers)
    structureChannel.publish({ directory: store.directory.path, change: "sync", version });
}

/** Starts a sync beside the commits where one is due. Waits only where too much would be unsynced. */
export async function syncWhenDue(store: Store): Promise<void> {
  const { syncEveryCommits, syncEveryBytes } = store.settings;
  const unsynced = store.state.version - store.books.synced.version;
  const isDue = unsynced > 0 && (unsynced >= syncEveryCommits || store.unsyncedBytes >= syncEveryBytes);
  if (store.syncing === undefined && isDue) {
    store.syncing = syncDatabases(store)
      .catch((error: unknown) => void store.poison(error))
      .finally(() => {
        store.syncing = undefined;
      });
  }
  if (unsynced >= UNSYNCED_VERSIONS_MAX) await store.settleSync();
}
