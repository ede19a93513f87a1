/**
 * CRC-32C (Castagnoli, reflected polynomial 0x82f63b78), the checksum of everything holdfast stores.
 *
 * Two implementations, one result: slicing-by-8 in TypeScript for short inputs, and the SIMD build of `@node-rs/crc32` for long ones. A test holds
 * them equal. That package is why checksums are a part of their own: what runs in browsers must not lead to it.
 */
import { crc32c as nativeCrc32c } from "@node-rs/crc32";
import { NATIVE_BYTES_MIN, makeTables, slicedCrc } from "./slicing.js";

const TABLES: Int32Array = makeTables(0x82f63b78);

/**
 * The checksum of `bytes`, as an unsigned 32-bit number.
 *
 * `seed` is the checksum of the bytes that came before, so that `crc32c(b, crc32c(a))` is that of `a` followed by `b`. Default 0:
 * nothing came before.
 */
export function crc32c(bytes: Uint8Array, seed: number = 0): number {
  if (bytes.length >= NATIVE_BYTES_MIN) return nativeCrc32c(bytes, seed);
  return slicedCrc(TABLES, bytes, 0, bytes.length, seed);
}

/**
 * The checksum of `bytes[start, end)`, without making a view where it is short. The range must lie inside `bytes`; `seed` as
 * for {@link crc32c}.
 */
export function crc32cRange(bytes: Uint8Array, start: number, end: number, seed: number = 0): number {
  if (end - start >= NATIVE_BYTES_MIN) return nativeCrc32c(bytes.subarray(start, end), seed);
  return slicedCrc(TABLES, bytes, start, end, seed);
}
