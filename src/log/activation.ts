/**
 * Making a new segment the active one: the first segment, the next one, or the one behind a cut.
 *
 * The new file gets its whole content under a spare's name, then its own name, and only then does the anchor name it. That one anchor write
 * is the commit point:
 *
 * | step | on disk after a crash here | what recovery does |
 * |---|---|---|
 * | header (and kept records) into the spare, synced | a spare with some bytes | a spare's bytes are no evidence; it is used again |
 * | rename to the segment's name, directory synced | a segment that the anchor does not name, or a spare | removes it |
 * | anchor written | the new segment is the active one | goes on in it |
 */
import { ActiveSegment, type ActiveSegmentOptions } from "./active-segment.js";
import { segmentChannel } from "./channels.js";
import {
  FORMAT_VERSION,
  type GroupFormat,
  SALT_BYTES,
  type SealedSegment,
  backCountMax,
  encodeSegmentHeader,
  groupBytes,
  sealGroup,
  segmentSeed,
} from "./format.js";
import type { GroupBuffer } from "./group-buffer.js";
import type { LogDirectory } from "./log-directory.js";
import type { ResolvedLogOptions } from "./options.js";
import { type Segment, makeSegment } from "./segment-table.js";
import { nextEpoch } from "./state.js";
import { type LogTail, anchorState } from "./tail.js";

/** What the new segment follows. */
export interface ActivationPlan {
  /** The segment before it, which stays live; `undefined` where the log starts anew. Those behind it are dropped. */
  readonly previous: Segment | undefined;
  /** Where `previous` is to end, when a cut makes it end sooner than it does. */
  readonly previousEnd?: number;
  /** LSN of its first record. */
  readonly firstLsn: number;
  /** Header checksum of the group before it. */
  readonly chain: number;
  /** Records that open the segment, durable before it is named; those that a cut keeps of a group. */
  readonly kept?: GroupBuffer;
  /**
   * Records behind the new segment's first are cut. Starts a new epoch, so that nothing which was said of the cut ones (a mark) is taken as
   * said of those that get the same LSNs.
   */
  readonly cuts?: boolean;
}

/** Makes the segment and moves the tail into it. Every group before must be durable. Returns the segments that are live no more. */
export async function activateSegment(tail: LogTail, plan: ActivationPlan): Promise<Segment[]> {
  const { directory, options, state, table } = tail;
  const { vfs } = directory;
  const number = await freeNumber(directory, state.nextSegment);
  const epoch = plan.cuts === true ? nextEpoch(directory.anchor, state.epoch) : state.epoch;
  const salt = vfs.randomBytes(SALT_BYTES);
  const recycled = tail.spares.take();
  const sparePath = recycled ?? directory.spare(number);
  const path = directory.segment(number);
  const version = FORMAT_VERSION;
  const header = encodeSegmentHeader({
    version,
    logId: state.logId,
    number,
    salt,
    firstLsn: plan.firstLsn,
    epoch,
    blockBytes: options.blockBytes,
    torn: options.torn,
    segmentBytes: options.segmentBytes,
    recycled: recycled !== undefined,
    back: backTable(tail, plan),
  });
  const kept =
    plan.kept === undefined
      ? undefined
      : sealKept(tail, plan, { version, seed: segmentSeed(state.logId, number, salt, version), epoch }, plan.kept);

  const file = await vfs.open(sparePath, { access: "read-write", create: "if-missing" });
  try {
    await file.write(header, 0);
    if (kept !== undefined) await file.write(kept.bytes, options.blockBytes);
    // The content must be durable before the name is: else a crash could leave a segment with a name and no header.
    await file.syncData();
  } finally {
    await file.close();
  }
  await vfs.rename(sparePath, path);
  // The name must be durable before the anchor relies on it (R2).
  await vfs.syncDirectory(directory.path);

  const end = options.blockBytes + (kept?.bytes.length ?? 0);
  const chain = kept?.chain ?? plan.chain;
  const lastGroup = kept === undefined ? 0 : options.blockBytes;
  const lsn = plan.firstLsn + (plan.kept?.count ?? 0);
  const segment = makeSegment(
    state.logId,
    { version, number, salt, firstLsn: plan.firstLsn, end, chain },
    path,
    options.blockBytes,
  );
  const active = await ActiveSegment.open(vfs, segment, activeOptions(options));
  if (plan.cuts === true) {
    // In one step with the new epoch, which starts with the next call: nobody may say of the new epoch that it holds what is cut.
    tail.visibleLsn = lsn - 1;
    tail.durableLsn = lsn - 1;
  }
  try {
    await anchorState(tail, {
      epoch,
      activeSegment: number,
      activeSalt: salt,
      nextSegment: number + 1,
      ...(plan.previous === undefined ? { firstSegment: number } : {}),
      ...(plan.cuts === true ? { cuts: state.cuts + 1, cutLsn: lsn - 1 } : {}),
      tail: { offset: end, lsn, chain, previousGroup: lastGroup },
    });
  } catch (error) {
    await active.close();
    throw error;
  }
  const dropped = table.dropAfter(plan.previous);
  if (plan.previous !== undefined && plan.previousEnd !== undefined) {
    plan.previous.end = plan.previousEnd;
    plan.previous.chain = plan.chain;
  }
  table.push(segment);
  const before = tail.active;
  tail.active = active;
  tail.chain = chain;
  tail.lastGroup = lastGroup;
  tail.counters.segmentsMade += 1;
  if (recycled !== undefined) tail.counters.segmentsRecycled += 1;
  if (segmentChannel.hasSubscribers) {
    segmentChannel.publish({
      directory: directory.path,
      number,
      firstLsn: plan.firstLsn,
      recycled: recycled !== undefined,
    });
  }
  await before?.close();
  return dropped;
}

/** The first number from `next` on whose name is free: a file that is not ours may have it. */
async function freeNumber(directory: LogDirectory, next: number): Promise<number> {
  let number = next;
  while ((await directory.vfs.stat(directory.segment(number))) !== undefined) number += 1;
  return number;
}

/** How the active segment's file is used under these options. */
export function activeOptions(options: ResolvedLogOptions): ActiveSegmentOptions {
  return {
    segmentBytes: options.segmentBytes,
    durableWrites: options.durability === "sync",
    inline: options.flush === "inline",
  };
}

function backTable(tail: LogTail, plan: ActivationPlan): SealedSegment[] {
  const back = tail.table.backTable(plan.previous, backCountMax(tail.options.blockBytes));
  if (back[0] === undefined || plan.previousEnd === undefined) return back;
  return [{ ...back[0], end: plan.previousEnd, chain: plan.chain }, ...back.slice(1)];
}

/** The kept records as a group of the new segment. */
function sealKept(
  tail: LogTail,
  plan: ActivationPlan,
  segment: GroupFormat & { readonly epoch: number },
  kept: GroupBuffer,
): { bytes: Uint8Array; chain: number } {
  const { options } = tail;
  const bytes = kept.padded(groupBytes(kept.bodyBytes, options.torn, options.blockBytes));
  const { firstLsn, chain } = plan;
  const stamp = { firstLsn, count: kept.count, floor: firstLsn - 1, epoch: segment.epoch, chain };
  return { bytes, chain: sealGroup(bytes, kept.bodyBytes, segment, stamp) };
}
