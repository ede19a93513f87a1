/** How far an import has come in one database: a record in that database, durable together with all rows that it speaks of. Pure. */
import { readU32, readU64, writeU32, writeU64 } from "../base/index.js";
import { crc32c } from "../checksum/index.js";
import { LtHash } from "../hash/index.js";
import type { ExportPosition } from "./export-scanner.js";

/** Engine key of the record. It is gone once the import is complete. */
export const IMPORT_KEY: Uint8Array = Uint8Array.of(0, 0x69, 0x6d, 0x70, 0x6f, 0x72, 0x74);

const EXPORT_ID_BYTES = 16;
const FRAME = EXPORT_ID_BYTES;
const CHECKSUM = FRAME + 8;
const ROWS = CHECKSUM + 4;
const HASH = ROWS + 8;
const CRC = HASH + LtHash.bytes;
const RECORD_BYTES = CRC + 4;

/** See the head of this file. */
export interface ImportProgress {
  /** Everything in the stream before it is taken, as far as it is of this database. */
  readonly position: ExportPosition;
  /** Rows of this database so far. */
  readonly rows: number;
  /** Of these rows. */
  readonly hash: LtHash;
}

export function encodeProgress({ position, rows, hash }: ImportProgress): Uint8Array {
  const bytes = new Uint8Array(RECORD_BYTES);
  bytes.set(position.exportId, 0);
  writeU64(bytes, FRAME, position.frame);
  writeU32(bytes, CHECKSUM, position.checksum);
  writeU64(bytes, ROWS, rows);
  bytes.set(hash.toBytes(), HASH);
  writeU32(bytes, CRC, crc32c(bytes.subarray(0, CRC)));
  return bytes;
}

/** Reads a record; `undefined` where it is none. */
export function decodeProgress(bytes: Uint8Array): ImportProgress | undefined {
  if (bytes.length !== RECORD_BYTES || crc32c(bytes.subarray(0, CRC)) !== readU32(bytes, CRC)) return undefined;
  return {
    position: {
      exportId: bytes.slice(0, EXPORT_ID_BYTES),
      frame: readU64(bytes, FRAME),
      checksum: readU32(bytes, CHECKSUM),
    },
    rows: readU64(bytes, ROWS),
    hash: LtHash.fromBytes(bytes.subarray(HASH, CRC)),
  };
}
