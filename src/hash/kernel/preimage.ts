import { writeU32 } from "../../base/index.js";

/** What is kept between pairs; a longer pair gets memory of its own. */
const KEPT_BYTES = 64 * 1024;
const LENGTH_BYTES = 4;

/** Bytes of the preimage of a pair. */
export function preimageBytes(key: Uint8Array, value: Uint8Array): number {
  return 2 * LENGTH_BYTES + key.length + value.length;
}

/** Writes what is hashed of a pair to the beginning of `out`: each part behind its length in 32 bits, so that no two pairs give the same bytes. */
export function writePreimage(out: Uint8Array, key: Uint8Array, value: Uint8Array): void {
  writeU32(out, 0, key.length);
  out.set(key, LENGTH_BYTES);
  writeU32(out, LENGTH_BYTES + key.length, value.length);
  out.set(value, 2 * LENGTH_BYTES + key.length);
}

/** Memory for preimages, one at a time. */
export class PreimageBuffer {
  #kept: Uint8Array = new Uint8Array(1024);

  /** At least `bytes` bytes, whatever they hold. */
  take(bytes: number): Uint8Array {
    if (bytes <= this.#kept.length) return this.#kept;
    if (bytes > KEPT_BYTES) return new Uint8Array(bytes);
    this.#kept = new Uint8Array(KEPT_BYTES);
    return this.#kept;
  }
}
