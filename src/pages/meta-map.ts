/**
 * What is known of each bucket without reading it: one byte. Pure.
 *
 *     0x00          empty: no probe goes on past it
 *     0x7f          tombstone: its page is gone; probes go on past it, and a new page may take it
 *     0x80 | tag    full: a page, and seven bits of its id's hash
 *
 * Invariant: no page was placed past a bucket that is empty now. So a bucket that a page leaves becomes a tombstone. It may become empty where nothing
 * can have gone on past it: with triangular steps a probe leaves a bucket by 1, 2, 3, … depending on how many steps it has made, so all buckets that far
 * ahead must be empty, as many as the longest way of any page in the table had steps.
 */
import { assert } from "../base/index.js";

export const EMPTY = 0x00;
export const TOMBSTONE = 0x7f;
/** Set in the byte of a full bucket. */
export const FULL_BIT = 0x80;

/** Bytes of buckets that a staged commit sees: its own changes over the published ones. */
export interface MetaView {
  readonly capacity: number;
  at(bucket: number): number;
}

/** See the head of this file. */
export class MetaMap implements MetaView {
  /** A power of two. */
  readonly capacity: number;
  readonly #bytes: Uint8Array;
  #full = 0;
  #tombstones = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.#bytes = new Uint8Array(capacity);
  }

  /** Buckets with a page. */
  get full(): number {
    return this.#full;
  }

  get tombstones(): number {
    return this.#tombstones;
  }

  at(bucket: number): number {
    return this.#bytes[bucket]!;
  }

  set(bucket: number, byte: number): void {
    const before = this.#bytes[bucket]!;
    this.#full += (byte >>> 7) - (before >>> 7);
    this.#tombstones += (byte === TOMBSTONE ? 1 : 0) - (before === TOMBSTONE ? 1 : 0);
    this.#bytes[bucket] = byte;
  }

  /** Copies `[first, first + count)` to `target`. */
  copyTo(target: Uint8Array, at: number, first: number, count: number): void {
    target.set(this.#bytes.subarray(first, first + count), at);
  }

  /** Takes over bytes that were read, and counts them. Returns the first bucket whose byte means nothing; -1 where all do. */
  load(first: number, bytes: Uint8Array): number {
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at]!;
      if (byte !== EMPTY && byte !== TOMBSTONE && byte < FULL_BIT) return first + at;
      this.set(first + at, byte);
    }
    return -1;
  }

  /**
   * Turns tombstones at and before `bucket` to empty as far as that is safe. `stepsMax`: the most steps that any page's way had. Calls `changed` for
   * each.
   */
  sweep(bucket: number, stepsMax: number, changed: (bucket: number) => void): void {
    const mask = this.capacity - 1;
    // Emptying one may make those before it safe: as far back as a step reaches, from the one that was emptied first.
    let back = Math.min(stepsMax, this.capacity - 1);
    for (let distance = 0; distance <= back; distance++) {
      const candidate = (bucket - distance) & mask;
      if (this.#bytes[candidate] !== TOMBSTONE || !this.#nothingPasses(candidate, stepsMax)) {
        if (distance === 0) return;
        continue;
      }
      this.set(candidate, EMPTY);
      changed(candidate);
      back = Math.min(distance + stepsMax, this.capacity - 1);
    }
  }

  #nothingPasses(bucket: number, stepsMax: number): boolean {
    const mask = this.capacity - 1;
    const ahead = Math.min(stepsMax, this.capacity - 1);
    for (let step = 1; step <= ahead; step++) if (this.#bytes[(bucket + step) & mask] !== EMPTY) return false;
    return true;
  }
}

/** The changes of a commit that is being staged, over a map that stays as it is until they are published. */
export class StagedMeta implements MetaView {
  readonly #map: MetaMap;
  readonly #changes = new Map<number, number>();
  #full = 0;
  #tombstones = 0;

  constructor(map: MetaMap) {
    this.#map = map;
  }

  get capacity(): number {
    return this.#map.capacity;
  }

  /** Buckets that would be full. */
  get full(): number {
    return this.#map.full + this.#full;
  }

  /** Buckets that would be full or tombstones. */
  get used(): number {
    return this.full + this.#map.tombstones + this.#tombstones;
  }

  at(bucket: number): number {
    if (this.#changes.size === 0) return this.#map.at(bucket);
    return this.#changes.get(bucket) ?? this.#map.at(bucket);
  }

  set(bucket: number, byte: number): void {
    const before = this.at(bucket);
    this.#full += (byte >>> 7) - (before >>> 7);
    this.#tombstones += (byte === TOMBSTONE ? 1 : 0) - (before === TOMBSTONE ? 1 : 0);
    this.#changes.set(bucket, byte);
  }

  /** The buckets that change. */
  changes(): IterableIterator<[bucket: number, byte: number]> {
    return this.#changes.entries();
  }
}

/** Checks a capacity that a caller or a file gives. */
export function isCapacity(capacity: number): boolean {
  return (
    Number.isInteger(capacity) &&
    capacity >= CAPACITY_MIN &&
    capacity <= CAPACITY_MAX &&
    Number.isInteger(Math.log2(capacity))
  );
}

export const CAPACITY_MIN = 8;
/** 4 TiB of pages. */
export const CAPACITY_MAX: number = 2 ** 30;

/** The byte of a full bucket whose page's hash has these high 32 bits. */
export function fullByte(hashHigh: number): number {
  assert(hashHigh >= 0, "a hash is unsigned");
  return FULL_BIT | (hashHigh >>> 25);
}
