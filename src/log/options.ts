/** The options of a log: what each means, its unit, its default, and what it costs. */
import { ConflictError, checkBoolean, checkInteger, checkOneOf, checkOptions, invalid } from "../base/index.js";
import { type Vfs, nodeVfs } from "../vfs/index.js";
import { GROUP_HEADER_BYTES, RECORD_HEADER_BYTES, type TornMode, groupBytes } from "./format.js";
import type { LogState } from "./state.js";

/**
 * When an append is acknowledged.
 *
 * - `"sync"` (default): after its bytes are on the disk. Nothing acknowledged is lost by a crash of process, kernel or power.
 * - `"interval"`: after its bytes are handed to the kernel; a sync follows every `syncIntervalMs`. A killed process loses nothing
 *   acknowledged; a power cut or kernel crash may lose what was acknowledged in about the last interval.
 * - `"os"`: as `"interval"`, but only `sync()`, rolling to the next segment and `close()` sync. A power cut may lose everything since
 *   the last of these.
 *
 * In every mode what is lost is a whole tail of batches, never a hole, and `durableLsn` tells what can't be lost.
 */
export type Durability = "sync" | "interval" | "os";

/**
 * Which thread writes a group.
 *
 * - `"pool"` (default): Node's thread pool. The event loop stays free; each group costs two thread switches more.
 * - `"inline"`: the caller's thread. The quickest durable write that Node can do, and the event loop stands still for its length
 *   (100 µs or so on a good disk, many milliseconds on a bad one).
 */
export type Flush = "pool" | "inline";

/** Options of `Log.open`. */
export interface LogOptions {
  /** The file system. Default: the real one. */
  readonly vfs?: Vfs;
  /** Make the directory and the log when missing. Default true; false makes a missing log an error. */
  readonly createIfMissing?: boolean;
  /** Size of a segment file in bytes, a multiple of `blockBytes`. Fixed when the log is made. Default 64 MiB. */
  readonly segmentBytes?: number;
  /**
   * The unit in which the device writes, in bytes: a power of two from 512 to 65,536. A torn write is assumed to harm only blocks that
   * it touches; one smaller than the file system's block also leaves sectors alone whose bytes do not change. Fixed when the log is made. Default
   * 4,096.
   */
  readonly blockBytes?: number;
  /**
   * How acknowledged bytes are kept from being harmed by a torn write of later ones. Fixed when the log is made. Default `"align"`.
   *
   * - `"align"`: each group starts on a fresh block, so that acknowledged bytes are never written again. Costs padding.
   * - `"double-write"`: groups are packed; the block that the last group ends in is first written to the double-write buffer and
   *   synced. Costs a second durable write per group.
   * - `"trust"`: groups are packed and the device is trusted to write a block wholly or not at all.
   */
  readonly torn?: TornMode;
  /** Default `"sync"`. May change from one opening to the next. */
  readonly durability?: Durability;
  /** For `durability: "interval"`: milliseconds between syncs, 1 to 3,600,000. Default 50. */
  readonly syncIntervalMs?: number;
  /** Default `"pool"`. */
  readonly flush?: Flush;
  /** The largest payload in bytes. Default 16 MiB, or what a segment holds if that is less. */
  readonly recordBytesMax?: number;
  /**
   * The most bytes that one group takes, unless a single batch is larger. Two groups are in memory: one on its way to the disk,
   * one filling. When the second is full, appends wait. Default 4 MiB, or what a segment holds if that is less.
   */
  readonly groupBytesMax?: number;
  /** Pruned segment files kept for use again, which saves allocating new ones. 0 to 1,024. Default 2. */
  readonly spareSegmentsMax?: number;
}

/** {@link LogOptions} with every default filled in. */
export interface ResolvedLogOptions {
  readonly vfs: Vfs;
  readonly createIfMissing: boolean;
  readonly segmentBytes: number;
  readonly blockBytes: number;
  readonly torn: TornMode;
  readonly durability: Durability;
  readonly syncIntervalMs: number;
  readonly flush: Flush;
  readonly recordBytesMax: number;
  readonly groupBytesMax: number;
  readonly spareSegmentsMax: number;
}

const KNOWN = [
  "vfs",
  "createIfMissing",
  "segmentBytes",
  "blockBytes",
  "torn",
  "durability",
  "syncIntervalMs",
  "flush",
  "recordBytesMax",
  "groupBytesMax",
  "spareSegmentsMax",
] as const;

const MIB = 1 << 20;
const SEGMENT_BYTES_MAX = 1 << 30;

/** The file system that a call works on. */
export function vfsOf(vfs: Vfs | undefined): Vfs {
  return vfs ?? nodeVfs;
}

/**
 * Checks `options` and fills in defaults. `stored` is the state of a log that exists: an option that fixes the format must then be
 * absent or equal, else `ConflictError` `HF_OPTION_MISMATCH`.
 */
export function resolveLogOptions(
  options: LogOptions | undefined,
  directory: string,
  stored?: LogState,
): ResolvedLogOptions {
  const where = "Log.open";
  const given = checkOptions(where, options, KNOWN);
  const blockBytes = checkInteger(
    where,
    "blockBytes",
    given.blockBytes,
    { min: 512, max: 65_536, powerOfTwo: true },
    undefined,
  );
  const block = stored?.blockBytes ?? blockBytes ?? 4096;
  const segmentBytes = checkInteger(
    where,
    "segmentBytes",
    given.segmentBytes,
    { min: block * 4, max: SEGMENT_BYTES_MAX, multipleOf: block },
    undefined,
  );
  const torn = checkOneOf(where, "torn", given.torn, ["align", "double-write", "trust"], undefined);
  if (stored !== undefined) {
    refuseOther(directory, "blockBytes", blockBytes, stored.blockBytes);
    refuseOther(directory, "segmentBytes", segmentBytes, stored.segmentBytes);
    refuseOther(directory, "torn", torn, stored.torn);
  }
  const durability = checkOneOf(where, "durability", given.durability, ["sync", "interval", "os"], "sync");
  const segment = stored?.segmentBytes ?? segmentBytes ?? 64 * MIB;
  const mode = stored?.torn ?? torn ?? "align";
  if (mode === "double-write" && durability !== "sync") {
    // Without a sync per group the kernel may write the shared block at any time, under an image that is older than it.
    throw invalid(
      where,
      "durability",
      durability,
      'durability "sync" for a log with torn: "double-write"; make it with "align"',
    );
  }
  const room = segmentRoom(segment, block);
  const payloadMax = room - GROUP_HEADER_BYTES - RECORD_HEADER_BYTES;
  return {
    vfs: vfsOf(given.vfs),
    createIfMissing: checkBoolean(where, "createIfMissing", given.createIfMissing, true),
    segmentBytes: segment,
    blockBytes: block,
    torn: mode,
    durability,
    syncIntervalMs: checkInteger(where, "syncIntervalMs", given.syncIntervalMs, { min: 1, max: 3_600_000 }, 50),
    flush: checkOneOf(where, "flush", given.flush, ["pool", "inline"], "pool"),
    recordBytesMax: checkInteger(
      where,
      "recordBytesMax",
      given.recordBytesMax,
      { min: 0, max: payloadMax },
      Math.min(16 * MIB, payloadMax),
    ),
    groupBytesMax: checkInteger(
      where,
      "groupBytesMax",
      given.groupBytesMax,
      { min: groupBytes(0, mode, block), max: room },
      Math.min(4 * MIB, room),
    ),
    spareSegmentsMax: checkInteger(where, "spareSegmentsMax", given.spareSegmentsMax, { min: 0, max: 1024 }, 2),
  };
}

/** Bytes that the groups of one segment may take: all but the header block. */
export function segmentRoom(segmentBytes: number, blockBytes: number): number {
  return segmentBytes - blockBytes;
}

function refuseOther(
  directory: string,
  option: string,
  given: number | string | undefined,
  stored: number | string,
): void {
  if (given === undefined || given === stored) return;
  throw new ConflictError(
    "HF_OPTION_MISMATCH",
    `The log in ${directory} was made with ${option} ${stored}, not ${given}. Leave the option out to open it as it is.`,
    { directory, option, given, stored },
  );
}
