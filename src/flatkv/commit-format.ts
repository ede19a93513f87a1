/**
 * A commit in the journal. Pure. docs/formats/flatkv.md has the layout.
 *
 * A commit is absolute: it holds the rows as they are afterwards, the whole hash of each database that it changes, and a checksum of the hash of every
 * database. So redoing it sets and never adds: redoing it twice, or over rows that are newer, gives the same.
 *
 * It is one record, or several in one atomic batch where it is larger than a record may be. Each has the header, so any of them tells which version it
 * belongs to.
 */
import { readU16, readU32, readU64, writeU16, writeU32, writeU64 } from "../base/index.js";
import { LtHash } from "../hash/index.js";
import { CHECKSUM_BYTES, KEY_BYTES_MAX, STORE_ID_BYTES } from "./row-format.js";

/** Type byte of the journal's records. The high bits keep the records of an ordinary log from looking like these. */
export const COMMIT_RECORD = 0xf1;

const FORMAT = 1;
const PART = 2;
const PARTS = 4;
const STORE_ID = 8;
const TIMELINE = STORE_ID + STORE_ID_BYTES;
const VERSION = TIMELINE + 4;
/** Header of each record: format (u16), number of this part (u16), parts (u16), zero (u16), store id, timeline (u32), version (u64). */
export const COMMIT_HEADER_BYTES: number = VERSION + 8;

export const PARTS_MAX = 65_535;

/** What a row becomes. `value` undefined: the row is gone. */
export interface RowChange {
  readonly key: Uint8Array;
  readonly value: Uint8Array | undefined;
}

/** One database in a commit. */
export interface CommitDatabase {
  /** Of its hash after the commit. */
  readonly checksum: Uint8Array;
  /** The hash after the commit; `undefined` where the commit does not change it, and then there are no rows. */
  readonly hash: LtHash | undefined;
  readonly rows: readonly RowChange[];
}

/** A commit; databases in the order of the books. */
export interface Commit {
  readonly storeId: Uint8Array;
  readonly timeline: number;
  readonly version: number;
  readonly databases: readonly CommitDatabase[];
}

/** What a record's header says. */
export interface CommitHeader {
  readonly storeId: Uint8Array;
  readonly timeline: number;
  readonly version: number;
  readonly part: number;
  readonly parts: number;
}

/** Most bytes that a row takes in a commit beyond its key and value: two lengths. */
export const ROW_OVERHEAD_BYTES = 8;

/** Bytes of a commit's body without rows. */
export function emptyBodyBytes(databases: number): number {
  return 2 + databases * (CHECKSUM_BYTES + 1 + LtHash.bytes + 4);
}

/** The records of a commit, in order. */
export function encodeCommit(commit: Commit, recordBytesMax: number): Uint8Array[] {
  const bodyBytes = sizeOf(commit);
  const room = recordBytesMax - COMMIT_HEADER_BYTES;
  const parts = Math.max(1, Math.ceil(bodyBytes / room));
  if (parts === 1) {
    const record = new Uint8Array(COMMIT_HEADER_BYTES + bodyBytes);
    writeHeader(record, commit, 0, 1);
    writeBody(record, COMMIT_HEADER_BYTES, commit);
    return [record];
  }
  const body = new Uint8Array(bodyBytes);
  writeBody(body, 0, commit);
  return Array.from({ length: parts }, (_, part) => {
    const share = body.subarray(part * room, (part + 1) * room);
    const record = new Uint8Array(COMMIT_HEADER_BYTES + share.length);
    writeHeader(record, commit, part, parts);
    record.set(share, COMMIT_HEADER_BYTES);
    return record;
  });
}

function writeHeader(record: Uint8Array, { storeId, timeline, version }: Commit, part: number, parts: number): void {
  writeU16(record, 0, FORMAT);
  writeU16(record, PART, part);
  writeU16(record, PARTS, parts);
  record.set(storeId, STORE_ID);
  writeU32(record, TIMELINE, timeline);
  writeU64(record, VERSION, version);
}

function sizeOf({ databases }: Commit): number {
  let bytes = 2;
  for (const { hash, rows } of databases) {
    bytes += CHECKSUM_BYTES + 1;
    if (hash !== undefined) bytes += LtHash.bytes + 4;
    for (const { key, value } of rows) {
      bytes += uvarintBytes(key.length * 2) + key.length;
      if (value !== undefined) bytes += uvarintBytes(value.length) + value.length;
    }
  }
  return bytes;
}

function writeBody(target: Uint8Array, start: number, { databases }: Commit): void {
  let at = start;
  writeU16(target, at, databases.length);
  at += 2;
  for (const { checksum, hash, rows } of databases) {
    target.set(checksum, at);
    at += CHECKSUM_BYTES;
    target[at++] = hash === undefined ? 0 : 1;
    if (hash === undefined) continue;
    target.set(hash.toBytes(), at);
    at += LtHash.bytes;
    writeU32(target, at, rows.length);
    at += 4;
    for (const { key, value } of rows) {
      at = writeUvarint(target, at, key.length * 2 + (value === undefined ? 1 : 0));
      target.set(key, at);
      at += key.length;
      if (value === undefined) continue;
      at = writeUvarint(target, at, value.length);
      target.set(value, at);
      at += value.length;
    }
  }
}

/** The header of a record of this store's kind; `undefined` for anything else, `format` alone where a newer build wrote it. */
export function readCommitHeader(
  type: number,
  payload: Uint8Array,
): CommitHeader | { readonly format: number } | undefined {
  if (type !== COMMIT_RECORD || payload.length < COMMIT_HEADER_BYTES) return undefined;
  const format = readU16(payload, 0);
  if (format > FORMAT) return { format };
  const part = readU16(payload, PART);
  const parts = readU16(payload, PARTS);
  const version = readU64(payload, VERSION);
  if (format !== FORMAT || part >= parts || version < 1) return undefined;
  return {
    storeId: payload.slice(STORE_ID, STORE_ID + STORE_ID_BYTES),
    timeline: readU32(payload, TIMELINE),
    version,
    part,
    parts,
  };
}

/** The commit whose records these are, in order, headers checked; `undefined` where the bytes are none. Rows are views of the payloads. */
export function decodeCommit(header: CommitHeader, payloads: readonly Uint8Array[]): Commit | undefined {
  const bodies = payloads.map((payload) => payload.subarray(COMMIT_HEADER_BYTES));
  const body = bodies.length === 1 ? bodies[0]! : concatenate(bodies);
  const reader = new BodyReader(body);
  const count = reader.u16();
  const databases: CommitDatabase[] = [];
  for (let index = 0; index < count && reader.sound; index++) {
    const checksum = reader.bytes(CHECKSUM_BYTES);
    const changed = reader.byte();
    if (changed !== 1) {
      if (changed !== 0) return undefined;
      databases.push({ checksum, hash: undefined, rows: [] });
      continue;
    }
    const hash = reader.bytes(LtHash.bytes);
    const rows = readRows(reader);
    if (!reader.sound) return undefined;
    databases.push({ checksum, hash: LtHash.fromBytes(hash), rows });
  }
  if (!reader.sound || !reader.atEnd) return undefined;
  const { storeId, timeline, version } = header;
  return { storeId, timeline, version, databases };
}

function readRows(reader: BodyReader): RowChange[] {
  const count = reader.u32();
  const rows: RowChange[] = [];
  for (let index = 0; index < count && reader.sound; index++) {
    const tag = reader.uvarint();
    const length = Math.floor(tag / 2);
    if (length === 0 || length > KEY_BYTES_MAX) reader.refuse();
    const key = reader.bytes(length);
    rows.push({ key, value: tag % 2 === 1 ? undefined : reader.bytes(reader.uvarint()) });
  }
  return rows;
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function uvarintBytes(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : value < 0x1000_0000 ? 4 : 5;
}

function writeUvarint(target: Uint8Array, at: number, value: number): number {
  let rest = value;
  let offset = at;
  while (rest >= 0x80) {
    target[offset++] = (rest & 0x7f) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  target[offset++] = rest;
  return offset;
}

/** Reads what lengths allow; past the end it stays where it is and is no longer `sound`. */
class BodyReader {
  sound = true;
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  refuse(): void {
    this.sound = false;
  }

  bytes(count: number): Uint8Array {
    if (!this.sound || count > this.#bytes.length - this.#at) {
      this.sound = false;
      return new Uint8Array(0);
    }
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  byte(): number {
    return this.bytes(1)[0] ?? 0;
  }

  u16(): number {
    const bytes = this.bytes(2);
    return this.sound ? readU16(bytes, 0) : 0;
  }

  u32(): number {
    const bytes = this.bytes(4);
    return this.sound ? readU32(bytes, 0) : 0;
  }

  uvarint(): number {
    let value = 0;
    for (let scale = 1; scale <= 0x1000_0000; scale *= 0x80) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    this.sound = false;
    return 0;
  }
}
