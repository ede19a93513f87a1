/** The options of reading a directory of tidwall/wal: what each means, its default, and why. */
import { checkInteger, checkOneOf, checkOptions } from "../base/index.js";
import { type Vfs, nodeVfs } from "../vfs/index.js";
import type { TidwallFormat } from "./format.js";

/**
 * What an entry without bytes means in the binary format, where it is one zero byte. A crash that leaves zeros at the end of a file, or a disk that
 * returns zeros, makes entries of them, and the library serves those.
 *
 * - `"refuse"` (default): damage.
 * - `"keep"`: an entry. For logs whose program writes empty entries.
 * - `"cut"`: zeros up to the end of the last segment are a torn tail; any other is damage.
 */
export type EmptyEntries = "refuse" | "keep" | "cut";

/** Options of `TidwallLog.open`. */
export interface TidwallReadOptions {
  /** The file system. Default: the real one. */
  readonly vfs?: Vfs;
  /** Default `"auto"`: found out from the start of each segment, and refused where these contradict each other. */
  readonly format?: TidwallFormat | "auto";
  /** Default `"refuse"`. The JSON format marks an empty entry clearly: there it is always kept. */
  readonly emptyEntries?: EmptyEntries;
  /** The most bytes that one entry may have; memory is bounded by a few times this. 1 to 2^30. Default 64 MiB. */
  readonly entryBytesMax?: number;
}

/** {@link TidwallReadOptions} with every default filled in. */
export interface ResolvedReadOptions {
  readonly vfs: Vfs;
  readonly format: TidwallFormat | "auto";
  readonly emptyEntries: EmptyEntries;
  readonly entryBytesMax: number;
}

/** Checks `options` and fills in defaults. */
export function resolveReadOptions(options: TidwallReadOptions | undefined): ResolvedReadOptions {
  const where = "TidwallLog.open";
  const given = checkOptions(where, options, ["vfs", "format", "emptyEntries", "entryBytesMax"]);
  return {
    vfs: given.vfs ?? nodeVfs,
    format: checkOneOf(where, "format", given.format, ["auto", "binary", "json"], "auto"),
    emptyEntries: checkOneOf(where, "emptyEntries", given.emptyEntries, ["refuse", "keep", "cut"], "refuse"),
    entryBytesMax: checkInteger(where, "entryBytesMax", given.entryBytesMax, { min: 1, max: 1 << 30 }, 64 << 20),
  };
}
