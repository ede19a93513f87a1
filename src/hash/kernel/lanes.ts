/**
 * Arithmetic on two lanes of 16 bits in one word: the 15 low bits of each are added without reaching the lane above, and the top bit is put
 * right by itself.
 */

const LOW: number = 0x7fff7fff;
const TOP: number = 0x80008000 | 0;

/** Lane by lane `a + b`, modulo 2^16. */
export function addLanes(a: number, b: number): number {
  return ((a & LOW) + (b & LOW)) ^ ((a ^ b) & TOP);
}

/** Lane by lane `a − b`, modulo 2^16. */
export function subtractLanes(a: number, b: number): number {
  return ((a | TOP) - (b & LOW)) ^ ((a ^ ~b) & TOP);
}
