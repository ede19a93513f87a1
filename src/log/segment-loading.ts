/**
 * The table of live segments, from the anchor and a few headers.
 *
 * The active segment's header names as many segments before it as fit into a block, the last of those names the ones before, and so on. With
 * 4 KiB blocks one header is read for every 99 segments, so that opening does not depend on the log's size in any way that matters. The
 * other headers are checked when their segment is first read.
 */
import { CorruptionError } from "../base/index.js";
import type { SegmentHeader } from "./format.js";
import type { LogDirectory } from "./log-directory.js";
import { type ExpectedSegment, missingSegment, readSegmentHeader } from "./segment-file.js";
import { type Segment, SegmentTable, makeSegment } from "./segment-table.js";
import type { LogState } from "./state.js";

/**
 * Loads the live segments. `present`: the numbers that a listing of the directory shows; one that the books name and the listing does not is a
 * `CorruptionError`. Without a listing that is left to whoever reads the segment.
 */
export async function loadSegments(
  directory: LogDirectory,
  state: LogState,
  present?: readonly number[],
): Promise<SegmentTable> {
  if (state.activeSegment === 0) return new SegmentTable([]);
  const listed = present === undefined ? undefined : new Set(present);
  const newestFirst: Segment[] = [];
  let header = await readHeader(directory, state, {
    number: state.activeSegment,
    salt: state.activeSalt,
    firstLsn: undefined,
  });
  newestFirst.push(
    makeSegment(
      state.logId,
      { ...header, end: state.tail.offset, chain: state.tail.chain },
      directory.segment(header.number),
      state.blockBytes,
    ),
  );
  while (newestFirst.at(-1)!.number !== state.firstSegment) {
    const known = newestFirst.length;
    for (const sealed of header.back) {
      const path = directory.segment(sealed.number);
      if (listed?.has(sealed.number) === false) {
        throw new CorruptionError({
          path,
          offset: 0,
          lsn: sealed.firstLsn,
          expected: `segment ${sealed.number}`,
          found: "no such file",
        });
      }
      newestFirst.push(makeSegment(state.logId, sealed, path, state.blockBytes));
      if (sealed.number === state.firstSegment) break;
    }
    const oldest = newestFirst.at(-1)!;
    if (newestFirst.length === known) {
      throw new CorruptionError({
        path: oldest.path,
        offset: 0,
        lsn: oldest.firstLsn,
        expected: `a predecessor, down to segment ${state.firstSegment}`,
        found: "a segment that starts a log",
      });
    }
    if (oldest.number !== state.firstSegment) header = await readHeader(directory, state, oldest);
  }
  return new SegmentTable(newestFirst.reverse());
}

async function readHeader(
  directory: LogDirectory,
  state: LogState,
  expected: Omit<ExpectedSegment, "firstLsn"> & { readonly firstLsn: number | undefined },
): Promise<SegmentHeader> {
  const path = directory.segment(expected.number);
  const lsn = expected.firstLsn ?? state.tail.lsn;
  try {
    const file = await directory.vfs.open(path, { access: "read" });
    try {
      return await readSegmentHeader(file, expected, { logId: state.logId, blockBytes: state.blockBytes, lsn });
    } finally {
      await file.close();
    }
  } catch (error) {
    throw missingSegment(path, expected.number, lsn, error) ?? error;
  }
}
