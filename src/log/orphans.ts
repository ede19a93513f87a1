/** Segment files in the directory that the log's books do not name. */
import { equalBytes } from "../base/index.js";
import { parseSegmentHeader } from "./format.js";
import type { LogDirectory, LogListing } from "./log-directory.js";
import { foreignSegment } from "./segment-file.js";
import type { Segment } from "./segment-table.js";
import type { LogState } from "./state.js";

/**
 * The numbers of segment files left by an interrupted roll, cut or prune. Only files that say they are this log's may be
 * removed; one of another log is an error, one that says nothing is left alone.
 */
export async function findOrphans(directory: LogDirectory, listing: LogListing, state: LogState, live: readonly Segment[]): Promise<number[]> {
  const liveNumbers = new Set(live.map(({ number }) => number));
  const orphans: number[] = [];
  for (const number of listing.segments) {
    if (liveNumbers.has(number)) continue;
    const path = directory.segment(number);
    const file = await directory.vfs.open(path, { access: "read" });
    try {
      const block = new Uint8Array(state.blockBytes);
      const parse = parseSegmentHeader(block.subarray(0, await file.read(block, 0)));
      if (parse.kind !== "sound") continue;
      if (!equalBytes(parse.header.logId, state.logId)) throw foreignSegment(path, parse.header.logId, state.logId);
      orphans.push(number);
    } finally {
      await file.close();
    }
  }
  return orphans;
}
