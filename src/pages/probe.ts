/**
 * Where a page may be: the buckets that its id's hash goes through, and what the map says of each. Pure.
 *
 * The first is the hash modulo the capacity; then steps of 1, 2, 3, …. With a capacity that is a power of two that comes to each bucket once in as many
 * steps as there are buckets, so every loop over it ends.
 */
import { EMPTY, FULL_BIT, type MetaView, TOMBSTONE, fullByte } from "./meta-map.js";
import { ENCODED_ID_BYTES, type PageId, encodePageIdInto } from "./page-id.js";
import { Xxh3 } from "./xxh3.js";

export const SEED_BYTES = 8;

/** Hashes ids, one at a time. */
export class PageHash {
  readonly #hash: Xxh3;
  /** The id that was hashed, as 32 bytes. */
  readonly encoded: Uint8Array = new Uint8Array(ENCODED_ID_BYTES);

  /** `seed`: eight bytes, a little-endian number. */
  constructor(seed: Uint8Array) {
    const view = new DataView(seed.buffer, seed.byteOffset, SEED_BYTES);
    this.#hash = new Xxh3(view.getUint32(0, true), view.getUint32(4, true));
  }

  /** Hashes `id`. */
  of(id: PageId): PageHash {
    encodePageIdInto(id, this.encoded, 0);
    this.#hash.hash(this.encoded, 0);
    return this;
  }

  /** The low 32 bits: where the way begins. */
  get low(): number {
    return this.#hash.low;
  }

  get high(): number {
    return this.#hash.high;
  }

  /** The byte of a bucket that holds the page. */
  get byte(): number {
    return fullByte(this.#hash.high);
  }

  /** The way of the page through a table. */
  way(capacity: number): Way {
    return new Way(this.#hash.low, capacity);
  }
}

/** The buckets of one page, in order. */
export class Way {
  readonly #mask: number;
  bucket: number;
  /** How many steps led to `bucket`. */
  steps = 0;

  constructor(hashLow: number, capacity: number) {
    this.#mask = capacity - 1;
    this.bucket = hashLow & this.#mask;
  }

  /** Goes to the next bucket. False where every bucket was visited. */
  next(): boolean {
    if (this.steps === this.#mask) return false;
    this.steps += 1;
    this.bucket = (this.bucket + this.steps) & this.#mask;
    return true;
  }

  /** Goes on, from the bucket where it is, to one that may hold the page: full, with the same tag. False where there is none. */
  seek(meta: MetaView, byte: number): boolean {
    do {
      const found = meta.at(this.bucket);
      if (found === byte) return true;
      if (found === EMPTY) return false;
    } while (this.next());
    return false;
  }
}

/** A bucket for a page that is in none: the first tombstone on its way, or the empty one that ends it. `undefined` where all are full. */
export function freeBucket(
  meta: MetaView,
  hashLow: number,
): { readonly bucket: number; readonly steps: number } | undefined {
  const way = new Way(hashLow, meta.capacity);
  do {
    const found = meta.at(way.bucket);
    if (found === EMPTY || found === TOMBSTONE) return { bucket: way.bucket, steps: way.steps };
  } while (way.next());
  return undefined;
}

/** How many steps lead to `bucket`; `undefined` where they pass an empty bucket before it, or never get there. */
export function stepsTo(meta: MetaView, hashLow: number, bucket: number): number | undefined {
  const way = new Way(hashLow, meta.capacity);
  do {
    if (way.bucket === bucket) return way.steps;
    if (meta.at(way.bucket) === EMPTY) return undefined;
  } while (way.next());
  return undefined;
}

/** Whether a bucket's byte says that it holds a page. */
export function isFull(byte: number): boolean {
  return byte >= FULL_BIT;
}
