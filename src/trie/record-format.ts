/**
 * The records that a commit of the trie adds to those of its pages, in the same batch: one COMMIT, then VALUES with what was put and deleted, then PRIOR
 * with what was there before, where the commit can be undone. docs/formats/trie.md has the tables. Pure.
 */
import { readU16, readU32, readU64, writeU16, writeU32, writeU64 } from "../base/index.js";
import type { LogInput } from "../log/index.js";
import { LEAF_BYTES } from "../proof/index.js";
import { KEY_BYTES } from "./row-format.js";

export const RECORD_COMMIT = 0xc0;
export const RECORD_VALUES = 0xc1;
export const RECORD_PRIOR = 0xc2;

const COMMIT_VERSION = 1;
const COMMIT_BYTES = 24;
const IS_UNDOABLE = 1;
/** Of an entry, before its value. */
export const ENTRY_HEADER_BYTES: number = KEY_BYTES + 4;
/** As the length of a value: there is none. */
const NO_VALUE = 0xffff_ffff;
/** A record takes entries up to about so many bytes. */
const RECORD_BYTES: number = 256 * 1024;

/** What a commit says of itself. */
export interface CommitHeader {
  readonly sequence: number;
  /** Whether PRIOR records follow, with which it can be undone. */
  readonly undoable: boolean;
  /** How many commits before it this one undid; 0 for an ordinary one. */
  readonly undone: number;
  /** How many keys it changes. */
  readonly keys: number;
}

/** A key, and a value or none. */
export interface Entry {
  readonly key: Uint8Array;
  readonly value: Uint8Array | undefined;
}

export function encodeCommit({ sequence, undoable, undone, keys }: CommitHeader): LogInput {
  const payload = new Uint8Array(COMMIT_BYTES);
  writeU16(payload, 0, COMMIT_VERSION);
  writeU16(payload, 2, undoable ? IS_UNDOABLE : 0);
  writeU32(payload, 4, undone);
  writeU64(payload, 8, sequence);
  writeU32(payload, 16, keys);
  return { payload, type: RECORD_COMMIT };
}

/** `"newer"` for a format of a later build, `undefined` for bytes that are none. */
export function parseCommit(payload: Uint8Array): CommitHeader | "newer" | undefined {
  if (payload.length < 2) return undefined;
  const version = readU16(payload, 0);
  if (version > COMMIT_VERSION) return "newer";
  if (version !== COMMIT_VERSION || payload.length !== COMMIT_BYTES) return undefined;
  const flags = readU16(payload, 2);
  const sequence = readU64(payload, 8);
  if (flags > IS_UNDOABLE || !Number.isSafeInteger(sequence) || sequence < 1 || readU32(payload, 20) !== 0)
    return undefined;
  return { sequence, undoable: flags === IS_UNDOABLE, undone: readU32(payload, 4), keys: readU32(payload, 16) };
}

/**
 * Packs the keys of `leaves`, one every 64 bytes, each with its value or none, into records of a type. `recordBytesMax` is the journal's limit.
 */
export function encodeEntries(
  type: number,
  leaves: Uint8Array,
  values: readonly (Uint8Array | undefined)[],
  recordBytesMax: number,
): LogInput[] {
  const records: LogInput[] = [];
  const limit = Math.min(RECORD_BYTES, recordBytesMax);
  for (let first = 0; first < values.length;) {
    let bytes = 0;
    let end = first;
    while (end < values.length) {
      const more = ENTRY_HEADER_BYTES + (values[end]?.length ?? 0);
      if (end > first && bytes + more > limit) break;
      bytes += more;
      end++;
    }
    const payload = new Uint8Array(bytes);
    let at = 0;
    for (; first < end; first++) {
      const value = values[first];
      const key = first * LEAF_BYTES;
      for (let byte = 0; byte < KEY_BYTES; byte++) payload[at + byte] = leaves[key + byte]!;
      writeU32(payload, at + KEY_BYTES, value === undefined ? NO_VALUE : value.length);
      at += ENTRY_HEADER_BYTES;
      if (value === undefined) continue;
      payload.set(value, at);
      at += value.length;
    }
    records.push({ payload, type });
  }
  return records;
}

/** The entries of a record, as views of it; `undefined` where it is none. */
export function parseEntries(payload: Uint8Array): Entry[] | undefined {
  const entries: Entry[] = [];
  for (let at = 0; at < payload.length;) {
    if (payload.length - at < ENTRY_HEADER_BYTES) return undefined;
    const key = payload.subarray(at, at + KEY_BYTES);
    const length = readU32(payload, at + KEY_BYTES);
    at += ENTRY_HEADER_BYTES;
    if (length === NO_VALUE) {
      entries.push({ key, value: undefined });
      continue;
    }
    if (length > payload.length - at) return undefined;
    entries.push({ key, value: payload.subarray(at, at + length) });
    at += length;
  }
  return entries;
}
