/**
 * Little-endian numbers and comparisons on `Uint8Array`, without a `DataView` per call.
 *
 * Nothing here checks bounds: callers bound offsets and lengths first, since the bytes may come from a damaged disk. No content
 * makes a reader throw.
 */

/** Below this many bytes a byte loop is quicker than making 32-bit views. */
const WORDS_BYTES_MIN = 128;

/** Unsigned 16 bits at `offset`. */
export function readU16(bytes: Uint8Array, offset: number): number {
  return bytes[offset]! | (bytes[offset + 1]! << 8);
}

/** Unsigned 32 bits at `offset`. */
export function readU32(bytes: Uint8Array, offset: number): number {
  return (bytes[offset]! | (bytes[offset + 1]! << 8) | (bytes[offset + 2]! << 16) | (bytes[offset + 3]! << 24)) >>> 0;
}

/** Unsigned 64 bits at `offset`, or -1 where they are above 2^53 − 1, which no sound file holds and no `number` can. */
export function readU64(bytes: Uint8Array, offset: number): number {
  const high = readU32(bytes, offset + 4);
  return high > 0x1fffff ? -1 : high * 0x1_0000_0000 + readU32(bytes, offset);
}

/** Stores the low 16 bits of `value`. */
export function writeU16(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value;
  bytes[offset + 1] = value >>> 8;
}

/** Stores the low 32 bits of `value`. */
export function writeU32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value;
  bytes[offset + 1] = value >>> 8;
  bytes[offset + 2] = value >>> 16;
  bytes[offset + 3] = value >>> 24;
}

/** Stores an integer in [0, 2^53 − 1] in 64 bits. */
export function writeU64(bytes: Uint8Array, offset: number, value: number): void {
  writeU32(bytes, offset, value >>> 0);
  writeU32(bytes, offset + 4, Math.floor(value / 0x1_0000_0000));
}

/** Whether both hold the same bytes. Not constant time. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  const length = a.length;
  if (length !== b.length) return false;
  let at = 0;
  if (length >= WORDS_BYTES_MIN && (a.byteOffset & 3) === 0 && (b.byteOffset & 3) === 0) {
    const words = length >>> 2;
    const aWords = new Int32Array(a.buffer, a.byteOffset, words);
    const bWords = new Int32Array(b.buffer, b.byteOffset, words);
    for (let word = 0; word < words; word++) if (aWords[word] !== bWords[word]) return false;
    at = words << 2;
  }
  for (; at < length; at++) if (a[at] !== b[at]) return false;
  return true;
}

/** Whether `bytes[start, end)` is all zeros. True for an empty range. */
export function isZero(bytes: Uint8Array, start: number = 0, end: number = bytes.length): boolean {
  let at = start;
  if (end - start >= WORDS_BYTES_MIN) {
    for (; ((bytes.byteOffset + at) & 3) !== 0; at++) if (bytes[at] !== 0) return false;
    const count = (end - at) >>> 2;
    const words = new Int32Array(bytes.buffer, bytes.byteOffset + at, count);
    for (let word = 0; word < count; word++) if (words[word] !== 0) return false;
    at += count << 2;
  }
  for (; at < end; at++) if (bytes[at] !== 0) return false;
  return true;
}

/** Lower-case hexadecimal digits, two a byte. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += (byte < 16 ? "0" : "") + byte.toString(16);
  return text;
}

/** The bytes that `text` spells, or `undefined` if it is not pairs of hexadecimal digits (either case). */
export function fromHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) return undefined;
  const bytes = new Uint8Array(text.length / 2);
  for (let at = 0; at < bytes.length; at++) bytes[at] = Number.parseInt(text.slice(at * 2, at * 2 + 2), 16);
  return bytes;
}
