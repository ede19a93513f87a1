/**
 * A commit in the journal: START, CLEAR…, UPDATE…, the owner's records, END, one record each, appended as one atomic batch. Pure.
 * docs/formats/pages.md draws them.
 *
 * Everything is absolute: an update holds the nodes as they are afterwards. So redoing sets and never adds, and redoing onto a page that is newer by
 * commits that are redone too gives the same.
 */
import { readU16, readU32, readU64, writeU16, writeU32, writeU64 } from "../base/index.js";
import type { LogInput, LogRecord } from "../log/index.js";
import { DIFF_BYTES, PageDiff } from "./page-diff.js";
import { ENCODED_ID_BYTES, type PageId, decodePageId, encodePageIdInto } from "./page-id.js";
import { ELIDED_AT, FLAGS_AT, ID_AT, NODE_BYTES, NODE_WORDS, type Page } from "./page.js";
import { STORE_ID_BYTES } from "./table-format.js";

export const START_RECORD = 0xb1;
export const CLEAR_RECORD = 0xb2;
export const UPDATE_RECORD = 0xb3;
export const END_RECORD = 0xb4;

/** Types from here on, sixteen of them, are the store's own. */
const OWN_TYPES = 0xb0;
const FORMAT = 1;

export const ROOT_BYTES = 32;

const START_STORE_ID = 8;
const START_TABLE: number = START_STORE_ID + STORE_ID_BYTES;
const START_SEQUENCE: number = START_TABLE + 8;
const START_PREVIOUS_ROOT: number = START_SEQUENCE + 8;
const START_ROOT: number = START_PREVIOUS_ROOT + ROOT_BYTES;
const START_CLEARS: number = START_ROOT + ROOT_BYTES;
const START_BYTES: number = START_CLEARS + 16;

const CLEAR_BUCKET = ENCODED_ID_BYTES;
const CLEAR_BYTES: number = CLEAR_BUCKET + 8;

const UPDATE_BUCKET = ENCODED_ID_BYTES;
const UPDATE_FLAGS: number = UPDATE_BUCKET + 8;
/** The page's bytes between checksum and id: flags, leaf count, sequence, elided children. */
const UPDATE_FACTS: number = UPDATE_FLAGS + 4;
const FACTS_BYTES: number = ID_AT - FLAGS_AT;
const UPDATE_DIFF: number = UPDATE_FACTS + FACTS_BYTES;
const UPDATE_NODES: number = UPDATE_DIFF + DIFF_BYTES;
/** The page is new to its bucket: nodes that are not here are zero. */
const FRESH = 1;

const END_BYTES = 16;

/** Bytes of an update's record. */
export function updateBytes(diff: PageDiff): number {
  return UPDATE_NODES + diff.count * NODE_BYTES;
}

/** Whether a record of this type is the store's own. */
export function isOwnType(type: number): boolean {
  return (type & 0xf0) === OWN_TYPES;
}

/** What START says. */
export interface StartRecord {
  readonly storeId: Uint8Array;
  /** Number of the table whose buckets the commit names. */
  readonly table: number;
  readonly sequence: number;
  readonly previousRoot: Uint8Array;
  readonly root: Uint8Array;
  readonly clears: number;
  readonly updates: number;
  /** Records of the owner's. */
  readonly others: number;
}

export function encodeStart(start: StartRecord): LogInput {
  const payload = new Uint8Array(START_BYTES);
  writeU16(payload, 0, FORMAT);
  payload.set(start.storeId, START_STORE_ID);
  writeU64(payload, START_TABLE, start.table);
  writeU64(payload, START_SEQUENCE, start.sequence);
  payload.set(start.previousRoot, START_PREVIOUS_ROOT);
  payload.set(start.root, START_ROOT);
  writeU32(payload, START_CLEARS, start.clears);
  writeU32(payload, START_CLEARS + 4, start.updates);
  writeU32(payload, START_CLEARS + 8, start.others);
  return { type: START_RECORD, payload };
}

export function encodeClear(id: PageId, bucket: number): LogInput {
  const payload = new Uint8Array(CLEAR_BYTES);
  encodePageIdInto(id, payload, 0);
  writeU64(payload, CLEAR_BUCKET, bucket);
  return { type: CLEAR_RECORD, payload };
}

/** A page, where it goes, and which nodes of it are logged. */
export interface LoggedPage {
  readonly page: Page;
  readonly bucket: number;
  readonly fresh: boolean;
  readonly diff: PageDiff;
}

/** Writes an update's payload into `slab`, whose bytes from `at` on are zero; `at` is a multiple of 4. Returns where it ends. */
export function encodeUpdateInto(
  { page, bucket, fresh, diff }: LoggedPage,
  slab: Uint8Array,
  words: Int32Array,
  at: number,
): number {
  const { bytes } = page;
  for (let byte = 0; byte < ENCODED_ID_BYTES; byte++) slab[at + byte] = bytes[ID_AT + byte]!;
  writeU64(slab, at + UPDATE_BUCKET, bucket);
  writeU32(slab, at + UPDATE_FLAGS, fresh ? FRESH : 0);
  for (let byte = 0; byte < FACTS_BYTES; byte++) slab[at + UPDATE_FACTS + byte] = bytes[FLAGS_AT + byte]!;
  diff.write(slab, at + UPDATE_DIFF);
  return diff.pack(page, words, (at + UPDATE_NODES) / 4) * 4;
}

export function encodeEnd(sequence: number, records: number): LogInput {
  const payload = new Uint8Array(END_BYTES);
  writeU64(payload, 0, sequence);
  writeU32(payload, 8, records);
  return { type: END_RECORD, payload };
}

/** What START says; `format` alone where a newer build wrote it, `undefined` where it is none. */
export function decodeStart({ type, payload }: LogRecord): StartRecord | { readonly format: number } | undefined {
  if (type !== START_RECORD || payload.length < 2) return undefined;
  const format = readU16(payload, 0);
  if (format > FORMAT) return { format };
  const sequence = payload.length === START_BYTES ? readU64(payload, START_SEQUENCE) : -1;
  if (format !== FORMAT || sequence < 1) return undefined;
  return {
    storeId: payload.slice(START_STORE_ID, START_STORE_ID + STORE_ID_BYTES),
    table: readU64(payload, START_TABLE),
    sequence,
    previousRoot: payload.slice(START_PREVIOUS_ROOT, START_PREVIOUS_ROOT + ROOT_BYTES),
    root: payload.slice(START_ROOT, START_ROOT + ROOT_BYTES),
    clears: readU32(payload, START_CLEARS),
    updates: readU32(payload, START_CLEARS + 4),
    others: readU32(payload, START_CLEARS + 8),
  };
}

/** A page that goes. */
export interface ClearRecord {
  readonly id: PageId;
  readonly bucket: number;
}

export function decodeClear(payload: Uint8Array): ClearRecord | undefined {
  if (payload.length !== CLEAR_BYTES) return undefined;
  const id = decodePageId(payload);
  return id === undefined ? undefined : { id, bucket: readU64(payload, CLEAR_BUCKET) };
}

/** A page that comes or changes; what it changes is still packed. */
export interface UpdateRecord {
  readonly id: PageId;
  readonly bucket: number;
  readonly fresh: boolean;
  readonly diff: PageDiff;
  readonly payload: Uint8Array;
}

export function decodeUpdate(payload: Uint8Array): UpdateRecord | undefined {
  if (payload.length < UPDATE_NODES) return undefined;
  const id = decodePageId(payload);
  const diff = PageDiff.read(payload, UPDATE_DIFF);
  const flags = readU32(payload, UPDATE_FLAGS);
  if (id === undefined || diff === undefined || flags > FRESH || payload.length !== updateBytes(diff)) return undefined;
  return { id, bucket: readU64(payload, UPDATE_BUCKET), fresh: flags === FRESH, diff, payload };
}

/** Puts what an update holds into a page: its nodes, and what is known of the sub-trie. */
export function applyUpdate({ payload, diff }: UpdateRecord, page: Page): void {
  diff.unpack(payload, UPDATE_NODES, page);
  page.bytes.set(payload.subarray(UPDATE_FACTS, UPDATE_FACTS + FACTS_BYTES), FLAGS_AT);
}

/** Takes over what changed on one page, by nodes and what is known of the sub-trie, into another. */
export function copyChanges(from: Page, diff: PageDiff, to: Page): void {
  for (const node of diff) {
    const end = (node + 1) * NODE_WORDS;
    for (let word = node * NODE_WORDS; word < end; word++) to.words[word] = from.words[word]!;
  }
  for (let word = FLAGS_AT / 4; word < ELIDED_AT / 4 + 2; word++) to.words[word] = from.words[word]!;
}

/** What END says. */
export function decodeEnd({
  type,
  payload,
}: LogRecord): { readonly sequence: number; readonly records: number } | undefined {
  if (type !== END_RECORD || payload.length !== END_BYTES) return undefined;
  return { sequence: readU64(payload, 0), records: readU32(payload, 8) };
}
