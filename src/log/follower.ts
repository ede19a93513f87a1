/** Following a log: reading what is there, then waiting for more. */
import { ConflictError, abortable, checkInteger, checkOptions, checkSignal } from "../base/index.js";
import { type ReadSource, outOfRange, readRecords } from "./reader.js";
import type { LogRecord } from "./record-batch.js";

/** Options of `follow`. */
export interface FollowOptions {
  /** First LSN, inclusive. Default: the next one to come. */
  readonly from?: number;
  /** Ends the iteration with `signal.reason`. */
  readonly signal?: AbortSignal;
}

/** Tells waiting followers that there may be more to see. */
export class Visibility {
  #changed: Promise<void> | undefined;
  #announce: (() => void) | undefined;

  /** Wakes whoever waits. Costs nothing when nobody does. */
  announce(): void {
    const announce = this.#announce;
    this.#changed = undefined;
    this.#announce = undefined;
    announce?.();
  }

  /** Resolves at the next announcement; rejects with `signal.reason`. */
  async changed(signal: AbortSignal | undefined): Promise<void> {
    this.#changed ??= new Promise((resolve) => {
      this.#announce = resolve;
    });
    await abortable(this.#changed, signal);
  }
}

/**
 * What was read is not in the log any more; others have, or will get, its LSNs. `details.cutLsn` tells from where, but only after a single cut:
 * of several the anchor knows the last, and an earlier one may have gone lower.
 */
function cutBehind(where: string, source: ReadSource, lastRead: number, missed: number): ConflictError {
  if (missed > 1) {
    return new ConflictError(
      "HF_CUT",
      `${where}: records were cut ${missed} times after LSN ${lastRead} was read, and how far down is not known. Compare what was read with the log, or read it again.`,
      { where, cuts: missed, lastRead },
    );
  }
  return new ConflictError(
    "HF_CUT",
    `${where}: records above LSN ${source.cutLsn} were cut, after LSN ${lastRead} was read. Forget what was read above the cut, and follow again from there.`,
    { where, cuts: missed, cutLsn: source.cutLsn, lastRead },
  );
}

/**
 * The records from `from` on, without end. `wait` resolves when there may be more. Ends when the source is closed; throws what made it fail, or
 * `HF_LSN_OUT_OF_RANGE` when the next record was pruned before it was read, `ConflictError` `HF_CUT` when records that were read have been cut.
 */
export async function* followRecords(
  source: ReadSource,
  where: string,
  options: FollowOptions | undefined,
  wait: (signal: AbortSignal | undefined) => Promise<void>,
): AsyncGenerator<LogRecord, void, undefined> {
  source.assertUsable();
  const { from, signal } = checkOptions(where, options, ["from", "signal"]);
  checkSignal(where, signal);
  let next = checkInteger(where, "from", from, { min: 0 }, source.lastLsn + 1);
  if (next < source.firstLsn) throw outOfRange(where, next, source.firstLsn, source.lastLsn);
  let { cuts } = source;
  for (;;) {
    signal?.throwIfAborted();
    if (source.cuts !== cuts) {
      // Of several cuts only the last is known, so they count as having gone below what was read.
      const missed = source.cuts - cuts;
      if (missed > 1 || source.cutLsn < next - 1) throw cutBehind(where, source, next - 1, missed);
      ({ cuts } = source);
    }
    while (next <= source.lastLsn) {
      const read = { from: next, to: source.lastLsn, ...(signal === undefined ? {} : { signal }) };
      for await (const record of readRecords(source, where, read)) {
        next = record.lsn + 1;
        yield record;
        if (source.cuts !== cuts) break;
      }
      if (source.cuts !== cuts) break;
    }
    if (source.cuts !== cuts) continue;
    await wait(signal);
    if (source.closed) return;
    source.assertUsable();
  }
}
