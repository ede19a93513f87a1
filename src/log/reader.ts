/**
 * Reading: one record, a range forwards or backwards, whole batches. Memory is bounded by one chunk, or one group if that is larger.
 *
 * Readers see what was acknowledged and nothing else. A bad group below the end is damage, never the end (R5). All functions work on a
 * `ReadSource`, which a writing `Log` and a `LogReader` in another process both are.
 */
import {
  CorruptionError,
  InvalidArgumentError,
  checkBoolean,
  checkInteger,
  checkOptions,
  checkSignal,
  invalid,
} from "../base/index.js";
import type { TornMode } from "./format.js";
import { GroupScanner, type ScanStep, type ScannedGroup } from "./group-scanner.js";
import type { ReadableFile } from "./overlay-file.js";
import { type LogRecord, RecordBatch } from "./record-batch.js";
import { RecordIterator } from "./record-iterator.js";
import { missingSegment } from "./segment-file.js";
import type { SegmentFiles } from "./segment-files.js";
import type { Segment, SegmentTable } from "./segment-table.js";
import { SPACING_BYTES } from "./sparse-index.js";

/** What reading needs of a log. */
export interface ReadSource {
  readonly torn: TornMode;
  readonly blockBytes: number;
  readonly epoch: number;
  readonly firstLsn: number;
  /** The highest LSN that readers may see. */
  readonly lastLsn: number;
  readonly table: SegmentTable;
  readonly files: SegmentFiles;
  /** How often LSNs above some point were cut, after which a reader must not go on with what it has, and where the last time. */
  readonly cuts: number;
  readonly cutLsn: number;
  /** It was closed by its owner. */
  readonly closed: boolean;
  /** Throws where the log can't serve any more. */
  assertUsable(): void;
  /**
   * Called when a segment turned out unreadable. Returns true where the books have changed since and the reader should look again (another
   * process pruned or cut), false where it is damage.
   */
  lookAgain(offset: number): Promise<boolean>;
}

/** Options of the reading calls. */
export interface ReadOptions {
  /** First LSN, inclusive. Default: the oldest. Below the oldest: `HF_LSN_OUT_OF_RANGE`. */
  readonly from?: number;
  /** Last LSN, inclusive. Default: the newest at the time of the call. */
  readonly to?: number;
  /** Newest first. Default false. */
  readonly reverse?: boolean;
  /** Ends the iteration with `signal.reason`. */
  readonly signal?: AbortSignal;
}

interface Range {
  readonly from: number;
  readonly to: number;
  readonly reverse: boolean;
  readonly signal: AbortSignal | undefined;
}

/** Checks options against the log's bounds. */
function resolveRange(source: ReadSource, where: string, options: ReadOptions | undefined): Range {
  source.assertUsable();
  const given = checkOptions(where, options, ["from", "to", "reverse", "signal"]);
  const { firstLsn, lastLsn } = source;
  const from = checkInteger(where, "from", given.from, { min: 0 }, firstLsn);
  const to = checkInteger(where, "to", given.to, { min: 0 }, lastLsn);
  const signal = checkSignal(where, given.signal);
  if (from < firstLsn) throw outOfRange(where, from, firstLsn, lastLsn);
  return {
    from,
    to: Math.min(to, lastLsn),
    reverse: checkBoolean(where, "reverse", given.reverse, false),
    signal,
  };
}

/** Refuses what is no LSN at all. */
export function checkLsn(where: string, lsn: number): void {
  if (checkInteger(where, "lsn", lsn, { min: 0 }, undefined) === undefined) throw invalid(where, "lsn", lsn, "an LSN");
}

/** The error for an LSN outside the log. */
export function outOfRange(where: string, lsn: number, firstLsn: number, lastLsn: number): InvalidArgumentError {
  return new InvalidArgumentError(
    "HF_LSN_OUT_OF_RANGE",
    `${where}: LSN ${lsn} is not in the log, which holds ${lastLsn < firstLsn ? "nothing" : `${firstLsn} to ${lastLsn}`}${
      lsn < firstLsn ? "; what came before was pruned" : ""
    }.`,
    { where, lsn, firstLsn, lastLsn },
  );
}

/** The record with this LSN, its payload the caller's to keep; `undefined` where the log does not hold it. */
export async function readRecord(source: ReadSource, lsn: number): Promise<LogRecord | undefined> {
  source.assertUsable();
  checkLsn("Log.get", lsn);
  if (lsn < source.firstLsn || lsn > source.lastLsn) return undefined;
  for await (const group of walkGroups(
    source,
    { from: lsn, to: lsn, reverse: false, signal: undefined },
    { chunkBytes: 16 * 1024 },
  )) {
    const record = RecordBatch.of(group.group, group.segment.path, lsn, lsn)?.at(0);
    return record && { ...record, payload: record.payload.slice() };
  }
  return undefined;
}

/**
 * Records one by one. Payloads are the caller's to keep (each keeps its chunk of up to 256 KiB in memory). `look` runs before anything is
 * read. Options are checked at the first step, like everything else that can fail.
 */
export function readRecords(
  source: ReadSource,
  where: string,
  options: ReadOptions | undefined,
  look?: () => Promise<void>,
): RecordIterator {
  return new RecordIterator(batches(source, where, options, { look }), options?.reverse === true);
}

/** Records by the group. Each batch is valid until the next step of the iteration. */
export function readBatches(
  source: ReadSource,
  where: string,
  options: ReadOptions | undefined,
): AsyncGenerator<RecordBatch, void, undefined> {
  return batches(source, where, options, { reuse: true });
}

async function* batches(
  source: ReadSource,
  where: string,
  options: ReadOptions | undefined,
  how: { readonly look?: (() => Promise<void>) | undefined; readonly reuse?: boolean },
): AsyncGenerator<RecordBatch, void, undefined> {
  await how.look?.();
  const range = resolveRange(source, where, options);
  const reuse = how.reuse === true && !range.reverse;
  let starts: Uint32Array | undefined;
  const groups = range.reverse ? walkGroupsBack(source, range) : walkGroups(source, range, { reuse });
  for await (const { group, segment } of groups) {
    if (reuse && (starts === undefined || starts.length < group.header.count))
      starts = new Uint32Array(Math.max(1024, group.header.count));
    const batch = RecordBatch.of(group, segment.path, range.from, range.to, starts);
    if (batch !== undefined) yield batch;
  }
}

/** A group and the segment it stands in. */
export interface PlacedGroup {
  readonly group: ScannedGroup;
  readonly segment: Segment;
}

/** The groups that hold LSNs in `[from, to]`, ascending. */
async function* walkGroups(
  source: ReadSource,
  range: Range,
  how: { readonly reuse?: boolean; readonly chunkBytes?: number },
): AsyncGenerator<PlacedGroup, void, undefined> {
  let lsn = range.from;
  // A cut may end the log before the range meanwhile.
  while (lsn <= Math.min(range.to, source.lastLsn)) {
    source.assertUsable();
    const { cuts } = source;
    const segment = source.table.find(lsn);
    if (segment === undefined) throw outOfRange("Log.read", lsn, source.firstLsn, source.lastLsn);
    const file = await acquire(source, segment);
    if (file === undefined) continue;
    try {
      const place = segment.index.at(segment.index.find(lsn));
      const scanner = scan(source, segment, file, place, { ...how, bodiesFrom: lsn });
      while (lsn <= Math.min(range.to, source.lastLsn)) {
        range.signal?.throwIfAborted();
        const stepping = scanner.next();
        const step = stepping instanceof Promise ? await stepRead(source, stepping) : stepping;
        source.assertUsable();
        // LSNs above some point were cut meanwhile: what is left of the range must be found anew, or is gone.
        if (source.cuts !== cuts) break;
        if (step.kind === "end") {
          // Dropped while it was read: its file keeps its bytes for whoever has it open, but nothing follows it any more.
          if (!source.table.has(segment)) break;
          const next = source.table.after(segment);
          if (next === undefined || next.firstLsn !== scanner.lsn)
            throw damaged(segment, scanner.offset, lsn, "a group", "the end of the segment");
          break;
        }
        if (step.kind === "bad") {
          if (await source.lookAgain(step.offset)) break;
          throw damaged(segment, step.offset, step.lsn, step.expected, step.found);
        }
        segment.index.note(step.header.firstLsn, step.offset);
        if (scanner.lsn <= lsn) continue;
        lsn = scanner.lsn;
        yield { group: step, segment };
        if (source.cuts !== cuts) break;
      }
    } finally {
      await source.files.release(segment);
    }
    // What is pruned behind the end of the range is not missed.
    if (lsn <= range.to && lsn < source.firstLsn) throw outOfRange("Log.read", lsn, source.firstLsn, source.lastLsn);
  }
}

/** The step that is being read, or `HF_CLOSED` or `HF_POISONED` where the log ended meanwhile. */
async function stepRead(source: ReadSource, next: Promise<ScanStep>): Promise<ScanStep> {
  try {
    return await next;
  } catch (error) {
    // Closing takes the file away from its readers.
    source.assertUsable();
    throw error;
  }
}

/** The groups that hold LSNs in `[from, to]`, descending: the windows between index entries backwards, each walked forwards. */
async function* walkGroupsBack(source: ReadSource, range: Range): AsyncGenerator<PlacedGroup, void, undefined> {
  let lsn = range.to;
  while (lsn >= range.from) {
    if (lsn < source.firstLsn) throw outOfRange("Log.read", lsn, source.firstLsn, source.lastLsn);
    const window: PlacedGroup[] = [];
    let first = lsn;
    for await (const placed of walkGroups(
      source,
      { ...range, from: await windowStart(source, lsn, range), to: lsn },
      {},
    )) {
      if (window.length === 0) first = placed.group.header.firstLsn;
      window.push(placed);
    }
    // Cut meanwhile: what was to be read is gone.
    if (window.length === 0) return;
    for (const placed of window.reverse()) yield placed;
    lsn = first - 1;
  }
}

/** The LSN at which the window that holds `lsn` starts, after making the windows of its segment small. */
async function windowStart(source: ReadSource, lsn: number, range: Range): Promise<number> {
  const segment = source.table.find(lsn);
  if (segment === undefined) return lsn;
  const { index } = segment;
  const at = index.find(lsn);
  const windowEnd = at + 1 < index.length ? index.at(at + 1).offset : segment.end;
  if (windowEnd - index.at(at).offset > 4 * SPACING_BYTES) {
    const walk = { from: Math.max(index.at(at).lsn, source.firstLsn), to: lsn, reverse: false, signal: range.signal };
    for await (const placed of walkGroups(source, walk, { reuse: true })) void placed;
  }
  return Math.max(range.from, source.firstLsn, index.at(index.find(lsn)).lsn);
}

async function acquire(source: ReadSource, segment: Segment): Promise<ReadableFile | undefined> {
  try {
    return await source.files.acquire(segment);
  } catch (error) {
    if (!source.table.has(segment) || (await source.lookAgain(0))) return undefined;
    throw missingSegment(segment.path, segment.number, segment.firstLsn, error) ?? error;
  }
}

function scan(
  source: ReadSource,
  segment: Segment,
  file: ReadableFile,
  place: { readonly lsn: number; readonly offset: number },
  how: { readonly bodiesFrom: number; readonly reuse?: boolean; readonly chunkBytes?: number },
): GroupScanner {
  return new GroupScanner(file, {
    format: segment,
    torn: source.torn,
    blockBytes: source.blockBytes,
    offset: place.offset,
    lsn: place.lsn,
    end: segment.end,
    epochMin: 0,
    epochMax: source.epoch,
    bodiesFrom: how.bodiesFrom,
    ...(how.reuse === undefined ? {} : { reuseBuffer: how.reuse }),
    ...(how.chunkBytes === undefined ? {} : { chunkBytes: how.chunkBytes }),
  });
}

function damaged(segment: Segment, offset: number, lsn: number, expected: string, found: string): CorruptionError {
  return new CorruptionError({ path: segment.path, offset, lsn, expected, found });
}

/** Finds the group that holds `lsn`, which must be in the log. */
export async function findGroup(source: ReadSource, lsn: number): Promise<PlacedGroup> {
  for await (const placed of walkGroups(source, { from: lsn, to: lsn, reverse: false, signal: undefined }, {}))
    return placed;
  throw outOfRange("Log.truncateAfter", lsn, source.firstLsn, source.lastLsn);
}
