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
  /** The digest of `data`, written as 8 words at index `targetAt` of `target`, which are those of {@link hashWords}: nothing is made for it. */
  hashInto(data: Uint8Array, target: Int32Array, targetAt: number): void;
  /**
   * The digest of the 16 words at index `at` of `source`, written as 8 words at index `targetAt` of `target`: for trees whose nodes lie in
   * one array. The words are those of the memory, so that a `Uint8Array` over the same buffer shows the 64 bytes that are hashed. Source and
   * target may be the same array, and overlap. Nothing is checked; a place past the end of its array gives a meaningless digest, or none.
   */
  hashWords(source: Int32Array, at: number, target: Int32Array, targetAt: number): void;
}
