/**
 * What holds an export together: the preamble, and the frames around everything else. Pure: no I/O, no state.
 *
 * A checksum is continued from the frame before, so it covers every byte of the stream up to there: a frame that is dropped, repeated, moved, or
 * taken from another stream does not fit. Thirty-two bits find what a wire or a disk does to bytes. What a state rests on has more: the rows
 * of a database are covered by its lattice hash, which an import folds again in any case, and all that is not rows by the seal in the last frame. So
 * there is no digest over the whole stream, which would cost more than all else that is done to a row here.
 */
import { readU16, readU32, readU64, writeU16, writeU32, writeU64 } from "../base/index.js";
import { crc32cRange } from "../checksum/index.js";

/** The format that this build writes and reads. */
export const EXPORT_VERSION = 1;

// ---- preamble -------------------------------------------------------------------------------------------------------------

const MAGIC: Uint8Array = new TextEncoder().encode("HFKVEXPT");
const PREAMBLE_VERSION = 8;
const PREAMBLE_CRC = 12;
/** Length of what a stream starts with. */
export const PREAMBLE_BYTES = 16;

/** What a stream starts with, whatever its version. */
export function encodePreamble(): Uint8Array {
  const bytes = new Uint8Array(PREAMBLE_BYTES);
  bytes.set(MAGIC);
  writeU16(bytes, PREAMBLE_VERSION, EXPORT_VERSION);
  writeU32(bytes, PREAMBLE_CRC, crc32cRange(bytes, 0, PREAMBLE_CRC));
  return bytes;
}

/** What the checksum of the first frame behind a preamble is continued from. */
export function preambleChain(preamble: Uint8Array): number {
  return readU32(preamble, PREAMBLE_CRC);
}

/** What the first bytes of a stream turn out to be. `chain`: what the first frame's checksum is continued from. */
export type PreambleParse =
  | { readonly kind: "sound"; readonly chain: number }
  | { readonly kind: "newer"; readonly version: number }
  | { readonly kind: "unknown" }
  | { readonly kind: "damaged"; readonly found: string };

/** Reads the preamble at `offset`; all its bytes must be there. */
export function parsePreamble(bytes: Uint8Array, offset: number): PreambleParse {
  const isMagic = MAGIC.every((byte, index) => bytes[offset + index] === byte);
  const chain = readU32(bytes, offset + PREAMBLE_CRC);
  if (chain !== crc32cRange(bytes, offset, offset + PREAMBLE_CRC))
    return isMagic ? { kind: "damaged", found: "a preamble with a wrong checksum" } : { kind: "unknown" };
  const version = readU16(bytes, offset + PREAMBLE_VERSION);
  if (!isMagic || version === 0) return { kind: "unknown" };
  if (version > EXPORT_VERSION) return { kind: "newer", version };
  if (readU16(bytes, offset + PREAMBLE_VERSION + 2) !== 0)
    return { kind: "damaged", found: "a preamble that no build writes" };
  return { kind: "sound", chain };
}

// ---- frame ----------------------------------------------------------------------------------------------------------------

/** The first frame: what is exported. */
export const HEADER_FRAME = 1;
/** Rows of one database. */
export const ROWS_FRAME = 2;
/** What a database held in all. */
export const DATABASE_END_FRAME = 3;
/** The last frame. */
export const END_FRAME = 4;

const FRAME_NUMBER = 0;
const FRAME_PAYLOAD_BYTES = 8;
const FRAME_TYPE = 12;
const FRAME_CRC = 16;
/** Length of what stands before a frame's payload. */
export const FRAME_HEADER_BYTES = 20;
/** Length of the checksum behind a frame's payload. */
export const FRAME_TRAILER_BYTES = 4;

/** What stands before a frame's payload. */
export interface FrameHeader {
  /** Counts the frames from 0. */
  readonly number: number;
  readonly type: number;
  readonly payloadBytes: number;
  /** Of everything up to the payload. */
  readonly crc: number;
}

/**
 * Writes what stands before and behind the payload of a frame, which already is at `bytes[offset + FRAME_HEADER_BYTES]`. Returns the frame's
 * checksum, which the next one is continued from.
 */
export function sealFrame(
  bytes: Uint8Array,
  offset: number,
  frame: { readonly number: number; readonly type: number; readonly payloadBytes: number },
  chain: number,
): number {
  writeU64(bytes, offset + FRAME_NUMBER, frame.number);
  writeU32(bytes, offset + FRAME_PAYLOAD_BYTES, frame.payloadBytes);
  writeU32(bytes, offset + FRAME_TYPE, frame.type);
  const headerCrc = crc32cRange(bytes, offset, offset + FRAME_CRC, chain);
  writeU32(bytes, offset + FRAME_CRC, headerCrc);
  const start = offset + FRAME_HEADER_BYTES;
  const end = start + frame.payloadBytes;
  const crc = crc32cRange(bytes, start, end, headerCrc);
  writeU32(bytes, end, crc);
  return crc;
}

/** The header of a frame at `offset`, or `undefined` where none stands that continues the chain. All its bytes must be there. */
export function parseFrameHeader(bytes: Uint8Array, offset: number, chain: number): FrameHeader | undefined {
  const crc = readU32(bytes, offset + FRAME_CRC);
  if (crc !== crc32cRange(bytes, offset, offset + FRAME_CRC, chain)) return undefined;
  return {
    number: readU64(bytes, offset + FRAME_NUMBER),
    type: readU32(bytes, offset + FRAME_TYPE),
    payloadBytes: readU32(bytes, offset + FRAME_PAYLOAD_BYTES),
    crc,
  };
}

/** The checksum of the frame whose payload starts at `start`, or `undefined` where it is not the one that stands behind it. */
export function frameChecksum(bytes: Uint8Array, start: number, header: FrameHeader): number | undefined {
  const end = start + header.payloadBytes;
  const crc = crc32cRange(bytes, start, end, header.crc);
  return crc === readU32(bytes, end) ? crc : undefined;
}
