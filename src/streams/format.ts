/**
 * The records of a shared log: what each payload in the physical log holds. Offsets, encoding, decoding; pure. docs/formats/streams.md has the layout.
 *
 * The type byte of the physical record says which kind it is. Everything is little-endian. The checksums of the log cover every byte, so nothing here
 * has one of its own; but lengths and numbers are checked before they are used, since sound bytes may be of something else.
 */
import { readU32, readU64, writeU32, writeU64 } from "../base/index.js";

/** Kinds of records, as the type byte of the physical record. The high bits keep the records of an ordinary log from looking like these. */
export const ENTRY = 0xa1;
export const MOVED = 0xa2;
export const STATE = 0xa3;
export const DROP = 0xa4;
export const CHECKPOINT = 0xa5;

/** An entry: stream (u32), the user's type (u8), the stream's LSN (u64); then the user's payload. */
export const ENTRY_HEADER_BYTES = 13;
/** A moved entry: as an entry, with the physical LSN that it was copied from (u64) before the payload. */
export const MOVED_HEADER_BYTES: number = ENTRY_HEADER_BYTES + 8;
/** A stream's state: stream (u32), its first LSN (u64), the LSN behind its last (u64); then its name in UTF-8, 1 to 255 bytes. */
export const STATE_HEADER_BYTES = 20;
/** The end of a stream: stream (u32). */
const DROP_BYTES = 4;
/**
 * A part of a checkpoint: the physical LSN up to which it is true (u64), that of the part before it or 0 (u64), its number from 0 (u32), 1 for the last
 * part, else 0 (u8); then its share of the snapshot.
 */
export const PART_HEADER_BYTES = 21;

/** The longest name in UTF-8 bytes. */
export const NAME_BYTES_MAX = 255;

/** The header of an entry, moved or not. */
export interface EntryHeader {
  readonly stream: number;
  readonly type: number;
  readonly lsn: number;
  /** Where it was copied from; 0 for an entry that never moved. */
  readonly from: number;
  /** Where the user's payload starts. */
  readonly bodyStart: number;
}

/** What a stream holds from a record on: LSNs in `[firstLsn, nextLsn)`. */
export interface StateRecord {
  readonly stream: number;
  readonly firstLsn: number;
  readonly nextLsn: number;
  readonly name: string;
}

/** One part of a checkpoint. */
export interface PartRecord {
  readonly asOf: number;
  readonly previous: number;
  readonly index: number;
  readonly isLast: boolean;
  readonly body: Uint8Array;
}

/** Writes the header of an entry to the front of `target`. */
export function writeEntryHeader(target: Uint8Array, stream: number, type: number, lsn: number): void {
  writeU32(target, 0, stream);
  target[4] = type;
  writeU64(target, 5, lsn);
}

/** A whole record that moves an entry. */
export function encodeMoved(entry: EntryHeader, from: number, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(MOVED_HEADER_BYTES + body.length);
  writeEntryHeader(bytes, entry.stream, entry.type, entry.lsn);
  writeU64(bytes, ENTRY_HEADER_BYTES, from);
  bytes.set(body, MOVED_HEADER_BYTES);
  return bytes;
}

/** The header of an entry or moved entry; `undefined` where the payload is none. */
export function readEntryHeader(kind: number, payload: Uint8Array): EntryHeader | undefined {
  const bodyStart = kind === MOVED ? MOVED_HEADER_BYTES : ENTRY_HEADER_BYTES;
  if ((kind !== ENTRY && kind !== MOVED) || payload.length < bodyStart) return undefined;
  const lsn = readU64(payload, 5);
  const from = kind === MOVED ? readU64(payload, ENTRY_HEADER_BYTES) : 0;
  if (lsn < 1 || (kind === MOVED && from < 1)) return undefined;
  return { stream: readU32(payload, 0), type: payload[4]!, lsn, from, bodyStart };
}

export function encodeState({ stream, firstLsn, nextLsn }: Omit<StateRecord, "name">, name: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(STATE_HEADER_BYTES + name.length);
  writeU32(bytes, 0, stream);
  writeU64(bytes, 4, firstLsn);
  writeU64(bytes, 12, nextLsn);
  bytes.set(name, STATE_HEADER_BYTES);
  return bytes;
}

export function decodeState(payload: Uint8Array): StateRecord | undefined {
  const nameBytes = payload.length - STATE_HEADER_BYTES;
  if (nameBytes < 1 || nameBytes > NAME_BYTES_MAX) return undefined;
  const firstLsn = readU64(payload, 4);
  const nextLsn = readU64(payload, 12);
  const name = decodeName(payload.subarray(STATE_HEADER_BYTES));
  if (firstLsn < 1 || nextLsn < firstLsn || name === undefined) return undefined;
  return { stream: readU32(payload, 0), firstLsn, nextLsn, name };
}

export function encodeDrop(stream: number): Uint8Array {
  const bytes = new Uint8Array(DROP_BYTES);
  writeU32(bytes, 0, stream);
  return bytes;
}

/** The stream that a record ends; `undefined` where the payload is none such. */
export function decodeDrop(payload: Uint8Array): number | undefined {
  return payload.length === DROP_BYTES ? readU32(payload, 0) : undefined;
}

export function encodePart(part: PartRecord): Uint8Array {
  const bytes = new Uint8Array(PART_HEADER_BYTES + part.body.length);
  writeU64(bytes, 0, part.asOf);
  writeU64(bytes, 8, part.previous);
  writeU32(bytes, 16, part.index);
  bytes[20] = part.isLast ? 1 : 0;
  bytes.set(part.body, PART_HEADER_BYTES);
  return bytes;
}

export function decodePart(payload: Uint8Array): PartRecord | undefined {
  if (payload.length < PART_HEADER_BYTES || payload[20]! > 1) return undefined;
  const asOf = readU64(payload, 0);
  const previous = readU64(payload, 8);
  if (asOf < 0 || previous < 0) return undefined;
  const isLast = payload[20] === 1;
  return { asOf, previous, index: readU32(payload, 16), isLast, body: payload.subarray(PART_HEADER_BYTES) };
}

/** The UTF-8 bytes of a name; `undefined` for what can't be one. */
export function encodeName(name: unknown): Uint8Array | undefined {
  if (typeof name !== "string" || name.length > NAME_BYTES_MAX) return undefined;
  const bytes = new TextEncoder().encode(name);
  // Half of a surrogate pair has no UTF-8: two names would become one.
  return bytes.length >= 1 && bytes.length <= NAME_BYTES_MAX && decodeName(bytes) === name ? bytes : undefined;
}

export function decodeName(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
