/**
 * The accumulator of an era1 file: the SSZ root of a list of (block hash, total difficulty as u256 little-endian), with SHA-256. A leaf is the hash of
 * the pair, the tree is as deep as the longest list makes it, and the list's length is mixed into its root.
 */
import { sha256 } from "../../../hash/index.js";

/** See the head of this file. */
export class AccumulatorTree {
  readonly #leaves: Uint8Array[] = [];
  readonly #leavesMax: number;

  /** `leavesMax` is a power of two. */
  constructor(leavesMax: number) {
    this.#leavesMax = leavesMax;
  }

  add(blockHash: Uint8Array, totalDifficulty: bigint): void {
    this.#leaves.push(sha256.hash2(blockHash, littleEndian32(totalDifficulty)));
  }

  root(): Uint8Array {
    let level: Uint8Array[] = this.#leaves;
    let empty: Uint8Array = new Uint8Array(32);
    for (let width = this.#leavesMax; width > 1; width /= 2) {
      const above: Uint8Array[] = [];
      for (let at = 0; at < level.length; at += 2) above.push(sha256.hash2(level[at] ?? empty, level[at + 1] ?? empty));
      level = above;
      empty = sha256.hash2(empty, empty);
    }
    return sha256.hash2(level[0] ?? empty, littleEndian32(BigInt(this.#leaves.length)));
  }
}

/** 32 bytes, little-endian; `value` is below 2^256. */
export function littleEndian32(value: bigint): Uint8Array {
  const bytes = new Uint8Array(32);
  let rest = value;
  for (let at = 0; rest > 0n; at++) {
    bytes[at] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}
