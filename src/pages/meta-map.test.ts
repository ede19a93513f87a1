import fc from "fast-check";
import { expect, test } from "vitest";
import { EMPTY, MetaMap, StagedMeta, TOMBSTONE } from "./meta-map.js";
import { type PageId, childPageId } from "./page-id.js";
import { PageHash, freeBucket, isFull, stepsTo } from "./probe.js";

const SEED = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

function idOf(number: number): PageId {
  return childPageId(childPageId("", number & 63), number >>> 6);
}

/** Places pages, or lets them go, as commits do, and sweeps after each. */
class Table {
  readonly meta: MetaMap;
  readonly placed = new Map<number, number>();
  readonly #hash = new PageHash(SEED);
  #stepsMax = 0;

  constructor(capacity: number) {
    this.meta = new MetaMap(capacity);
  }

  toggle(number: number): void {
    const at = this.placed.get(number);
    if (at !== undefined) {
      this.placed.delete(number);
      this.meta.set(at, TOMBSTONE);
      this.meta.sweep(at, this.#stepsMax, () => undefined);
      return;
    }
    const hash = this.#hash.of(idOf(number));
    const free = freeBucket(this.meta, hash.low);
    if (free === undefined) {
      if (this.placed.size < this.meta.capacity) throw new Error("there is a free bucket, and it was not found");
      return;
    }
    this.meta.set(free.bucket, hash.byte);
    this.placed.set(number, free.bucket);
    this.#stepsMax = Math.max(this.#stepsMax, free.steps);
  }

  /** What is wrong with it. */
  problems(): string[] {
    const found: string[] = [];
    const bytes = Array.from({ length: this.meta.capacity }, (_, bucket) => this.meta.at(bucket));
    if (bytes.filter(isFull).length !== this.meta.full || this.meta.full !== this.placed.size) found.push("full count");
    if (bytes.filter((byte) => byte === TOMBSTONE).length !== this.meta.tombstones) found.push("tombstone count");
    for (const [number, bucket] of this.placed) {
      const hash = this.#hash.of(idOf(number));
      if (this.meta.at(bucket) !== hash.byte) found.push(`byte of ${number}`);
      if (stepsTo(this.meta, hash.low, bucket) === undefined) found.push(`way of ${number}`);
      const way = hash.way(this.meta.capacity);
      // What a lookup does: from one bucket with the tag to the next, until it is the right one.
      let isThere = way.seek(this.meta, hash.byte);
      while (isThere && way.bucket !== bucket) isThere = way.next() && way.seek(this.meta, hash.byte);
      if (!isThere) found.push(`lookup of ${number}`);
    }
    return found;
  }
}

test("every page is found on its way, whatever came, went and was swept before; a bucket is free as long as not all are full", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(8, 16, 64),
      fc.array(fc.nat(95), { minLength: 1, maxLength: 300 }),
      (capacity, numbers) => {
        const table = new Table(capacity);
        for (const [at, number] of numbers.entries()) {
          table.toggle(number);
          if (at % 16 === 0) expect(table.problems()).toEqual([]);
        }
        expect(table.problems()).toEqual([]);
      },
    ),
  );
});

test("a table whose pages all go is empty again, without a tombstone", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(200), { maxLength: 40 }), fc.infiniteStream(fc.nat()), (numbers, order) => {
      const table = new Table(64);
      for (const number of numbers) table.toggle(number);
      while (table.placed.size > 0) {
        const left = [...table.placed.keys()];
        table.toggle(left[order.next().value! % left.length]!);
      }
      const left = Array.from({ length: 64 }, (_, bucket) => table.meta.at(bucket));
      expect(left.filter((byte) => byte !== EMPTY)).toEqual([]);
    }),
  );
});

test("a page of an empty bucket's way that went further keeps the bucket from being emptied", () => {
  const meta = new MetaMap(8);
  // A page began at 2, and went by one step to 3, by two to 5; now 2 and 3 have lost theirs.
  for (const bucket of [2, 3, 5]) meta.set(bucket, 0x80);
  meta.set(3, TOMBSTONE);
  // The next bucket of this way, 4, is empty; but the page went from 3 to 5.
  meta.sweep(3, 2, () => undefined);
  expect(meta.at(3)).toBe(TOMBSTONE);
  meta.set(5, TOMBSTONE);
  meta.sweep(5, 2, () => undefined);
  expect([2, 3, 4, 5].map((bucket) => meta.at(bucket))).toEqual([0x80, EMPTY, EMPTY, EMPTY]);
});

test("a staged commit sees its own changes, and the map does not", () => {
  const meta = new MetaMap(8);
  meta.set(1, 0x81);
  meta.set(2, TOMBSTONE);
  const staged = new StagedMeta(meta);
  staged.set(1, TOMBSTONE);
  staged.set(3, 0x83);
  staged.set(2, 0x82);
  expect([staged.at(1), staged.at(2), staged.at(3), staged.full, staged.used]).toEqual([TOMBSTONE, 0x82, 0x83, 2, 3]);
  expect([meta.at(1), meta.at(2), meta.at(3), meta.full, meta.tombstones]).toEqual([0x81, TOMBSTONE, EMPTY, 1, 1]);
});

test("a byte that means nothing is told when it is read", () => {
  const meta = new MetaMap(8);
  expect(meta.load(0, Uint8Array.of(0, 0x7f, 0x80, 0xff))).toBe(-1);
  expect(meta.load(4, Uint8Array.of(0, 0x7e))).toBe(5);
});
