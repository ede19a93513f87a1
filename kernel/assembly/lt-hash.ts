/**
 * The SIMD kernel of LtHash: BLAKE3's extended output, added to the lanes of a hash while it is computed, or subtracted from them.
 *
 * The caller puts the preimage of a pair at INPUT and calls `fold`. A preimage of more than one chunk it reduces to the root node itself, puts
 * that at CHAIN and INPUT and calls `foldRoot`.
 */
import { CHAIN, INPUT, SLOTS } from "./layout";
import { compress, expand } from "./unrolled";

const BLOCK_BYTES: u32 = 64;
const CHUNK_START: u32 = 1;
const CHUNK_END: u32 = 2;
const ROOT: u32 = 8;

export function inputAt(): usize {
  return INPUT;
}

export function chainAt(): usize {
  return CHAIN;
}

export function slotsAt(): usize {
  return SLOTS;
}

/** Folds the element of the `length` bytes at INPUT into the lanes at `lanes`: 1 to 1,024 bytes. */
export function fold(lanes: usize, length: u32, subtract: bool): void {
  const zero = i64x2.splat(0);
  const end = INPUT + length;
  v128.store(end, zero);
  v128.store(end, zero, 16);
  v128.store(end, zero, 32);
  v128.store(end, zero, 48);

  v128.store(CHAIN, i32x4(0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a));
  v128.store(CHAIN, i32x4(0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19), 16);
  let flags = CHUNK_START;
  let block = INPUT;
  while (length > BLOCK_BYTES) {
    compress(CHAIN, block, BLOCK_BYTES, flags);
    flags = 0;
    block += BLOCK_BYTES;
    length -= BLOCK_BYTES;
  }
  expand(lanes, block, length, flags | CHUNK_END | ROOT, subtract);
}

/** Folds the element of the root node whose chaining value is at CHAIN and whose message is at INPUT. */
export function foldRoot(lanes: usize, length: u32, flags: u32, subtract: bool): void {
  expand(lanes, INPUT, length, flags, subtract);
}
