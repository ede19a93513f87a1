/** Errors that more than one file of the page store tells. */
import { CorruptionError, LimitError, StateError } from "../base/index.js";

export const CORRUPT_HEADER = "the header of a page table";

const ADVICE = "Restore a copy of the store; what is above it can be rebuilt from its values.";

/** Damage in a table file. */
export function corruptTable(path: string, offset: number, expected: string, found: string): CorruptionError {
  return new CorruptionError({ path, offset, expected, found, advice: ADVICE });
}

/** Damage in the journal, or a journal that does not go with the table. */
export function corruptJournal(path: string, lsn: number, expected: string, found: string): CorruptionError {
  return new CorruptionError({ path: `the journal of ${path}`, lsn, expected, found, advice: ADVICE });
}

export function closed(path: string): StateError {
  return new StateError("HF_CLOSED", `${path} is closed.`, { path });
}

/** No bucket is left, and the table can't grow. */
export function tableFull(path: string, capacity: number, cause?: unknown): LimitError {
  return new LimitError(
    "HF_TABLE_FULL",
    `The page table in ${path} has ${capacity} buckets, which are full, and can't grow${cause === undefined ? " further" : "; the cause says why"}. Nothing was changed.`,
    { path, capacity },
    cause,
  );
}
