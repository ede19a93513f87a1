/**
 * What the anchor holds: the few facts that decide how every other byte of the log is read. Pure.
 *
 * The anchor is the only file that is replaced in place. Creating, rolling to the next segment, pruning, cutting, opening and closing
 * each become true by one write of it.
 */
import {
  CorruptionError,
  FormatError,
  LimitError,
  readU16,
  readU32,
  readU64,
  writeU16,
  writeU32,
  writeU64,
} from "../base/index.js";
import { EPOCH_MAX, LOG_ID_BYTES, SALT_BYTES, type TornMode, tornModeCode, tornModeOf } from "./format.js";

/** The version of the state that this build writes and reads. Segments have one of their own. */
const STATE_VERSION = 1;

/** A place in the log where a group may start. */
export interface LogPosition {
  /** Byte offset in the active segment. */
  readonly offset: number;
  /** LSN of the first record of the group that starts, or will start, there. */
  readonly lsn: number;
  /** Header checksum of the group before it; 0 where there is none. */
  readonly chain: number;
  /** Byte offset of the group before it, in the same segment; 0 where there is none. */
  readonly previousGroup: number;
}

/** The anchored facts. */
export interface LogState {
  readonly logId: Uint8Array;
  readonly torn: TornMode;
  readonly blockBytes: number;
  readonly segmentBytes: number;
  /** One higher with every opening for writing. Each group carries the epoch in which it was written. */
  readonly epoch: number;
  /** The log was closed with nothing in flight: it ends exactly at `tail`. */
  readonly clean: boolean;
  /** The oldest LSN that is not pruned. */
  readonly firstLsn: number;
  /** Number of the oldest segment that is not pruned; 0 before the first one is made. */
  readonly firstSegment: number;
  /** The number the next segment gets. */
  readonly nextSegment: number;
  /** Number of the segment that is written to; 0 before the first one is made. */
  readonly activeSegment: number;
  readonly activeSalt: Uint8Array;
  /** How often records above some LSN were cut (`truncateAfter`, repair), and that LSN the last time. */
  readonly cuts: number;
  readonly cutLsn: number;
  /** Everything before it is durable; at it and behind it, in the active segment, every group is of `epoch`. */
  readonly tail: LogPosition;
}

const TORN = 2;
const CLEAN = 3;
const BLOCK_BYTES = 4;
const SEGMENT_BYTES = 8;
const LOG_ID = 16;
const EPOCH = 32;
const FIRST_LSN = 40;
const FIRST_SEGMENT = 48;
const NEXT_SEGMENT = 56;
const ACTIVE_SEGMENT = 64;
const ACTIVE_SALT = 72;
const TAIL_OFFSET = 80;
const TAIL_LSN = 88;
const TAIL_CHAIN = 96;
const TAIL_PREVIOUS_GROUP = 104;
const CUTS = 112;
const CUT_LSN = 120;
const STATE_BYTES = 128;

/** Tag of an anchor that belongs to a log: "LOG1" as it stands on disk. */
export const LOG_ANCHOR_KIND = 0x3147_4f4c;

/** The anchor's value. */
export function encodeLogState(state: LogState): Uint8Array {
  const bytes = new Uint8Array(STATE_BYTES);
  writeU16(bytes, 0, STATE_VERSION);
  bytes[TORN] = tornModeCode(state.torn);
  bytes[CLEAN] = state.clean ? 1 : 0;
  writeU32(bytes, BLOCK_BYTES, state.blockBytes);
  writeU64(bytes, SEGMENT_BYTES, state.segmentBytes);
  bytes.set(state.logId, LOG_ID);
  writeU64(bytes, EPOCH, state.epoch);
  writeU64(bytes, FIRST_LSN, state.firstLsn);
  writeU64(bytes, FIRST_SEGMENT, state.firstSegment);
  writeU64(bytes, NEXT_SEGMENT, state.nextSegment);
  writeU64(bytes, ACTIVE_SEGMENT, state.activeSegment);
  bytes.set(state.activeSalt, ACTIVE_SALT);
  writeU64(bytes, TAIL_OFFSET, state.tail.offset);
  writeU64(bytes, TAIL_LSN, state.tail.lsn);
  writeU32(bytes, TAIL_CHAIN, state.tail.chain);
  writeU64(bytes, TAIL_PREVIOUS_GROUP, state.tail.previousGroup);
  writeU64(bytes, CUTS, state.cuts);
  writeU64(bytes, CUT_LSN, state.cutLsn);
  return bytes;
}

/** What an anchor's value turns out to be. Its checksum was checked by the anchor. */
export type LogStateParse =
  | { readonly kind: "sound"; readonly state: LogState }
  | { readonly kind: "newer"; readonly version: number }
  | { readonly kind: "damaged"; readonly found: string };

/** Reads an anchor's value. */
export function parseLogState(bytes: Uint8Array): LogStateParse {
  if (bytes.length < 2) return { kind: "damaged", found: `a value of ${bytes.length} bytes` };
  const version = readU16(bytes, 0);
  if (version > STATE_VERSION) return { kind: "newer", version };
  if (bytes.length !== STATE_BYTES) return { kind: "damaged", found: `a value of ${bytes.length} bytes` };
  const torn = tornModeOf(bytes[TORN]!);
  if (torn === undefined) return { kind: "damaged", found: `torn-write mode ${bytes[TORN]!}` };
  return {
    kind: "sound",
    state: {
      logId: bytes.slice(LOG_ID, LOG_ID + LOG_ID_BYTES),
      torn,
      blockBytes: readU32(bytes, BLOCK_BYTES),
      segmentBytes: readU64(bytes, SEGMENT_BYTES),
      epoch: readU64(bytes, EPOCH),
      clean: bytes[CLEAN] === 1,
      firstLsn: readU64(bytes, FIRST_LSN),
      firstSegment: readU64(bytes, FIRST_SEGMENT),
      nextSegment: readU64(bytes, NEXT_SEGMENT),
      activeSegment: readU64(bytes, ACTIVE_SEGMENT),
      activeSalt: bytes.slice(ACTIVE_SALT, ACTIVE_SALT + SALT_BYTES),
      tail: {
        offset: readU64(bytes, TAIL_OFFSET),
        lsn: readU64(bytes, TAIL_LSN),
        chain: readU32(bytes, TAIL_CHAIN),
        previousGroup: readU64(bytes, TAIL_PREVIOUS_GROUP),
      },
      cuts: readU64(bytes, CUTS),
      cutLsn: readU64(bytes, CUT_LSN),
    },
  };
}

/** The epoch behind `epoch`, for the log whose anchor is at `path`. */
export function nextEpoch(path: string, epoch: number): number {
  if (epoch < EPOCH_MAX) return epoch + 1;
  throw new LimitError(
    "HF_SEQUENCE_EXHAUSTED",
    `${path} has no epoch left: the log was opened, or its end was cut, ${EPOCH_MAX} times. Read it with a LogReader, and copy its records to a new log.`,
    { path, epoch },
  );
}

/** The anchored state, or the error that its bytes deserve. */
export function readState(path: string, value: Uint8Array): LogState {
  const parse = parseLogState(value);
  if (parse.kind === "sound") return parse.state;
  if (parse.kind === "newer") {
    throw new FormatError(
      "HF_FORMAT_NEWER",
      `${path} has format ${parse.version}; this build reads up to ${STATE_VERSION}. Open it with a newer holdfast. Nothing was changed.`,
      { path, version: parse.version, supported: STATE_VERSION },
    );
  }
  throw new CorruptionError({ path, offset: 0, expected: "the state of a log", found: parse.found });
}
