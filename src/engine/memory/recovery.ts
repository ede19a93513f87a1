/**
 * What a rows file says: which of the batches found in it count. Pure.
 *
 * A batch follows another by number (`after`), and stands in for every number between the two: those were of an earlier life of the
 * database, and what they left is in it. `synced` in any batch proves that the batch of that number was durable. From there the chain of
 * `after` goes down to 0, and each of its batches must be there; one that is not is damage. Batches above `synced` need not be there:
 * each was written, or a crash took it.
 */
import type { FoundBatch, RowsHeader, RowChange } from "./format.js";
import { SECTOR_BYTES, decodeBatch } from "./format.js";
import type { SortedChange } from "./sorted-rows.js";
import { SortedRows, textOf } from "./sorted-rows.js";

/** What an opened file holds. */
export interface RecoveredRows {
  readonly rows: SortedRows;
  /** Known durable: the highest number that any batch proves. */
  readonly synced: number;
  /** The highest number in use. */
  readonly last: number;
  /** Where the next batch may go. */
  readonly end: number;
  /** What the batches above `synced` did, all in all. */
  readonly doubtful: readonly RowChange[];
}

/** A durable batch that is not there. */
export interface MissingBatch {
  readonly missing: number;
  readonly synced: number;
}

/** Decides what counts of a file's bytes. */
export function recoverRows(bytes: Uint8Array, header: RowsHeader): RecoveredRows | MissingBatch {
  const found = new Map<number, FoundBatch>();
  let synced = 0;
  let end = SECTOR_BYTES;
  for (let offset = SECTOR_BYTES; offset < bytes.length;) {
    const batch = decodeBatch(bytes, offset, header);
    if (batch === undefined) {
      offset += SECTOR_BYTES;
      continue;
    }
    found.set(batch.number, batch);
    synced = Math.max(synced, batch.synced);
    end = batch.end;
    offset = batch.end;
  }
  for (let number = synced; number > 0;) {
    const batch = found.get(number);
    if (batch === undefined) return { missing: number, synced };
    number = batch.after;
  }

  const counting: FoundBatch[] = [];
  let last = 0;
  for (const batch of [...found.values()].sort((a, b) => a.number - b.number)) {
    while ((counting.at(-1)?.number ?? 0) > batch.after) counting.pop();
    counting.push(batch);
    last = batch.number;
  }
  const changes: SortedChange[] = [];
  const doubtful = new Map<string, RowChange>();
  for (const batch of counting) {
    for (const change of batch.changes) {
      const sorted = sortedChange(change);
      changes.push(sorted);
      if (batch.number > synced) doubtful.set(sorted.text, change);
    }
  }
  return { rows: SortedRows.empty.with(changes), synced, last, end, doubtful: [...doubtful.values()] };
}

/** A change as the rows in memory take it. */
export function sortedChange({ key, value }: RowChange): SortedChange {
  const text = textOf(key);
  return { text, row: value === undefined ? undefined : { text, key, value } };
}
