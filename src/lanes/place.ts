/** Where lanes live: something that has a journal for each name. */
import type { Gatherer, Journal, LogInput, LsnRange } from "../log/index.js";
import type { SharedLog } from "../streams/index.js";

/** A journal that was opened in a place. */
export interface PlacedJournal {
  readonly journal: Journal;
  /** Releases it; the place can open it again. */
  close(): Promise<void>;
}

/** What a place has. */
export interface PlaceListing {
  /** Names of journals, sorted, with those that should be there and are not. */
  readonly names: readonly string[];
  /** What is among them and is none, sorted. It is left alone. */
  readonly foreign: readonly string[];
}

/** Records for one journal. */
export interface JournalBatch {
  readonly journal: Journal;
  readonly records: readonly LogInput[];
}

/** Journals by name. The implementations: a directory with a log for each, and a `SharedLog` with a stream for each. */
export interface LanePlace extends Gatherer {
  /** For messages. */
  readonly path: string;
  list(): Promise<PlaceListing>;
  /** Opens the journal with this name, or makes it. One opener of a name at a time. */
  open(name: string): Promise<PlacedJournal>;
  /** Appends to several journals: all of it is there after any crash, or none. Absent where the place can't. */
  readonly commit?: (batches: readonly JournalBatch[]) => Promise<LsnRange[]>;
  /** Makes one batch of commits and of what others append to the same log. Absent where the place is in no `SharedLog`. */
  readonly together?: SharedLog["together"];
  /** Closes what is open, all of it even if some fails, and releases the place. */
  close(): Promise<void>;
}
