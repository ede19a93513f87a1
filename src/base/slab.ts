/**
 * Memory for many small byte strings that live about equally long.
 *
 * Cut from large pieces, because an array of its own for each costs more than what is in it: it is collected one by one, and handing it to native code
 * moves its bytes out of the heap first.
 */

const FIRST_PIECE_BYTES = 4096;
const PIECE_BYTES_MAX: number = 64 * 1024;
/** Longer strings get memory of their own, so that little of a piece is left unused. */
const SHARED_BYTES_MAX: number = 8 * 1024;

/** See the head of this file. All of a piece is kept as long as any string in it is. */
export class Slab {
  #piece: Uint8Array = new Uint8Array(0);
  #at = 0;
  #nextBytes = FIRST_PIECE_BYTES;

  /** `length` bytes of zeros, of which nobody else has a view. */
  take(length: number): Uint8Array {
    if (length > SHARED_BYTES_MAX) return new Uint8Array(length);
    if (length > this.#piece.length - this.#at) {
      this.#piece = new Uint8Array(Math.max(this.#nextBytes, length));
      this.#at = 0;
      this.#nextBytes = PIECE_BYTES_MAX;
    }
    const start = this.#at;
    this.#at += length;
    return this.#piece.subarray(start, this.#at);
  }

  copy(bytes: Uint8Array): Uint8Array {
    const copied = this.take(bytes.length);
    copied.set(bytes);
    return copied;
  }
}
