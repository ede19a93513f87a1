/**
 * One slot of an anchor file, as bytes. Pure: nothing here reads or writes a file.
 *
 * `docs/formats/anchor.md` draws the same layout; a test reads its hex dump with this code. Magic, version and header checksum stay where they
 * are in every version, so that any build can tell a newer slot from a damaged one.
 *
 * A value has two checksums of two polynomials, since it may hold bytes that one of them is blind to (`src/checksum/crc32.ts`): a slot may have many
 * sectors, and an older one must not pass in the place of one that a crash lost. The second stands in the header, whose own checksum covers it.
 */
import { isZero, readU16, readU32, readU64, writeU16, writeU32, writeU64 } from "../base/index.js";
import { crc32Range, crc32cRange } from "../checksum/index.js";

/** `HFANCHOR` in ASCII. */
const MAGIC: Uint8Array = Uint8Array.of(0x48, 0x46, 0x41, 0x4e, 0x43, 0x48, 0x4f, 0x52);

/** The version that this build writes. */
export const ANCHOR_VERSION = 2;
/** The version before, which is read: one checksum a value, and the size of slots as it is. */
const ONE_CHECKSUM_VERSION = 1;

const MAGIC_OFFSET = 0;
const VERSION_OFFSET: number = MAGIC_OFFSET + 8;
const MODE_OFFSET: number = VERSION_OFFSET + 2;
/** The size of slots, as a power of two; in version 1 it is 0, and the size stands in place of the check. */
const SLOT_BITS_OFFSET: number = MODE_OFFSET + 1;
const SLOT_BITS_MIN = 9;
const SLOT_BITS_MAX = 16;
const VALUE_CHECK_OFFSET: number = SLOT_BITS_OFFSET + 1;
const SEQUENCE_OFFSET: number = VALUE_CHECK_OFFSET + 4;
const KIND_OFFSET: number = SEQUENCE_OFFSET + 8;
const VALUE_BYTES_OFFSET: number = KIND_OFFSET + 4;
const HEADER_CRC_OFFSET: number = VALUE_BYTES_OFFSET + 4;
const SLOT_CRC_OFFSET: number = HEADER_CRC_OFFSET + 4;
const VALUE_OFFSET: number = SLOT_CRC_OFFSET + 4;

/** What a slot holds before its value. */
export const SLOT_HEADER_BYTES: number = VALUE_OFFSET;

/** How the two slots are used; see {@link Anchor}. */
export type AnchorMode = "mirror" | "alternate";

const MODE_CODES: Readonly<Record<AnchorMode, number>> = { mirror: 1, alternate: 2 };

/** What a slot says. */
export interface SlotContent {
  readonly mode: AnchorMode;
  /** Counts up from 1. */
  readonly sequence: number;
  /** What the value is for, as the application numbers it. */
  readonly kind: number;
  readonly value: Uint8Array;
}

/** What reading a slot found. */
export type Slot =
  | ({ readonly status: "valid" } & SlotContent)
  /** Bytes that were an anchor's, or should be. `problem` says what is wrong. */
  | { readonly status: "damaged"; readonly problem: string }
  /** Sound, with slots of another size than it was read with. */
  | { readonly status: "other-size"; readonly slotBytes: number; readonly kind: number }
  /** Sound, of a version above {@link ANCHOR_VERSION}. */
  | { readonly status: "newer"; readonly version: number }
  /** Never an anchor's. */
  | { readonly status: "unknown" };

/** The longest value that a slot holds. */
export function valueBytesMax(slotBytes: number): number {
  return slotBytes - SLOT_HEADER_BYTES;
}

/** The bytes of a slot. The caller has bounded the value by {@link valueBytesMax}. */
export function encodeSlot(slotBytes: number, content: SlotContent): Uint8Array {
  const bytes = new Uint8Array(slotBytes);
  bytes.set(MAGIC, MAGIC_OFFSET);
  writeU16(bytes, VERSION_OFFSET, ANCHOR_VERSION);
  bytes[MODE_OFFSET] = MODE_CODES[content.mode];
  bytes[SLOT_BITS_OFFSET] = Math.log2(slotBytes);
  writeU64(bytes, SEQUENCE_OFFSET, content.sequence);
  writeU32(bytes, KIND_OFFSET, content.kind);
  writeU32(bytes, VALUE_BYTES_OFFSET, content.value.length);
  bytes.set(content.value, VALUE_OFFSET);
  writeU32(bytes, VALUE_CHECK_OFFSET, crc32Range(bytes, VALUE_OFFSET, slotBytes));
  writeU32(bytes, HEADER_CRC_OFFSET, crc32cRange(bytes, 0, HEADER_CRC_OFFSET));
  writeU32(bytes, SLOT_CRC_OFFSET, slotCrc(bytes));
  return bytes;
}

/** Reads a slot, given all of its bytes. Never throws; `value` is a view of `bytes`. */
export function decodeSlot(bytes: Uint8Array): Slot {
  if (isZero(bytes)) return damaged("zeros");
  const crc = readU32(bytes, HEADER_CRC_OFFSET);
  if (crc32cRange(bytes, 0, HEADER_CRC_OFFSET) !== crc) {
    // A magic that is not ours is someone else's file, unless the checksum says that it was ours before it was damaged.
    const wasOurs = hasMagic(bytes) || crc32cRange(bytes, VERSION_OFFSET, HEADER_CRC_OFFSET, MAGIC_CRC) === crc;
    return wasOurs ? damaged("a header that fails its checksum") : { status: "unknown" };
  }
  if (!hasMagic(bytes)) return { status: "unknown" };
  const version = readU16(bytes, VERSION_OFFSET);
  if (version > ANCHOR_VERSION) return { status: "newer", version };
  if (version < ONE_CHECKSUM_VERSION) return { status: "unknown" };
  const hasTwo = version !== ONE_CHECKSUM_VERSION;
  const kind = readU32(bytes, KIND_OFFSET);
  const slotBits = bytes[SLOT_BITS_OFFSET]!;
  if (hasTwo && (slotBits < SLOT_BITS_MIN || slotBits > SLOT_BITS_MAX)) return damaged("a field that no build writes");
  const slotBytes = hasTwo ? 1 << slotBits : readU32(bytes, VALUE_CHECK_OFFSET);
  if (slotBytes !== bytes.length) return { status: "other-size", slotBytes, kind };
  if (!isValueSound(bytes, version)) return damaged("a value that fails a checksum");
  const mode = bytes[MODE_OFFSET] === MODE_CODES.mirror ? "mirror" : "alternate";
  const sequence = readU64(bytes, SEQUENCE_OFFSET);
  const valueBytes = readU32(bytes, VALUE_BYTES_OFFSET);
  const sensible =
    bytes[MODE_OFFSET] === MODE_CODES[mode] &&
    (hasTwo || slotBits === 0) &&
    sequence >= 1 &&
    valueBytes <= valueBytesMax(slotBytes) &&
    isZero(bytes, VALUE_OFFSET + valueBytes, slotBytes);
  if (!sensible) return damaged("a field that no build writes");
  return { status: "valid", mode, sequence, kind, value: bytes.subarray(VALUE_OFFSET, VALUE_OFFSET + valueBytes) };
}

const MAGIC_CRC: number = crc32cRange(MAGIC, 0, MAGIC.length);

/**
 * The checksum of the header up to its own checksum, then of the value and the padding.
 *
 * It goes on from the header's checksum rather than over it: a checksum over data that ends in its own CRC is the same for all data,
 * so that a new header torn onto an old value would pass.
 */
function slotCrc(bytes: Uint8Array): number {
  return crc32cRange(bytes, VALUE_OFFSET, bytes.length, readU32(bytes, HEADER_CRC_OFFSET));
}

/** Whether the value of a slot with a sound header is the one that the header was made for. */
function isValueSound(bytes: Uint8Array, version: number): boolean {
  if (slotCrc(bytes) !== readU32(bytes, SLOT_CRC_OFFSET)) return false;
  if (version === ONE_CHECKSUM_VERSION) return true;
  return crc32Range(bytes, VALUE_OFFSET, bytes.length) === readU32(bytes, VALUE_CHECK_OFFSET);
}

function hasMagic(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, at) => bytes[MAGIC_OFFSET + at] === byte);
}

function damaged(problem: string): Slot {
  return { status: "damaged", problem };
}
