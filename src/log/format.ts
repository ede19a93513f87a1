/**
 * The bytes of a segment: header, groups, records. Pure: no I/O, no state.
 *
 * `docs/formats/segment.md` draws the same layout and is checked against this file by a golden test.
 *
 * A checksum of a group is seeded with its segment's {@link segmentSeed}, which is made of log id, segment number and salt. So a
 * group of another log, of another segment or from before a segment file was recycled never parses (R6).
 *
 * A group may have many sectors, and only the first has its header. What tells a whole body from one in which the disk shows an older sector in the place
 * of a lost one is two checksums of two polynomials: a payload may hold bytes that one of them is blind to (`src/checksum/crc32.ts`).
 */
import { readU16, readU32, readU64, writeU16, writeU32, writeU64 } from "../base/index.js";
import { crc32Range, crc32c, crc32cRange } from "../checksum/index.js";

/** The format of the segments that this build makes. */
export const FORMAT_VERSION = 2;
/** The format before: one checksum a body. Its segments are read, and the active one is gone on with to its end. */
const ONE_CHECKSUM_VERSION = 1;

/** How a group is kept from being harmed by a torn write of the next one. */
export type TornMode = "align" | "double-write" | "trust";
const TORN_MODES: readonly TornMode[] = ["align", "double-write", "trust"];

/** The mode's number on disk. */
export function tornModeCode(mode: TornMode): number {
  return TORN_MODES.indexOf(mode);
}

/** The mode for a number on disk; `undefined` for one that this build does not know. */
export function tornModeOf(code: number): TornMode | undefined {
  return TORN_MODES[code];
}

// ---- segment header -------------------------------------------------------------------------------------------------------

const SEGMENT_MAGIC: Uint8Array = new TextEncoder().encode("HFSEGMNT");
const SEGMENT_VERSION = 8;
const SEGMENT_BACK_COUNT = 10;
const SEGMENT_PREAMBLE_CRC = 12;
const SEGMENT_CRC = 16;
const SEGMENT_BLOCK_BYTES = 20;
const SEGMENT_TORN = 24;
const SEGMENT_RECYCLED = 25;
const SEGMENT_LOG_ID = 32;
const SEGMENT_NUMBER = 48;
const SEGMENT_FIRST_LSN = 56;
const SEGMENT_SALT = 64;
const SEGMENT_EPOCH = 72;
const SEGMENT_BYTES = 80;
const SEGMENT_BACK = 128;
const BACK_BYTES = 40;
const BACK_VERSION = 36;

/** Length of a log id in bytes. */
export const LOG_ID_BYTES = 16;
/** Length of a segment's salt in bytes. */
export const SALT_BYTES = 8;

/** A sealed segment, as its successors remember it. */
export interface SealedSegment {
  /** The format of its groups. */
  readonly version: number;
  /** Unique in the log, never used again. */
  readonly number: number;
  readonly salt: Uint8Array;
  /** LSN of its first record, or the LSN its first record would have had. */
  readonly firstLsn: number;
  /** Byte offset behind its last group. */
  readonly end: number;
  /** Header checksum of its last group, or what it inherited if it has none. */
  readonly chain: number;
}

/** What a segment's first block says. */
export interface SegmentHeader {
  readonly version: number;
  readonly logId: Uint8Array;
  readonly number: number;
  readonly salt: Uint8Array;
  readonly firstLsn: number;
  /** The epoch in which the segment was activated. */
  readonly epoch: number;
  readonly blockBytes: number;
  readonly torn: TornMode;
  /** Size of the whole segment, header included. */
  readonly segmentBytes: number;
  /** The file was another segment's before: bytes behind the last group may be leftovers of that life. */
  readonly recycled: boolean;
  /** The segments before it, newest first; as many as fit. Empty where the log starts here. */
  readonly back: readonly SealedSegment[];
}

/** How many earlier segments a header of `blockBytes` can name. */
export function backCountMax(blockBytes: number): number {
  return Math.floor((blockBytes - SEGMENT_BACK) / BACK_BYTES);
}

/** The header as one block. */
export function encodeSegmentHeader(header: SegmentHeader): Uint8Array {
  const block = new Uint8Array(header.blockBytes);
  block.set(SEGMENT_MAGIC, 0);
  writeU16(block, SEGMENT_VERSION, header.version);
  writeU16(block, SEGMENT_BACK_COUNT, header.back.length);
  writeU32(block, SEGMENT_PREAMBLE_CRC, crc32cRange(block, 0, SEGMENT_PREAMBLE_CRC));
  writeU32(block, SEGMENT_BLOCK_BYTES, header.blockBytes);
  block[SEGMENT_TORN] = tornModeCode(header.torn);
  block[SEGMENT_RECYCLED] = header.recycled ? 1 : 0;
  block.set(header.logId, SEGMENT_LOG_ID);
  writeU64(block, SEGMENT_NUMBER, header.number);
  writeU64(block, SEGMENT_FIRST_LSN, header.firstLsn);
  block.set(header.salt, SEGMENT_SALT);
  writeU64(block, SEGMENT_EPOCH, header.epoch);
  writeU64(block, SEGMENT_BYTES, header.segmentBytes);
  let at = SEGMENT_BACK;
  for (const sealed of header.back) {
    writeU64(block, at, sealed.number);
    block.set(sealed.salt, at + 8);
    writeU64(block, at + 16, sealed.firstLsn);
    writeU64(block, at + 24, sealed.end);
    writeU32(block, at + 32, sealed.chain);
    if (header.version !== ONE_CHECKSUM_VERSION) writeU16(block, at + BACK_VERSION, sealed.version);
    at += BACK_BYTES;
  }
  writeU32(block, SEGMENT_CRC, segmentHeaderCrc(block, at));
  return block;
}

/**
 * Covers the preamble without its checksum, then what follows. Not the preamble with its checksum: a CRC over bytes and their own CRC is the
 * same for all bytes, and would bind nothing.
 */
function segmentHeaderCrc(block: Uint8Array, end: number): number {
  return crc32cRange(block, SEGMENT_BLOCK_BYTES, end, crc32cRange(block, 0, SEGMENT_PREAMBLE_CRC));
}

/** What the first bytes of a segment file turn out to be. */
export type SegmentHeaderParse =
  | { readonly kind: "sound"; readonly header: SegmentHeader }
  | { readonly kind: "newer"; readonly version: number }
  | { readonly kind: "unknown" }
  | { readonly kind: "damaged"; readonly found: string };

/** Reads a header block. `bytes` may be shorter than a block, where the file is. */
export function parseSegmentHeader(bytes: Uint8Array): SegmentHeaderParse {
  if (bytes.length < SEGMENT_BACK) return { kind: "damaged", found: `only ${bytes.length} bytes` };
  const magicSound = SEGMENT_MAGIC.every((byte, index) => bytes[index] === byte);
  if (readU32(bytes, SEGMENT_PREAMBLE_CRC) !== crc32cRange(bytes, 0, SEGMENT_PREAMBLE_CRC)) {
    return magicSound ? { kind: "damaged", found: "a preamble with a wrong checksum" } : { kind: "unknown" };
  }
  if (!magicSound) return { kind: "unknown" };
  const version = readU16(bytes, SEGMENT_VERSION);
  if (version > FORMAT_VERSION) return { kind: "newer", version };
  if (!isVersion(version)) return { kind: "damaged", found: `version ${version}` };
  const backCount = readU16(bytes, SEGMENT_BACK_COUNT);
  const end = SEGMENT_BACK + backCount * BACK_BYTES;
  if (end > bytes.length)
    return { kind: "damaged", found: `a table of ${backCount} segments in ${bytes.length} bytes` };
  if (readU32(bytes, SEGMENT_CRC) !== segmentHeaderCrc(bytes, end)) {
    return { kind: "damaged", found: "a header with a wrong checksum" };
  }
  const torn = tornModeOf(bytes[SEGMENT_TORN]!);
  if (torn === undefined) return { kind: "damaged", found: `torn-write mode ${bytes[SEGMENT_TORN]!}` };
  const back: SealedSegment[] = [];
  for (let at = SEGMENT_BACK; at < end; at += BACK_BYTES) {
    const backVersion = version === ONE_CHECKSUM_VERSION ? version : readU16(bytes, at + BACK_VERSION);
    if (!isVersion(backVersion)) return { kind: "damaged", found: `a segment of version ${backVersion} in its table` };
    back.push({
      version: backVersion,
      number: readU64(bytes, at),
      salt: bytes.slice(at + 8, at + 8 + SALT_BYTES),
      firstLsn: readU64(bytes, at + 16),
      end: readU64(bytes, at + 24),
      chain: readU32(bytes, at + 32),
    });
  }
  return {
    kind: "sound",
    header: {
      version,
      logId: bytes.slice(SEGMENT_LOG_ID, SEGMENT_LOG_ID + LOG_ID_BYTES),
      number: readU64(bytes, SEGMENT_NUMBER),
      salt: bytes.slice(SEGMENT_SALT, SEGMENT_SALT + SALT_BYTES),
      firstLsn: readU64(bytes, SEGMENT_FIRST_LSN),
      epoch: readU64(bytes, SEGMENT_EPOCH),
      blockBytes: readU32(bytes, SEGMENT_BLOCK_BYTES),
      torn,
      segmentBytes: readU64(bytes, SEGMENT_BYTES),
      recycled: bytes[SEGMENT_RECYCLED] === 1,
      back,
    },
  };
}

function isVersion(version: number): boolean {
  return version >= ONE_CHECKSUM_VERSION && version <= FORMAT_VERSION;
}

/** How the groups of one segment are read and written. */
export interface GroupFormat {
  readonly version: number;
  /** See {@link segmentSeed}. */
  readonly seed: number;
}

/** The checksum seed that binds a segment's groups to log, segment number, salt and version. */
export function segmentSeed(logId: Uint8Array, number: number, salt: Uint8Array, version: number): number {
  const identity = new Uint8Array(LOG_ID_BYTES + 8 + SALT_BYTES + 2);
  identity.set(logId, 0);
  writeU64(identity, LOG_ID_BYTES, number);
  identity.set(salt, LOG_ID_BYTES + 8);
  writeU16(identity, LOG_ID_BYTES + 8 + SALT_BYTES, version);
  return crc32c(version === ONE_CHECKSUM_VERSION ? identity.subarray(0, -2) : identity);
}

/** The format of a segment whose header is lost, if a group at `offset` tells. */
export function groupFormatOf(
  bytes: Uint8Array,
  offset: number,
  segment: { readonly logId: Uint8Array; readonly number: number; readonly salt: Uint8Array },
): GroupFormat | undefined {
  for (let version = FORMAT_VERSION; version >= ONE_CHECKSUM_VERSION; version--) {
    const format = { version, seed: segmentSeed(segment.logId, segment.number, segment.salt, version) };
    if (parseGroupHeader(bytes, offset, format) !== undefined) return format;
  }
  return undefined;
}

// ---- group ----------------------------------------------------------------------------------------------------------------

/** "HFGR" as it stands on disk. */
const GROUP_MAGIC = 0x5247_4648;
const GROUP_CRC = 4;
const GROUP_FIRST_LSN = 8;
const GROUP_COUNT = 16;
const GROUP_BODY_BYTES = 20;
const GROUP_FLOOR = 24;
const GROUP_EPOCH = 32;
/** In version 1 the upper half of the epoch. */
const GROUP_BODY_CHECK = 36;
const GROUP_BODY_CRC = 40;
const GROUP_CHAIN = 44;

/** Length of a group's header in bytes. */
export const GROUP_HEADER_BYTES = 48;
/** Length of what stands before each payload: u32 length, u8 type. */
export const RECORD_HEADER_BYTES = 5;
/** The highest epoch that a group can carry. */
export const EPOCH_MAX = 0xffff_ffff;
/** In the tight modes a group starts on a multiple of this. */
export const GROUP_ALIGN_BYTES = 8;

/** What a group's header says. */
export interface GroupHeader {
  readonly firstLsn: number;
  readonly count: number;
  readonly bodyBytes: number;
  /** The highest LSN that was known durable when the group was written (R5). */
  readonly floor: number;
  readonly epoch: number;
  readonly bodyCrc: number;
  /** The second checksum of the body; `undefined` in version 1, which has one. */
  readonly bodyCheck: number | undefined;
  /** Header checksum of the group before it in the log; 0 for the first. */
  readonly chain: number;
  /** The header's own checksum, seeded: what the next group's `chain` holds. */
  readonly headerCrc: number;
}

/** Bytes that a group with this body takes, padding included. */
export function groupBytes(bodyBytes: number, torn: TornMode, blockBytes: number): number {
  const unit = torn === "align" ? blockBytes : GROUP_ALIGN_BYTES;
  return Math.ceil((GROUP_HEADER_BYTES + bodyBytes) / unit) * unit;
}

/** The facts of a group that its body does not hold. */
export interface GroupStamp {
  readonly firstLsn: number;
  readonly count: number;
  readonly floor: number;
  readonly epoch: number;
  readonly chain: number;
}

/**
 * Writes the header of the group whose body already stands at `bytes[GROUP_HEADER_BYTES, GROUP_HEADER_BYTES + bodyBytes)`.
 * Returns the header's checksum.
 */
export function sealGroup(bytes: Uint8Array, bodyBytes: number, format: GroupFormat, stamp: GroupStamp): number {
  const { seed, version } = format;
  const bodyEnd = GROUP_HEADER_BYTES + bodyBytes;
  writeU32(bytes, 0, GROUP_MAGIC);
  writeU64(bytes, GROUP_FIRST_LSN, stamp.firstLsn);
  writeU32(bytes, GROUP_COUNT, stamp.count);
  writeU32(bytes, GROUP_BODY_BYTES, bodyBytes);
  writeU64(bytes, GROUP_FLOOR, stamp.floor);
  writeU64(bytes, GROUP_EPOCH, stamp.epoch);
  if (version !== ONE_CHECKSUM_VERSION)
    writeU32(bytes, GROUP_BODY_CHECK, crc32Range(bytes, GROUP_HEADER_BYTES, bodyEnd));
  writeU32(bytes, GROUP_BODY_CRC, crc32cRange(bytes, GROUP_HEADER_BYTES, bodyEnd, seed));
  writeU32(bytes, GROUP_CHAIN, stamp.chain);
  const crc = crc32cRange(bytes, GROUP_FIRST_LSN, GROUP_HEADER_BYTES, seed);
  writeU32(bytes, GROUP_CRC, crc);
  return crc;
}

/** The group header at `offset`, or `undefined` where none with the right checksum stands. At least a header's length must follow. */
export function parseGroupHeader(bytes: Uint8Array, offset: number, format: GroupFormat): GroupHeader | undefined {
  if (readU32(bytes, offset) !== GROUP_MAGIC) return undefined;
  const headerCrc = readU32(bytes, offset + GROUP_CRC);
  if (headerCrc !== crc32cRange(bytes, offset + GROUP_FIRST_LSN, offset + GROUP_HEADER_BYTES, format.seed))
    return undefined;
  const hasTwo = format.version !== ONE_CHECKSUM_VERSION;
  return {
    firstLsn: readU64(bytes, offset + GROUP_FIRST_LSN),
    count: readU32(bytes, offset + GROUP_COUNT),
    bodyBytes: readU32(bytes, offset + GROUP_BODY_BYTES),
    floor: readU64(bytes, offset + GROUP_FLOOR),
    epoch: hasTwo ? readU32(bytes, offset + GROUP_EPOCH) : readU64(bytes, offset + GROUP_EPOCH),
    bodyCrc: readU32(bytes, offset + GROUP_BODY_CRC),
    bodyCheck: hasTwo ? readU32(bytes, offset + GROUP_BODY_CHECK) : undefined,
    chain: readU32(bytes, offset + GROUP_CHAIN),
    headerCrc,
  };
}

/** Whether the body at `bytes[start, start + header.bodyBytes)` is the one the header was made for. */
export function groupBodySound(bytes: Uint8Array, start: number, header: GroupHeader, seed: number): boolean {
  const end = start + header.bodyBytes;
  if (crc32cRange(bytes, start, end, seed) !== header.bodyCrc) return false;
  return header.bodyCheck === undefined || crc32Range(bytes, start, end) === header.bodyCheck;
}

// ---- record ---------------------------------------------------------------------------------------------------------------

/** Bytes a record takes in a group's body. */
export function recordBytes(payloadBytes: number): number {
  return RECORD_HEADER_BYTES + payloadBytes;
}

/** Writes one record at `offset`; returns the offset behind it. */
export function encodeRecord(bytes: Uint8Array, offset: number, type: number, payload: Uint8Array): number {
  writeU32(bytes, offset, payload.length);
  bytes[offset + 4] = type;
  bytes.set(payload, offset + RECORD_HEADER_BYTES);
  return offset + RECORD_HEADER_BYTES + payload.length;
}

/**
 * Walks `count` records in `bytes[start, end)` and stores where each payload starts in `starts` (its length stands 5 bytes before,
 * its type 1 byte before). Returns false where the lengths do not add up to exactly `end`.
 */
export function indexRecords(
  bytes: Uint8Array,
  start: number,
  end: number,
  count: number,
  starts: Uint32Array,
): boolean {
  let at = start;
  for (let index = 0; index < count; index++) {
    if (end - at < RECORD_HEADER_BYTES) return false;
    const length = readU32(bytes, at);
    at += RECORD_HEADER_BYTES;
    if (length > end - at) return false;
    starts[index] = at;
    at += length;
  }
  return at === end;
}
