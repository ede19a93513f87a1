/**
 * The bytes of a table file. Pure. docs/formats/pages.md draws them.
 *
 *     block 0               header: whose table it is, how many buckets, and the seeds of its hashes and checksums
 *     blocks 1 to m         meta blocks: a byte for each bucket, and a trailer
 *     blocks m + 1 to m + c buckets, a page each
 *
 * Checksums are seeded with the table's salt, and those of pages with their bucket too. So a block of another table, of another place, or from before
 * the file's space was used again never passes for one of this table.
 */
import {
  FormatError,
  equalBytes,
  isZero,
  readU16,
  readU32,
  readU64,
  toHex,
  writeU16,
  writeU32,
  writeU64,
} from "../base/index.js";
import { crc32cRange } from "../checksum/index.js";
import { CORRUPT_HEADER, corruptTable } from "./errors.js";
import { isCapacity } from "./meta-map.js";
import { CHECKSUM_AT, FLAGS_AT, PAGE_BYTES } from "./page.js";
import { SEED_BYTES } from "./probe.js";

export const STORE_ID_BYTES = 16;
export const SALT_BYTES = 8;

const MAGIC: Uint8Array = new TextEncoder().encode("HFPTABLE");
const FORMAT = 1;
const VERSION_AT = 8;
const PREAMBLE_CRC_AT = 12;
const BLOCK_BYTES_AT = 16;
const STORE_ID_AT = 24;
const NUMBER_AT: number = STORE_ID_AT + STORE_ID_BYTES;
const CAPACITY_AT: number = NUMBER_AT + 8;
const SEED_AT: number = CAPACITY_AT + 8;
const SALT_AT: number = SEED_AT + SEED_BYTES;
const HEADER_CRC_AT: number = SALT_AT + SALT_BYTES;
const HEADER_END: number = HEADER_CRC_AT + 4;

/** What the header says. */
export interface TableHeader {
  readonly storeId: Uint8Array;
  /** The table's number, which its file has in its name. */
  readonly number: number;
  /** Buckets: a power of two. */
  readonly capacity: number;
  /** Of the hash that places pages. */
  readonly seed: Uint8Array;
  /** Of the checksums. */
  readonly salt: Uint8Array;
}

export function encodeHeader(header: TableHeader): Uint8Array {
  const bytes = new Uint8Array(PAGE_BYTES);
  bytes.set(MAGIC);
  writeU16(bytes, VERSION_AT, FORMAT);
  writeU32(bytes, PREAMBLE_CRC_AT, crc32cRange(bytes, 0, PREAMBLE_CRC_AT));
  writeU32(bytes, BLOCK_BYTES_AT, PAGE_BYTES);
  bytes.set(header.storeId, STORE_ID_AT);
  writeU64(bytes, NUMBER_AT, header.number);
  writeU64(bytes, CAPACITY_AT, header.capacity);
  bytes.set(header.seed, SEED_AT);
  bytes.set(header.salt, SALT_AT);
  writeU32(bytes, HEADER_CRC_AT, crc32cRange(bytes, 0, HEADER_CRC_AT));
  return bytes;
}

/** What the first block of the file at `path` says. Throws where it is no header of table `wanted`. */
export function decodeHeader(
  path: string,
  bytes: Uint8Array,
  wanted: Pick<TableHeader, "storeId" | "number" | "capacity">,
): TableHeader {
  const hasMagic = MAGIC.every((byte, at) => bytes[at] === byte);
  if (!hasMagic || readU32(bytes, PREAMBLE_CRC_AT) !== crc32cRange(bytes, 0, PREAMBLE_CRC_AT))
    throw corruptTable(path, 0, CORRUPT_HEADER, "other bytes");
  const version = readU16(bytes, VERSION_AT);
  if (version > FORMAT)
    throw new FormatError(
      "HF_FORMAT_NEWER",
      `${path} has format ${version}; this build reads up to ${FORMAT}. Open it with a newer holdfast. Nothing was changed.`,
      { path, version, supported: FORMAT },
    );
  if (readU32(bytes, HEADER_CRC_AT) !== crc32cRange(bytes, 0, HEADER_CRC_AT) || !isZero(bytes, HEADER_END))
    throw corruptTable(path, 0, CORRUPT_HEADER, "one that fails its checksum");
  const storeId = bytes.slice(STORE_ID_AT, STORE_ID_AT + STORE_ID_BYTES);
  const header = {
    storeId,
    number: readU64(bytes, NUMBER_AT),
    capacity: readU64(bytes, CAPACITY_AT),
    seed: bytes.slice(SEED_AT, SEED_AT + SEED_BYTES),
    salt: bytes.slice(SALT_AT, SALT_AT + SALT_BYTES),
  };
  if (!equalBytes(storeId, wanted.storeId))
    throw new FormatError("HF_FORMAT_FOREIGN", `${path} is a table of another store. Put the right one there.`, {
      path,
      expected: toHex(wanted.storeId),
      found: toHex(storeId),
    });
  const isWanted =
    header.number === wanted.number && header.capacity === wanted.capacity && isCapacity(header.capacity);
  if (!isWanted || readU32(bytes, BLOCK_BYTES_AT) !== PAGE_BYTES)
    throw corruptTable(
      path,
      0,
      `table ${wanted.number} of ${wanted.capacity} buckets`,
      `table ${header.number} of ${header.capacity}`,
    );
  return header;
}

/** Bytes of buckets in one meta block. */
export const BUCKETS_PER_BLOCK = 4080;
const BLOCK_CRC_AT = BUCKETS_PER_BLOCK;
const BLOCK_ZERO_AT = 4084;
const BLOCK_NUMBER_AT = 4088;

/** Meta blocks of a table. */
export function metaBlocks(capacity: number): number {
  return Math.ceil(capacity / BUCKETS_PER_BLOCK);
}

/** Where meta block `block` is in the file. */
export function metaOffset(block: number): number {
  return PAGE_BYTES * (1 + block);
}

/** Where a bucket is in the file. */
export function bucketOffset(capacity: number, bucket: number): number {
  return PAGE_BYTES * (1 + metaBlocks(capacity) + bucket);
}

/** Bytes of the whole file. */
export function tableBytes(capacity: number): number {
  return bucketOffset(capacity, capacity);
}

/** Seals and checks the blocks of one table. */
export class TableSeal {
  readonly #metaSeed: number;
  /** The salt, and room for a bucket's number. */
  readonly #pageSalt: Uint8Array;

  constructor(salt: Uint8Array) {
    this.#metaSeed = crc32cRange(salt, 0, SALT_BYTES);
    this.#pageSalt = new Uint8Array(SALT_BYTES + 8);
    this.#pageSalt.set(salt);
  }

  /** Completes a block at `at` whose bytes of buckets are there. */
  sealMeta(bytes: Uint8Array, at: number, block: number): void {
    bytes.fill(0, at + BLOCK_ZERO_AT, at + BLOCK_NUMBER_AT);
    writeU64(bytes, at + BLOCK_NUMBER_AT, block);
    writeU32(bytes, at + BLOCK_CRC_AT, this.#metaChecksum(bytes, at));
  }

  isSoundMeta(bytes: Uint8Array, at: number, block: number): boolean {
    return (
      readU64(bytes, at + BLOCK_NUMBER_AT) === block &&
      readU32(bytes, at + BLOCK_CRC_AT) === this.#metaChecksum(bytes, at)
    );
  }

  /** Writes the checksum of the page at `at`, as it is to be in `bucket`. */
  sealPage(bytes: Uint8Array, at: number, bucket: number): void {
    writeU32(bytes, at + CHECKSUM_AT, this.#pageChecksum(bytes, at, bucket));
  }

  isSoundPage(bytes: Uint8Array, bucket: number): boolean {
    return readU32(bytes, CHECKSUM_AT) === this.#pageChecksum(bytes, 0, bucket);
  }

  #metaChecksum(bytes: Uint8Array, at: number): number {
    return crc32cRange(
      bytes,
      at + BLOCK_ZERO_AT,
      at + PAGE_BYTES,
      crc32cRange(bytes, at, at + BLOCK_CRC_AT, this.#metaSeed),
    );
  }

  #pageChecksum(bytes: Uint8Array, at: number, bucket: number): number {
    writeU64(this.#pageSalt, SALT_BYTES, bucket);
    const seed = crc32cRange(this.#pageSalt, 0, this.#pageSalt.length);
    return crc32cRange(bytes, at + FLAGS_AT, at + PAGE_BYTES, crc32cRange(bytes, at, at + CHECKSUM_AT, seed));
  }
}
