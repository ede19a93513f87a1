/**
 * Cutting a damaged log down to what can still be proven. Never automatic.
 *
 * What is removed is copied first, durably, to a directory beside the segments; then the log is cut before the damage, by the same single
 * anchor write as any cut. A crash before that write leaves the log as it was, with a copy too many; a crash after it leaves it repaired.
 * Where the anchor itself is gone, it is made anew from the segment headers; it is the last thing written.
 */
import type { Anchor } from "../anchor/index.js";
import { CorruptionError, checkBoolean, checkOptions, equalBytes, invalid, toHex } from "../base/index.js";
import type { Vfs } from "../vfs/index.js";
import { activateSegment } from "./activation.js";
import { type SegmentHeader, parseSegmentHeader } from "./format.js";
import { GroupScanner } from "./group-scanner.js";
import { LogDirectory } from "./log-directory.js";
import { vfsOf, resolveLogOptions } from "./options.js";
import { missingSegment, readSegmentHeader } from "./segment-file.js";
import { SegmentFiles } from "./segment-files.js";
import { type Segment, SegmentTable, makeSegment } from "./segment-table.js";
import { SpareSegments } from "./spare-segments.js";
import { createLogAnchor, openLogAnchor } from "./log-anchor.js";
import type { LogState } from "./state.js";
import { surveyLog } from "./survey.js";
import { type LogTail } from "./tail.js";
import { type VerifyProgress, type VerifyReport, verifyBooks } from "./verify.js";

/** Options of `repairLog`. */
export interface RepairOptions {
  /** The file system. Default: the real one. */
  readonly vfs?: Vfs;
  /** Tell what would be done and change nothing. Default false. */
  readonly dryRun?: boolean;
  /** Aborts with `signal.reason`, before anything is changed. */
  readonly signal?: AbortSignal;
  /** Progress of the check that comes first. */
  readonly onProgress?: (progress: VerifyProgress) => void;
}

/** What a repair did, or would do. */
export interface RepairReport {
  readonly directory: string;
  readonly dryRun: boolean;
  /** What was wrong. */
  readonly before: VerifyReport;
  /** Nothing needs repair; nothing was changed. */
  readonly needless: boolean;
  /** The log was cut: it ends at this LSN. Absent when `needless`. */
  readonly keptLastLsn?: number;
  /** Records that the log's books knew of and that are lost; absent where the books do not tell how many there were. */
  readonly lostRecords?: number;
  /** The anchor was made anew, because it or the active segment's header could not be read. What had been pruned may be back. */
  readonly anchorRebuilt: boolean;
  /** Copies of the files as they were, in the order of the log. */
  readonly copies: readonly string[];
}

/** Where a sound log ends, and what lies behind. */
interface SoundPart {
  readonly state: LogState;
  readonly table: SegmentTable;
  /** The last segment with something to keep, and where its sound part ends. `undefined`: nothing is left. */
  readonly last: Segment | undefined;
  readonly end: number;
  readonly chain: number;
  /** LSN behind the last sound record. */
  readonly nextLsn: number;
  /** Segment numbers that hold something behind it. */
  readonly removed: readonly number[];
  readonly anchorRebuilt: boolean;
}

/**
 * Repairs the log in `directory`: keeps every record before the first damage, in order, and removes what follows to
 * `<directory>/removed-<n>/`. A log that needs no repair is left alone. Errors: `LockedError` while it is open, `InvalidArgumentError` where there is
 * no log, `CorruptionError` where not one segment header can be read, `IoError`.
 */
export async function repairLog(path: string, options?: RepairOptions): Promise<RepairReport> {
  const where = "repairLog";
  const given = checkOptions(where, options, ["vfs", "dryRun", "signal", "onProgress"]);
  const { signal } = given;
  const dryRun = checkBoolean(where, "dryRun", given.dryRun, false);
  if (typeof path !== "string" || path === "") throw invalid(where, "directory", path, "a path");
  const directory = new LogDirectory(vfsOf(given.vfs), path);
  await surveyLog(directory, where);
  const lock = await directory.vfs.lock(directory.lock);
  try {
    const before = await verifyBooks(directory, { besideWriter: false, signal, onProgress: given.onProgress });
    const unchanged = { directory: path, dryRun, before, anchorRebuilt: false, copies: [] };
    if (before.sound) return { ...unchanged, needless: true };
    const part = await findSoundPart(directory, signal);
    signal?.throwIfAborted();
    const target = await freeCopyDirectory(directory);
    const copies = await copyRemoved(directory, part, target, dryRun);
    if (!dryRun) await cutTo(directory, part);
    const lastKnown = part.anchorRebuilt ? undefined : Math.max(part.state.tail.lsn - 1, part.nextLsn - 1);
    return {
      ...unchanged,
      needless: false,
      keptLastLsn: part.nextLsn - 1,
      ...(lastKnown === undefined ? {} : { lostRecords: lastKnown - part.nextLsn + 1 }),
      anchorRebuilt: part.anchorRebuilt,
      copies,
    };
  } finally {
    await lock.release();
  }
}

/** Walks the log from its start to the first damage. */
async function findSoundPart(directory: LogDirectory, signal: AbortSignal | undefined): Promise<SoundPart> {
  const survey = await surveyLog(directory, "repairLog");
  const anchorRebuilt = survey.state === undefined || survey.table === undefined;
  const books = anchorRebuilt ? await booksFromHeaders(directory, survey.state) : { state: survey.state!, table: survey.table! };
  const { state, table } = books;
  const { all, active } = table;
  let last: Segment | undefined;
  let end = 0;
  let chain: number | undefined;
  let nextLsn = all[0]?.firstLsn ?? state.firstLsn;
  let { epoch } = state;
  for (const segment of all) {
    if (segment.firstLsn !== nextLsn) break;
    const scanner = await scanSound(directory, state, segment, chain, signal).catch((error: unknown) => {
      if (error instanceof CorruptionError) return undefined;
      throw error;
    });
    if (scanner === undefined) break;
    last = segment;
    end = scanner.offset;
    nextLsn = scanner.lsn;
    ({ chain } = scanner);
    epoch = Math.max(epoch, scanner.epoch);
    if (segment === active || end !== segment.end) break;
  }
  // Damage below the oldest LSN leaves nothing: records behind a hole can't be kept in order.
  if (nextLsn <= state.firstLsn) last = undefined;
  const keepsAllOfLast = last !== undefined && last !== active && end === last.end;
  return {
    state: { ...state, epoch },
    table,
    last,
    end,
    chain: last === undefined ? 0 : (chain ?? 0),
    nextLsn: last === undefined ? state.firstLsn : nextLsn,
    removed: all.filter(({ number }) => last === undefined || number > last.number || (number === last.number && !keepsAllOfLast)).map(({ number }) => number),
    anchorRebuilt,
  };
}

/** Walks one segment to its end or its first bad group. Throws where the segment can't be read at all. */
async function scanSound(
  directory: LogDirectory,
  state: LogState,
  segment: Segment,
  chain: number | undefined,
  signal: AbortSignal | undefined,
): Promise<GroupScanner> {
  const file = await directory.vfs.open(segment.path, { access: "read" }).catch((error: unknown) => {
    throw missingSegment(segment.path, segment.number, segment.firstLsn, error) ?? error;
  });
  try {
    await readSegmentHeader(file, segment, state);
    const scanner = new GroupScanner(file, {
      seed: segment.seed,
      torn: state.torn,
      blockBytes: state.blockBytes,
      offset: state.blockBytes,
      lsn: segment.firstLsn,
      chain,
      end: segment.end,
      epochMin: 0,
      epochMax: Number.MAX_SAFE_INTEGER,
      reuseBuffer: true,
    });
    for (;;) {
      signal?.throwIfAborted();
      const step = await scanner.next();
      if (step.kind !== "group") return scanner;
    }
  } finally {
    await file.close();
  }
}

/** Books made from the headers that can be read: the newest segment, and what its table names. */
async function booksFromHeaders(directory: LogDirectory, state: LogState | undefined): Promise<{ state: LogState; table: SegmentTable }> {
  const headers = new Map<number, SegmentHeader>();
  for (const number of (await directory.list()).segments) {
    const header = await tryHeader(directory, number);
    if (header?.number === number && (state === undefined || equalBytes(header.logId, state.logId))) headers.set(number, header);
  }
  const newest = [...headers.values()].at(-1);
  if (newest === undefined) {
    throw new CorruptionError({
      path: directory.anchor,
      offset: 0,
      expected: "an anchor, or at least one segment with a sound header",
      found: "neither",
    });
  }
  for (const [number, header] of headers) {
    if (equalBytes(header.logId, newest.logId)) continue;
    throw new CorruptionError({
      path: directory.segment(number),
      offset: 0,
      expected: `segments of one log (${toHex(newest.logId)}); move the others away first`,
      found: `a segment of log ${toHex(header.logId)}`,
    });
  }
  const newestFirst: Segment[] = [];
  const add = (facts: Parameters<typeof makeSegment>[1]): number =>
    newestFirst.push(makeSegment(newest.logId, facts, directory.segment(facts.number), newest.blockBytes));
  add({ ...newest, end: newest.segmentBytes, chain: 0 });
  for (let header: SegmentHeader | undefined = newest; header !== undefined; ) {
    let named = 0;
    for (const sealed of header.back) {
      if (!headers.has(sealed.number)) break;
      add(sealed);
      named += 1;
    }
    header = named > 0 && named === header.back.length ? headers.get(newestFirst.at(-1)!.number) : undefined;
  }
  const table = new SegmentTable(newestFirst.reverse());
  const first = table.all[0]!;
  const rebuilt: LogState = {
    logId: newest.logId,
    torn: newest.torn,
    blockBytes: newest.blockBytes,
    segmentBytes: newest.segmentBytes,
    // Groups may carry later epochs than headers do; the walk raises it to the highest it meets.
    epoch: Math.max(state?.epoch ?? 0, ...[...headers.values()].map(({ epoch }) => epoch)),
    clean: false,
    firstLsn: Math.max(state?.firstLsn ?? 0, first.firstLsn),
    firstSegment: first.number,
    nextSegment: newest.number + 1,
    activeSegment: newest.number,
    activeSalt: newest.salt,
    tail: { offset: newest.blockBytes, lsn: newest.firstLsn, chain: 0, previousGroup: 0 },
    cuts: state?.cuts ?? 0,
    cutLsn: state?.cutLsn ?? 0,
  };
  return { state: rebuilt, table };
}

async function tryHeader(directory: LogDirectory, number: number): Promise<SegmentHeader | undefined> {
  const file = await directory.vfs.open(directory.segment(number), { access: "read" });
  try {
    const block = new Uint8Array(65_536);
    const parse = parseSegmentHeader(block.subarray(0, await file.read(block, 0)));
    return parse.kind === "sound" ? parse.header : undefined;
  } finally {
    await file.close();
  }
}

/** The first of `removed-1`, `removed-2`, … that is free. */
async function freeCopyDirectory(directory: LogDirectory): Promise<string> {
  for (let index = 1; ; index++) {
    const path = directory.removed(index);
    if ((await directory.vfs.stat(path)) === undefined) return path;
  }
}

/** Copies anchor and removed segments, durably. Returns the paths of the copies. */
async function copyRemoved(directory: LogDirectory, part: SoundPart, target: string, dryRun: boolean): Promise<string[]> {
  const { vfs } = directory;
  const sources = [directory.anchor, ...part.removed.map((number) => directory.segment(number))];
  const copies: string[] = [];
  if (!dryRun) await vfs.makeDirectory(target);
  for (const source of sources) {
    if ((await vfs.stat(source)) === undefined) continue;
    const copy = vfs.join(target, source.slice(vfs.parent(source).length).replace(/^[\\/]/, ""));
    copies.push(copy);
    if (!dryRun) await copyFile(vfs, source, copy);
  }
  if (dryRun) return copies;
  // The copies must have durable names before what they are copies of goes away.
  await vfs.syncDirectory(target);
  await vfs.syncDirectory(directory.path);
  return copies;
}

const COPY_BYTES = 1 << 20;

async function copyFile(vfs: Vfs, from: string, to: string): Promise<void> {
  const source = await vfs.open(from, { access: "read" });
  try {
    const target = await vfs.open(to, { access: "read-write", create: "exclusive" });
    try {
      const buffer = Buffer.alloc(COPY_BYTES);
      for (let offset = 0; ; offset += COPY_BYTES) {
        const length = await source.read(buffer, offset);
        if (length > 0) await target.write(buffer.subarray(0, length), offset);
        if (length < COPY_BYTES) break;
      }
      await target.syncData();
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

/** Ends the log where its sound part ends: a cut like any other, after the anchor is made anew where it must be. */
async function cutTo(directory: LogDirectory, part: SoundPart): Promise<void> {
  const { vfs } = directory;
  const { state, table } = part;
  const options = resolveLogOptions({ vfs, spareSegmentsMax: 0 }, directory.path, state);
  const anchor = part.anchorRebuilt ? await remakeAnchor(directory, state) : await openLogAnchor(directory);
  const tail: LogTail = {
    directory,
    options,
    anchor,
    table,
    files: new SegmentFiles(vfs, state),
    spares: new SpareSegments(directory, 0, []),
    doubleWrite: undefined,
    counters: { groups: 0, records: 0, payloadBytes: 0, writtenBytes: 0, syncs: 0, segmentsMade: 0, segmentsRecycled: 0 },
    active: undefined,
    state,
    chain: part.chain,
    lastGroup: 0,
    visibleLsn: part.nextLsn - 1,
    durableLsn: part.nextLsn - 1,
  };
  try {
    const dropped = await activateSegment(tail, {
      previous: part.last,
      ...(part.last === undefined ? {} : { previousEnd: part.end }),
      firstLsn: part.nextLsn,
      chain: part.chain,
      cuts: true,
    });
    for (const segment of dropped) if ((await vfs.stat(segment.path)) !== undefined) await vfs.remove(segment.path);
  } finally {
    await tail.active?.close();
    await anchor.close();
  }
}

async function remakeAnchor(directory: LogDirectory, state: LogState): Promise<Anchor> {
  const { vfs } = directory;
  // Its copy is durable. A crash here leaves segments without an anchor, which is where a repair starts.
  if ((await vfs.stat(directory.anchor)) !== undefined) await vfs.remove(directory.anchor);
  return await createLogAnchor(directory, state);
}
