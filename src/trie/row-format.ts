/**
 * Rows of the engine. docs/formats/trie.md has the tables.
 *
 * - `0`: what the database says of itself: store id and the newest commit that it has heard of.
 * - `1 ‖ key`: hash of the value, and the value where it is small.
 * - `2 ‖ key`: a larger value. So reading the leaves of a sub-trie reads no large values.
 */
import { readU16, readU64, writeU16, writeU64 } from "../base/index.js";
import { NODE_BYTES } from "../proof/index.js";

export const KEY_BYTES: number = NODE_BYTES;
export const STORE_ID_BYTES = 16;
/** A longer value has a row of its own. */
export const INLINE_BYTES_MAX = 1024;
/** Bytes of a row before the value. */
export const ROW_HEADER_BYTES: number = 1 + NODE_BYTES;

const LEAF_PREFIX = 1;
const APART_PREFIX = 2;
const IS_INLINE = 0;
const IS_APART = 1;
const STATE_VERSION = 1;
const STATE_BYTES: number = 2 + STORE_ID_BYTES + 8;

/** Where the database says what it is. */
export const STATE_KEY: Uint8Array = Uint8Array.of(0);
/** Bounds of all leaf rows, and of all rows of larger values. */
export const LEAF_ROWS: { readonly gte: Uint8Array; readonly lt: Uint8Array } = {
  gte: Uint8Array.of(LEAF_PREFIX),
  lt: Uint8Array.of(APART_PREFIX),
};
export const APART_ROWS: { readonly gte: Uint8Array; readonly lt: Uint8Array } = {
  gte: Uint8Array.of(APART_PREFIX),
  lt: Uint8Array.of(APART_PREFIX + 1),
};

/** What a database says of itself. */
export interface ValuesState {
  readonly storeId: Uint8Array;
  readonly sequence: number;
}

/** The engine key of a leaf's row. */
export function leafRowKey(key: Uint8Array): Uint8Array {
  return rowKey(LEAF_PREFIX, key);
}

/** The engine key of a larger value. */
export function apartRowKey(key: Uint8Array): Uint8Array {
  return rowKey(APART_PREFIX, key);
}

/** Bytes of an engine key of either kind. */
export const ROW_KEY_BYTES: number = 1 + KEY_BYTES;

/** Writes the engine key of the row of the leaf at `at`; `target` has {@link ROW_KEY_BYTES}. */
export function writeLeafRowKey(target: Uint8Array, leaf: Uint8Array, at: number): void {
  target[0] = LEAF_PREFIX;
  for (let byte = 0; byte < KEY_BYTES; byte++) target[1 + byte] = leaf[at + byte]!;
}

/** The trie's key in an engine key of either kind; `undefined` where that has another length. */
export function keyOfRow(engineKey: Uint8Array): Uint8Array | undefined {
  return engineKey.length === ROW_KEY_BYTES ? engineKey.subarray(1) : undefined;
}

/** Whether a value gets a row of its own. */
export function isApart(value: Uint8Array): boolean {
  return value.length > INLINE_BYTES_MAX;
}

/** Writes the row of the leaf at `at`, a key and the hash of `value`; `target` has {@link rowBytes}. */
export function writeRow(target: Uint8Array, leaf: Uint8Array, at: number, value: Uint8Array): void {
  const apart = isApart(value);
  target[0] = apart ? IS_APART : IS_INLINE;
  for (let byte = 0; byte < NODE_BYTES; byte++) target[1 + byte] = leaf[at + KEY_BYTES + byte]!;
  if (!apart) target.set(value, ROW_HEADER_BYTES);
}

/** The length of the row of a value. */
export function rowBytes(value: Uint8Array): number {
  return ROW_HEADER_BYTES + (isApart(value) ? 0 : value.length);
}

/** A leaf's row. `value` is `undefined` where it has a row of its own. */
export interface LeafRow {
  readonly valueHash: Uint8Array;
  readonly value: Uint8Array | undefined;
}

/** Reads a leaf's row; `undefined` where it can't be one. The hash is not checked. */
export function parseRow(row: Uint8Array): LeafRow | undefined {
  if (row.length < ROW_HEADER_BYTES || (row[0] !== IS_INLINE && row[0] !== IS_APART)) return undefined;
  const valueHash = row.subarray(1, ROW_HEADER_BYTES);
  if (row[0] === IS_INLINE)
    return row.length > ROW_HEADER_BYTES + INLINE_BYTES_MAX
      ? undefined
      : { valueHash, value: row.subarray(ROW_HEADER_BYTES) };
  return row.length === ROW_HEADER_BYTES ? { valueHash, value: undefined } : undefined;
}

export function encodeState({ storeId, sequence }: ValuesState): Uint8Array {
  const bytes = new Uint8Array(STATE_BYTES);
  writeU16(bytes, 0, STATE_VERSION);
  bytes.set(storeId, 2);
  writeU64(bytes, 2 + STORE_ID_BYTES, sequence);
  return bytes;
}

/** `undefined` where the bytes are none of this format, `"newer"` where they are of a later one. */
export function parseState(bytes: Uint8Array): ValuesState | "newer" | undefined {
  if (bytes.length >= 2 && readU16(bytes, 0) > STATE_VERSION) return "newer";
  if (bytes.length !== STATE_BYTES || readU16(bytes, 0) !== STATE_VERSION) return undefined;
  const sequence = readU64(bytes, 2 + STORE_ID_BYTES);
  return Number.isSafeInteger(sequence) ? { storeId: bytes.slice(2, 2 + STORE_ID_BYTES), sequence } : undefined;
}

function rowKey(prefix: number, key: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(ROW_KEY_BYTES);
  bytes[0] = prefix;
  bytes.set(key, 1);
  return bytes;
}
