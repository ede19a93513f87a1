/**
 * The rows file of the memory engine: a header sector, then batches, each beginning at a sector of its own.
 *
 * ```text
 * header (one sector)                         batch (whole sectors, zeros behind the rows)
 *  0  8  magic "hfmemrow"                      0  4  magic "hfmb"
 *  8  4  format version, 2                     4  4  BLAKE3, its first bytes, of the batch from byte 8 to the end of its rows
 * 12  4  CRC-32C of bytes [0, 12) and [16, 32)  8 16  salt of the file
 * 16 16  salt, random                         24  8  number, from 1
 *                                             32  8  after: the number that this one follows
 *                                             40  8  synced: highest number known durable when this was written
 *                                             48  4  rows    52  4  bytes of the rows
 *                                             56     rows: u32 key bytes, u32 value bytes (all ones: a delete), key, value
 * ```
 * All integers are little-endian. The salt keeps bytes of another file, which a disk may show in the place of a lost write, from parsing. A batch has many
 * sectors, and only the first has the salt; so what covers the batch is a hash and no CRC. Rows may end with a CRC of their own, and for a CRC around them
 * any two such rows of one length are the same: a sector of another file could stand in for one that was lost.
 */
import { equalBytes, readU32, readU64, writeU32, writeU64 } from "../../base/index.js";
import { crc32c, crc32cRange } from "../../checksum/index.js";
import { blake3 } from "../../hash/index.js";

export const SECTOR_BYTES = 512;
export const SALT_BYTES = 16;
/** Version 1, in which a CRC-32C covers a batch, is read and gone on with. */
export const FORMAT_VERSION = 2;
const CRC_VERSION = 1;

const HEADER_MAGIC = new TextEncoder().encode("hfmemrow");
const BATCH_MAGIC = 0x626d_6668;
const BATCH_HEADER_BYTES = 56;
const ROW_HEADER_BYTES = 8;
const DELETED = 0xffff_ffff;

/** One put, or a delete where there is no value. */
export interface RowChange {
  readonly key: Uint8Array;
  readonly value: Uint8Array | undefined;
}

/** A batch as it is stored. */
export interface StoredBatch {
  readonly number: number;
  readonly after: number;
  readonly synced: number;
  readonly changes: readonly RowChange[];
}

/** A batch found in a file. */
export interface FoundBatch extends StoredBatch {
  readonly offset: number;
  /** Where the next one may begin. */
  readonly end: number;
}

/** What a file says of itself. */
export interface RowsHeader {
  readonly salt: Uint8Array;
  readonly version: number;
}

/** The first sector of a file. */
export function encodeHeader({ salt, version }: RowsHeader): Uint8Array {
  const bytes = new Uint8Array(SECTOR_BYTES);
  bytes.set(HEADER_MAGIC);
  writeU32(bytes, 8, version);
  bytes.set(salt, 16);
  writeU32(bytes, 12, headerChecksum(bytes));
  return bytes;
}

/** What a header holds, or what is wrong with it. */
export function decodeHeader(bytes: Uint8Array): RowsHeader | "damaged" | "newer" {
  if (bytes.length < SECTOR_BYTES || !equalBytes(bytes.subarray(0, 8), HEADER_MAGIC)) return "damaged";
  if (readU32(bytes, 12) !== headerChecksum(bytes)) return "damaged";
  const version = readU32(bytes, 8);
  if (version < CRC_VERSION || version > FORMAT_VERSION) return "newer";
  return { salt: bytes.slice(16, 16 + SALT_BYTES), version };
}

/** Whole sectors that a batch with these changes takes. */
export function batchBytes(changes: readonly RowChange[]): number {
  let bytes = BATCH_HEADER_BYTES;
  for (const { key, value } of changes) bytes += ROW_HEADER_BYTES + key.length + (value?.length ?? 0);
  return Math.ceil(bytes / SECTOR_BYTES) * SECTOR_BYTES;
}

/** Writes a batch into `target` at `offset`, over zeros; returns where it ends. */
export function encodeBatch(target: Uint8Array, offset: number, header: RowsHeader, batch: StoredBatch): number {
  let at = offset + BATCH_HEADER_BYTES;
  for (const { key, value } of batch.changes) {
    writeU32(target, at, key.length);
    writeU32(target, at + 4, value === undefined ? DELETED : value.length);
    target.set(key, at + ROW_HEADER_BYTES);
    at += ROW_HEADER_BYTES + key.length;
    if (value === undefined) continue;
    target.set(value, at);
    at += value.length;
  }
  writeU32(target, offset, BATCH_MAGIC);
  target.set(header.salt, offset + 8);
  writeU64(target, offset + 24, batch.number);
  writeU64(target, offset + 32, batch.after);
  writeU64(target, offset + 40, batch.synced);
  writeU32(target, offset + 48, batch.changes.length);
  writeU32(target, offset + 52, at - offset - BATCH_HEADER_BYTES);
  writeU32(target, offset + 4, batchChecksum(header, target, offset + 8, at));
  return offset + batchBytes(batch.changes);
}

/** The batch that begins at `offset`, if a sound one does. */
export function decodeBatch(bytes: Uint8Array, offset: number, header: RowsHeader): FoundBatch | undefined {
  if (bytes.length - offset < BATCH_HEADER_BYTES || readU32(bytes, offset) !== BATCH_MAGIC) return undefined;
  const rowsBytes = readU32(bytes, offset + 52);
  const end = offset + BATCH_HEADER_BYTES + rowsBytes;
  if (end > bytes.length || !equalBytes(bytes.subarray(offset + 8, offset + 8 + SALT_BYTES), header.salt))
    return undefined;
  if (readU32(bytes, offset + 4) !== batchChecksum(header, bytes, offset + 8, end)) return undefined;
  const number = readU64(bytes, offset + 24);
  const after = readU64(bytes, offset + 32);
  const synced = readU64(bytes, offset + 40);
  if (number < 1 || after < 0 || after >= number || synced < 0 || synced >= number) return undefined;
  const changes: RowChange[] = [];
  let at = offset + BATCH_HEADER_BYTES;
  for (let left = readU32(bytes, offset + 48); left > 0; left--) {
    if (end - at < ROW_HEADER_BYTES) return undefined;
    const keyBytes = readU32(bytes, at);
    const valueBytes = readU32(bytes, at + 4);
    at += ROW_HEADER_BYTES;
    if (keyBytes + (valueBytes === DELETED ? 0 : valueBytes) > end - at) return undefined;
    const key = bytes.slice(at, at + keyBytes);
    at += keyBytes;
    const value = valueBytes === DELETED ? undefined : bytes.slice(at, at + valueBytes);
    at += value?.length ?? 0;
    changes.push({ key, value });
  }
  if (at !== end) return undefined;
  const sectors = Math.ceil((end - offset) / SECTOR_BYTES);
  return { number, after, synced, changes, offset, end: offset + sectors * SECTOR_BYTES };
}

function batchChecksum({ version }: RowsHeader, bytes: Uint8Array, from: number, to: number): number {
  return version === CRC_VERSION ? crc32cRange(bytes, from, to) : readU32(blake3.hash(bytes.subarray(from, to)), 0);
}

function headerChecksum(bytes: Uint8Array): number {
  return crc32cRange(bytes, 16, 16 + SALT_BYTES, crc32c(bytes.subarray(0, 12)));
}
