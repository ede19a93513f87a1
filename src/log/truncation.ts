/**
 * Dropping records: the old ones (`truncateBefore`), the new ones (`truncateAfter`).
 *
 *      firstLsn        lsn                       lsn              lastLsn
 *      |---- dropped --|------- kept ----- … ----|--- dropped ----|
 *           truncateBefore(lsn)                truncateAfter(lsn), which keeps lsn
 *
 * Each is one anchor write; a crash before it leaves all records, a crash after it leaves the dropped ones unreachable. What is done to
 * files comes after, and what a crash leaves of it the next opening clears away.
 *
 * `truncateAfter` goes on in a new segment with a new salt, so that the bytes of dropped records never parse again (R6). Where it cuts
 * through a group, the kept records of the group are copied to the front of that segment.
 */
import { activateSegment } from "./activation.js";
import { truncateChannel } from "./channels.js";
import { GroupBuffer } from "./group-buffer.js";
import { type ReadSource, findGroup, outOfRange } from "./reader.js";
import { RecordBatch } from "./record-batch.js";
import type { Segment } from "./segment-table.js";
import { type LogTail, anchorState } from "./tail.js";

/** Drops records below `lsn`. Everything written must be durable: the anchor must not name an LSN that a crash could take back. */
export async function pruneBefore(tail: LogTail, lsn: number): Promise<void> {
  const keep = tail.table.find(lsn)!;
  await anchorState(tail, { firstLsn: lsn, firstSegment: keep.number });
  await tail.spares.recycle(tail.table.dropBefore(lsn), tail.files);
  announce(tail);
}

/** What a cut will do, found out before anything is changed. */
export interface CutPlan {
  readonly lsn: number;
  /** The segment that stays the last of the old ones, and where it ends from then on. */
  readonly previous: Segment | undefined;
  readonly previousEnd?: number;
  readonly chain: number;
  /** The first LSN of the new segment, and the records that are copied to its front. */
  readonly firstLsn: number;
  readonly kept?: GroupBuffer;
}

/** Plans to drop everything above `lsn`. `undefined` where nothing is above it. Reads only. */
export async function planCut(source: ReadSource, headerBytes: number, lsn: number): Promise<CutPlan | undefined> {
  const { firstLsn, lastLsn, table } = source;
  if (lsn < firstLsn - 1 || lsn > lastLsn) throw outOfRange("Log.truncateAfter", lsn, firstLsn, lastLsn);
  if (lsn === lastLsn) return undefined;
  if (lsn === firstLsn - 1) return { lsn, previous: undefined, chain: 0, firstLsn };
  const { group, segment } = await findGroup(source, lsn + 1);
  const { header } = group;
  const opensSegment = group.offset === headerBytes;
  const kept = copyRecords(RecordBatch.of(group, segment.path, header.firstLsn, lsn));
  return {
    lsn,
    previous: opensSegment ? table.before(segment) : segment,
    ...(opensSegment ? {} : { previousEnd: group.offset }),
    chain: header.chain,
    firstLsn: header.firstLsn,
    ...(kept === undefined ? {} : { kept }),
  };
}

/** Carries out a planned cut. */
export async function cutAfter(tail: LogTail, plan: CutPlan): Promise<void> {
  const dropped = await activateSegment(tail, { ...plan, cuts: true });
  await tail.spares.recycle(dropped, tail.files);
  announce(tail);
}

function copyRecords(batch: RecordBatch | undefined): GroupBuffer | undefined {
  if (batch === undefined) return undefined;
  const group = new GroupBuffer();
  group.firstLsn = batch.firstLsn;
  for (let index = 0; index < batch.count; index++) group.add(batch.type(index), batch.payload(index));
  return group;
}

function announce(tail: LogTail): void {
  if (!truncateChannel.hasSubscribers) return;
  truncateChannel.publish({ directory: tail.directory.path, firstLsn: tail.state.firstLsn, lastLsn: tail.visibleLsn });
}
