/** Checks a store against itself: every row of every database against its hash, the commits in the journal, and the snapshots where asked. */
import { CorruptionError, checkBoolean, checkOptions, checkSignal, equalBytes, invalid, toHex } from "../base/index.js";
import type { EngineDatabase, EngineReads } from "../engine/index.js";
import type { Books, KnownState } from "./books.js";
import { META_KEY, parseMetadata } from "./row-format.js";
import { type ScanResult, scanRows } from "./scan.js";
import type { Store } from "./store.js";

/** How far a check has come. */
export interface VerifyFlatKvProgress {
  /** What is being read: a database, `journal`, or a database `of snapshot <version>`. */
  readonly what: string;
  /** Rows, or commits of the journal, so far. */
  readonly count: number;
}

/** Options of `FlatKv.verify`. */
export interface VerifyFlatKvOptions {
  /** Check the snapshots too. Default false. */
  readonly snapshots?: boolean;
  /** Read all commits in the journal. Default true. */
  readonly journal?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: VerifyFlatKvProgress) => void;
}

/** Something that is not as it should be. */
export interface FlatKvProblem {
  readonly code: "row-damaged" | "hash-differs" | "metadata" | "unreadable" | "foreign-entries" | "journal";
  /** The database; absent for the journal. */
  readonly database?: string;
  /** The snapshot's version, where it is one of those. */
  readonly snapshot?: number;
  /** For people: what was found. */
  readonly message: string;
}

/** What reading one database came to. */
export interface VerifiedDatabase {
  readonly name: string;
  readonly rows: number;
  /** Of keys and values. */
  readonly bytes: number;
  readonly sound: boolean;
}

/** What a check found. */
export interface VerifyFlatKvReport {
  readonly version: number;
  readonly sound: boolean;
  readonly databases: readonly VerifiedDatabase[];
  /** Commits that were read from the journal. */
  readonly commits: number;
  readonly problems: readonly FlatKvProblem[];
}

/** Checked {@link VerifyFlatKvOptions}. */
export interface VerifySettings {
  readonly snapshots: boolean;
  readonly journal: boolean;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((progress: VerifyFlatKvProgress) => void) | undefined;
}

export function checkVerifyOptions(where: string, options: VerifyFlatKvOptions | undefined): VerifySettings {
  const given = checkOptions(where, options, ["snapshots", "journal", "signal", "onProgress"]);
  if (given.onProgress !== undefined && typeof given.onProgress !== "function")
    throw invalid(where, "onProgress", given.onProgress, "a function");
  return {
    snapshots: checkBoolean(where, "snapshots", given.snapshots, false),
    journal: checkBoolean(where, "journal", given.journal, true),
    signal: checkSignal(where, given.signal),
    onProgress: given.onProgress,
  };
}

/** The databases of a store as they are at one version. */
export interface StoreView {
  readonly books: Books;
  readonly state: KnownState;
  /** In the order of the books. */
  readonly reads: readonly EngineReads[];
  /** Whose reads they are. */
  readonly engines: readonly EngineDatabase[];
}

/** Reads all of it, and collects what is wrong. A failed read that says nothing about the bytes is an error. */
export async function verifyStore(
  store: Store,
  view: StoreView,
  settings: VerifySettings,
): Promise<VerifyFlatKvReport> {
  const { books } = view;
  const problems: FlatKvProblem[] = [];
  const databases: VerifiedDatabase[] = [];
  for (const [index, name] of books.names.entries()) {
    const about = { database: name };
    const { rows, bytes, found } = await checkDatabase(
      view.engines[index]!,
      view.reads[index]!,
      view.state,
      index,
      name,
      settings,
    );
    databases.push({ name, rows, bytes, sound: found.length === 0 });
    problems.push(...found.map((problem) => ({ ...problem, ...about })));
  }
  const commits = settings.journal ? await checkJournal(store, view, problems, settings) : 0;
  if (settings.snapshots) problems.push(...(await checkSnapshots(store, books, settings)));
  return { version: view.state.version, sound: problems.length === 0, databases, commits, problems };
}

/** A problem, without saying where. */
type Finding = Pick<FlatKvProblem, "code" | "message">;

async function checkDatabase(
  engine: EngineDatabase,
  reads: EngineReads,
  state: KnownState,
  index: number,
  what: string,
  { signal, onProgress }: VerifySettings,
): Promise<{ readonly rows: number; readonly bytes: number; readonly found: readonly Finding[] }> {
  try {
    // Before the rows: where an index or a filter is damaged, a scan may find every row, and a get does not.
    await engine.check?.(signal);
    const metadata = checkMetadata(await reads.get(META_KEY), state, index);
    const scanned = await scanRows(reads, {
      signal,
      ...(onProgress === undefined ? {} : { onRows: (count: number) => onProgress({ what, count }) }),
    });
    return {
      rows: scanned.rows,
      bytes: scanned.bytes,
      found: [...metadata, ...judge(scanned, state.checksums[index]!)],
    };
  } catch (error) {
    if (!(error instanceof CorruptionError)) throw error;
    return { rows: 0, bytes: 0, found: [{ code: "unreadable", message: error.message }] };
  }
}

function checkMetadata(stored: Uint8Array | undefined, state: KnownState, index: number): Finding[] {
  const parse = stored === undefined ? undefined : parseMetadata(stored);
  if (parse?.kind !== "sound")
    return [{ code: "metadata", message: parse === undefined ? "there is no metadata" : "the metadata can't be read" }];
  const { version, hash } = parse.metadata;
  if (version !== state.version)
    return [{ code: "metadata", message: `the metadata says version ${version}, not ${state.version}` }];
  return equalBytes(hash.checksum(), state.checksums[index]!)
    ? []
    : [{ code: "metadata", message: "the metadata has another hash than the newest commit" }];
}

function judge({ hash, damagedRows, firstDamaged, foreignEntries }: ScanResult, checksum: Uint8Array): Finding[] {
  const found: Finding[] = [];
  if (damagedRows > 0)
    found.push({
      code: "row-damaged",
      message: `${damagedRows} rows have a wrong checksum, the first at key ${toHex(firstDamaged!)}`,
    });
  else if (!equalBytes(hash.checksum(), checksum))
    found.push({
      code: "hash-differs",
      message: `the rows have a hash with the checksum ${toHex(hash.checksum())}, not ${toHex(checksum)}`,
    });
  if (foreignEntries > 0)
    found.push({ code: "foreign-entries", message: `${foreignEntries} entries are no rows of the store` });
  return found;
}

async function checkJournal(
  store: Store,
  { books, state }: StoreView,
  problems: FlatKvProblem[],
  { signal, onProgress }: VerifySettings,
): Promise<number> {
  const start = books.snapshots[0] ?? books.base;
  let count = 0;
  try {
    for await (const { commit } of store.commits.read(start, state.version, signal)) {
      count += 1;
      if (count % 256 === 0) onProgress?.({ what: "journal", count });
      if (commit.timeline > books.timeline)
        problems.push({
          code: "journal",
          message: `version ${commit.version} is of timeline ${commit.timeline}, which the books do not know`,
        });
    }
  } catch (error) {
    // A rollback meanwhile took away what was being read.
    if (store.books.timeline !== books.timeline) return count;
    if (!(error instanceof CorruptionError)) throw error;
    problems.push({ code: "journal", message: error.message });
  }
  return count;
}

/** Snapshots are read through copies, so that they stay what they are. */
async function checkSnapshots(store: Store, books: Books, settings: VerifySettings): Promise<FlatKvProblem[]> {
  const { directory } = store;
  const { engine, snapshots } = store.settings;
  const problems: FlatKvProblem[] = [];
  for (const snapshot of books.snapshots) {
    for (const [index, name] of books.names.entries()) {
      const where = { database: name, snapshot: snapshot.version };
      const [number] = store.reserveDirectories(1);
      const path = directory.database(number!);
      try {
        const copied = await engine.copy(directory.database(snapshot.directories[index]!), path, {
          links: snapshots.links,
        });
        const opened = copied ? await engine.open(path) : undefined;
        if (opened === undefined) {
          problems.push({ ...where, code: "unreadable", message: "there is no database" });
          continue;
        }
        try {
          const { found } = await checkDatabase(
            opened,
            opened,
            snapshot,
            index,
            `${name} of snapshot ${snapshot.version}`,
            settings,
          );
          problems.push(...found.map((finding) => ({ ...where, ...finding })));
        } finally {
          await opened.close();
        }
      } catch (error) {
        if (!(error instanceof CorruptionError)) throw error;
        problems.push({ ...where, code: "unreadable", message: error.message });
      } finally {
        await engine.remove(path);
      }
    }
  }
  return problems;
}
