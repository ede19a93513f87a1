/**
 * CRC-32C (Castagnoli, reflected polynomial 0x82f63b78), the checksum of everything holdfast stores.
 *
 * Two implementations, one result: slicing-by-8 in TypeScript for short inputs, where entering native code costs more than the
 * work, and the SIMD build of `@node-rs/crc32` for long ones. A test holds them equal. That package is why checksums are a part of their own:
 * what runs in browsers must not lead to it.
 */
import { crc32c as nativeCrc32c } from "@node-rs/crc32";

/** From this many bytes on the native code is quicker, counting the call and the view it needs. */
const NATIVE_BYTES_MIN = 192;

const POLYNOMIAL = 0x82f63b78;

/** Table k holds, for each byte value, its checksum followed by k zero bytes. */
function makeTable(previous: Int32Array | undefined, first: Int32Array | undefined): Int32Array {
  const table = new Int32Array(256);
  for (let value = 0; value < 256; value++) {
    if (previous !== undefined && first !== undefined) {
      const before = previous[value]!;
      table[value] = (before >>> 8) ^ first[before & 0xff]!;
    } else {
      let crc = value;
      for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
      table[value] = crc;
    }
  }
  return table;
}

const T0: Int32Array = makeTable(undefined, undefined);
const T1: Int32Array = makeTable(T0, T0);
const T2: Int32Array = makeTable(T1, T0);
const T3: Int32Array = makeTable(T2, T0);
const T4: Int32Array = makeTable(T3, T0);
const T5: Int32Array = makeTable(T4, T0);
const T6: Int32Array = makeTable(T5, T0);
const T7: Int32Array = makeTable(T6, T0);

/**
 * The checksum of `bytes`, as an unsigned 32-bit number.
 *
 * `seed` is the checksum of the bytes that came before, so that `crc32c(b, crc32c(a))` is that of `a` followed by `b`. Default 0:
 * nothing came before.
 */
export function crc32c(bytes: Uint8Array, seed: number = 0): number {
  if (bytes.length >= NATIVE_BYTES_MIN) return nativeCrc32c(bytes, seed);
  return slicedCrc32c(bytes, 0, bytes.length, seed);
}

/**
 * The checksum of `bytes[start, end)`, without making a view where it is short. The range must lie inside `bytes`; `seed` as
 * for {@link crc32c}.
 */
export function crc32cRange(bytes: Uint8Array, start: number, end: number, seed: number = 0): number {
  if (end - start >= NATIVE_BYTES_MIN) return nativeCrc32c(bytes.subarray(start, end), seed);
  return slicedCrc32c(bytes, start, end, seed);
}

/** Eight bytes a step (Intel's slicing-by-8), then byte by byte. */
function slicedCrc32c(bytes: Uint8Array, start: number, end: number, seed: number): number {
  let crc = ~seed;
  let at = start;
  for (const last = end - 8; at <= last; at += 8) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    crc =
      T7[crc & 0xff]! ^
      T6[(crc >>> 8) & 0xff]! ^
      T5[(crc >>> 16) & 0xff]! ^
      T4[crc >>> 24]! ^
      T3[bytes[at + 4]!]! ^
      T2[bytes[at + 5]!]! ^
      T1[bytes[at + 6]!]! ^
      T0[bytes[at + 7]!]!;
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ T0[(crc ^ bytes[at]!) & 0xff]!;
  return ~crc >>> 0;
}
