/** What a log looks like from outside: anchor, segments, space. Reads a few blocks and changes nothing. */
import { checkOptions, invalid, toHex } from "../base/index.js";
import type { Vfs } from "../vfs/index.js";
import type { TornMode } from "./format.js";
import { LogDirectory } from "./log-directory.js";
import { vfsOf } from "./options.js";
import { type LogProblem, surveyLog } from "./survey.js";

/** One live segment. */
export interface InspectedSegment {
  readonly number: number;
  readonly path: string;
  readonly firstLsn: number;
  readonly active: boolean;
  /** Byte offset behind the last group; for the active segment of a log that is not closed, as of the last opening. */
  readonly end: number;
  readonly fileBytes: number;
}

/** See `inspectLog`. */
export interface LogInspection {
  readonly directory: string;
  /** Absent where the anchor can't be read. */
  readonly logId?: string;
  readonly torn?: TornMode;
  readonly blockBytes?: number;
  readonly segmentBytes?: number;
  readonly epoch?: number;
  /** Closed with nothing in flight. False while a writer has it open, and after a crash. */
  readonly clean?: boolean;
  readonly firstLsn?: number;
  /** The newest LSN that the anchor vouches for; the log may hold more when it is not `clean`. */
  readonly anchoredLsn?: number;
  readonly anchorSlots: readonly { readonly offset: number; readonly status: string; readonly sequence?: number }[];
  readonly segments: readonly InspectedSegment[];
  readonly spares: readonly { readonly path: string; readonly fileBytes: number }[];
  /** Names in the directory that no log makes. */
  readonly foreign: readonly string[];
  /** Size of all files of the log. */
  readonly totalBytes: number;
  readonly problems: readonly LogProblem[];
}

/**
 * Looks at the log in `directory`. Errors: `InvalidArgumentError` where there is none, `IoError`. Damage to anchor or headers is listed in
 * `problems`; records are not looked at (`verifyLog` does).
 */
export async function inspectLog(path: string, options?: { readonly vfs?: Vfs }): Promise<LogInspection> {
  const where = "inspectLog";
  const { vfs: given } = checkOptions(where, options, ["vfs"]);
  if (typeof path !== "string" || path === "") throw invalid(where, "directory", path, "a path");
  const directory = new LogDirectory(vfsOf(given), path);
  const { listing, anchor, state, table, problems } = await surveyLog(directory, where);
  const sizeOf = async (file: string): Promise<number> => (await directory.vfs.stat(file))?.bytes ?? 0;
  const segments: InspectedSegment[] = [];
  for (const { number, path: file, firstLsn, end } of table?.all ?? []) {
    segments.push({
      number,
      path: file,
      firstLsn,
      active: number === table?.active?.number,
      end,
      fileBytes: await sizeOf(file),
    });
  }
  const spares: { path: string; fileBytes: number }[] = [];
  for (const number of listing.spares) {
    const file = directory.spare(number);
    spares.push({ path: file, fileBytes: await sizeOf(file) });
  }
  let totalBytes = 0;
  for (const number of listing.segments) totalBytes += await sizeOf(directory.segment(number));
  for (const { fileBytes } of spares) totalBytes += fileBytes;
  for (const file of [directory.anchor, directory.mark, directory.lock, directory.doubleWrite])
    totalBytes += await sizeOf(file);
  return {
    directory: path,
    ...(state === undefined
      ? {}
      : {
          logId: toHex(state.logId),
          torn: state.torn,
          blockBytes: state.blockBytes,
          segmentBytes: state.segmentBytes,
          epoch: state.epoch,
          clean: state.clean,
          firstLsn: state.firstLsn,
          anchoredLsn: state.tail.lsn - 1,
        }),
    anchorSlots: (anchor?.slots ?? []).map(({ offset, status, sequence }) => ({
      offset,
      status,
      ...(sequence === undefined ? {} : { sequence }),
    })),
    segments,
    spares,
    foreign: listing.foreign,
    totalBytes,
    problems,
  };
}
