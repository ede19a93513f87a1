/** The options of a store: what each means, its unit, its default, and what it costs. */
import {
  ConflictError,
  type InvalidArgumentError,
  checkBoolean,
  checkInteger,
  checkOptions,
  invalid,
} from "../base/index.js";
import { type Engine, classicLevel } from "../engine/index.js";
import type { Journal, LogOptions } from "../log/index.js";
import { type Vfs, nodeVfs } from "../vfs/index.js";
import { type Books, DATABASES_MAX, SNAPSHOTS_MAX } from "./books.js";
import { MARKER_SLOTS, NAME_BYTES_MAX } from "./row-format.js";
import type { Routing } from "./routing.js";
import { seiRouting } from "./sei-routing.js";

/** When snapshots are made, and how many are kept. */
export interface SnapshotOptions {
  /** A snapshot after every so many commits; 0: only when asked for. Default 10,000. */
  readonly everyCommits?: number;
  /** How many are kept, 1 to 7. The log is kept as far back as the oldest one, and so is `rollback`. Default 2. */
  readonly keep?: number;
  /**
   * Share the files that never change with the live databases, by hard links. Quick, and small. False copies everything, so that damage to a file
   * of a live database is no damage to the snapshot. Default true.
   */
  readonly links?: boolean;
}

/** Options of `FlatKv.open`. */
export interface FlatKvOptions {
  /** The file system of books, log and directories. Default: the real one. */
  readonly vfs?: Vfs;
  /** Make the store where there is none. Default true; false makes a missing store an error. */
  readonly createIfMissing?: boolean;
  /** The database product. Fixed when the store is made. Default `classicLevel()`. */
  readonly engine?: Engine;
  /** Names of the databases, 1 to 8, each 1 to 64 bytes. Fixed when the store is made. Default: those of `route`. */
  readonly databases?: readonly string[];
  /** Where keys go for which no database is named. Default `seiRouting`; with `databases` of your own: none, and each call names a database. */
  readonly route?: Routing;
  /** Where commits are made durable. Opened and closed by you, and used by nothing else. Default: a log in the store's directory. */
  readonly journal?: Journal;
  /** Options of the store's own log. Not with `journal`. */
  readonly log?: Omit<LogOptions, "vfs" | "createIfMissing">;
  /** Sync the databases after so many commits at the latest, 1 to 2,000. What is unsynced at a power cut is redone on opening. Default 1,000. */
  readonly syncEveryCommits?: number;
  /** Sync the databases after so many bytes of commits at the latest, and redo not more at a time. Default 64 MiB. */
  readonly syncEveryBytes?: number;
  readonly snapshots?: SnapshotOptions;
}

/** Checked options, complete. */
export interface FlatKvSettings {
  readonly vfs: Vfs;
  readonly createIfMissing: boolean;
  readonly engine: Engine;
  /** As given. */
  readonly databases: readonly string[] | undefined;
  /** As given. */
  readonly routing: Routing | undefined;
  readonly journal: Journal | undefined;
  readonly log: Omit<LogOptions, "vfs" | "createIfMissing"> | undefined;
  readonly syncEveryCommits: number;
  readonly syncEveryBytes: number;
  /** How much redoing hands to an engine at a time, in bytes. */
  readonly redoBytes: number;
  readonly snapshots: Required<SnapshotOptions>;
}

/** Names of all {@link FlatKvOptions}, for calls that take these and more. */
export const FLAT_KV_OPTIONS: readonly (keyof FlatKvOptions)[] = [
  "vfs",
  "createIfMissing",
  "engine",
  "databases",
  "route",
  "journal",
  "log",
  "syncEveryCommits",
  "syncEveryBytes",
  "snapshots",
];

const MIB = 1 << 20;
/** Redoing hands rows to an engine in batches of about so many bytes at most. */
export const REDO_BYTES_MAX: number = 8 * MIB;
/** Half of the slots, so that commits can go on while a sync is on its way. */
const SYNC_EVERY_COMMITS_MAX: number = MARKER_SLOTS / 2 - 48;

/** Checks `options` and fills in defaults. `where` names the call. */
export function resolveFlatKvOptions(where: string, options: FlatKvOptions | undefined): FlatKvSettings {
  const given = checkOptions(where, options, FLAT_KV_OPTIONS);
  if (given.journal !== undefined && given.log !== undefined)
    throw invalid(where, "log", "given", "absent where a journal is given");
  const routing = given.route;
  const databases = given.databases === undefined ? undefined : checkNames(where, given.databases);
  for (const name of databases === undefined ? [] : (routing?.databases ?? []))
    if (!databases!.includes(name))
      throw invalid(where, "databases", databases!.join(", "), `a list with ${name}, where the routing sends keys`);
  const snapshots = checkOptions(where, given.snapshots, ["everyCommits", "keep", "links"]);
  const syncEveryBytes = checkInteger(where, "syncEveryBytes", given.syncEveryBytes, { min: 1 }, 64 * MIB);
  return {
    vfs: given.vfs ?? nodeVfs,
    createIfMissing: checkBoolean(where, "createIfMissing", given.createIfMissing, true),
    engine: given.engine ?? classicLevel(),
    databases,
    routing,
    journal: given.journal,
    log: given.log,
    syncEveryCommits: checkInteger(
      where,
      "syncEveryCommits",
      given.syncEveryCommits,
      { min: 1, max: SYNC_EVERY_COMMITS_MAX },
      1000,
    ),
    syncEveryBytes,
    redoBytes: Math.min(REDO_BYTES_MAX, syncEveryBytes),
    snapshots: {
      everyCommits: checkInteger(where, "snapshots.everyCommits", snapshots.everyCommits, { min: 0 }, 10_000),
      keep: checkInteger(where, "snapshots.keep", snapshots.keep, { min: 1, max: SNAPSHOTS_MAX }, 2),
      links: checkBoolean(where, "snapshots.links", snapshots.links, true),
    },
  };
}

/** Names of databases: 1 to 8, different, each 1 to 64 bytes of UTF-8. */
export function checkNames(where: string, names: readonly string[]): readonly string[] {
  const allowed = `1 to ${DATABASES_MAX} different names of 1 to ${NAME_BYTES_MAX} bytes`;
  if (!Array.isArray(names) || names.length < 1 || names.length > DATABASES_MAX || new Set(names).size < names.length)
    throw invalid(where, "databases", String(names), allowed);
  for (const name of names) {
    const bytes = typeof name === "string" ? new TextEncoder().encode(name).length : 0;
    if (bytes < 1 || bytes > NAME_BYTES_MAX) throw invalid(where, "databases", name, allowed);
  }
  return [...names];
}

/** Names of the databases that a new store gets. */
export function namesOfNew({ databases, routing }: FlatKvSettings): readonly string[] {
  return databases ?? checkNames("FlatKv.open", (routing ?? seiRouting).databases);
}

/** Where keys go in a store with these databases; `undefined` where each call has to name one. `given`: what the caller asked for. */
export function routingFor(given: Routing | undefined, names: readonly string[]): Routing | undefined {
  if (given !== undefined) return given;
  return seiRouting.databases.every((name) => names.includes(name)) ? seiRouting : undefined;
}

/** Refuses an engine that the store was not made with. */
export function checkEngine(directory: string, { name }: Engine, books: Books): void {
  if (name !== books.engine) throw mismatch(directory, "engine", books.engine, name);
}

/** Refuses options that contradict what the store was made with. */
export function checkStoredOptions(
  directory: string,
  { engine, databases, routing }: FlatKvSettings,
  books: Books,
): void {
  checkEngine(directory, engine, books);
  const wanted = databases ?? books.names;
  if (wanted.length !== books.names.length || !wanted.every((name) => books.names.includes(name)))
    throw mismatch(directory, "databases", books.names.join(", "), wanted.join(", "));
  for (const name of routing?.databases ?? [])
    if (!books.names.includes(name))
      throw mismatch(directory, "databases", books.names.join(", "), `a routing to ${name}`);
}

function mismatch(directory: string, option: string, stored: string, given: string): ConflictError {
  return new ConflictError(
    "HF_OPTION_MISMATCH",
    `${directory} was made with ${option} ${stored}, and is opened with ${given}. Leave the option out, or pass what was stored.`,
    { directory, option, stored, given },
  );
}

/** The error for a database that the store does not have. */
export function unknownDatabase(where: string, name: unknown, names: readonly string[]): InvalidArgumentError {
  return invalid(where, "database", name, `one of ${names.join(", ")}`);
}
