/**
 * The commit order of the log: how a group becomes durable.
 *
 * | step | on disk after a crash here | what recovery does |
 * |---|---|---|
 * | roll, where the segment is full | see `activation.ts` | |
 * | double-write: image of the shared block, durable | the block as it was; the image, or a torn image | a whole image is put back: the acknowledged bytes in it are the same; a torn one is ignored |
 * | group written, durable in mode `"sync"` | the group, or nothing, or a torn part of it | a whole one is kept, made durable again and shown; any other is cut |
 * | acknowledged | the group | it is kept: nothing ever writes to its bytes again, or only under a double-write image |
 *
 * One group is on its way at a time. So when a group is written, everything before it is durable, and its `floor` says so; recovery
 * uses that to tell a torn tail from damage (R5).
 */
import { groupChannel } from "./channels.js";
import { activateSegment } from "./activation.js";
import { groupBytes, sealGroup } from "./format.js";
import type { GroupBuffer } from "./group-buffer.js";
import type { LogTail } from "./tail.js";

/** Writes the group behind the last one. When this resolves its records may be acknowledged. Any failure must poison the log. */
export async function commitGroup(tail: LogTail, group: GroupBuffer): Promise<void> {
  const { options, counters } = tail;
  const total = groupBytes(group.bodyBytes, options.torn, options.blockBytes);
  if (tail.active === undefined || total > tail.active.room) await rollSegment(tail, group.firstLsn);
  const active = tail.active!;
  const { segment } = active;

  const bytes = group.padded(total);
  const chain = sealGroup(bytes, group.bodyBytes, segment, {
    firstLsn: group.firstLsn,
    count: group.count,
    floor: tail.durableLsn,
    epoch: tail.state.epoch,
    chain: tail.chain,
  });
  if (tail.doubleWrite !== undefined) await protectSharedBlock(tail, bytes);
  await active.write(bytes);

  tail.lastGroup = segment.end;
  tail.chain = chain;
  segment.index.note(group.firstLsn, segment.end);
  segment.chain = chain;
  segment.end += total;
  tail.visibleLsn = group.lastLsn;
  if (options.durability === "sync") {
    tail.durableLsn = group.lastLsn;
    counters.syncs += 1;
  }
  counters.groups += 1;
  counters.records += group.count;
  counters.payloadBytes += group.payloadBytes;
  counters.writtenBytes += total;
  if (groupChannel.hasSubscribers) {
    groupChannel.publish({
      directory: tail.directory.path,
      firstLsn: group.firstLsn,
      count: group.count,
      bytes: total,
    });
  }
}

/** Goes on to a new segment. Only the active one may hold bytes that are not durable, so the old one is synced first. */
export async function rollSegment(tail: LogTail, firstLsn: number): Promise<void> {
  await syncTail(tail);
  await activateSegment(tail, { previous: tail.active?.segment, firstLsn, chain: tail.chain });
}

/** Makes everything written so far durable. In mode `"sync"` it is already. */
export async function syncTail(tail: LogTail): Promise<void> {
  if (tail.durableLsn >= tail.visibleLsn || tail.active === undefined) return;
  const { visibleLsn } = tail;
  // A crash before this returns may take a tail of what was acknowledged in the weaker modes; they say so.
  await tail.active.syncData();
  tail.durableLsn = Math.max(tail.durableLsn, visibleLsn);
  tail.counters.syncs += 1;
}

/** Mode `"double-write"`: the block in which the last group ends is about to be written again, so its image goes to safety first. */
async function protectSharedBlock(tail: LogTail, bytes: Uint8Array): Promise<void> {
  const { blockBytes } = tail.options;
  const active = tail.active!;
  const { segment } = active;
  const shared = segment.end % blockBytes;
  if (shared === 0) return;
  const offset = segment.end - shared;
  const image = new Uint8Array(blockBytes);
  await active.read(image.subarray(0, shared), offset);
  image.set(bytes.subarray(0, blockBytes - shared), shared);
  await tail.doubleWrite!.protect([{ target: segment.salt, offset, image }]);
  tail.counters.syncs += 1;
}
