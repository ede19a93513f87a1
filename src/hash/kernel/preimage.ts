import { writeU32 } from "../../base/index.js";

/** What is kept between pairs; a longer pair gets memory of its own. */
const KEPT_BYTES = 64 * 1024;
const LENGTH_BYTES = 4;
/** From here on the call of `set` costs less than a loop over bytes. */
const SET_BYTES_MIN = 96;

/** Bytes of the preimage of a pair. */
export function preimageBytes(key: Uint8Array, value: Uint8Array): number {
  return 2 * LENGTH_BYTES + key.length + value.length;
}

/** Writes what is hashed of a pair to `out` at `at`: each part behind its length in 32 bits, so that no two pairs give the same bytes. */
export function writePreimage(out: Uint8Array, at: number, key: Uint8Array, value: Uint8Array): void {
  writeU32(out, at, key.length);
  copy(out, at + LENGTH_BYTES, key);
  writeU32(out, at + LENGTH_BYTES + key.length, value.length);
  copy(out, at + 2 * LENGTH_BYTES + key.length, value);
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

function copy(out: Uint8Array, at: number, bytes: Uint8Array): void {
  if (bytes.length >= SET_BYTES_MIN) out.set(bytes, at);
  else for (let byte = 0; byte < bytes.length; byte++) out[at + byte] = bytes[byte]!;
}
