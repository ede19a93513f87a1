/**
 * Makes databases of a store anew, at its version, and puts them in the place of the old ones.
 *
 * Crash argument: they are made in directories that nobody names, and are durable with their names before one write of the books names them, all at
 * once. A crash before leaves the old ones named, and opening finds what is wrong with them again. Only after it are the old ones removed.
 */
import type { EngineDatabase } from "../engine/index.js";
import type { Database } from "./database.js";
import { makeDatabase } from "./make-database.js";
import type { RebuildReason } from "./recovery.js";
import type { RebuiltDatabase } from "./recovery-report.js";
import { removeDirectories } from "./snapshots.js";
import type { Store } from "./store.js";

/** A database to be made anew. */
export interface RebuildRequest {
  /** In the books. */
  readonly index: number;
  readonly reason: RebuildReason;
  readonly cause?: unknown;
  /** The old one, where it is open. */
  readonly engine: EngineDatabase | undefined;
}

/** What became of a request. */
export interface Rebuilt {
  readonly index: number;
  readonly database: Database;
  readonly told: RebuiltDatabase;
}

/** Makes them, and resolves when the books name them. The caller takes them over; a failure leaves the old ones named, and open. */
export async function rebuildDatabases(
  store: Store,
  requests: readonly RebuildRequest[],
  signal?: AbortSignal,
): Promise<Rebuilt[]> {
  const { directory, settings, commits, state, books } = store;
  const context = {
    directory,
    engine: settings.engine,
    books,
    commits,
    links: settings.snapshots.links,
    redoBytes: settings.redoBytes,
    signal,
  };
  const rebuilt: Rebuilt[] = [];
  const directories = [...books.directories];
  try {
    for (const { index, reason, cause } of requests) {
      const [number] = store.reserveDirectories(1);
      const { database, fromVersion } = await makeDatabase(context, index, state.version, directory.place(number!));
      const told = { database: books.names[index]!, reason, fromVersion, ...(cause === undefined ? {} : { cause }) };
      rebuilt.push({ index, database, told });
      directories[index] = number!;
    }
    if (rebuilt.length === 0) return rebuilt;
    await directory.vfs.syncDirectory(directory.path);
    await store.writeBooks({ ...store.books, directories });
  } catch (error) {
    for (const { database } of rebuilt) await database.engine.close();
    throw error;
  }
  for (const { engine } of requests) await engine?.close();
  await removeDirectories(
    store,
    requests.map(({ index }) => books.directories[index]!),
  );
  return rebuilt;
}
