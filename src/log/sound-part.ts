/**
 * How much of a damaged log can be proven: from its oldest record to the first hole. Reads only.
 *
 * A segment whose header alone is damaged is not lost: the books (anchor, and the tables in later headers) know its number and salt, with
 * which its groups can be checked, and everything that its header said. So it counts as sound, with a header to be restored.
 */
import { CorruptionError, FormatError, equalBytes, toHex } from "../base/index.js";
import {
  FORMAT_VERSION,
  GROUP_HEADER_BYTES,
  type SegmentHeader,
  groupFormatOf,
  parseGroupHeader,
  parseSegmentHeader,
} from "./format.js";
import { GroupScanner } from "./group-scanner.js";
import type { LogDirectory } from "./log-directory.js";
import { openOverlaid } from "./overlay-file.js";
import { decideTail, findTail } from "./recovery.js";
import { missingSegment, readSegmentHeader } from "./segment-file.js";
import { type Segment, SegmentTable, makeSegment } from "./segment-table.js";
import type { LogState } from "./state.js";
import { surveyLog } from "./survey.js";

/** Where a sound log ends, and what lies behind. */
export interface SoundPart {
  readonly state: LogState;
  readonly table: SegmentTable;
  /** The last segment with something to keep, and where its sound part ends. `undefined`: nothing is left. */
  readonly last: Segment | undefined;
  readonly end: number;
  readonly chain: number;
  /** LSN behind the last sound record. */
  readonly nextLsn: number;
  /** Nothing is missing behind it: no cut is needed. */
  readonly complete: boolean;
  /** Numbers of the segments that hold something behind it. */
  readonly removed: readonly number[];
  /** Kept segments whose header must be written again, with the epoch of their first group. */
  readonly headless: readonly { readonly segment: Segment; readonly epoch: number }[];
  /** The anchor is lost. */
  readonly anchorLost: boolean;
}

/** Walks the log from its start to the first damage. */
export async function findSoundPart(directory: LogDirectory, signal: AbortSignal | undefined): Promise<SoundPart> {
  const survey = await surveyLog(directory, "repairLog");
  const anchorLost = survey.state === undefined;
  const { state, table } =
    survey.state === undefined || survey.table === undefined
      ? await booksFromHeaders(directory, survey.state, signal)
      : { state: survey.state, table: survey.table };
  const { all } = table;
  const headless: { segment: Segment; epoch: number }[] = [];
  let last: Segment | undefined;
  let end = 0;
  let chain: number | undefined;
  let nextLsn = all[0]?.firstLsn ?? state.firstLsn;
  let complete = false;
  let { epoch } = state;
  for (const segment of all) {
    if (segment.firstLsn !== nextLsn) break;
    // The newest segment that is left need not be the one that was written to: that one's file may be gone.
    const isActive = segment.number === state.activeSegment;
    const walk = await walkSegment(directory, state, segment, { chain, isActive: isActive && !anchorLost, signal });
    if (walk === undefined) break;
    last = segment;
    end = walk.end;
    nextLsn = walk.nextLsn;
    ({ chain } = walk);
    epoch = Math.max(epoch, walk.lastEpoch);
    if (!walk.hasHeader) headless.push({ segment, epoch: walk.firstEpoch });
    complete = isActive && walk.whole;
    if (!walk.whole) break;
  }
  // Damage below the oldest LSN leaves nothing: records behind a hole can't be kept in order.
  if (nextLsn < state.firstLsn) last = undefined;
  const keptNumber = last === undefined ? -1 : complete || end === last.end ? last.number : last.number - 1;
  return {
    state: { ...state, epoch },
    table,
    last,
    end,
    chain: last === undefined ? 0 : (chain ?? 0),
    nextLsn: last === undefined ? state.firstLsn : nextLsn,
    complete: complete && last !== undefined && !anchorLost,
    removed: all.filter(({ number }) => number > keptNumber).map(({ number }) => number),
    headless: last === undefined ? [] : headless,
    anchorLost,
  };
}

interface SegmentWalk {
  readonly end: number;
  readonly chain: number | undefined;
  readonly nextLsn: number;
  readonly firstEpoch: number;
  readonly lastEpoch: number;
  /** Everything that the books say it holds is there. */
  readonly whole: boolean;
  readonly hasHeader: boolean;
}

/** Walks one segment to its end or its first bad group. `undefined` where nothing of it can be read. */
async function walkSegment(
  directory: LogDirectory,
  state: LogState,
  segment: Segment,
  how: { readonly chain: number | undefined; readonly isActive: boolean; readonly signal: AbortSignal | undefined },
): Promise<SegmentWalk | undefined> {
  const crashed = how.isActive && !state.clean;
  try {
    const file = crashed
      ? await openOverlaid(directory.vfs, segment, directory.doubleWrite)
      : await directory.vfs.open(segment.path, { access: "read" });
    try {
      const hasHeader = await headerSound(file, segment, state);
      const scanner = new GroupScanner(file, {
        format: segment,
        torn: state.torn,
        blockBytes: state.blockBytes,
        offset: state.blockBytes,
        lsn: segment.firstLsn,
        chain: how.chain,
        end: crashed ? state.segmentBytes : segment.end,
        epochMin: 0,
        epochMax: Number.MAX_SAFE_INTEGER,
        reuseBuffer: true,
      });
      let firstEpoch: number | undefined;
      let whole = false;
      for (;;) {
        how.signal?.throwIfAborted();
        const step = await scanner.next();
        if (step.kind === "group") {
          firstEpoch ??= step.header.epoch;
          continue;
        }
        whole = step.kind === "end";
        break;
      }
      // Without a header and without a group there is no sign that this is the segment at all.
      if (!hasHeader && firstEpoch === undefined) return undefined;
      if (crashed && !whole && scanner.offset >= state.tail.offset) {
        whole = decideTail(await findTail(directory, file, segment, state)).kind !== "damaged";
      }
      const { offset: end, chain, lsn: nextLsn, epoch: lastEpoch } = scanner;
      return { end, chain, nextLsn, firstEpoch: firstEpoch ?? state.epoch, lastEpoch, whole, hasHeader };
    } finally {
      await file.close();
    }
  } catch (error) {
    if (missingSegment(segment.path, segment.number, segment.firstLsn, error) !== undefined) return undefined;
    if (error instanceof FormatError && error.code === "HF_FORMAT_FOREIGN") return undefined;
    throw error;
  }
}

async function headerSound(
  file: Parameters<typeof readSegmentHeader>[0],
  segment: Segment,
  state: LogState,
): Promise<boolean> {
  try {
    await readSegmentHeader(file, segment, state);
    return true;
  } catch (error) {
    if (error instanceof CorruptionError) return false;
    throw error;
  }
}

interface Books {
  readonly state: LogState;
  readonly table: SegmentTable;
}

/** Books made from the headers that can be read: the newest segment, what its table names, and the active segment if the anchor knows it. */
async function booksFromHeaders(
  directory: LogDirectory,
  known: LogState | undefined,
  signal: AbortSignal | undefined,
): Promise<Books> {
  const headers = await readHeaders(directory, known);
  const newest = [...headers.values()].at(-1);
  if (newest === undefined && (known === undefined || known.activeSegment === 0)) {
    throw new CorruptionError({
      path: directory.anchor,
      offset: 0,
      expected: "an anchor, or at least one segment with a sound header",
      found: "neither",
    });
  }
  const newestFirst: Segment[] = [];
  const add = (facts: Parameters<typeof makeSegment>[1], logId: Uint8Array, blockBytes: number): number =>
    newestFirst.push(makeSegment(logId, facts, directory.segment(facts.number), blockBytes));
  if (newest !== undefined) add({ ...newest, end: newest.segmentBytes, chain: 0 }, newest.logId, newest.blockBytes);
  for (let header = newest; header !== undefined;) {
    let named = 0;
    for (const sealed of header.back) {
      add(sealed, header.logId, header.blockBytes);
      named += 1;
      if (sealed.number === known?.firstSegment) break;
    }
    header =
      named > 0 && newestFirst.at(-1)!.number !== known?.firstSegment
        ? headers.get(newestFirst.at(-1)!.number)
        : undefined;
  }
  // What the tables name and the directory no longer holds was pruned, or is lost; either way the log starts behind it.
  const present = new Set((await directory.list()).segments);
  const oldestFirst = newestFirst.reverse();
  const start = known === undefined ? oldestFirst.findLastIndex(({ number }) => !present.has(number)) + 1 : 0;
  const segments = oldestFirst.slice(start);
  const state = known ?? stateOf(newest!, segments[0]!, headers);
  if (known !== undefined && !headers.has(known.activeSegment)) await addActive(directory, known, segments, signal);
  return { state, table: new SegmentTable(segments) };
}

/** The state that an anchor for these headers would hold; the active segment's end is found by walking it. */
function stateOf(newest: SegmentHeader, first: Segment, headers: ReadonlyMap<number, SegmentHeader>): LogState {
  return {
    logId: newest.logId,
    torn: newest.torn,
    blockBytes: newest.blockBytes,
    segmentBytes: newest.segmentBytes,
    // Groups may carry later epochs than headers do; the walk raises it to the highest it meets.
    epoch: Math.max(...[...headers.values()].map(({ epoch }) => epoch)),
    clean: false,
    firstLsn: first.firstLsn,
    firstSegment: first.number,
    nextSegment: newest.number + 1,
    activeSegment: newest.number,
    activeSalt: newest.salt,
    tail: { offset: newest.blockBytes, lsn: newest.firstLsn, chain: 0, previousGroup: 0 },
    cuts: 0,
    cutLsn: 0,
  };
}

async function readHeaders(
  directory: LogDirectory,
  known: LogState | undefined,
): Promise<ReadonlyMap<number, SegmentHeader>> {
  const headers = new Map<number, SegmentHeader>();
  let logId = known?.logId;
  for (const number of (await directory.list()).segments) {
    const file = await directory.vfs.open(directory.segment(number), { access: "read" });
    try {
      const block = new Uint8Array(65_536);
      const parse = parseSegmentHeader(block.subarray(0, await file.read(block, 0)));
      if (parse.kind !== "sound" || parse.header.number !== number) continue;
      const { header } = parse;
      logId ??= header.logId;
      if (equalBytes(header.logId, logId)) headers.set(number, header);
      else if (known === undefined) {
        throw new CorruptionError({
          path: file.path,
          offset: 0,
          expected: `segments of one log (${toHex(logId)}); move the others away first`,
          found: `a segment of log ${toHex(header.logId)}`,
        });
      }
    } finally {
      await file.close();
    }
  }
  return headers;
}

/** Appends the active segment, whose header is damaged, if its first group follows the last group of the segment before it. */
async function addActive(
  directory: LogDirectory,
  state: LogState,
  segments: Segment[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const { activeSegment: number, activeSalt: salt, blockBytes } = state;
  const path = directory.segment(number);
  if ((await directory.vfs.stat(path)) === undefined) return;
  const file = await directory.vfs.open(path, { access: "read" });
  try {
    const head = new Uint8Array(GROUP_HEADER_BYTES);
    await file.read(head, blockBytes);
    // The header told the version, and it is gone. Without a group it makes no difference.
    const format = groupFormatOf(head, 0, { logId: state.logId, number, salt });
    const group = format === undefined ? undefined : parseGroupHeader(head, 0, format);
    const firstLsn = group?.firstLsn ?? (state.tail.offset === blockBytes ? state.tail.lsn : undefined);
    const before = segments.at(-1);
    if (firstLsn === undefined) return;
    if (before !== undefined) {
      const walk = await walkSegment(directory, state, before, { chain: undefined, isActive: false, signal });
      if (walk === undefined || walk.nextLsn !== firstLsn) return;
      before.end = walk.end;
      before.chain = walk.chain ?? before.chain;
    }
    segments.push(
      makeSegment(
        state.logId,
        {
          version: format?.version ?? FORMAT_VERSION,
          number,
          salt,
          firstLsn,
          end: state.tail.offset,
          chain: state.tail.chain,
        },
        path,
        blockBytes,
      ),
    );
  } finally {
    await file.close();
  }
}
