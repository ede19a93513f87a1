/**
 * What a database of the store holds, as keys and values of its engine. Pure. docs/formats/flatkv.md has the layout.
 *
 * | engine key | value |
 * |---|---|
 * | `01` ‖ row key | the row's value, then the CRC-32C of row key ‖ value (u32) |
 * | `00` ‖ `staged`, `00` ‖ `import` | while a generation is being made: that it is, and how far an import has come |
 * | `00` ‖ `meta` | one checksummed record: whose database this is, at which version, with which hash |
 * | `00 01` ‖ slot (u16, big-endian) | the version (u64) of the newest batch that used the slot |
 *
 * An engine reads a flipped bit as data. The checksum in each row is what makes that an error; the hash is what makes a lost row one.
 */
import { readU16, readU32, readU64, writeU16, writeU32, writeU64 } from "../base/index.js";
import { crc32c } from "../checksum/index.js";
import { LtHash } from "../hash/index.js";

/** First byte of the engine key of a row. */
export const ROW_PREFIX = 1;
const OWN_PREFIX = 0;
const MARKER_PREFIX = 1;

/** Markers take this many slots, so at most as many batches may be unsynced at a time. */
export const MARKER_SLOTS = 4096;

export const STORE_ID_BYTES = 16;
export const CHECKSUM_BYTES = 32;
/** The longest row key. */
export const KEY_BYTES_MAX = 65_535;
export const NAME_BYTES_MAX = 64;

/** Bytes of the checksum behind a row's value. */
export const CRC_BYTES = 4;
const META_FORMAT = 1;

/** Engine key of the metadata. */
export const META_KEY: Uint8Array = Uint8Array.of(OWN_PREFIX, 0x6d, 0x65, 0x74, 0x61);
/** Engine key in a database of a generation that is being put in place: until the books name it, it is nobody's. */
export const STAGED_KEY: Uint8Array = Uint8Array.of(OWN_PREFIX, 0x73, 0x74, 0x61, 0x67, 0x65, 0x64);
/** The engine keys of all markers lie in `[MARKERS_FROM, MARKERS_TO)`. */
export const MARKERS_FROM: Uint8Array = Uint8Array.of(OWN_PREFIX, MARKER_PREFIX);
export const MARKERS_TO: Uint8Array = Uint8Array.of(OWN_PREFIX, MARKER_PREFIX + 1);
/** The engine keys of all rows lie in `[ROWS_FROM, ROWS_TO)`. */
export const ROWS_FROM: Uint8Array = Uint8Array.of(ROW_PREFIX);
export const ROWS_TO: Uint8Array = Uint8Array.of(ROW_PREFIX + 1);

/** The engine key of a row. */
export function rowKey(key: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(key.length + 1);
  writeRowKey(bytes, key);
  return bytes;
}

/** The key of a row in its engine key. A view. */
export function rowKeyOf(engineKey: Uint8Array): Uint8Array {
  return new Uint8Array(engineKey.buffer, engineKey.byteOffset + 1, engineKey.length - 1);
}

/** Writes the engine key of a row to `target`, which has one byte more than the key. */
export function writeRowKey(target: Uint8Array, key: Uint8Array): void {
  target[0] = ROW_PREFIX;
  target.set(key, 1);
}

/** The engine value of a row. `engineKey` is what `rowKey` made. */
export function encodeRow(engineKey: Uint8Array, value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(value.length + CRC_BYTES);
  writeRow(bytes, engineKey, value);
  return bytes;
}

/** Writes the engine value of a row to `target`, which has the value's bytes and `CRC_BYTES` more. */
export function writeRow(target: Uint8Array, engineKey: Uint8Array, value: Uint8Array): void {
  target.set(value, 0);
  writeU32(target, value.length, rowChecksum(engineKey, value));
}

/** The value in an engine's row; `undefined` where its checksum is wrong. A view of `stored`. */
export function decodeRow(engineKey: Uint8Array, stored: Uint8Array): Uint8Array | undefined {
  if (stored.length <= CRC_BYTES) return undefined;
  // The engine's may be a Buffer, whose own way to a view takes several times as long.
  const value = new Uint8Array(stored.buffer, stored.byteOffset, stored.length - CRC_BYTES);
  return rowChecksum(engineKey, value) === readU32(stored, value.length) ? value : undefined;
}

function rowChecksum(engineKey: Uint8Array, value: Uint8Array): number {
  return crc32c(value, crc32c(engineKey));
}

/** The marker of a version: which slot it takes. */
export function markerKey(version: number): Uint8Array {
  const slot = version % MARKER_SLOTS;
  return Uint8Array.of(OWN_PREFIX, MARKER_PREFIX, slot >>> 8, slot & 0xff);
}

export function encodeMarker(version: number): Uint8Array {
  const bytes = new Uint8Array(8);
  writeU64(bytes, 0, version);
  return bytes;
}

/** The version in a marker, or -1 where it is none. */
export function decodeMarker(value: Uint8Array): number {
  return value.length === 8 ? readU64(value, 0) : -1;
}

/** What a database says of itself: whose it is, and that its rows at `version` have this hash. */
export interface Metadata {
  readonly storeId: Uint8Array;
  readonly database: string;
  readonly timeline: number;
  readonly version: number;
  readonly hash: LtHash;
}

const META_STORE_ID = 4;
const META_TIMELINE = META_STORE_ID + STORE_ID_BYTES;
const META_VERSION = META_TIMELINE + 4;
const META_HASH = META_VERSION + 8;
const META_NAME = META_HASH + LtHash.bytes;

/** The metadata record: version and hash are in one value, under one checksum, so neither is ever there without the other. */
export function encodeMetadata({ storeId, database, timeline, version, hash }: Metadata): Uint8Array {
  const name = new TextEncoder().encode(database);
  const bytes = new Uint8Array(META_NAME + name.length + CRC_BYTES);
  writeU16(bytes, 0, META_FORMAT);
  writeU16(bytes, 2, name.length);
  bytes.set(storeId, META_STORE_ID);
  writeU32(bytes, META_TIMELINE, timeline);
  writeU64(bytes, META_VERSION, version);
  bytes.set(hash.toBytes(), META_HASH);
  bytes.set(name, META_NAME);
  const end = bytes.length - CRC_BYTES;
  writeU32(bytes, end, crc32c(bytes.subarray(0, end)));
  return bytes;
}

/** What a metadata record turns out to be. */
export type MetadataParse =
  | { readonly kind: "sound"; readonly metadata: Metadata }
  | { readonly kind: "newer"; readonly format: number }
  | { readonly kind: "damaged"; readonly found: string };

/** Reads a metadata record. */
export function parseMetadata(bytes: Uint8Array): MetadataParse {
  const end = bytes.length - CRC_BYTES;
  if (end < META_NAME) return { kind: "damaged", found: `${bytes.length} bytes` };
  if (crc32c(bytes.subarray(0, end)) !== readU32(bytes, end)) return { kind: "damaged", found: "a wrong checksum" };
  const format = readU16(bytes, 0);
  if (format > META_FORMAT) return { kind: "newer", format };
  const version = readU64(bytes, META_VERSION);
  if (format !== META_FORMAT || readU16(bytes, 2) !== end - META_NAME || version < 0)
    return { kind: "damaged", found: "fields that contradict each other" };
  return {
    kind: "sound",
    metadata: {
      storeId: bytes.slice(META_STORE_ID, META_TIMELINE),
      database: new TextDecoder().decode(bytes.subarray(META_NAME, end)),
      timeline: readU32(bytes, META_TIMELINE),
      version,
      hash: LtHash.fromBytes(bytes.subarray(META_HASH, META_NAME)),
    },
  };
}
