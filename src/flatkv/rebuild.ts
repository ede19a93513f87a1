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

/** A database that was made, and what to tell of it. */
interface Rebuilt {
  readonly database: Database;
  readonly told: RebuiltDatabase;
}

/**
 * Makes them. When it resolves, the books name them, and `store.databases` has them in the place of the old ones. Damage that keeps one from being made
 * rejects before anything has changed; a failed write ends the store.
 */
export async function rebuildDatabases(
  store: Store,
  requests: readonly RebuildRequest[],
  signal?: AbortSignal,
): Promise<RebuiltDatabase[]> {
  if (requests.length === 0) return [];
  const { directory, books } = store;
  const rebuilt: Rebuilt[] = [];
  try {
    await store.preparing(async () => {
      for (const request of requests) rebuilt.push(await makeOne(store, request, signal));
    }, signal);
    await store.poisoning(async () => {
      const directories = [...books.directories];
      for (const [at, { index }] of requests.entries()) directories[index] = rebuilt[at]!.database.number;
      await directory.vfs.syncDirectory(directory.path);
      await store.writeBooks({ directories });
    });
  } catch (error) {
    for (const { database } of rebuilt) await database.engine.close();
    throw error;
  }

  const all = [...rebuilt.map(({ database }) => database), ...store.databases];
  store.databases = books.names.flatMap((name) => all.find((database) => database.name === name) ?? []);
  store.housekeeping.add(requests.map(({ index, engine }) => ({ number: books.directories[index]!, engine })));
  await store.poisoning(() => store.housekeeping.sweep(store.books));
  return rebuilt.map(({ told }) => told);
}

async function makeOne(
  store: Store,
  { index, reason, cause }: RebuildRequest,
  signal: AbortSignal | undefined,
): Promise<Rebuilt> {
  const { directory, settings, commits, state, books } = store;
  const [number] = store.reserveDirectories(1);
  const context = {
    directory,
    engine: settings.engine,
    books,
    commits,
    links: settings.snapshots.links,
    redoBytes: settings.redoBytes,
    signal,
  };
  const { database, fromVersion } = await makeDatabase(context, index, state.version, directory.place(number!));
  const told = { database: books.names[index]!, reason, fromVersion, ...(cause === undefined ? {} : { cause }) };
  return { database, told };
}
