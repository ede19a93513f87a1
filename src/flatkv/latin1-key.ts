/** Bytes as a key of a `Map`. */

/** A string that is equal for equal bytes only: one character for each byte. */
export function latin1Key(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}
