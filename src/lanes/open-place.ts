/** From what a caller names to a place. */
import { invalid } from "../base/index.js";
import { SharedLog } from "../streams/index.js";
import { type Vfs, nodeVfs } from "../vfs/index.js";
import { DirectoryPlace, type LaneLogOptions } from "./directory-place.js";
import type { LanePlace } from "./place.js";
import { SharedPlace } from "./shared-place.js";

/** Options that only one kind of place takes. */
export interface PlaceOptions {
  /** For lanes in a directory: the file system. Default: the real one. */
  readonly vfs?: Vfs;
  /** For lanes in a directory: options of each lane's log. */
  readonly log?: LaneLogOptions;
  /** For lanes in a `SharedLog`: what the names of their streams begin with, before a slash; has none itself. Default `"lanes"`. */
  readonly prefix?: string;
}

/** A place, and whether it is the opener's to close. */
export interface OpenedPlace {
  readonly place: LanePlace;
  readonly isOwned: boolean;
}

const PREFIX_DEFAULT = "lanes";

/** Opens the place. `others` are files in a directory that are no journals, and not foreign either. */
export async function openPlace(
  call: string,
  where: string | SharedLog | LanePlace,
  { vfs, log, prefix }: { readonly [Name in keyof PlaceOptions]?: PlaceOptions[Name] | undefined },
  others: readonly string[] = [],
): Promise<OpenedPlace> {
  const isPath = typeof where === "string";
  const isShared = where instanceof SharedLog;
  for (const [name, value] of Object.entries({ vfs, log })) {
    if (value !== undefined && !isPath) throw invalid(call, name, value, "absent where the lanes are in no directory");
  }
  // With a slash in it, the names of one place could be those of another, whose prefix is a part of it.
  if (prefix !== undefined && (!isShared || typeof prefix !== "string" || prefix === "" || prefix.includes("/")))
    throw invalid(call, "prefix", prefix, "a name without a slash, and absent where the lanes are in no SharedLog");
  if (isPath) {
    if (where === "") throw invalid(call, "where", where, "a path");
    return { place: await DirectoryPlace.open(vfs ?? nodeVfs, where, log, others), isOwned: true };
  }
  if (isShared) return { place: new SharedPlace(where, prefix ?? PREFIX_DEFAULT), isOwned: true };
  if (typeof where?.open !== "function" || typeof where.list !== "function")
    throw invalid(call, "where", where, "a path, a SharedLog, or a LanePlace");
  return { place: where, isOwned: false };
}
