/** Appending to several lanes with one durable write: all of it is there after any crash, or none. */
import { invalid } from "../base/index.js";
import type { Companions } from "./companions.js";
import { isRefusal } from "./entry-errors.js";
import type { AppendRequest, IndexRange } from "./append-queue.js";
import type { EntryLog } from "./entry-log.js";
import type { LsnRange } from "../log/index.js";
import type { JournalBatch, LanePlace } from "./place.js";

/** What goes to one lane. */
export interface CommitPart {
  readonly entries: EntryLog;
  /** In this order. */
  readonly requests: readonly AppendRequest[];
  /** Where the lane does not reach this index, it jumps there first, and drops all that it holds. The caller prunes that. */
  readonly startAt?: number | undefined;
}

/**
 * Waits for its turn in every lane, then commits. Refused as a whole where one part is (`HF_OUT_OF_SEQUENCE`, a limit, a lane that failed). Two
 * parts for one lane are refused too. `companions` join the batch.
 */
export async function commitTogether(
  place: LanePlace,
  parts: readonly CommitPart[],
  companions?: Companions,
): Promise<IndexRange[]> {
  if (place.commit === undefined)
    throw invalid("commit", "atomic", true, "false for lanes with a log each; use a SharedLog");
  if (new Set(parts.map(({ entries }) => entries)).size < parts.length)
    throw invalid("commit", "batches", "two for one lane", "one for each lane");
  // Turns are asked for in one go, so two commits meet in the same order in every lane.
  const holds = parts.map(({ entries }) => entries.hold());
  try {
    for (const { held } of holds) await held;
    const steps = parts.map(({ entries, requests, startAt }) => entries.planAll(requests, startAt));
    const busy = parts.flatMap(({ entries }, at) => {
      const step = steps[at]!;
      return step.after.nextIndex > entries.nextIndex ? [{ entries, step }] : [];
    });
    if (busy.length > 0 || companions !== undefined) {
      const batches = busy.map(({ entries, step }) => ({ journal: entries.journal, records: step.records }));
      const written = write(
        place,
        batches,
        busy.map(({ entries }) => entries),
        companions,
      );
      // Without a part in the batch the lanes have nothing to wait for, while what joined may go on to wait for them.
      if (busy.length === 0) for (const { release } of holds) release();
      const ranges = await written;
      // Durable now, in all of them.
      for (const [at, { entries, step }] of busy.entries()) entries.settle(step, ranges[at]!);
    }
    return steps.map(({ range }) => range);
  } finally {
    for (const { release } of holds) release();
  }
}

/** A failure that is no refusal leaves it unknown what is stored, so it ends all lanes that took part. */
async function write(
  place: LanePlace,
  batches: readonly JournalBatch[],
  lanes: readonly EntryLog[],
  companions: Companions | undefined,
): Promise<LsnRange[]> {
  try {
    const ranges = await (companions === undefined ? place.commit!(batches) : companions.commit(place, batches));
    // A journal of a weaker durability acknowledges before the disk does.
    for (const [at, { journal }] of batches.entries())
      if (journal.durableLsn < ranges[at]!.lastLsn) await journal.sync();
    return ranges;
  } catch (error) {
    if (!isRefusal(error)) for (const lane of lanes) lane.fail(error);
    throw error;
  }
}
