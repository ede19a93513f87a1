/** What a store looks like from outside: its books and the bounds of its log, without opening a database, and without changing a byte. */
import {
  CorruptionError,
  FormatError,
  HoldfastError,
  StateError,
  checkOptions,
  equalBytes,
  invalid,
  toHex,
} from "../base/index.js";
import { LogReader } from "../log/index.js";
import { type Vfs, nodeVfs } from "../vfs/index.js";
import { peekBooks } from "./books-file.js";
import { type Books, type KnownState, encodeBooks } from "./books.js";
import { CommitLog } from "./commit-log.js";
import { stateSeen } from "./state-at.js";
import { StoreDirectory } from "./store-directory.js";

/** Options of `inspectFlatKv`. */
export interface InspectFlatKvOptions {
  /** The file system. Default: the real one. */
  readonly vfs?: Vfs;
}

/** One database, as the books and the newest commit tell of it. */
export interface InspectedDatabase {
  readonly name: string;
  /** Name of its directory in the store's. */
  readonly directory: string;
  /** BLAKE3 of its hash at `FlatKvInspection.version`, in hexadecimal. */
  readonly checksum: string;
}

/** One snapshot, as the books tell of it. */
export interface InspectedSnapshot {
  readonly version: number;
  readonly timeline: number;
  /** LSN of the last record of its commit. */
  readonly lsn: number;
  /** Names of the directories that hold it, in the order of the databases. */
  readonly directories: readonly string[];
}

/** See `inspectFlatKv`. */
export interface FlatKvInspection {
  readonly directory: string;
  /** In hexadecimal. */
  readonly storeId: string;
  readonly engine: string;
  readonly timeline: number;
  /** The newest version that the log shows as acknowledged; without a readable log of its own: the newest that the books know. */
  readonly version: number;
  /** Everything up to here is durable in the databases. */
  readonly syncedVersion: number;
  /** Where the store begins: 0, or what was imported or rebuilt. */
  readonly baseVersion: number;
  readonly databases: readonly InspectedDatabase[];
  /** Oldest first. */
  readonly snapshots: readonly InspectedSnapshot[];
  /** Bounds of the log in the store's directory; `undefined` where there is none (the commits are in a journal elsewhere), or where it can't be read. */
  readonly log: { readonly firstLsn: number; readonly lastLsn: number } | undefined;
  /** Directories of databases that the books do not name: of an import on its way, or left by a crash. The next opening removes them. */
  readonly unnamed: readonly string[];
  /** Names that are none of the store's. */
  readonly foreign: readonly string[];
  /** What is wrong with the log, for people. */
  readonly problems: readonly string[];
}

const WHERE = "inspectFlatKv";
/** So often a look is repeated when the writer changed the books meanwhile. */
const LOOKS_MAX = 8;

/**
 * Reads the books of the store in `directory` and the bounds of its log; `undefined` where there is no such store. Works beside a writer, changes nothing,
 * takes no lock, and opens no database, so it tells nothing of rows: `FlatKv.verify` does.
 *
 * Errors: `InvalidArgumentError`; `CorruptionError` where the books can't be read; `FormatError`; `IoError`; `StateError` `HF_BUSY` where the writer
 * changed its books faster than they could be followed.
 */
export async function inspectFlatKv(
  directory: string,
  options?: InspectFlatKvOptions,
): Promise<FlatKvInspection | undefined> {
  if (typeof directory !== "string" || directory === "") throw invalid(WHERE, "directory", directory, "a path");
  const { vfs = nodeVfs } = checkOptions(WHERE, options, ["vfs"]);
  const files = new StoreDirectory(vfs, directory);
  let books = await findBooks(files);
  if (books === undefined) return undefined;
  for (let looks = 0; looks < LOOKS_MAX; looks++) {
    const found = await lookAt(files, books);
    const after = await peekBooks(files);
    if (equalBytes(encodeBooks(after), encodeBooks(books))) return found;
    books = after;
  }
  throw new StateError(
    "HF_BUSY",
    `The writer of ${directory} changed its books ${LOOKS_MAX} times while they were read. Try again.`,
    { path: directory, looks: LOOKS_MAX },
  );
}

/** The books; `undefined` where the directory is something else. */
async function findBooks(files: StoreDirectory): Promise<Books | undefined> {
  if ((await files.vfs.stat(files.anchor))?.kind !== "file") return undefined;
  try {
    return await peekBooks(files);
  } catch (error) {
    if (!(error instanceof CorruptionError || error instanceof FormatError)) throw error;
    // An anchor that can't be read does not say whose it is; directories of databases do.
    if (error.code === "HF_FORMAT_FOREIGN" || (await files.list()).databases.length === 0) return undefined;
    throw error;
  }
}

async function lookAt(files: StoreDirectory, books: Books): Promise<FlatKvInspection> {
  const { databases, foreign } = await files.list();
  const named = new Set([...books.directories, ...books.snapshots.flatMap(({ directories }) => directories)]);
  const { state, log, problems } = await lookAtLog(files, books);
  return {
    directory: files.path,
    storeId: toHex(books.storeId),
    engine: books.engine,
    timeline: books.timeline,
    version: state.version,
    syncedVersion: books.synced.version,
    baseVersion: books.base.version,
    databases: books.names.map((name, at) => ({
      name,
      directory: files.databaseName(books.directories[at]!),
      checksum: toHex(state.checksums[at]!),
    })),
    snapshots: books.snapshots.map(({ version, timeline, lsn, directories }) => ({
      version,
      timeline,
      lsn,
      directories: directories.map((number) => files.databaseName(number)),
    })),
    log,
    unnamed: databases.filter((number) => !named.has(number)).map((number) => files.databaseName(number)),
    foreign,
    problems,
  };
}

interface LogLook extends Pick<FlatKvInspection, "log" | "problems"> {
  readonly state: KnownState;
}

async function lookAtLog({ vfs, log: path }: StoreDirectory, books: Books): Promise<LogLook> {
  const known = books.snapshots.at(-1) ?? books.base;
  if ((await vfs.stat(path)) === undefined) return { state: known, log: undefined, problems: [] };
  try {
    const reader = await LogReader.open(path, { vfs });
    try {
      const { firstLsn, lastLsn } = reader;
      const state = await stateSeen(new CommitLog(reader, books, path), books);
      return { state, log: { firstLsn, lastLsn }, problems: [] };
    } finally {
      await reader.close();
    }
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    return { state: known, log: undefined, problems: [error.message] };
  }
}
