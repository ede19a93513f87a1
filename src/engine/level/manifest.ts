/**
 * Which tables a LevelDB database consists of, by its MANIFEST: a log of version edits in blocks of 32 KiB. Pure.
 *
 * A record's header is its masked CRC-32C, its length and its type; the edits are tagged varints. Only what tells live tables is read.
 */
import { readU16, readU32 } from "../../base/index.js";
import { crc32cRange } from "../../checksum/index.js";
import { Fields, unmask } from "./fields.js";

const BLOCK_BYTES = 32_768;
const HEADER_BYTES = 7;
const FULL = 1;
const FIRST = 2;
const MIDDLE = 3;
const LAST = 4;

/** The live tables of a MANIFEST. */
export interface ManifestTables {
  /** Table number to size in bytes. */
  readonly tables: ReadonlyMap<number, number>;
  /** Where the sound part ends; an edit that is just being written lies behind it. */
  readonly end: number;
}

/** Reads a MANIFEST; `undefined` where it is not one. A record that is cut short at the end was never finished, and does not count. */
export function readManifest(bytes: Uint8Array): ManifestTables | undefined {
  const tables = new Map<number, number>();
  let edit: Uint8Array[] = [];
  let end = 0;
  for (let at = 0; bytes.length - at >= HEADER_BYTES;) {
    const left = BLOCK_BYTES - (at % BLOCK_BYTES);
    if (left < HEADER_BYTES) {
      at += left;
      continue;
    }
    const length = readU16(bytes, at + 4);
    const type = bytes[at + 6] as number;
    const next = at + HEADER_BYTES + length;
    if (next > bytes.length) break;
    // Space that a power cut left without what was being written there.
    if (type === 0 && length === 0 && readU32(bytes, at) === 0) break;
    if (HEADER_BYTES + length > left || type < FULL || type > LAST) return undefined;
    if (unmask(readU32(bytes, at)) !== crc32cRange(bytes, at + 6, next)) return undefined;
    if ((type === FULL || type === FIRST) !== (edit.length === 0)) return undefined;
    edit.push(bytes.subarray(at + HEADER_BYTES, next));
    at = next;
    if (type === FIRST || type === MIDDLE) continue;
    if (!applyEdit(Buffer.concat(edit), tables)) return undefined;
    edit = [];
    end = at;
  }
  return end === 0 ? undefined : { tables, end };
}

/** Carries out one edit; false where it is none. */
function applyEdit(edit: Uint8Array, tables: Map<number, number>): boolean {
  const fields = new Fields(edit);
  while (fields.more) {
    const tag = fields.varint();
    if (tag === 1) {
      fields.skipText();
    } else if (tag === 2 || tag === 3 || tag === 4 || tag === 9) {
      fields.varint();
    } else if (tag === 5) {
      fields.varint();
      fields.skipText();
    } else if (tag === 6) {
      fields.varint();
      tables.delete(fields.varint());
    } else if (tag === 7) {
      fields.varint();
      const number = fields.varint();
      tables.set(number, fields.varint());
      fields.skipText();
      fields.skipText();
    } else {
      return false;
    }
  }
  return !fields.failed;
}
