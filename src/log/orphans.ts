/** Segment files in the directory that the log's books do not name. */
import { equalBytes } from "../base/index.js";
import { parseSegmentHeader } from "./format.js";
import type { LogDirectory, LogListing } from "./log-directory.js";
import { foreignSegment } from "./segment-file.js";
import type { Segment } from "./segment-table.js";
import type { LogState } from "./state.js";

/**
 * The numbers of segment files left by an interrupted roll, cut or prune. Only files that are this log's may be removed: those that say so, and
 * those that say nothing under a number that the log has used. The latter is what is left when the name of a dropped segment comes back after a
 * crash, while its file, as a spare, was being made into another one. One of another log is an error; any other is left alone.
 */
export async function findOrphans(
  directory: LogDirectory,
  listing: LogListing,
  state: LogState,
  live: readonly Segment[],
): Promise<number[]> {
  const liveNumbers = new Set(live.map(({ number }) => number));
  const orphans: number[] = [];
  for (const number of listing.segments) {
    if (liveNumbers.has(number)) continue;
    const path = directory.segment(number);
    const file = await directory.vfs.open(path, { access: "read" });
    try {
      const block = new Uint8Array(state.blockBytes);
      const parse = parseSegmentHeader(block.subarray(0, await file.read(block, 0)));
      if (parse.kind !== "sound") {
        if (parse.kind !== "newer" && number < state.nextSegment) orphans.push(number);
        continue;
      }
      if (!equalBytes(parse.header.logId, state.logId)) throw foreignSegment(path, parse.header.logId, state.logId);
      orphans.push(number);
    } finally {
      await file.close();
    }
  }
  return orphans;
}
