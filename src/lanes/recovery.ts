/**
 * Where a lane stands when its journal is opened. Reads two records, whatever the size; a few more where a crash came between a baseline and the
 * prune that follows it.
 *
 * What a journal holds, oldest record left, when nobody is at work:
 *
 *     (nothing)                    never written: the lane starts where its options say
 *     baseline                     empty, and knows its next index
 *     baseline, entry, entry …     or, after a prune into it: entry, entry …
 *
 * The newest baseline drops everything before it, and is appended before that is pruned. So after a crash there may be older records of a lower
 * generation in front; the caller finishes the prune.
 */
import { CorruptionError } from "../base/index.js";
import type { Journal } from "../log/index.js";
import { type LaneRecord, decodeRecord } from "./format.js";

/** The entries that a lane holds, and where its journal has them: the entry with index i at LSN i + `shift`. */
export interface Run {
  /** 0 before the first baseline. */
  readonly generation: number;
  readonly firstIndex: number;
  readonly nextIndex: number;
  readonly shift: number;
}

/** A run, and the LSN below which its journal holds records that are dropped already. */
export interface FoundRun extends Run {
  readonly keepLsn: number;
}

/** Finds the run. `firstIndex` is where a lane starts that was never written. Changes nothing. */
export async function findRun(journal: Journal, lane: string, firstIndex: number): Promise<FoundRun> {
  const { firstLsn, lastLsn, nextLsn } = journal;
  if (lastLsn < firstLsn) {
    if (nextLsn > 1) {
      throw new CorruptionError({
        path: lane,
        lsn: nextLsn - 1,
        expected: "a baseline, which says what index comes next",
        found: "a journal whose records were all dropped",
      });
    }
    return { generation: 0, firstIndex, nextIndex: firstIndex, shift: nextLsn + 1 - firstIndex, keepLsn: nextLsn };
  }
  const last = await recordAt(journal, lane, lastLsn);
  const start = last.kind === "baseline" ? last : await startOf(journal, lane, last);
  const shift = start.kind === "baseline" ? start.lsn + 1 - start.index : start.lsn - start.index;
  if (last.kind === "entry" && last.index + shift !== last.lsn) {
    throw new CorruptionError({
      path: lane,
      lsn: last.lsn,
      expected: `the entry with index ${last.lsn - shift}, as counted from LSN ${start.lsn}`,
      found: `index ${last.index}: there is a gap`,
    });
  }
  return {
    generation: last.generation,
    firstIndex: start.index,
    nextIndex: last.kind === "baseline" ? last.index : last.index + 1,
    shift,
    keepLsn: start.lsn,
  };
}

/** The oldest record of the generation of `last`. */
async function startOf(journal: Journal, lane: string, last: LaneRecord): Promise<LaneRecord> {
  const first = await recordAt(journal, lane, journal.firstLsn);
  if (first.generation === last.generation) return first;
  // Generations never decrease, so the place where the last one begins is found by halving.
  let below = first.lsn;
  let start = last;
  while (start.lsn - below > 1) {
    const middle = await recordAt(journal, lane, below + Math.floor((start.lsn - below) / 2));
    if (middle.generation === last.generation) start = middle;
    else below = middle.lsn;
  }
  if (start.kind === "baseline" && first.generation < last.generation) return start;
  throw new CorruptionError({
    path: lane,
    lsn: start.lsn,
    expected: `the baseline of generation ${last.generation}`,
    found: `${start.kind} ${start.index} behind generation ${first.generation}`,
  });
}

/** The record with this LSN, which the journal says it holds. */
export async function recordAt(journal: Journal, lane: string, lsn: number): Promise<LaneRecord> {
  const record = await journal.get(lsn);
  if (record === undefined)
    throw new CorruptionError({ path: lane, lsn, expected: "the record that the journal counts", found: "nothing" });
  return decodeRecord(lane, record);
}
