/** The options of a shared log: those of its physical log, and its own. */
import { checkInteger, invalid } from "../base/index.js";
import type { LogOptions } from "../log/index.js";
import { MOVED_HEADER_BYTES, NAME_BYTES_MAX, STATE_HEADER_BYTES } from "./format.js";

/**
 * Options of `SharedLog.open`. Those of {@link LogOptions} are the physical log's, with the same names, units and defaults; `recordBytesMax` counts
 * 21 bytes more than an entry's payload has, and is at least 512; lowered below what live entries have, it keeps them from being moved.
 */
export interface SharedLogOptions extends LogOptions {
  /**
   * After how many bytes of records the index is written into the log, so that opening need not read what came before: opening reads
   * about as much at most, the index, and what stands before them in their segments. Up to as much garbage stays on the disk. An index of more than half of this is written less often. Default 8 MiB.
   */
  readonly checkpointBytes?: number;
}

const CHECKPOINT_BYTES_DEFAULT = 8 << 20;
const RECORD_BYTES_MIN: number = 512;

/** The least that a record must be allowed to hold: a moved entry with something in it, and the state of a stream with the longest name. */
export const OVERHEAD_BYTES: number = MOVED_HEADER_BYTES;

/** Splits the options. Those of the physical log are checked by `Log.open`. */
export function splitOptions(options: SharedLogOptions | undefined): {
  readonly log: LogOptions;
  readonly checkpointBytes: number;
} {
  const where = "SharedLog.open";
  if (options !== undefined && (typeof options !== "object" || options === null))
    throw invalid(where, "options", options, "an object");
  const { checkpointBytes, ...log } = { ...options };
  checkInteger(
    where,
    "recordBytesMax",
    log.recordBytesMax,
    { min: Math.max(RECORD_BYTES_MIN, STATE_HEADER_BYTES + NAME_BYTES_MAX) },
    undefined,
  );
  return {
    log,
    checkpointBytes: checkInteger(where, "checkpointBytes", checkpointBytes, { min: 512 }, CHECKPOINT_BYTES_DEFAULT),
  };
}
