/** The options of a page store: what each means, its unit, its default, and what it costs. */
import { checkBoolean, checkInteger, checkOneOf, checkOptions, invalid } from "../base/index.js";
import type { Journal, LogOptions } from "../log/index.js";
import { type Vfs, nodeVfs } from "../vfs/index.js";
import { CAPACITY_MAX, CAPACITY_MIN } from "./meta-map.js";
import type { PageStoreOwner } from "./owner.js";
import { PAGE_DEPTH_MAX } from "./page-id.js";

/** How much stays in memory. */
export interface PageCacheOptions {
  /** For all pages and their companions together. Dirty and pinned pages stay even past it. Default 256 MiB. */
  readonly bytes?: number;
  /** Pages of a depth below this stay in memory once they are there: 0 to 4, default 2 (the root page and its 64 children). */
  readonly pinnedDepth?: number;
}

/** When checkpoints are made beside the commits. */
export interface LazyCheckpoint {
  /** Once so many pages are dirty. Commits wait at twice as many. Default 16,384, which is 64 MiB. */
  readonly dirtyPagesMax?: number;
  /** Once the commits since the last one take so many bytes, which is what opening has to redo. Commits wait at twice as many. Default 64 MiB. */
  readonly logBytesMax?: number;
}

/** Options of `PageStore.open`. */
export interface PageStoreOptions {
  /** Default: the file system of this machine. */
  readonly vfs?: Vfs;
  /** Make the store where there is none. Default true; false makes a missing store an error. */
  readonly createIfMissing?: boolean;
  /** Where commits are made durable. Opened and closed by you, and used by nothing else. Default: a log in the store's directory. */
  readonly journal?: Journal;
  /** Options of the store's own log. Not with `journal`. */
  readonly log?: Omit<LogOptions, "vfs" | "createIfMissing">;
  /** Buckets of the first table: a power of two from 8 to 2^30. A bucket takes 4 KiB once it has held a page. The table grows by itself. Default 16,384. */
  readonly capacity?: number;
  /** The table grows once this share of its buckets is not empty: 0.25 to 0.9, default 0.85. */
  readonly loadMax?: number;
  readonly cache?: PageCacheOptions;
  /**
   * When pages go from memory to their buckets. `"every-commit"`: before the commit resolves. Otherwise in checkpoints beside the commits, which makes
   * commits several times as fast: the journal holds them already. Default: lazily.
   */
  readonly checkpoint?: "every-commit" | LazyCheckpoint;
  /**
   * What keeps a page from being torn when the power goes while it is written. `"double-write"` (default): an image of it is durable elsewhere first.
   * `"trust"`: the device writes 4,096 aligned bytes wholly or not at all.
   */
  readonly torn?: "double-write" | "trust";
  /** Pages whose images are made durable together: 1 to 65,536, default 512. */
  readonly writeBackPages?: number;
  /** Whoever has records of its own in the commits. */
  readonly owner?: PageStoreOwner;
}

/** Checked options, complete. */
export interface PagesSettings {
  readonly vfs: Vfs;
  readonly createIfMissing: boolean;
  readonly journal: Journal | undefined;
  readonly log: Omit<LogOptions, "vfs" | "createIfMissing"> | undefined;
  readonly capacity: number;
  readonly loadMax: number;
  readonly cache: { readonly bytes: number; readonly pinnedDepth: number };
  readonly everyCommit: boolean;
  readonly dirtyPagesMax: number;
  readonly logBytesMax: number;
  readonly torn: "double-write" | "trust";
  readonly writeBackPages: number;
  readonly owner: PageStoreOwner | undefined;
}

const MIB = 1 << 20;

/** Checks `options` and fills in defaults. `where` names the call. */
export function resolvePagesOptions(where: string, options: PageStoreOptions | undefined): PagesSettings {
  const given = checkOptions(where, options, [
    "vfs",
    "createIfMissing",
    "journal",
    "log",
    "capacity",
    "loadMax",
    "cache",
    "checkpoint",
    "torn",
    "writeBackPages",
    "owner",
  ]);
  if (given.journal !== undefined && given.log !== undefined)
    throw invalid(where, "log", "given", "absent where a journal is given");
  const loadMax = given.loadMax ?? 0.85;
  if (typeof loadMax !== "number" || !(loadMax >= 0.25 && loadMax <= 0.9))
    throw invalid(where, "loadMax", given.loadMax, "a number from 0.25 to 0.9");
  const cache = checkOptions(where, given.cache, ["bytes", "pinnedDepth"]);
  const everyCommit = given.checkpoint === "every-commit";
  const lazy = checkOptions(where, everyCommit ? undefined : lazyOf(where, given.checkpoint), [
    "dirtyPagesMax",
    "logBytesMax",
  ]);
  const capacityRange = { min: CAPACITY_MIN, max: CAPACITY_MAX, powerOfTwo: true };
  return {
    vfs: given.vfs ?? nodeVfs,
    createIfMissing: checkBoolean(where, "createIfMissing", given.createIfMissing, true),
    journal: given.journal,
    log: given.log,
    capacity: checkInteger(where, "capacity", given.capacity, capacityRange, 16_384),
    loadMax,
    cache: {
      bytes: checkInteger(where, "cache.bytes", cache.bytes, { min: 0 }, 256 * MIB),
      pinnedDepth: checkInteger(where, "cache.pinnedDepth", cache.pinnedDepth, { min: 0, max: 4 }, 2),
    },
    everyCommit,
    dirtyPagesMax: checkInteger(where, "checkpoint.dirtyPagesMax", lazy.dirtyPagesMax, { min: 1 }, 16_384),
    logBytesMax: checkInteger(where, "checkpoint.logBytesMax", lazy.logBytesMax, { min: 1 }, 64 * MIB),
    torn: checkOneOf(where, "torn", given.torn, ["double-write", "trust"], "double-write"),
    writeBackPages: checkInteger(where, "writeBackPages", given.writeBackPages, { min: 1, max: 65_536 }, 512),
    owner: given.owner,
  };
}

function lazyOf(where: string, given: unknown): LazyCheckpoint | undefined {
  if (typeof given === "string") throw invalid(where, "checkpoint", given, `"every-commit", or an object`);
  return given as LazyCheckpoint | undefined;
}

/** An id is a string of at most 42 units from 0 to 63. */
export function isPageId(id: unknown): id is string {
  if (typeof id !== "string" || id.length > PAGE_DEPTH_MAX) return false;
  for (let at = 0; at < id.length; at++) if (id.charCodeAt(at) > 63) return false;
  return true;
}
