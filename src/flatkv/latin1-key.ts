/** Bytes as a key of a `Map`. */

// Called on the bytes themselves: a `Buffer` around each costs more than the string does.
const { latin1Slice } = Buffer.prototype as unknown as {
  readonly latin1Slice: (this: Uint8Array, start: number, end: number) => string;
};

/** A string that is equal for equal bytes only: one character for each byte. */
export function latin1Key(bytes: Uint8Array): string {
  return latin1Slice.call(bytes, 0, bytes.length);
}
