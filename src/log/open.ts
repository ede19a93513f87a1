/**
 * Opening a log for writing, in one straight function: lock, anchor, books, tail, new epoch. Nothing is changed before the books are
 * known to be sound, but for the lock file and the healing of the anchor's own slots.
 */
import type { Anchor } from "../anchor/index.js";
import { CorruptionError, FormatError, InvalidArgumentError } from "../base/index.js";
import { type Vfs, type VfsLock } from "../vfs/index.js";
import { activateSegment, activeOptions } from "./activation.js";
import { ActiveSegment } from "./active-segment.js";
import { openChannel } from "./channels.js";
import { DoubleWriteBuffer } from "./double-write-buffer.js";
import { LOG_ID_BYTES, SALT_BYTES } from "./format.js";
import { createLogAnchor, openLogAnchor } from "./log-anchor.js";
import { LogDirectory, type LogListing } from "./log-directory.js";
import { MarkWriter } from "./mark.js";
import { type LogOptions, type ResolvedLogOptions, resolveLogOptions } from "./options.js";
import {
  type RecoveryReport,
  type TailFindings,
  checkAnchoredGroup,
  decideTail,
  findTail,
  restoreImages,
  rewriteTail,
} from "./recovery.js";
import { SegmentFiles } from "./segment-files.js";
import { findOrphans } from "./orphans.js";
import { loadSegments } from "./segment-loading.js";
import { type Segment } from "./segment-table.js";
import { SpareSegments } from "./spare-segments.js";
import { type LogState, encodeLogState, nextEpoch, readState } from "./state.js";
import { type LogTail, anchorState } from "./tail.js";

/** An open log's parts. */
export interface OpenedLog {
  readonly tail: LogTail;
  readonly lock: VfsLock;
  readonly mark: MarkWriter;
  readonly recovery: RecoveryReport;
}

/** Opens or makes the log at `path`. Errors: see `Log.open`. */
export async function openLog(path: string, given: LogOptions | undefined): Promise<OpenedLog> {
  const wanted = resolveLogOptions(given, path);
  const { vfs } = wanted;
  const startMs = vfs.nowMs();
  const directory = new LogDirectory(vfs, path);
  await prepareDirectory(directory, wanted.createIfMissing);
  const closers: (() => Promise<unknown>)[] = [];
  try {
    const lock = await vfs.lock(directory.lock);
    closers.push(() => lock.release());

    const listing = await directory.list();
    const created = !listing.hasAnchor;
    const anchor = created ? await createAnchor(directory, listing, wanted) : await openLogAnchor(directory);
    closers.push(() => anchor.close());
    const state = readState(directory.anchor, anchor.value);
    const options = resolveLogOptions(given, path, state);
    const epoch = nextEpoch(directory.anchor, state.epoch);

    const table = await loadSegments(directory, state, listing.segments);
    const removable = await findOrphans(directory, listing, state, table.all);
    const {
      tail: settled,
      findings,
      rewrittenBytes,
      cut,
    } = await settleTail(directory, listing, state, table.active, options);

    // Everything before `settled` is durable now. With the new epoch, groups of earlier ones behind it never parse again (R6).
    const reopened: LogState = { ...state, epoch, clean: false, tail: settled };
    await anchor.write(encodeLogState(reopened));
    for (const number of removable) await vfs.remove(directory.segment(number));
    // A spare may be the same file under another name. Were the name of an orphan to come back while the spare is made into a new segment, it could
    // not be told any more whose it was.
    if (removable.length > 0) await vfs.syncDirectory(directory.path);
    const spares = new SpareSegments(directory, options.spareSegmentsMax, listing.spares);
    await spares.trim();

    const doubleWrite =
      options.torn === "double-write" ? await DoubleWriteBuffer.open(vfs, directory.doubleWrite) : undefined;
    if (doubleWrite !== undefined) closers.push(() => doubleWrite.close());
    const mark = await MarkWriter.open(vfs, directory.mark, state.logId);
    closers.push(() => mark.close());
    const tail: LogTail = {
      directory,
      options,
      anchor,
      table,
      files: new SegmentFiles(vfs, state),
      spares,
      doubleWrite,
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
      state: reopened,
      chain: settled.chain,
      lastGroup: settled.previousGroup,
      visibleLsn: settled.lsn - 1,
      durableLsn: settled.lsn - 1,
    };
    closers.push(async () => tail.active?.close());
    if (table.active === undefined) {
      await activateSegment(tail, { previous: undefined, firstLsn: settled.lsn, chain: 0 });
    } else {
      table.active.end = settled.offset;
      table.active.chain = settled.chain;
      tail.active = await ActiveSegment.open(vfs, table.active, activeOptions(options));
    }

    const recovery: RecoveryReport = {
      created,
      clean: created || state.clean,
      epoch: reopened.epoch,
      firstLsn: state.firstLsn,
      lastLsn: settled.lsn - 1,
      keptRecords: settled.lsn - state.tail.lsn,
      rewrittenBytes,
      cutBytes: cut === undefined ? 0 : findings!.trailingBytes,
      ...(cut === undefined ? {} : { cut }),
      removedFiles: removable.length,
      durationMs: vfs.nowMs() - startMs,
    };
    if (openChannel.hasSubscribers) openChannel.publish({ directory: path, recovery });
    return { tail, lock, mark, recovery };
  } catch (error) {
    for (const close of closers.reverse()) await close().catch(() => undefined);
    throw error;
  }
}

/** Marks the log as closed at its end: the next opening needs no recovery. */
export async function anchorClose(tail: LogTail): Promise<void> {
  const end = tail.active!.segment.end;
  const position = { offset: end, lsn: tail.visibleLsn + 1, chain: tail.chain, previousGroup: tail.lastGroup };
  await anchorState(tail, { clean: true, tail: position });
}

/** Makes the directory if it may, and refuses a path or directory that can't be a log's. */
async function prepareDirectory(directory: LogDirectory, createIfMissing: boolean): Promise<void> {
  const { vfs, path } = directory;
  const found = await vfs.stat(path);
  if (found !== undefined && found.kind !== "directory") {
    throw new InvalidArgumentError(
      "HF_INVALID_ARGUMENT",
      `Log.open: ${path} is a ${found.kind === "file" ? "file" : "special file"}, not a directory.`,
      {
        where: "Log.open",
        path,
        kind: found.kind,
      },
    );
  }
  const listing = found === undefined ? undefined : await directory.list();
  if (listing?.hasAnchor === true) return;
  if (listing !== undefined && listing.segments.length > 0) {
    const first = listing.segments[0]!;
    throw new CorruptionError({
      path: directory.anchor,
      offset: 0,
      expected: "the log's anchor",
      found: `no such file, though ${directory.segment(first)} exists`,
    });
  }
  if (listing !== undefined && listing.foreign.length > 0) {
    throw new FormatError(
      "HF_FORMAT_UNKNOWN",
      `${path} is not a log and holds other files (${listing.foreign.slice(0, 3).join(", ")}${listing.foreign.length > 3 ? ", …" : ""}). Name an empty or new directory. Nothing was changed.`,
      { path, foreign: listing.foreign.length },
    );
  }
  if (!createIfMissing) {
    throw new InvalidArgumentError(
      "HF_INVALID_ARGUMENT",
      `Log.open: there is no log in ${path}, and createIfMissing is false.`,
      { where: "Log.open", path },
    );
  }
  await makeDirectories(vfs, path);
}

/**
 * Makes the directory and those above it that are missing, each name durable before the next is made. The name of the deepest one that exists
 * is synced too: an earlier opening may have been killed between making it and syncing it (R2).
 */
async function makeDirectories(vfs: Vfs, path: string): Promise<void> {
  const parent = vfs.parent(path);
  if (parent === path) return;
  if ((await vfs.stat(path)) === undefined) {
    if ((await vfs.stat(parent)) === undefined) await makeDirectories(vfs, parent);
    else await syncName(vfs, parent);
    await vfs.makeDirectory(path);
  }
  await syncName(vfs, path);
}

async function syncName(vfs: Vfs, path: string): Promise<void> {
  const parent = vfs.parent(path);
  if (parent !== path) await vfs.syncDirectory(parent);
}

async function createAnchor(
  directory: LogDirectory,
  listing: LogListing,
  options: ResolvedLogOptions,
): Promise<Anchor> {
  const { vfs } = directory;
  if (listing.segments.length > 0) {
    throw new CorruptionError({
      path: directory.anchor,
      offset: 0,
      expected: "the log's anchor",
      found: "no such file, though segments exist",
    });
  }
  const state: LogState = {
    logId: vfs.randomBytes(LOG_ID_BYTES),
    torn: options.torn,
    blockBytes: options.blockBytes,
    segmentBytes: options.segmentBytes,
    epoch: 0,
    clean: false,
    firstLsn: 1,
    firstSegment: 0,
    nextSegment: 1,
    activeSegment: 0,
    activeSalt: new Uint8Array(SALT_BYTES),
    tail: { offset: 0, lsn: 1, chain: 0, previousGroup: 0 },
    cuts: 0,
    cutLsn: 0,
  };
  return await createLogAnchor(directory, state);
}

interface SettledTail {
  readonly tail: LogState["tail"];
  readonly findings?: TailFindings;
  readonly rewrittenBytes: number;
  readonly cut?: RecoveryReport["cut"];
}

/** Finds the end of the log and makes everything before it durable. See `recovery.ts` for the order and the crash argument. */
async function settleTail(
  directory: LogDirectory,
  listing: LogListing,
  state: LogState,
  segment: Segment | undefined,
  options: ResolvedLogOptions,
): Promise<SettledTail> {
  if (segment === undefined) return { tail: state.tail, rewrittenBytes: 0 };
  const { vfs } = directory;
  const file = await vfs.open(segment.path, { access: "read-write" });
  let buffer: DoubleWriteBuffer | undefined;
  try {
    if (state.clean) {
      await checkAnchoredGroup(file, segment, state);
      return { tail: state.tail, rewrittenBytes: 0 };
    }
    if (listing.hasDoubleWrite) {
      buffer = await DoubleWriteBuffer.open(vfs, directory.doubleWrite);
      await restoreImages(file, segment, buffer);
    }
    await checkAnchoredGroup(file, segment, state);
    const findings = await findTail(directory, file, segment, state);
    const decision = decideTail(findings);
    if (decision.kind === "damaged") {
      throw new CorruptionError({
        path: segment.path,
        offset: findings.end.offset,
        lsn: findings.end.lsn,
        expected: decision.expected,
        found: decision.found,
      });
    }
    const range = { from: findings.uncertainFrom, end: findings.end.offset, blockBytes: options.blockBytes };
    if (range.from < range.end) buffer ??= await DoubleWriteBuffer.open(vfs, directory.doubleWrite);
    const rewrittenBytes = buffer === undefined ? 0 : await rewriteTail(file, segment, buffer, range);
    const { end, bad } = findings;
    const cut = {
      path: segment.path,
      offset: end.offset,
      lsn: end.lsn,
      reason: `expected ${bad?.expected}, found ${bad?.found}`,
    };
    return { tail: end, findings, rewrittenBytes, ...(decision.kind === "cut" ? { cut } : {}) };
  } finally {
    await buffer?.close();
    await file.close();
  }
}
