/**
 * Cutting a damaged log down to what can still be proven. Never automatic.
 *
 * What is removed is copied first, durably, to a directory beside the segments; then the log is cut before the damage, by the same single
 * anchor write as any cut. A crash before that write leaves the log as it was, with a copy too many; a crash after it leaves it repaired.
 * Where the anchor itself is gone, it is made anew from the segment headers; it is the last thing written.
 */
import type { Anchor } from "../anchor/index.js";
import { checkBoolean, checkOptions, invalid } from "../base/index.js";
import type { Vfs } from "../vfs/index.js";
import { activateSegment } from "./activation.js";
import { DoubleWriteBuffer } from "./double-write-buffer.js";
import { backCountMax, encodeSegmentHeader } from "./format.js";
import { createLogAnchor, openLogAnchor } from "./log-anchor.js";
import { LogDirectory } from "./log-directory.js";
import { readMark } from "./mark.js";
import { resolveLogOptions, vfsOf } from "./options.js";
import { restoreImages, rewriteTail } from "./recovery.js";
import { SegmentFiles } from "./segment-files.js";
import type { Segment } from "./segment-table.js";
import { type SoundPart, findSoundPart } from "./sound-part.js";
import { SpareSegments } from "./spare-segments.js";
import { type LogState, nextEpoch } from "./state.js";
import { surveyLog } from "./survey.js";
import type { LogTail } from "./tail.js";
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
  /** The newest LSN that is kept. Absent when `needless`. */
  readonly keptLastLsn?: number;
  /** Records that the anchor vouched for and that are lost; absent where the anchor is lost too. */
  readonly lostRecords?: number;
  /** Segments whose header was damaged and was written again, from what anchor and neighbours know. Their records are kept. */
  readonly restoredHeaders: readonly string[];
  /** The anchor was lost and was made anew. What had been pruned may be back. */
  readonly anchorRebuilt: boolean;
  /** Copies of the files as they were, in the order of the log. */
  readonly copies: readonly string[];
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
    const unchanged = { directory: path, dryRun, before, restoredHeaders: [], anchorRebuilt: false, copies: [] };
    if (before.sound) return { ...unchanged, needless: true };
    const part = await findSoundPart(directory, signal);
    signal?.throwIfAborted();
    const copies = await copyOriginals(directory, part, dryRun);
    if (!dryRun) {
      await restoreHeaders(directory, part);
      if (!part.complete) await cutTo(directory, part);
    }
    return {
      ...unchanged,
      needless: false,
      keptLastLsn: part.nextLsn - 1,
      ...(part.anchorLost ? {} : { lostRecords: Math.max(0, part.state.tail.lsn - part.nextLsn) }),
      restoredHeaders: part.headless.map(({ segment }) => segment.path),
      anchorRebuilt: part.anchorLost,
      copies,
    };
  } finally {
    await lock.release();
  }
}

/** The first of `removed-1`, `removed-2`, … that is free. */
async function freeCopyDirectory(directory: LogDirectory): Promise<string> {
  for (let index = 1; ; index++) {
    const path = directory.removed(index);
    if ((await directory.vfs.stat(path)) === undefined) return path;
  }
}

/** Copies the anchor and every segment that will be changed or removed, durably. Returns the paths of the copies. */
async function copyOriginals(directory: LogDirectory, part: SoundPart, dryRun: boolean): Promise<string[]> {
  const { vfs } = directory;
  const target = await freeCopyDirectory(directory);
  const numbers = new Set([
    ...part.headless.map(({ segment }) => segment.number),
    ...(part.complete ? [] : part.removed),
  ]);
  const names = ["anchor", ...[...numbers].sort((a, b) => a - b).map((number) => directory.segmentName(number))];
  const copies: string[] = [];
  if (!dryRun) await vfs.makeDirectory(target);
  for (const name of names) {
    const source = vfs.join(directory.path, name);
    if ((await vfs.stat(source)) === undefined) continue;
    const copy = vfs.join(target, name);
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

/** Writes damaged headers again. A crash within leaves a damaged header, as before. */
async function restoreHeaders(directory: LogDirectory, part: SoundPart): Promise<void> {
  const { logId, blockBytes, torn, segmentBytes } = part.state;
  for (const { segment, epoch } of part.headless) {
    const { version, number, salt, firstLsn } = segment;
    const back = part.table.backTable(part.table.before(segment), backCountMax(blockBytes));
    const file = await directory.vfs.open(segment.path, { access: "read-write" });
    try {
      // Whether the file had another life before is not known; that it had is the safe guess.
      const identity = { version, logId, number, salt, firstLsn, epoch };
      const header = { ...identity, blockBytes, torn, segmentBytes, recycled: true, back };
      await file.write(encodeSegmentHeader(header), 0);
      await file.syncData();
    } finally {
      await file.close();
    }
  }
}

/** Ends the log where its sound part ends: a cut like any other, after the anchor is made anew where it must be. */
async function cutTo(directory: LogDirectory, part: SoundPart): Promise<void> {
  const { vfs } = directory;
  const { state, table } = part;
  if (part.last !== undefined && part.last === table.active && !state.clean)
    await settleKept(directory, part, part.last);
  const options = resolveLogOptions({ vfs, spareSegmentsMax: 0 }, directory.path, state);
  // A mark may be of a later epoch than any group that is left; the new epoch must be later still, or it would be believed.
  const mark = await readMark(vfs, directory.mark, state.logId);
  const epoch = Math.max(state.epoch, mark?.epoch ?? 0);
  const books = part.anchorLost ? settledBooks(part, nextEpoch(directory.anchor, epoch)) : { ...state, epoch };
  const anchor = part.anchorLost ? await remakeAnchor(directory, books) : await openLogAnchor(directory);
  const tail: LogTail = {
    directory,
    options,
    anchor,
    table,
    files: new SegmentFiles(vfs, state),
    spares: new SpareSegments(directory, 0, []),
    doubleWrite: undefined,
    counters: {
      groups: 0,
      records: 0,
      payloadBytes: 0,
      writtenBytes: 0,
      syncs: 0,
      segmentsMade: 0,
      segmentsRecycled: 0,
    },
    active: undefined,
    state: books,
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

/**
 * Makes the newest segment's kept part durable, as an opening after a crash does: images of the double-write buffer first, then the same bytes
 * again. A killed writer may have left them in the page cache only, and what a cut seals must be on the disk.
 */
async function settleKept(directory: LogDirectory, part: SoundPart, segment: Segment): Promise<void> {
  const { vfs } = directory;
  const { blockBytes, tail } = part.state;
  const file = await vfs.open(segment.path, { access: "read-write" });
  let buffer: DoubleWriteBuffer | undefined;
  try {
    buffer = await DoubleWriteBuffer.open(vfs, directory.doubleWrite);
    await restoreImages(file, segment, buffer);
    // Without an anchor nobody knows which part is durable already.
    const from = part.anchorLost ? blockBytes : Math.min(tail.offset, part.end);
    await rewriteTail(file, segment, buffer, { from, end: part.end, blockBytes });
  } finally {
    await buffer?.close();
    await file.close();
  }
}

/**
 * Books that end the log where its sound part ends, so that a crash right behind the new anchor leaves a whole log. What lies behind the end is
 * copied already; with the new epoch none of it parses.
 */
function settledBooks(part: SoundPart, epoch: number): LogState {
  const { state, last, end, chain, nextLsn } = part;
  const tail = { offset: last === undefined ? 0 : end, lsn: nextLsn, chain, previousGroup: 0 };
  const active =
    last === undefined ? { firstSegment: 0, activeSegment: 0 } : { activeSegment: last.number, activeSalt: last.salt };
  return { ...state, ...active, epoch, tail };
}

async function remakeAnchor(directory: LogDirectory, state: LogState): Promise<Anchor> {
  const { vfs } = directory;
  // Its copy is durable. A crash here leaves segments without an anchor, which is where a repair starts.
  if ((await vfs.stat(directory.anchor)) !== undefined) await vfs.remove(directory.anchor);
  return await createLogAnchor(directory, state);
}
