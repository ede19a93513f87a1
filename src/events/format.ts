/**
 * The records of an event log, as bytes. Pure: nothing here reads or writes a journal.
 *
 * `docs/formats/events.md` draws the same layout. A record's type byte says what it is: an event by its id, or one of the kinds below. Its payload
 * starts with a header that is the same for all of them, so that a reader skips what it does not want without a look at the payload, and finds
 * the newest checkpoint from any record.
 */
import { readU32, readU64, writeU32, writeU64 } from "../base/index.js";

/** Ids of event types go from 1 to this; the type bytes above are records of other kinds. */
export const EVENT_ID_MAX = 239;
/** The type byte of a checkpoint. */
export const CHECKPOINT_TYPE = 240;
/** The type byte of a part of a snapshot. */
export const SNAPSHOT_TYPE = 241;

/** Whether a record is one of the event log's own, between the events. */
export function isBookkeeping(type: number): boolean {
  return type === CHECKPOINT_TYPE || type === SNAPSHOT_TYPE;
}

/** Versions of event types and snapshots go from 1 to this. */
export const VERSION_MAX = 65_535;

/** The layout that this build writes, and the only one it reads. */
export const EVENTS_LAYOUT = 1;

/** What a header takes at most: the layout, a version, a distance. */
export const HEADER_BYTES_MAX: number = 1 + 3 + 8;

/** What a record is made of, without its place in the log. */
export interface RecordBody {
  /** The type byte. */
  readonly type: number;
  /** Of the event's type; 0 for other records. */
  readonly version: number;
  /** Bytes, or a text that becomes UTF-8. */
  readonly body: Uint8Array | string;
}

/** What a header says. */
export interface RecordHeader {
  readonly version: number;
  /** How far back the newest checkpoint before this record is, in LSNs; 0 where there was none. */
  readonly back: number;
  /** Where the body starts in the payload. */
  readonly bodyStart: number;
}

/** A header, or why there is none. */
export type ParsedHeader =
  | ({ readonly kind: "header" } & RecordHeader)
  /** Of a layout above {@link EVENTS_LAYOUT}. */
  | { readonly kind: "newer"; readonly layout: number }
  | { readonly kind: "unknown" };

const UNKNOWN: ParsedHeader = { kind: "unknown" };

const encoder = new TextEncoder();

/** Writes a record's payload, header and body, at `offset`; returns the offset behind it. The caller has made room. */
export function encodePayload(
  target: Uint8Array,
  offset: number,
  version: number,
  back: number,
  body: Uint8Array | string,
): number {
  target[offset] = EVENTS_LAYOUT;
  const at = writeVarint(target, writeVarint(target, offset + 1, version), back);
  if (typeof body === "string") return at + encoder.encodeInto(body, target.subarray(at)).written;
  target.set(body, at);
  return at + body.length;
}

/** Reads the header of a payload. Never throws. */
export function parseHeader(payload: Uint8Array): ParsedHeader {
  const layout = payload[0] ?? 0;
  if (layout > EVENTS_LAYOUT) return { kind: "newer", layout };
  if (layout !== EVENTS_LAYOUT) return UNKNOWN;
  const version = readVarint(payload, 1);
  if (version < 0 || version > VERSION_MAX) return UNKNOWN;
  const backStart = 1 + varintBytes(version);
  const back = readVarint(payload, backStart);
  if (back < 0) return UNKNOWN;
  return { kind: "header", version, back, bodyStart: backStart + varintBytes(back) };
}

/** A checkpoint, as its own record says and those of later ones repeat. */
export interface StoredCheckpoint {
  readonly lsn: number;
  /** The newest LSN whose event is in the checkpoint's state. */
  readonly through: number;
  /** Version of its snapshot; 0 without one, and then what follows is 0 too. */
  readonly version: number;
  /** The first part of its snapshot. The parts stand between here and the checkpoint. */
  readonly firstPartLsn: number;
  readonly partCount: number;
  /** Size of the encoded snapshot, and its CRC-32C. */
  readonly snapshotBytes: number;
  readonly snapshotCrc: number;
}

const LSN_OFFSET = 0;
const THROUGH_OFFSET: number = LSN_OFFSET + 8;
const FIRST_PART_OFFSET: number = THROUGH_OFFSET + 8;
const SNAPSHOT_BYTES_OFFSET: number = FIRST_PART_OFFSET + 8;
const PART_COUNT_OFFSET: number = SNAPSHOT_BYTES_OFFSET + 8;
const SNAPSHOT_CRC_OFFSET: number = PART_COUNT_OFFSET + 4;
const VERSION_OFFSET: number = SNAPSHOT_CRC_OFFSET + 4;

/** Size of one entry of a checkpoint's body, which is nothing but entries. */
export const CHECKPOINT_ENTRY_BYTES: number = VERSION_OFFSET + 4;

/** The body of a checkpoint: itself, then those that are kept beside it, the newest first. */
export function encodeCheckpoints(checkpoints: readonly StoredCheckpoint[]): Uint8Array {
  const bytes = new Uint8Array(checkpoints.length * CHECKPOINT_ENTRY_BYTES);
  for (const [index, checkpoint] of checkpoints.entries()) {
    const at = index * CHECKPOINT_ENTRY_BYTES;
    writeU64(bytes, at + LSN_OFFSET, checkpoint.lsn);
    writeU64(bytes, at + THROUGH_OFFSET, checkpoint.through);
    writeU64(bytes, at + FIRST_PART_OFFSET, checkpoint.firstPartLsn);
    writeU64(bytes, at + SNAPSHOT_BYTES_OFFSET, checkpoint.snapshotBytes);
    writeU32(bytes, at + PART_COUNT_OFFSET, checkpoint.partCount);
    writeU32(bytes, at + SNAPSHOT_CRC_OFFSET, checkpoint.snapshotCrc);
    writeU32(bytes, at + VERSION_OFFSET, checkpoint.version);
  }
  return bytes;
}

/** Reads the body of the checkpoint at `lsn`; `undefined` where no build writes such a one. */
export function decodeCheckpoints(body: Uint8Array, lsn: number): StoredCheckpoint[] | undefined {
  if (body.length === 0 || body.length % CHECKPOINT_ENTRY_BYTES !== 0) return undefined;
  const checkpoints: StoredCheckpoint[] = [];
  for (let at = 0; at < body.length; at += CHECKPOINT_ENTRY_BYTES) {
    const checkpoint: StoredCheckpoint = {
      lsn: readU64(body, at + LSN_OFFSET),
      through: readU64(body, at + THROUGH_OFFSET),
      firstPartLsn: readU64(body, at + FIRST_PART_OFFSET),
      snapshotBytes: readU64(body, at + SNAPSHOT_BYTES_OFFSET),
      partCount: readU32(body, at + PART_COUNT_OFFSET),
      snapshotCrc: readU32(body, at + SNAPSHOT_CRC_OFFSET),
      version: readU32(body, at + VERSION_OFFSET),
    };
    const before = checkpoints.at(-1);
    const isNext = before === undefined ? checkpoint.lsn === lsn : checkpoint.lsn < before.lsn;
    if (!isNext || !isSensible(checkpoint)) return undefined;
    checkpoints.push(checkpoint);
  }
  return checkpoints;
}

function isSensible(checkpoint: StoredCheckpoint): boolean {
  const { lsn, through, firstPartLsn, partCount, snapshotBytes, snapshotCrc, version } = checkpoint;
  if (through < 0 || through >= lsn || version > VERSION_MAX) return false;
  if (version === 0) return firstPartLsn === 0 && partCount === 0 && snapshotBytes === 0 && snapshotCrc === 0;
  return firstPartLsn > through && partCount >= 1 && partCount <= lsn - firstPartLsn && snapshotBytes >= 0;
}

/** What a part of a snapshot has before its bytes: its number, from 0. */
export const PART_HEADER_BYTES = 4;

export function encodePart(index: number, bytes: Uint8Array): Uint8Array {
  const body = new Uint8Array(PART_HEADER_BYTES + bytes.length);
  writeU32(body, 0, index);
  body.set(bytes, PART_HEADER_BYTES);
  return body;
}

/** The bytes of part `index`; `undefined` where `body` is no such part. */
export function decodePart(body: Uint8Array, index: number): Uint8Array | undefined {
  if (body.length < PART_HEADER_BYTES || readU32(body, 0) !== index) return undefined;
  return body.subarray(PART_HEADER_BYTES);
}

/** Seven bits a byte, the lowest first; the highest bit says that more follow. */
function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes++;
  return bytes;
}

function writeVarint(bytes: Uint8Array, offset: number, value: number): number {
  let at = offset;
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes[at++] = (rest % 0x80) | 0x80;
  bytes[at++] = rest;
  return at;
}

/** The number at `offset`, or -1 where none stands there: cut short, above 2^53 − 1, or longer than it need be. */
function readVarint(bytes: Uint8Array, offset: number): number {
  let value = 0;
  let scale = 1;
  for (let at = offset; at < offset + 8; at++) {
    const byte = bytes[at];
    if (byte === undefined) return -1;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return byte === 0 && at > offset ? -1 : value > Number.MAX_SAFE_INTEGER ? -1 : value;
    scale *= 0x80;
  }
  return -1;
}
