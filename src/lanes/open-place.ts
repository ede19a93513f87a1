/** From what a caller names to a place. */
import { FormatError, invalid } from "../base/index.js";
import { SharedLog } from "../streams/index.js";
import { type Vfs, nodeVfs } from "../vfs/index.js";
import { DirectoryPlace, type LaneLogOptions, holdsLogPerLane } from "./directory-place.js";
import type { LanePlace } from "./place.js";
import { SharedPlace } from "./shared-place.js";

/** How lanes are kept where a path names the place: as streams of one `SharedLog`, or with a log for each. */
export type LaneLayout = "shared-log" | "log-per-lane";

/** Options that only some places take. */
export interface PlaceOptions {
  /**
   * For a path. `"shared-log"` (default): a `SharedLog` in that directory, and one durable write for all lanes. `"log-per-lane"`: one log in a folder of its
   * own for each lane, so that a disk that fails under one ends that one only.
   */
  readonly layout?: LaneLayout;
  /** For a path: the file system. Default: the real one. */
  readonly vfs?: Vfs;
  /** For a path: options of the shared log, or of each lane's. */
  readonly log?: LaneLogOptions;
  /** For a `SharedLog`: what the names of the lanes' streams begin with, before a slash; has none itself. Default `"lanes"`. */
  readonly prefix?: string;
}

/** A place, and whether it is the opener's to close. */
export interface OpenedPlace {
  readonly place: LanePlace;
  readonly isOwned: boolean;
}

const PREFIX_DEFAULT = "lanes";
const LAYOUTS: readonly LaneLayout[] = ["shared-log", "log-per-lane"];

/** The directory of lanes that have a log each; `undefined` where they live otherwise. */
export function logPerLaneDirectory(
  where: string | SharedLog | LanePlace,
  layout: LaneLayout | undefined,
): string | undefined {
  return typeof where === "string" && layout === "log-per-lane" ? where : undefined;
}

/** Opens the place. `others` are files in a directory with a log for each lane that are no journals, and not foreign either. */
export async function openPlace(
  call: string,
  where: string | SharedLog | LanePlace,
  options: { readonly [Name in keyof PlaceOptions]?: PlaceOptions[Name] | undefined },
  others: readonly string[] = [],
): Promise<OpenedPlace> {
  const { layout, vfs, log, prefix } = options;
  const isPath = typeof where === "string";
  const isShared = where instanceof SharedLog;
  if (layout !== undefined && !LAYOUTS.includes(layout))
    throw invalid(call, "layout", layout, '"shared-log" or "log-per-lane"');
  for (const [name, value] of Object.entries({ layout, vfs, log })) {
    if (value !== undefined && !isPath) throw invalid(call, name, value, "absent where the place is no path");
  }
  // With a slash in it, the names of one place could be those of another, whose prefix is a part of it.
  if (prefix !== undefined && (!isShared || typeof prefix !== "string" || prefix === "" || prefix.includes("/")))
    throw invalid(call, "prefix", prefix, "a name without a slash, and absent where the lanes are in no SharedLog");
  if (isPath) {
    if (where === "") throw invalid(call, "where", where, "a path");
    const place =
      logPerLaneDirectory(where, layout) === undefined
        ? await openOwnShared(call, where, vfs ?? nodeVfs, log)
        : await DirectoryPlace.open(vfs ?? nodeVfs, where, log, others);
    return { place, isOwned: true };
  }
  if (isShared) return { place: new SharedPlace(where, prefix ?? PREFIX_DEFAULT), isOwned: true };
  if (typeof where?.open !== "function" || typeof where.list !== "function")
    throw invalid(call, "where", where, "a path, a SharedLog, or a LanePlace");
  return { place: where, isOwned: false };
}

/** A shared log that is the place's own, and closed with it. */
async function openOwnShared(
  call: string,
  path: string,
  vfs: Vfs,
  log: LaneLogOptions | undefined,
): Promise<SharedPlace> {
  if (await holdsLogPerLane(vfs, path)) {
    throw new FormatError(
      "HF_FORMAT_UNKNOWN",
      `${call}: ${path} holds lanes that have a log each, not a shared log. Open it with layout: "log-per-lane".`,
      { path },
    );
  }
  const shared = await SharedLog.open(path, { ...log, vfs });
  return new SharedPlace(shared, PREFIX_DEFAULT, () => shared.close());
}
