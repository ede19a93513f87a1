/**
 * The rows in a frame: `varint (key length) ‖ varint (value length) ‖ key ‖ value`, one after the other, keys strictly ascending. Pure.
 *
 * Millions of them pass here, so nothing is made for a row: encoding copies it into the frame, decoding notes where it stands.
 */

/** Up to this many bytes, copying one by one is quicker than a call. */
const LOOP_BYTES_MAX = 32;

/** Copies `source[start, end)` to `target` at `at`; returns the offset behind it. */
export function copyRange(target: Uint8Array, at: number, source: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length <= LOOP_BYTES_MAX)
    for (let index = 0; index < length; index++) target[at + index] = source[start + index]!;
  else target.set(length === source.length ? source : source.subarray(start, end), at);
  return at + length;
}

/** Whether `a[aStart, aEnd)` comes before `b[bStart, bEnd)`, byte by byte; a beginning of the other comes before it. */
export function isBefore(
  a: Uint8Array,
  aStart: number,
  aEnd: number,
  b: Uint8Array,
  bStart: number,
  bEnd: number,
): boolean {
  const aLength = aEnd - aStart;
  const bLength = bEnd - bStart;
  const shared = aLength < bLength ? aLength : bLength;
  for (let index = 0; index < shared; index++) {
    const difference = a[aStart + index]! - b[bStart + index]!;
    if (difference !== 0) return difference < 0;
  }
  return aLength < bLength;
}

/** How many bytes a length takes as a varint. */
export function lengthBytes(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : value < 0x1000_0000 ? 4 : 5;
}

/** Writes a length below 2^31 as a varint: seven bits a byte, the lowest first; returns the offset behind it. */
export function writeLength(bytes: Uint8Array, offset: number, value: number): number {
  let at = offset;
  let rest = value;
  for (; rest >= 0x80; rest >>>= 7) bytes[at++] = (rest & 0x7f) | 0x80;
  bytes[at++] = rest;
  return at;
}

/** The length at `offset`, or -1 where none stands before `end`: cut short, of 2^31 or more, or longer than it need be. */
function readLength(bytes: Uint8Array, offset: number, end: number): number {
  let value = 0;
  for (let index = 0; index < 5 && offset + index < end; index++) {
    const byte = bytes[offset + index]!;
    if (byte < 0x80) {
      if ((byte === 0 && index > 0) || (index === 4 && byte > 0x07)) return -1;
      return value | (byte << (7 * index));
    }
    value |= (byte & 0x7f) << (7 * index);
  }
  return -1;
}

/** Where a row is wrong, and how. */
export interface BadRow {
  /** Byte offset of the row in its bytes. */
  readonly at: number;
  readonly expected: string;
  readonly found: string;
}

/** Where the rows of a frame stand, or which one is wrong. */
export type RowIndex =
  | {
      readonly kind: "sound";
      /** Three numbers a row: where its key starts, where its key ends and its value starts, where its value ends. */
      readonly bounds: Uint32Array;
      readonly keyBytes: number;
      readonly valueBytes: number;
    }
  | ({ readonly kind: "bad" } & BadRow);

/**
 * Finds `count` rows in `bytes[start, end)`, of which each key must come after the one before, and the first after `before`. `count` must be at
 * most what fits.
 */
export function indexRows(
  bytes: Uint8Array,
  start: number,
  end: number,
  count: number,
  before: Uint8Array | undefined,
): RowIndex {
  const bounds = new Uint32Array(count * 3);
  let previous = before ?? bytes;
  let previousStart = 0;
  let previousEnd = before?.length ?? 0;
  let keyBytes = 0;
  let valueBytes = 0;
  let at = start;
  for (let index = 0; index < count * 3; index += 3) {
    let keyStart = at;
    let keyLength = bytes[keyStart++]!;
    let valueLength: number;
    // A byte past `end` may be one of the next frame: the check of the row's end finds it.
    if (keyLength < 0x80 && bytes[keyStart]! < 0x80) {
      valueLength = bytes[keyStart++]!;
    } else {
      keyLength = readLength(bytes, at, end);
      keyStart = at + lengthBytes(keyLength);
      valueLength = keyLength < 0 ? -1 : readLength(bytes, keyStart, end);
      if (valueLength < 0) return bad(at, "the lengths of a row", "bytes that are none");
      keyStart += lengthBytes(valueLength);
    }
    const keyEnd = keyStart + keyLength;
    const valueEnd = keyEnd + valueLength;
    if (!(valueEnd <= end)) return bad(at, "a row that ends in its frame", "one that does not");
    if (keyLength === 0 || valueLength === 0) return bad(at, "a key and a value", "an empty one");
    if (previousEnd !== previousStart && !isBefore(previous, previousStart, previousEnd, bytes, keyStart, keyEnd))
      return bad(at, "a key after the one before", "one that is not after it");
    bounds[index] = keyStart;
    bounds[index + 1] = keyEnd;
    bounds[index + 2] = valueEnd;
    keyBytes += keyLength;
    valueBytes += valueLength;
    previous = bytes;
    previousStart = keyStart;
    previousEnd = keyEnd;
    at = valueEnd;
  }
  if (at !== end) return bad(at, "the end of the rows", `${end - at} more bytes`);
  return { kind: "sound", bounds, keyBytes, valueBytes };
}

function bad(at: number, expected: string, found: string): RowIndex {
  return { kind: "bad", at, expected, found };
}

/**
 * Rows of one database, in ascending order of their keys.
 *
 * Keys and values are views, made when they are asked for; the bounds spare even that. They are valid as long as {@link ExportRows.bytes} is, which
 * may be the very chunk that the scanner was fed.
 */
export class ExportRows implements Iterable<readonly [key: Uint8Array, value: Uint8Array]> {
  /** How many rows there are; at least 1. */
  readonly length: number;
  /** Holds the rows, and more. */
  readonly bytes: Uint8Array;
  readonly #bounds: Uint32Array;

  constructor(bytes: Uint8Array, bounds: Uint32Array) {
    this.bytes = bytes;
    this.#bounds = bounds;
    this.length = bounds.length / 3;
  }

  /** Where the key of row `index` starts in {@link ExportRows.bytes}. */
  keyStart(index: number): number {
    return this.#bounds[index * 3]!;
  }

  /** Where the key of row `index` ends, and its value starts. */
  keyEnd(index: number): number {
    return this.#bounds[index * 3 + 1]!;
  }

  /** Where the value of row `index` ends. */
  valueEnd(index: number): number {
    return this.#bounds[index * 3 + 2]!;
  }

  key(index: number): Uint8Array {
    return this.bytes.subarray(this.keyStart(index), this.keyEnd(index));
  }

  value(index: number): Uint8Array {
    return this.bytes.subarray(this.keyEnd(index), this.valueEnd(index));
  }

  *[Symbol.iterator](): Generator<readonly [key: Uint8Array, value: Uint8Array], void, undefined> {
    for (let index = 0; index < this.length; index++) yield [this.key(index), this.value(index)];
  }
}
