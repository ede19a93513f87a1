/**
 * Reading a stream: one entry, a range, the tail. Where an entry stands is looked up when it is read, and looked up again where it turns out to have moved
 * meanwhile: a record is pruned from the physical log only after the book names its copy. Memory is bounded by what a batch of the physical
 * log takes and a plan of a few thousand entries.
 */
import {
  ConflictError,
  CorruptionError,
  HoldfastError,
  InvalidArgumentError,
  checkBoolean,
  checkInteger,
  checkOptions,
  checkSignal,
  invalid,
} from "../base/index.js";
import type { FollowOptions, Log, LogRecord, ReadOptions, RecordBatch } from "../log/index.js";
import type { StreamState } from "./book.js";
import { EntryIterator } from "./entry-iterator.js";
import { readEntryHeader } from "./format.js";
import type { StreamWriter } from "./writer.js";

/** What reading needs. */
export interface StreamSource {
  readonly log: Log;
  readonly writer: StreamWriter;
  readonly stream: StreamState;
  /** Resolves when more of the stream may be visible. */
  changed(signal: AbortSignal | undefined): Promise<void>;
}

/**
 * Entries planned to be read in one go: few at first, for who wants few, then more, since each plan begins by reading what the one before had read
 * ahead.
 */
const PLAN_ENTRIES_FIRST = 256;
const PLAN_ENTRIES_MAX = 8192;
/** How many bytes of others' records between two of them are read over rather than skipped. */
const GAP_BYTES_MAX = 32 * 1024;

export function checkLsn(where: string, lsn: number): void {
  if (checkInteger(where, "lsn", lsn, { min: 0 }, undefined) === undefined) throw invalid(where, "lsn", lsn, "an LSN");
}

/** The error for an LSN that the stream does not hold. */
export function outOfRange(
  where: string,
  stream: StreamState,
  lsn: number,
  firstLsn: number = stream.firstLsn,
  lastLsn: number = stream.lastLsn,
): InvalidArgumentError {
  return new InvalidArgumentError(
    "HF_LSN_OUT_OF_RANGE",
    `${where}: LSN ${lsn} is not in the stream "${stream.name}", which holds ${lastLsn < firstLsn ? "nothing" : `${firstLsn} to ${lastLsn}`}${
      lsn < firstLsn ? "; what came before was pruned" : ""
    }.`,
    { where, stream: stream.name, lsn, firstLsn, lastLsn },
  );
}

function assertUsable({ writer, stream }: StreamSource): void {
  const problem = writer.unusable(stream);
  if (problem !== undefined) throw problem;
}

/** The entry with this LSN, its payload the caller's to keep; `undefined` where the stream does not hold it. */
export async function readEntry(source: StreamSource, lsn: number): Promise<LogRecord | undefined> {
  const { log, writer, stream } = source;
  assertUsable(source);
  checkLsn("Stream.get", lsn);
  writer.drain();
  for (let physical = stream.index.get(lsn); physical !== 0; physical = stream.index.get(lsn)) {
    const record = await ifStillThere(() => log.get(physical));
    if (record !== undefined) return toEntry(source, lsn, physical, record.type, record.payload);
    writer.drain();
    assertUsable(source);
    if (stream.index.get(lsn) === physical) throw lostEntry(source, lsn, physical);
  }
  return undefined;
}

/** The entries of a range. Options are checked at the first step. */
export function readEntries(source: StreamSource, where: string, options: ReadOptions | undefined): EntryIterator {
  return new EntryIterator(readRuns(source, where, options));
}

/** The entries of a range, as many at a time as one batch of the physical log gives. */
async function* readRuns(
  source: StreamSource,
  where: string,
  options: ReadOptions | undefined,
): AsyncGenerator<readonly LogRecord[], void, undefined> {
  const { writer, stream } = source;
  assertUsable(source);
  const given = checkOptions(where, options, ["from", "to", "reverse", "signal"]);
  writer.drain();
  const from = checkInteger(where, "from", given.from, { min: 0 }, stream.firstLsn);
  const to = Math.min(checkInteger(where, "to", given.to, { min: 0 }, stream.lastLsn), stream.lastLsn);
  const reverse = checkBoolean(where, "reverse", given.reverse, false);
  const { signal } = given;
  checkSignal(where, signal);
  if (from < stream.firstLsn) throw outOfRange(where, stream, from);

  const gapMax = gapRecordsMax(source);
  let lsn = reverse ? to : from;
  let entriesMax = PLAN_ENTRIES_FIRST;
  while (lsn >= from && lsn <= to) {
    signal?.throwIfAborted();
    writer.drain();
    assertUsable(source);
    // A cut may have ended the stream before the range meanwhile, a pruning may have overtaken the reader.
    if (lsn > stream.lastLsn) return;
    if (lsn < stream.firstLsn) throw outOfRange(where, stream, lsn);
    const plan = planRun(stream, lsn, { end: reverse ? from : to, reverse, gapMax, entriesMax });
    entriesMax = Math.min(PLAN_ENTRIES_MAX, entriesMax * 4);
    const before = lsn;
    for await (const run of planned(source, plan, lsn, reverse)) {
      lsn += reverse ? -run.length : run.length;
      yield run;
      signal?.throwIfAborted();
      assertUsable(source);
    }
    // Nothing was read where the plan said there was something: it has moved, been dropped, or is lost.
    if (lsn === before && stream.index.get(lsn) === plan[0]) throw lostEntry(source, lsn, plan[0]);
  }
}

/** How many records of others may stand between two entries that are read in one go. */
function gapRecordsMax({ log }: StreamSource): number {
  const { liveBytes, firstLsn, lastLsn } = log.stats();
  const recordBytes = Math.max(1, liveBytes / Math.max(1, lastLsn - firstLsn + 1));
  return Math.max(1, Math.floor(GAP_BYTES_MAX / recordBytes));
}

/** Where the next entries stand, as far as they can be read in one go through the physical log. */
function planRun(
  stream: StreamState,
  lsn: number,
  {
    end,
    reverse,
    gapMax,
    entriesMax,
  }: { readonly end: number; readonly reverse: boolean; readonly gapMax: number; readonly entriesMax: number },
): number[] {
  const step = reverse ? -1 : 1;
  const last = reverse ? Math.max(end, stream.firstLsn) : Math.min(end, stream.lastLsn);
  const plan = [stream.index.get(lsn)];
  for (let next = lsn + step; plan.length < entriesMax && (last - next) * step >= 0; next += step) {
    const physical = stream.index.get(next);
    const gap = (physical - plan.at(-1)!) * step;
    if (gap <= 0 || gap > gapMax) break;
    plan.push(physical);
  }
  return plan;
}

/** Reads the planned entries, the first of which is `lsn`. Ends early where one of them is not where it was planned. */
async function* planned(
  source: StreamSource,
  plan: readonly number[],
  lsn: number,
  reverse: boolean,
): AsyncGenerator<readonly LogRecord[], void, undefined> {
  const { log, writer, stream } = source;
  const step = reverse ? -1 : 1;
  const from = reverse ? plan.at(-1)! : plan[0]!;
  const to = reverse ? plan[0]! : plan.at(-1)!;
  const batches = log.readBatches({ from, to, reverse });
  let at = 0;
  try {
    for (;;) {
      const batch = await ifStillThere(() => batches.next());
      if (batch === undefined || batch.done === true) return;
      writer.drain();
      const run: LogRecord[] = [];
      for (; at < plan.length && isIn(batch.value, plan[at]!); at++) {
        const physical = plan[at]!;
        if (stream.index.get(lsn + at * step) !== physical) break;
        const index = physical - batch.value.firstLsn;
        const payload = batch.value.payload(index).slice();
        run.push(toEntry(source, lsn + at * step, physical, batch.value.type(index), payload));
      }
      if (run.length > 0) yield run;
      if (at < plan.length && isIn(batch.value, plan[at]!)) return;
      if (at === plan.length) return;
    }
  } finally {
    await batches.return();
  }
}

function isIn({ firstLsn, lastLsn }: RecordBatch, physical: number): boolean {
  return physical >= firstLsn && physical <= lastLsn;
}

/** What `act` gives; `undefined` where its records were pruned from the physical log meanwhile. */
async function ifStillThere<Result>(act: () => Promise<Result | undefined>): Promise<Result | undefined> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof HoldfastError && error.code === "HF_LSN_OUT_OF_RANGE") return undefined;
    throw error;
  }
}

/** The record at `physical` as the entry that the book says it is. */
function toEntry(source: StreamSource, lsn: number, physical: number, kind: number, payload: Uint8Array): LogRecord {
  const header = readEntryHeader(kind, payload);
  if (header === undefined || header.stream !== source.stream.id || header.lsn !== lsn)
    throw lostEntry(source, lsn, physical, header);
  return { lsn, type: header.type, payload: payload.subarray(header.bodyStart) };
}

function lostEntry(
  { log, stream }: StreamSource,
  lsn: number,
  physical: number,
  header?: { readonly stream: number; readonly lsn: number },
): CorruptionError {
  return new CorruptionError({
    path: log.directory,
    offset: 0,
    lsn: physical,
    expected: `entry ${lsn} of stream "${stream.name}"`,
    found: header === undefined ? "no entry" : `entry ${header.lsn} of stream number ${header.stream}`,
  });
}

/** The entries from `from` on, without end. Errors as of `Log.follow`. Ends when the log is closed or the stream dropped. */
export async function* followEntries(
  source: StreamSource,
  options: FollowOptions | undefined,
): AsyncGenerator<LogRecord, void, undefined> {
  const where = "Stream.follow";
  const { writer, stream } = source;
  assertUsable(source);
  const { from, signal } = checkOptions(where, options, ["from", "signal"]);
  checkSignal(where, signal);
  writer.drain();
  let next = checkInteger(where, "from", from, { min: 0 }, stream.lastLsn + 1);
  if (next < stream.firstLsn) throw outOfRange(where, stream, next);
  let { cuts } = stream;
  for (;;) {
    signal?.throwIfAborted();
    if (stream.cuts !== cuts) {
      const missed = stream.cuts - cuts;
      // Of several cuts only the last is known, so they count as having gone below what was read.
      if (missed > 1 || stream.cutLsn < next - 1) throw cutBehind(where, stream, next - 1, missed);
      ({ cuts } = stream);
    }
    while (next <= stream.lastLsn && stream.cuts === cuts) {
      const range = { from: next, to: stream.lastLsn, ...(signal === undefined ? {} : { signal }) };
      for await (const record of readEntries(source, where, range)) {
        if (stream.cuts !== cuts) break;
        next = record.lsn + 1;
        yield record;
        if (stream.cuts !== cuts) break;
      }
    }
    // What was acknowledged since the last look is announced to nobody any more.
    writer.drain();
    if (stream.cuts !== cuts || next <= stream.lastLsn) continue;
    await source.changed(signal);
    if (writer.closed || stream.dropped) return;
    assertUsable(source);
    writer.drain();
    if (next < stream.firstLsn) throw outOfRange(where, stream, next);
  }
}

function cutBehind(where: string, stream: StreamState, lastRead: number, missed: number): ConflictError {
  const { cutLsn, name } = stream;
  return new ConflictError(
    "HF_CUT",
    missed > 1
      ? `${where}: entries of "${name}" were cut ${missed} times after LSN ${lastRead} was read, and how far down is not known. Read it again.`
      : `${where}: entries of "${name}" above LSN ${cutLsn} were cut, after LSN ${lastRead} was read. Forget what was read above the cut, and follow again from there.`,
    { where, stream: name, cuts: missed, lastRead, ...(missed > 1 ? {} : { cutLsn }) },
  );
}
