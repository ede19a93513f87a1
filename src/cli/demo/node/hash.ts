/** The hash that links blocks and certificates: SHA-256. */
import { createHash } from "node:crypto";

/** Bytes of a hash. */
export const hashBytes = 32;

/** What the first block of a lane and the first certificate have in place of the hash of the one before. */
export const noHash: Uint8Array = new Uint8Array(hashBytes);

export function hashOf(bytes: Uint8Array): Uint8Array {
  return createHash("sha256").update(bytes).digest();
}
