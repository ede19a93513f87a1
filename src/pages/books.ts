/**
 * What the anchor of a page store holds: which table is the live one, and up to where in the journal it is written. Pure.
 *
 * Making, checkpoints and growth each become true by one write of it.
 */
import {
  CorruptionError,
  FormatError,
  readU16,
  readU32,
  readU64,
  writeU16,
  writeU32,
  writeU64,
} from "../base/index.js";
import { STORE_ID_BYTES } from "./table-format.js";
import { ROOT_BYTES } from "./wal-format.js";

/** Tag of an anchor that belongs to such a store: "PGS1" as it stands on disk. */
export const PAGES_ANCHOR_KIND = 0x3153_4750;

/** A committed state. */
export interface PageState {
  /** Commits so far. */
  readonly sequence: number;
  /** LSN of the last record of the newest one. */
  readonly lsn: number;
  readonly root: Uint8Array;
}

/** The anchored facts. */
export interface Books {
  readonly storeId: Uint8Array;
  /** Number of the live table. */
  readonly table: number;
  /** Its buckets. */
  readonly capacity: number;
  /** No page's way in the table, as of the checkpoint, has more steps. */
  readonly stepsMax: number;
  /** The table holds at least this; commits after it are redone. */
  readonly checkpoint: PageState;
}

const FORMAT = 1;
const STORE_ID_AT = 4;
const TABLE_AT: number = STORE_ID_AT + STORE_ID_BYTES;
const BOOKS_BYTES: number = TABLE_AT + 8 + 8 + 4 + 8 + 8 + ROOT_BYTES;

/** The anchor's value. */
export function encodeBooks({ storeId, table, capacity, stepsMax, checkpoint }: Books): Uint8Array {
  const bytes = new Uint8Array(BOOKS_BYTES);
  writeU16(bytes, 0, FORMAT);
  bytes.set(storeId, STORE_ID_AT);
  writeU64(bytes, TABLE_AT, table);
  writeU64(bytes, TABLE_AT + 8, capacity);
  writeU32(bytes, TABLE_AT + 16, stepsMax);
  writeU64(bytes, TABLE_AT + 20, checkpoint.sequence);
  writeU64(bytes, TABLE_AT + 28, checkpoint.lsn);
  bytes.set(checkpoint.root, TABLE_AT + 36);
  return bytes;
}

/** Reads an anchor's value. Its checksum was checked by the anchor. */
export function decodeBooks(path: string, bytes: Uint8Array): Books {
  const format = bytes.length < 2 ? 0 : readU16(bytes, 0);
  if (format > FORMAT)
    throw new FormatError(
      "HF_FORMAT_NEWER",
      `${path} has format ${format}, which this build does not know. Use a newer one. Nothing was changed.`,
      { path, format },
    );
  if (format !== FORMAT || bytes.length !== BOOKS_BYTES)
    throw new CorruptionError({
      path,
      expected: "the books of a page store",
      found: `a value of ${bytes.length} bytes`,
    });
  return {
    storeId: bytes.slice(STORE_ID_AT, STORE_ID_AT + STORE_ID_BYTES),
    table: readU64(bytes, TABLE_AT),
    capacity: readU64(bytes, TABLE_AT + 8),
    stepsMax: readU32(bytes, TABLE_AT + 16),
    checkpoint: {
      sequence: readU64(bytes, TABLE_AT + 20),
      lsn: readU64(bytes, TABLE_AT + 28),
      root: bytes.slice(TABLE_AT + 36, TABLE_AT + 36 + ROOT_BYTES),
    },
  };
}
