/**
 * A log's books, read leniently: what can be known of a log that may be damaged, for `verify`, `repair` and `inspect`. Changes nothing.
 */
import { Anchor, type PeekedAnchor } from "../anchor/index.js";
import { CorruptionError, type ErrorDetails, HoldfastError, InvalidArgumentError } from "../base/index.js";
import type { LogDirectory, LogListing } from "./log-directory.js";
import { findOrphans } from "./orphans.js";
import { loadSegments } from "./segment-loading.js";
import type { SegmentTable } from "./segment-table.js";
import { LOG_ANCHOR_KIND, type LogState, readState } from "./state.js";

/** Something wrong with a log. */
export interface LogProblem {
  readonly path: string;
  readonly offset: number;
  /** First LSN that can't be read because of it, where that is known. */
  readonly lsn?: number;
  /** As errors have it: `HF_CORRUPTION`, `HF_FORMAT_FOREIGN`, … */
  readonly code: string;
  readonly message: string;
  /** No record is harmed: padding that is not zero, or one of the anchor's two slots, which the next opening heals. */
  readonly harmless: boolean;
}

/** What was found. */
export interface LogSurvey {
  readonly listing: LogListing;
  readonly anchor?: PeekedAnchor;
  readonly state?: LogState;
  readonly table?: SegmentTable;
  readonly problems: readonly LogProblem[];
}

/** Reads the books. No directory, or nothing like a log in it, is an `InvalidArgumentError`; everything else that is wrong is a problem. */
export async function surveyLog(directory: LogDirectory, where: string): Promise<LogSurvey> {
  const found = await directory.vfs.stat(directory.path);
  const listing = found?.kind === "directory" ? await directory.list() : undefined;
  if (listing === undefined || (!listing.hasAnchor && listing.segments.length === 0)) {
    throw new InvalidArgumentError("HF_INVALID_ARGUMENT", `${where}: there is no log in ${directory.path}.`, {
      where,
      path: directory.path,
    });
  }
  const problems: LogProblem[] = [];
  let anchor: PeekedAnchor | undefined;
  let state: LogState | undefined;
  let table: SegmentTable | undefined;
  try {
    if (!listing.hasAnchor) {
      throw new CorruptionError({
        path: directory.anchor,
        offset: 0,
        expected: "the log's anchor",
        found: "no such file",
      });
    }
    anchor = await Anchor.peek(directory.anchor, { vfs: directory.vfs, kind: LOG_ANCHOR_KIND });
    for (const slot of anchor.slots) {
      if (slot.status !== "valid") {
        const message = `One of the anchor's two slots is ${slot.status}${slot.problem === undefined ? "" : `: ${slot.problem}`}. The next opening heals it.`;
        problems.push({ path: directory.anchor, offset: slot.offset, code: "HF_CORRUPTION", message, harmless: true });
      }
    }
    state = readState(directory.anchor, anchor.value);
    table = await loadSegments(directory, state);
    await findOrphans(directory, listing, state, table.all);
  } catch (error) {
    problems.push(problemOf(error, directory.path));
  }
  return {
    listing,
    ...(anchor === undefined ? {} : { anchor }),
    ...(state === undefined ? {} : { state }),
    ...(table === undefined ? {} : { table }),
    problems,
  };
}

/** An error as a problem. Errors that are not ours are thrown on. */
export function problemOf(error: unknown, path: string): LogProblem {
  if (!(error instanceof HoldfastError)) throw error;
  const details: ErrorDetails = error.details;
  const lsn = details["lsn"];
  return {
    path: typeof details["path"] === "string" ? details["path"] : path,
    offset: typeof details["offset"] === "number" ? details["offset"] : 0,
    ...(typeof lsn === "number" ? { lsn } : {}),
    code: error.code,
    message: error.message,
    harmless: false,
  };
}
