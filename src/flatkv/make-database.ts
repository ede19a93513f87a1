/**
 * Makes one database anew, at a version, where nobody looks yet: from the newest snapshot that serves, or from nothing where the store began with
 * nothing, and the commits since. What comes out was read row by row and has the hash that the log says.
 */
import { CorruptionError, equalBytes, toHex } from "../base/index.js";
import type { Engine } from "../engine/index.js";
import { LtHash } from "../hash/index.js";
import type { Books, KnownState } from "./books.js";
import type { CommitLog } from "./commit-log.js";
import { Database, type DatabasePlace, putState } from "./database.js";
import { readProbe } from "./probe.js";
import { Redo, redoAll } from "./redo.js";
import { scanRows } from "./scan.js";
import type { StoreDirectory } from "./store-directory.js";

/** What making needs of a store. */
export interface MakingContext {
  readonly directory: StoreDirectory;
  readonly engine: Engine;
  readonly books: Books;
  readonly commits: CommitLog;
  /** Whether copies of snapshots may share files with them. */
  readonly links: boolean;
  /** Read all rows of what was made. Default true; false where the copy is only to be read from, and rows have checksums. */
  readonly scan?: boolean;
  /** How much is handed to the engine at a time. Default `REDO_BYTES_MAX`. */
  readonly redoBytes?: number;
  readonly signal?: AbortSignal | undefined;
}

/** A database that was made. Its files are durable, the name of its directory is not yet. */
export interface MadeDatabase {
  readonly database: Database;
  /** The version of what it was made from. */
  readonly fromVersion: number;
  /** The state of all databases at its version. */
  readonly state: KnownState;
}

/** Something to begin with. */
interface Source {
  readonly known: KnownState;
  /** Number of the copy's directory; `undefined` for an empty database. */
  readonly directory: number | undefined;
}

/** Makes the database at `index` of the books, at version `to`, at `place`. What is there already is removed. */
export async function makeDatabase(
  context: MakingContext,
  index: number,
  to: number,
  place: DatabasePlace,
): Promise<MadeDatabase> {
  const causes: unknown[] = [];
  for (const source of sourcesFor(context, index, to)) {
    try {
      return await makeFrom(context, index, source, to, place);
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error;
      causes.push(error);
    }
  }
  const { directory, books, commits } = context;
  throw new CorruptionError(
    {
      path: directory.path,
      expected: `a snapshot and a log from which database ${books.names[index]!} can be made at version ${to}`,
      found:
        causes.length === 0
          ? `no snapshot that the log, from LSN ${commits.firstLsn}, goes on from`
          : `${causes.length} that can't be used; the cause says why`,
      advice: "Import an export of it, or declare the rows as they are to be right with `rebuildHashes`.",
    },
    new AggregateError(causes),
  );
}

/** What may be begun with, newest first. */
function sourcesFor({ books, commits }: MakingContext, index: number, to: number): Source[] {
  const sources = books.snapshots.map((known): Source => ({ known, directory: known.directories[index]! })).reverse();
  if (equalBytes(books.base.checksums[index]!, new LtHash().checksum()))
    sources.push({ known: books.base, directory: undefined });
  return sources.filter(({ known }) => known.version <= to && commits.firstLsn <= known.lsn + 1);
}

async function makeFrom(
  context: MakingContext,
  index: number,
  source: Source,
  to: number,
  place: DatabasePlace,
): Promise<MadeDatabase> {
  const { engine, commits, signal, redoBytes, scan = true } = context;
  await engine.remove(place.path);
  const database = await openCopy(context, index, source, place);
  try {
    const redo = new Redo(database, source.known.version, [], redoBytes);
    const state = await redoAll(commits, [{ index, redo }], source.known, to, signal);
    if (state.version !== to)
      throw damaged(place.path, `the commits up to version ${to}`, `a log that ends at ${state.version}`);
    await database.engine.sync();
    if (scan) await checkRows(database, state.checksums[index]!, signal);
    return { database, fromVersion: source.known.version, state };
  } catch (error) {
    await database.engine.close();
    throw error;
  }
}

/** A database of its own with what the source holds. */
async function openCopy(
  context: MakingContext,
  index: number,
  source: Source,
  place: DatabasePlace,
): Promise<Database> {
  const { directory, engine, books, links } = context;
  const owner = { storeId: books.storeId, name: books.names[index]! };
  const { version, checksums } = source.known;
  if (source.directory === undefined) {
    const created = await createDatabase(engine, owner, place, { timeline: books.timeline, version });
    return created;
  }
  const from = directory.database(source.directory);
  if (!(await engine.copy(from, place.path, { links }))) throw damaged(from, "a snapshot", "no database");
  const opened = await engine.open(place.path);
  if (opened === undefined) throw damaged(from, "a snapshot", "no database");
  try {
    const { metadata } = await readProbe(opened);
    if (metadata?.kind !== "sound")
      throw damaged(from, "metadata", metadata === undefined ? "none" : "what can't be read");
    const found = metadata.metadata;
    if (!equalBytes(found.storeId, owner.storeId) || found.database !== owner.name || found.version !== version)
      throw damaged(
        from,
        `database ${owner.name} at version ${version}`,
        `database ${found.database} at version ${found.version}`,
      );
    if (!equalBytes(found.hash.checksum(), checksums[index]!)) throw damaged(from, "the hash in the books", "another");
    return new Database(owner, place, opened, found);
  } catch (error) {
    await opened.close();
    throw error;
  }
}

/** Makes an empty database that says so of itself, durably. */
export async function createDatabase(
  engine: Engine,
  owner: Database["owner"],
  place: DatabasePlace,
  { timeline, version }: { readonly timeline: number; readonly version: number },
): Promise<Database> {
  const created = await engine.create(place.path);
  try {
    const state = { timeline, version, hash: new LtHash() };
    const batch = created.batch();
    putState(batch, owner, state);
    await batch.write({ sync: true });
    return new Database(owner, place, created, state);
  } catch (error) {
    await created.close();
    throw error;
  }
}

/** Reads all rows: their hash must be the one that the log says. */
async function checkRows(database: Database, checksum: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
  await database.engine.check?.(signal);
  const { hash, damagedRows } = await scanRows(database.engine, { signal });
  if (damagedRows > 0) throw damaged(database.path, "rows with their checksums", `${damagedRows} with another`);
  const found = hash.checksum();
  if (!equalBytes(found, checksum))
    throw damaged(database.path, `rows whose hash has the checksum ${toHex(checksum)}`, toHex(found));
}

function damaged(path: string, expected: string, found: string): CorruptionError {
  return new CorruptionError({ path, expected, found });
}
