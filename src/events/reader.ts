/**
 * The reading side: the records of a journal that someone wants, in runs. What is not wanted is passed over by its type byte alone.
 *
 * Memory is bounded by one group of the log, or by {@link RUN_BYTES} where the journal gives records one by one.
 */
import type { Journal, LogRecord, ReadOptions, RecordBatch } from "../log/index.js";
import { CHECKPOINT_TYPE, SNAPSHOT_TYPE } from "./format.js";

/** By type byte: 1 for records that are wanted. */
export type Wanted = Uint8Array;

const RUN_RECORDS = 256;
const RUN_BYTES: number = 256 * 1024;

/** All events, and whatever else an event log does not write, so that it is noticed. */
export function wantEvents(): Wanted {
  const wanted = new Uint8Array(256).fill(1);
  wanted[CHECKPOINT_TYPE] = wanted[SNAPSHOT_TYPE] = 0;
  return wanted;
}

/** Records of these types. */
export function wantTypes(types: Iterable<number>): Wanted {
  const wanted = new Uint8Array(256);
  for (const type of types) wanted[type] = 1;
  return wanted;
}

/** A journal may give records by the group, which is the fast way to pass over many. A `Log` does. */
interface BatchSource {
  readBatches?(options?: ReadOptions): AsyncIterable<RecordBatch>;
}

/** The wanted records in a range, oldest first, their payloads the caller's to keep. `onSkip` is told how many were passed over. */
export async function* wantedRecords(
  journal: Journal & BatchSource,
  options: ReadOptions,
  wanted: Wanted,
  onSkip: (count: number) => void,
): AsyncGenerator<readonly LogRecord[], void, undefined> {
  if (journal.readBatches !== undefined) {
    for await (const batch of journal.readBatches(options)) {
      const run: LogRecord[] = [];
      for (let index = 0; index < batch.count; index++) {
        const type = batch.type(index);
        if (wanted[type] === 0) continue;
        // A batch is valid only until the next one is asked for.
        run.push({ lsn: batch.firstLsn + index, type, payload: batch.payload(index).slice() });
      }
      onSkip(batch.count - run.length);
      if (run.length > 0) yield run;
    }
    return;
  }
  let run: LogRecord[] = [];
  let bytes = 0;
  for await (const record of journal.read(options)) {
    if (wanted[record.type] === 0) {
      onSkip(1);
      continue;
    }
    run.push(record);
    bytes += record.payload.length;
    if (run.length < RUN_RECORDS && bytes < RUN_BYTES) continue;
    yield run;
    run = [];
    bytes = 0;
  }
  if (run.length > 0) yield run;
}
