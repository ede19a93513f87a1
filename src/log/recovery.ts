/**
 * Deciding where a log ends after it was not closed cleanly, and making what is kept durable.
 *
 * The decision ({@link decideTail}) is pure. Its effects ({@link settleTail}) come in this order, before any reader sees a record:
 *
 * | step | on disk after a crash here | what the next recovery does |
 * |---|---|---|
 * | an image left in the double-write buffer is put back, synced | the block, old or new or torn; the image is still there | puts it back again |
 * | the kept tail above the last floor goes to the double-write buffer, durable | the tail as it was | the same again |
 * | the same bytes are written in place, synced | the tail, perhaps torn; the images are there | puts them back |
 * | the buffer is cleared, durable | the tail, durable | decides the same |
 * | the anchor starts a new epoch behind the tail | as before, or the new epoch | as before, or nothing left to do |
 *
 * Why the same bytes are written again: the process before may have seen a sync fail, after which the kernel shows bytes that the disk
 * does not have; or it was killed before a sync, and a power cut would take back what readers saw (R3, R4). Only groups above the last
 * floor need it: that floor says that a sync of everything below succeeded.
 */
import { CorruptionError, isZero } from "../base/index.js";
import type { VfsFile } from "../vfs/index.js";
import type { DoubleWriteBuffer, ProtectedImage } from "./double-write-buffer.js";
import { GROUP_ALIGN_BYTES, GROUP_HEADER_BYTES, groupBytes, parseGroupHeader, parseSegmentHeader } from "./format.js";
import { CHUNK_BYTES, GroupScanner, type ScanPlan } from "./group-scanner.js";
import type { LogDirectory } from "./log-directory.js";
import { readMark } from "./mark.js";
import type { ReadableFile } from "./overlay-file.js";
import type { Segment } from "./segment-table.js";
import type { LogPosition, LogState } from "./state.js";

/** How a log was opened. */
export interface RecoveryReport {
  /** The log was made by this opening. */
  readonly created: boolean;
  /** It had been closed cleanly, or was made. Nothing needed recovery. */
  readonly clean: boolean;
  /** The epoch of this opening. */
  readonly epoch: number;
  readonly firstLsn: number;
  readonly lastLsn: number;
  /** Records found behind the anchored position and kept. */
  readonly keptRecords: number;
  /** Bytes written again because their durability was not proven. */
  readonly rewrittenBytes: number;
  /** Bytes of an unacknowledged tail that were cut; 0 when nothing was. */
  readonly cutBytes: number;
  /** Where the log was cut, and what stood there. Absent when nothing was cut. */
  readonly cut?: { readonly path: string; readonly offset: number; readonly lsn: number; readonly reason: string };
  /** Files of an interrupted roll, cut or prune that were removed. */
  readonly removedFiles: number;
  /** Milliseconds from the call to the first possible append. */
  readonly durationMs: number;
}

/** What a look at the tail found. */
export interface TailFindings {
  /** The end of the last sound group in a row from the anchored position. */
  readonly end: LogPosition;
  /** Highest floor among the sound groups; the anchored LSN before the tail if there are none. */
  readonly floor: number;
  /** Offset of the first group that the floor does not cover; `end.offset` when all are covered. */
  readonly uncertainFrom: number;
  /** What stands at `end`; absent when the segment is full to the last byte. */
  readonly bad?: { readonly expected: string; readonly found: string };
  /** A later group, or a mark, that proves an LSN at or above `end.lsn` had been durable. */
  readonly evidence?: { readonly where: string; readonly durableLsn: number };
  /**
   * Bytes of groups that were on their way when the writer stopped: from `end` to the last byte that is not zero, or, in a recycled file,
   * which is full of leftovers, to the end of the last group that bears this segment's salt and epoch.
   */
  readonly trailingBytes: number;
}

/** What is to be done about a tail. */
export type TailDecision =
  | { readonly kind: "keep" }
  | { readonly kind: "cut" }
  | { readonly kind: "damaged"; readonly expected: string; readonly found: string };

/**
 * The rule that tells a torn tail from damage (R5). Total: every combination of findings has exactly one outcome.
 *
 * | evidence that LSN `end.lsn` was durable | bytes behind the end | outcome |
 * |---|---|---|
 * | yes | any | damaged: nothing is changed |
 * | no | none | keep |
 * | no | some | cut: a batch that was never acknowledged |
 */
export function decideTail(findings: TailFindings): TailDecision {
  const { evidence, bad, end, trailingBytes } = findings;
  if (evidence !== undefined && evidence.durableLsn >= end.lsn) {
    return {
      kind: "damaged",
      expected: bad?.expected ?? "a group",
      found: `${bad?.found ?? "the end of the segment"}, though ${evidence.where} proves that LSN ${evidence.durableLsn} was durable`,
    };
  }
  return trailingBytes === 0 ? { kind: "keep" } : { kind: "cut" };
}

/** The plan for walking the tail: from the anchored position, only groups of the anchored epoch. */
function tailPlan(segment: Segment, state: LogState): ScanPlan {
  return {
    format: segment,
    torn: state.torn,
    blockBytes: state.blockBytes,
    offset: state.tail.offset,
    lsn: state.tail.lsn,
    chain: state.tail.chain,
    end: state.segmentBytes,
    epochMin: state.epoch,
    epochMax: state.epoch,
    reuseBuffer: true,
  };
}

/** Looks at everything behind the anchored position. Reads only. */
export async function findTail(
  directory: LogDirectory,
  file: ReadableFile,
  segment: Segment,
  state: LogState,
): Promise<TailFindings> {
  const mark = await readMark(directory.vfs, directory.mark, state.logId);
  const block = new Uint8Array(state.blockBytes);
  const parse = parseSegmentHeader(block.subarray(0, await file.read(block, 0)));
  return await inspectTail(file, segment, state, {
    recycled: parse.kind === "sound" && parse.header.recycled,
    markedDurableLsn: mark !== undefined && mark.epoch === state.epoch ? mark.durableLsn : undefined,
  });
}

async function inspectTail(
  file: ReadableFile,
  segment: Segment,
  state: LogState,
  known: { readonly recycled: boolean; readonly markedDurableLsn: number | undefined },
): Promise<TailFindings> {
  const scanner = new GroupScanner(file, tailPlan(segment, state));
  let end = state.tail;
  let floor = state.tail.lsn - 1;
  /** Starts of the groups that the floor does not cover yet; one or two, except in the weaker durability modes. */
  let uncertain: { lsn: number; offset: number }[] = [];
  let bad: { expected: string; found: string } | undefined;
  for (;;) {
    const step = await scanner.next();
    if (step.kind === "end") break;
    if (step.kind === "bad") {
      bad = step;
      break;
    }
    segment.index.note(step.header.firstLsn, step.offset);
    floor = Math.max(floor, step.header.floor);
    uncertain = uncertain.filter(({ lsn }) => lsn > floor);
    uncertain.push({ lsn: step.header.firstLsn + step.header.count - 1, offset: step.offset });
    end = { offset: step.end, lsn: scanner.lsn, chain: step.header.headerCrc, previousGroup: step.offset };
  }
  const rest =
    bad === undefined
      ? { trailingBytes: 0 }
      : await inspectRest(file, segment, state, { end, recycled: known.recycled });
  const evidence = rest.evidence ?? said(end, state, known.markedDurableLsn);
  return {
    end,
    floor,
    uncertainFrom: uncertain[0]?.offset ?? end.offset,
    ...(bad === undefined ? {} : { bad: { expected: bad.expected, found: bad.found } }),
    ...(evidence === undefined ? {} : { evidence }),
    trailingBytes: rest.trailingBytes,
  };
}

/** What anchor and mark say of the records at the end. */
function said(end: LogPosition, state: LogState, markedDurableLsn: number | undefined): TailFindings["evidence"] {
  if (state.firstLsn > end.lsn)
    return { where: "the anchor, which prunes up to there,", durableLsn: state.firstLsn - 1 };
  return markedDurableLsn === undefined ? undefined : { where: "the mark", durableLsn: markedDurableLsn };
}

/** Searches the bytes behind the end of the log for a group of this epoch whose floor proves that the end was not the end. */
async function inspectRest(
  file: ReadableFile,
  segment: Segment,
  state: LogState,
  from: { readonly end: LogPosition; readonly recycled: boolean },
): Promise<{ trailingBytes: number; evidence?: { where: string; durableLsn: number } }> {
  const { end } = from;
  const unit = state.torn === "align" ? state.blockBytes : GROUP_ALIGN_BYTES;
  // One header more than a chunk, so that a header which crosses the chunk's end is seen whole.
  const buffer = Buffer.alloc(Math.min(CHUNK_BYTES, state.segmentBytes - end.offset) + GROUP_HEADER_BYTES);
  let trailingBytes = 0;
  for (let offset = end.offset; offset < state.segmentBytes; offset += CHUNK_BYTES) {
    const length = await file.read(buffer, offset);
    const own = Math.min(length, CHUNK_BYTES, state.segmentBytes - offset);
    if (!isZero(buffer, 0, own)) {
      if (!from.recycled) trailingBytes = offset - end.offset + lastNonZero(buffer, own) + 1;
      for (let at = 0; at < own && at + GROUP_HEADER_BYTES <= length; at += unit) {
        const header = parseGroupHeader(buffer, at, segment);
        if (header === undefined || header.epoch !== state.epoch) continue;
        trailingBytes = Math.max(
          trailingBytes,
          offset + at - end.offset + groupBytes(header.bodyBytes, state.torn, state.blockBytes),
        );
        if (header.floor < end.lsn) continue;
        return {
          trailingBytes,
          evidence: { where: `the group at byte ${offset + at}, LSN ${header.firstLsn},`, durableLsn: header.floor },
        };
      }
    }
    if (length < CHUNK_BYTES) break;
  }
  return { trailingBytes };
}

function lastNonZero(bytes: Uint8Array, length: number): number {
  let at = length - 1;
  while (at >= 0 && bytes[at] === 0) at -= 1;
  return at;
}

/** Checks the last group before the anchored position: the cheapest proof that this file is the one the anchor was written for. */
export async function checkAnchoredGroup(file: ReadableFile, segment: Segment, state: LogState): Promise<void> {
  const { tail } = state;
  if (tail.previousGroup === 0) return;
  const head = new Uint8Array(GROUP_HEADER_BYTES);
  const length = await file.read(head, tail.previousGroup);
  const header = length < GROUP_HEADER_BYTES ? undefined : parseGroupHeader(head, 0, segment);
  const scanner = new GroupScanner(file, {
    ...tailPlan(segment, state),
    offset: tail.previousGroup,
    lsn: header?.firstLsn ?? tail.lsn - 1,
    chain: undefined,
    end: tail.offset,
    epochMin: 0,
  });
  const step = await scanner.next();
  const matches =
    step.kind === "group" &&
    step.end === tail.offset &&
    step.header.headerCrc === tail.chain &&
    scanner.lsn === tail.lsn;
  if (matches) return;
  throw new CorruptionError({
    path: segment.path,
    offset: tail.previousGroup,
    lsn: header?.firstLsn ?? tail.lsn - 1,
    expected: "the group that the anchor names as the last one",
    found: step.kind === "bad" ? step.found : "another group",
  });
}

/** Puts back what the double-write buffer holds for this segment. Returns the number of images. */
export async function restoreImages(file: VfsFile, segment: Segment, buffer: DoubleWriteBuffer): Promise<number> {
  const images = (await buffer.recover()).filter(({ target }) => Buffer.compare(target, segment.salt) === 0);
  for (const { image, offset } of images) await file.write(image, offset);
  // The images stay in the buffer until the next use of it, so a crash before this returns only means doing it again.
  if (images.length > 0) await file.syncData();
  return images.length;
}

/** Bytes of images written to the double-write buffer at a time. */
const REWRITE_BYTES = 1 << 20;

/**
 * Makes `[from, end)` of the segment durable by writing the same bytes again, a torn write of which can't harm what is there. Returns the
 * number of bytes. The buffer is clear afterwards.
 */
export async function rewriteTail(
  file: VfsFile,
  segment: Segment,
  buffer: DoubleWriteBuffer,
  range: { readonly from: number; readonly end: number; readonly blockBytes: number },
): Promise<number> {
  const start = range.from - (range.from % range.blockBytes);
  let bytes = 0;
  for (let offset = start; offset < range.end; offset += REWRITE_BYTES) {
    const image = new Uint8Array(
      Math.min(REWRITE_BYTES, Math.ceil((range.end - offset) / range.blockBytes) * range.blockBytes),
    );
    const length = await file.read(image, offset);
    const images: ProtectedImage[] = [{ target: segment.salt, offset, image: image.subarray(0, length) }];
    await buffer.protect(images);
    await file.write(images[0]!.image, offset);
    await file.syncData();
    bytes += length;
  }
  await buffer.clear();
  return bytes;
}
