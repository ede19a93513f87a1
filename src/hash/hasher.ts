/** A hash function with 32-byte digests, as trees and commitments take one. */
export interface Hasher {
  /** Stable; stores write it down, so that nobody reads them with another function. */
  readonly name: "blake3" | "sha256" | "keccak256";
  /** Length of a digest. */
  readonly bytes: 32;
  /** The digest of `data`, in an array of its own. Anything but a `Uint8Array`: `InvalidArgumentError`. */
  hash(data: Uint8Array): Uint8Array;
  /** The digest of `left` followed by `right`: the parent of two nodes, without joining them first. */
  hash2(left: Uint8Array, right: Uint8Array): Uint8Array;
}
