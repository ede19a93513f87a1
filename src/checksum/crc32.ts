/**
 * CRC-32 (IEEE 802.3, reflected polynomial 0xedb88320), the second checksum where bytes that a user chose are told whole from torn.
 *
 * Why a second one. Let D stand for any bytes, and D' for others of the same length. D followed by its own CRC differs from D' followed by its own by a
 * multiple of the CRC's polynomial, and a CRC of that polynomial around them can't see a multiple of it, wherever they stand and whatever its seed. So where
 * a payload, a page or a value holds such bytes, as those with a CRC-32C of their own do, a disk may show an older sector in the place of a lost one, and the
 * CRC-32C around it holds. To pass both checksums a difference must be a multiple of both polynomials, which share no factor. A part under one of the two
 * checksums of its own is not, nor are parts under one beside parts under the other, nor is one inside the other: each checksum that is stored is a multiple
 * of its own polynomial only. What is left is chance, one in 2^32 or less, and bytes that end in 8 computed to satisfy both at once.
 *
 * Beside the CRC-32C and not mixed into it: a sum of the two in 4 bytes would no longer find every error of up to three bits, as a CRC-32C does.
 */
import { crc32 as nativeCrc32 } from "@node-rs/crc32";
import { NATIVE_BYTES_MIN, makeTables, slicedCrc } from "./slicing.js";

const TABLES: Int32Array = makeTables(0xedb88320);

/** The checksum of `bytes[start, end)`, as an unsigned 32-bit number. The range must lie inside `bytes`. */
export function crc32Range(bytes: Uint8Array, start: number, end: number): number {
  if (end - start >= NATIVE_BYTES_MIN) return nativeCrc32(bytes.subarray(start, end));
  return slicedCrc(TABLES, bytes, start, end, 0);
}
