/**
 * What the frames of an export say: its header, rows, the end of a database, the end. Pure: no I/O, no state.
 *
 * `docs/formats/flatkv-export.md` draws the same layout and is checked against this file by a test.
 */
import { invalid, isZero, readU16, readU32, readU64, writeU16, writeU32, writeU64 } from "../base/index.js";
import { LtHash, blake3 } from "../hash/index.js";
import { DATABASE_END_FRAME, END_FRAME, HEADER_FRAME, ROWS_FRAME } from "./export-frame.js";

// ---- header frame ---------------------------------------------------------------------------------------------------------

/** Length of an export id and of a store id in bytes. */
export const ID_BYTES = 16;
/** How many databases an export has at most. */
export const DATABASES_MAX = 256;
/** How many bytes of UTF-8 a database's name has at most. */
const NAME_BYTES_MAX = 255;

const HEADER_EXPORT_ID = 0;
const HEADER_STORE_ID: number = HEADER_EXPORT_ID + ID_BYTES;
const HEADER_VERSION: number = HEADER_STORE_ID + ID_BYTES;
const HEADER_TIMELINE: number = HEADER_VERSION + 8;
const HEADER_COUNT: number = HEADER_TIMELINE + 8;
const HEADER_NAMES: number = HEADER_COUNT + 2;
/** The longest payload of a header frame. */
const HEADER_BYTES_MAX: number = HEADER_NAMES + DATABASES_MAX * (1 + NAME_BYTES_MAX);

/** What is exported. */
export interface ExportHeader {
  /** 16 random bytes: two exports are the same stream, byte by byte, only if they have the same id. */
  readonly exportId: Uint8Array;
  /** The 16 bytes that tell a store from others. */
  readonly storeId: Uint8Array;
  /** The exported version. */
  readonly version: number;
  /** The timeline in which the store had that version. */
  readonly timeline: number;
  /** Names of the databases, in the order in which they follow. */
  readonly databases: readonly string[];
}

/** The payload of the header frame. Refuses what it has no place for with an `InvalidArgumentError`. */
export function encodeHeader(header: ExportHeader): Uint8Array {
  const where = "ExportEncoder";
  for (const name of ["exportId", "storeId"] as const)
    if (header[name].length !== ID_BYTES) throw invalid(where, name, header[name], `${ID_BYTES} bytes`);
  for (const name of ["version", "timeline"] as const)
    if (!Number.isSafeInteger(header[name]) || header[name] < 0)
      throw invalid(where, name, header[name], "an integer from 0 to 2^53 − 1");
  const names = header.databases.map((name) => {
    const bytes = new TextEncoder().encode(name);
    if (bytes.length === 0 || bytes.length > NAME_BYTES_MAX || textOf(bytes) !== name)
      throw invalid(where, "databases", name, `names of 1 to ${NAME_BYTES_MAX} bytes of UTF-8`);
    return bytes;
  });
  if (names.length > DATABASES_MAX || new Set(header.databases).size !== names.length)
    throw invalid(where, "databases", header.databases.join(", "), `up to ${DATABASES_MAX} different names`);
  const bytes = new Uint8Array(HEADER_NAMES + names.reduce((sum, name) => sum + 1 + name.length, 0));
  bytes.set(header.exportId, HEADER_EXPORT_ID);
  bytes.set(header.storeId, HEADER_STORE_ID);
  writeU64(bytes, HEADER_VERSION, header.version);
  writeU64(bytes, HEADER_TIMELINE, header.timeline);
  writeU16(bytes, HEADER_COUNT, names.length);
  let at = HEADER_NAMES;
  for (const name of names) {
    bytes[at] = name.length;
    bytes.set(name, at + 1);
    at += 1 + name.length;
  }
  return bytes;
}

/** Reads the payload of a header frame; `undefined` where no build writes such a one. */
export function decodeHeader(payload: Uint8Array): ExportHeader | undefined {
  if (payload.length < HEADER_NAMES) return undefined;
  const version = readU64(payload, HEADER_VERSION);
  const timeline = readU64(payload, HEADER_TIMELINE);
  const count = readU16(payload, HEADER_COUNT);
  if (version < 0 || timeline < 0 || count > DATABASES_MAX) return undefined;
  const databases: string[] = [];
  let at = HEADER_NAMES;
  for (let index = 0; index < count; index++) {
    const length = payload[at] ?? 0;
    if (length === 0 || at + 1 + length > payload.length) return undefined;
    const name = textOf(payload.subarray(at + 1, at + 1 + length));
    if (name === undefined || databases.includes(name)) return undefined;
    databases.push(name);
    at += 1 + length;
  }
  if (at !== payload.length) return undefined;
  const exportId = payload.slice(HEADER_EXPORT_ID, HEADER_STORE_ID);
  return { exportId, storeId: payload.slice(HEADER_STORE_ID, HEADER_VERSION), version, timeline, databases };
}

/** The text that `bytes` spell in UTF-8, or `undefined` where they spell none. */
function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

// ---- totals ---------------------------------------------------------------------------------------------------------------

/** How much of something. */
export interface ExportTotals {
  readonly rows: number;
  /** Bytes of all keys, and of all values. */
  readonly keyBytes: number;
  readonly valueBytes: number;
}

const TOTALS_BYTES = 24;

function writeTotals(bytes: Uint8Array, offset: number, totals: ExportTotals): void {
  writeU64(bytes, offset, totals.rows);
  writeU64(bytes, offset + 8, totals.keyBytes);
  writeU64(bytes, offset + 16, totals.valueBytes);
}

function readTotals(bytes: Uint8Array, offset: number): ExportTotals {
  return {
    rows: readU64(bytes, offset),
    keyBytes: readU64(bytes, offset + 8),
    valueBytes: readU64(bytes, offset + 16),
  };
}

/** The sum of two totals. */
export function addTotals(a: ExportTotals, b: ExportTotals): ExportTotals {
  return { rows: a.rows + b.rows, keyBytes: a.keyBytes + b.keyBytes, valueBytes: a.valueBytes + b.valueBytes };
}

/** Whether two totals are the same. */
export function equalTotals(a: ExportTotals, b: ExportTotals): boolean {
  return a.rows === b.rows && a.keyBytes === b.keyBytes && a.valueBytes === b.valueBytes;
}

/** Of nothing. */
export const NO_TOTALS: ExportTotals = { rows: 0, keyBytes: 0, valueBytes: 0 };

/** In words, for messages. */
export function describeTotals({ rows, keyBytes, valueBytes }: ExportTotals): string {
  return `${rows} rows with ${keyBytes} bytes of keys and ${valueBytes} of values`;
}

// ---- the end of a database ------------------------------------------------------------------------------------------------

/** Length of a lattice hash in bytes. */
export const LT_HASH_BYTES: number = LtHash.bytes;

const DATABASE_END_TOTALS = 8;
const DATABASE_END_LT_HASH: number = DATABASE_END_TOTALS + TOTALS_BYTES;
/** Length of the payload of a frame that ends a database. */
export const DATABASE_END_BYTES: number = DATABASE_END_LT_HASH + LT_HASH_BYTES;

/** What a database held in all. */
export interface DatabaseEnd {
  /** The database's place in {@link ExportHeader.databases}. */
  readonly database: number;
  readonly totals: ExportTotals;
  /** Its lattice hash, 2,048 bytes. */
  readonly ltHash: Uint8Array;
}

export function encodeDatabaseEnd(end: DatabaseEnd): Uint8Array {
  const bytes = new Uint8Array(DATABASE_END_BYTES);
  writeU32(bytes, 0, end.database);
  writeTotals(bytes, DATABASE_END_TOTALS, end.totals);
  bytes.set(end.ltHash, DATABASE_END_LT_HASH);
  return bytes;
}

/** Reads the payload of a frame that ends a database; `undefined` where no build writes such a one. */
export function decodeDatabaseEnd(payload: Uint8Array): DatabaseEnd | undefined {
  if (payload.length !== DATABASE_END_BYTES || !isZero(payload, 4, DATABASE_END_TOTALS)) return undefined;
  return {
    database: readU32(payload, 0),
    totals: readTotals(payload, DATABASE_END_TOTALS),
    ltHash: payload.slice(DATABASE_END_LT_HASH),
  };
}

// ---- the end --------------------------------------------------------------------------------------------------------------

/** Length of a digest in bytes. */
export const DIGEST_BYTES = 32;

const END_CHECKSUM: number = TOTALS_BYTES;
const END_SEAL: number = END_CHECKSUM + DIGEST_BYTES;
/** Length of the payload of the last frame. */
export const END_BYTES: number = END_SEAL + DIGEST_BYTES;

/** What the last frame says. */
export interface ExportEnd {
  readonly totals: ExportTotals;
  /** The store's checksum: BLAKE3 of the sum of the databases' lattice hashes, 32 bytes. */
  readonly checksum: Uint8Array;
  /** What {@link sealOf} makes of the frames before and of this one. */
  readonly seal: Uint8Array;
}

/** The payload of the last frame. `digests`: of the payload of each frame before that holds no rows, in order. */
export function encodeEnd(totals: ExportTotals, checksum: Uint8Array, digests: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(END_BYTES);
  writeTotals(bytes, 0, totals);
  bytes.set(checksum, END_CHECKSUM);
  bytes.set(sealOf(digests, bytes), END_SEAL);
  return bytes;
}

/** Reads the payload of the last frame; `undefined` where it has another length. */
export function decodeEnd(payload: Uint8Array): ExportEnd | undefined {
  if (payload.length !== END_BYTES) return undefined;
  return {
    totals: readTotals(payload, 0),
    checksum: payload.slice(END_CHECKSUM, END_SEAL),
    seal: payload.slice(END_SEAL),
  };
}

/** BLAKE3 of the digests in order, followed by the digest of what stands before the seal in the last frame's payload. */
export function sealOf(digests: readonly Uint8Array[], endPayload: Uint8Array): Uint8Array {
  const all = new Uint8Array((digests.length + 1) * DIGEST_BYTES);
  for (const [index, digest] of digests.entries()) all.set(digest, index * DIGEST_BYTES);
  all.set(digestOf(endPayload.subarray(0, END_SEAL)), digests.length * DIGEST_BYTES);
  return blake3.hash(all);
}

/** BLAKE3 of a payload. */
export function digestOf(payload: Uint8Array): Uint8Array {
  return blake3.hash(payload);
}

/** The checksum of the sum of lattice hashes, each in its 2,048 bytes. */
export function checksumOfSum(ltHashes: readonly Uint8Array[]): Uint8Array {
  return LtHash.sum(ltHashes.map((bytes) => LtHash.fromBytes(bytes))).checksum();
}

// ---- rows -----------------------------------------------------------------------------------------------------------------

const ROWS_DATABASE = 0;
const ROWS_COUNT = 4;
const ROWS_KEY_BYTES = 8;
const ROWS_VALUE_BYTES = 12;
/** Length of what stands before the rows in a frame of rows. */
export const ROWS_HEADER_BYTES = 16;
/** A row takes no less: two lengths, a key and a value of a byte each. */
export const ROW_BYTES_MIN = 4;

/** What stands before the rows in a frame of rows. */
export interface RowsHeader {
  /** The database's place in {@link ExportHeader.databases}. */
  readonly database: number;
  readonly totals: ExportTotals;
}

/** Writes what stands before the rows, at `offset`. */
export function encodeRowsHeader(bytes: Uint8Array, offset: number, header: RowsHeader): void {
  writeU32(bytes, offset + ROWS_DATABASE, header.database);
  writeU32(bytes, offset + ROWS_COUNT, header.totals.rows);
  writeU32(bytes, offset + ROWS_KEY_BYTES, header.totals.keyBytes);
  writeU32(bytes, offset + ROWS_VALUE_BYTES, header.totals.valueBytes);
}

/** Reads what stands before the rows at `offset`. */
export function decodeRowsHeader(bytes: Uint8Array, offset: number): RowsHeader {
  return {
    database: readU32(bytes, offset + ROWS_DATABASE),
    totals: {
      rows: readU32(bytes, offset + ROWS_COUNT),
      keyBytes: readU32(bytes, offset + ROWS_KEY_BYTES),
      valueBytes: readU32(bytes, offset + ROWS_VALUE_BYTES),
    },
  };
}

// ---- limits ---------------------------------------------------------------------------------------------------------------

/** The longest payload that the format knows, in bytes. */
export const PAYLOAD_BYTES_MAX: number = 2 ** 30;

/** The shortest and the longest payload that a type of frame has; `undefined` for a type that no build writes. */
export function payloadBounds(type: number): readonly [min: number, max: number] | undefined {
  switch (type) {
    case HEADER_FRAME:
      return [HEADER_NAMES, HEADER_BYTES_MAX];
    case ROWS_FRAME:
      return [ROWS_HEADER_BYTES + ROW_BYTES_MIN, PAYLOAD_BYTES_MAX];
    case DATABASE_END_FRAME:
      return [DATABASE_END_BYTES, DATABASE_END_BYTES];
    case END_FRAME:
      return [END_BYTES, END_BYTES];
    default:
      return undefined;
  }
}
