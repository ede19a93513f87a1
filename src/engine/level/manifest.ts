/**
 * Which tables a LevelDB database consists of, by its MANIFEST: a log of version edits in blocks of 32 KiB. Pure.
 *
 * A record's header is its masked CRC-32C, its length and its type; the edits are tagged varints. Only what tells live tables is read.
 */
import { crc32cRange, readU16, readU32 } from "../../base/index.js";

const BLOCK_BYTES = 32_768;
const HEADER_BYTES = 7;
const FULL = 1;
const FIRST = 2;
const MIDDLE = 3;
const LAST = 4;
const MASK_DELTA = 0xa282_ead8;

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

/** Reads varints; past the end, or beyond what a number holds, it fails and gives zeros. */
class Fields {
  failed = false;
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get more(): boolean {
    return !this.failed && this.#at < this.#bytes.length;
  }

  varint(): number {
    let value = 0;
    for (let factor = 1; factor <= 2 ** 63; factor *= 128) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) break;
      value += (byte & 127) * factor;
      if (byte < 128 && Number.isSafeInteger(value)) return value;
      if (byte < 128) break;
    }
    this.failed = true;
    return 0;
  }

  skipText(): void {
    const length = this.varint();
    this.#at += length;
    if (this.#at > this.#bytes.length) this.failed = true;
  }
}

function unmask(masked: number): number {
  const rotated = (masked - MASK_DELTA) >>> 0;
  return ((rotated >>> 17) | (rotated << 15)) >>> 0;
}
