/** The options of a store: what each means, its unit, its default, and what it costs. */
import { ConflictError, checkBoolean, checkInteger, checkOptions, invalid } from "../base/index.js";
import { type Engine, classicLevel } from "../engine/index.js";
import { type Hasher, blake3 } from "../hash/index.js";
import type { Journal, LogOptions } from "../log/index.js";
import type { PageStoreOptions } from "../pages/index.js";
import { type Vfs, nodeVfs } from "../vfs/index.js";
import type { Books } from "./books.js";

/** Which commits can be undone. */
export interface RollbackOptions {
  /**
   * So many of the newest commits can be undone. Each then also logs what was there before it, and the journal is kept as far back as the oldest of them.
   * 0 to 100,000. May change from one opening to the next; commits made with 0 can't be undone later, nor those before them. Default 0.
   */
  readonly commits?: number;
}

/** Options of `MerkleStore.open`. */
export interface MerkleStoreOptions {
  /** The file system of pages, log and directories. Default: the real one. */
  readonly vfs?: Vfs;
  /** Make the store where there is none. Default true; false makes a missing store an error. */
  readonly createIfMissing?: boolean;
  /** The hash function of nodes and values. Fixed when the store is made. Default `blake3`. */
  readonly hasher?: Hasher;
  /** The database product that values are in. Fixed when the store is made. Default `classicLevel()`. */
  readonly engine?: Engine;
  /** Where commits are made durable. Opened and closed by you, and used by nothing else. Default: a log in the store's directory. */
  readonly journal?: Journal;
  /** Options of the store's own log. Not with `journal`. */
  readonly log?: Omit<LogOptions, "vfs" | "createIfMissing">;
  /** The pages: size of the table, cache, when they are written. See `holdfast/pages`. */
  readonly pages?: Omit<PageStoreOptions, "vfs" | "createIfMissing" | "journal" | "log" | "owner">;
  /** Which commits can be undone. */
  readonly rollback?: RollbackOptions;
}

/** Checked options, complete. */
export interface MerkleSettings {
  readonly vfs: Vfs;
  readonly createIfMissing: boolean;
  /** As given. */
  readonly hasher: Hasher | undefined;
  readonly engine: Engine;
  readonly journal: Journal | undefined;
  readonly log: Omit<LogOptions, "vfs" | "createIfMissing"> | undefined;
  /** The page store checks them. */
  readonly pages: NonNullable<MerkleStoreOptions["pages"]>;
  readonly undoableCommits: number;
}

const KNOWN: readonly (keyof MerkleStoreOptions)[] = [
  "vfs",
  "createIfMissing",
  "hasher",
  "engine",
  "journal",
  "log",
  "pages",
  "rollback",
];

const UNDOABLE_MAX = 100_000;

/** Checks `options` and fills in defaults. */
export function resolveMerkleOptions(options: MerkleStoreOptions | undefined): MerkleSettings {
  const where = "MerkleStore.open";
  const given = checkOptions(where, options, KNOWN);
  if (given.journal !== undefined && given.log !== undefined)
    throw invalid(where, "log", "given", "absent where a journal is given");
  checkOptions(where, given.pages, ["capacity", "loadMax", "cache", "checkpoint", "torn", "writeBackPages"]);
  const { commits } = checkOptions(where, given.rollback, ["commits"]);
  return {
    vfs: given.vfs ?? nodeVfs,
    createIfMissing: checkBoolean(where, "createIfMissing", given.createIfMissing, true),
    hasher: given.hasher,
    engine: given.engine ?? classicLevel(),
    journal: given.journal,
    log: given.log,
    pages: given.pages ?? {},
    undoableCommits: checkInteger(where, "rollback.commits", commits, { min: 0, max: UNDOABLE_MAX }, 0),
  };
}

/** The hash function of a new store. */
export function hasherOfNew({ hasher }: MerkleSettings): Hasher {
  return hasher ?? blake3;
}

/** The hash function of a store that is there; options that contradict it are refused. */
export function checkStoredOptions(directory: string, { hasher, engine }: MerkleSettings, books: Books): Hasher {
  if (engine.name !== books.engine) throw mismatch(directory, "engine", books.engine, engine.name);
  const given = hasher ?? blake3;
  if (given.name !== books.hasher) throw mismatch(directory, "hasher", books.hasher, given.name);
  return given;
}

function mismatch(directory: string, option: string, stored: string, given: string): ConflictError {
  return new ConflictError(
    "HF_OPTION_MISMATCH",
    `${directory} was made with ${option} ${stored}, and is opened with ${given}. Pass what was stored.`,
    { directory, option, stored, given },
  );
}
