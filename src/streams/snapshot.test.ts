import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { StreamBook, StreamState } from "./book.js";
import { SegmentUse } from "./segment-use.js";
import { decodeSnapshot, encodeSnapshot } from "./snapshot.js";

const AS_OF = 2 ** 40;

interface Facts {
  readonly name: string;
  readonly first: number;
  readonly places: readonly number[];
}

const facts: fc.Arbitrary<Facts[]> = fc.uniqueArray(
  fc.record({
    name: fc
      .string({ minLength: 1, maxLength: 40, unit: "grapheme" })
      .filter((name) => new TextEncoder().encode(name).length < 256),
    first: fc.integer({ min: 1, max: 2 ** 40 }),
    places: fc.array(fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: AS_OF })), { maxLength: 20 }),
  }),
  { selector: ({ name }) => name, maxLength: 12 },
);

function bookOf(streams: readonly Facts[]): StreamBook {
  const book = new StreamBook(new SegmentUse([1, 100, 10_000]));
  for (const [index, { name, first, places }] of streams.entries()) {
    const stream = new StreamState(index * 3 + 1, name, new TextEncoder().encode(name));
    book.add(stream);
    book.applyState(stream, index + 1, first, first);
    for (const place of places) book.applyEntry(stream, place);
  }
  return book;
}

function factsOf(book: StreamBook): unknown {
  return [...book.byId.values()].map(({ id, name, statePhysical, index }) => ({
    id,
    name,
    statePhysical,
    first: index.first,
    places: Array.from({ length: index.count }, (_, at) => index.get(index.first + at)),
  }));
}

describe("a snapshot of the book", () => {
  it("comes back as it was", () => {
    fc.assert(
      fc.property(facts, (streams) => {
        const book = bookOf(streams);
        const use = new SegmentUse([1, 100, 10_000]);
        const found = decodeSnapshot(encodeSnapshot(book).slice(), AS_OF, use)!;
        expect(factsOf(found)).toEqual(factsOf(book));
        expect(found.nextId).toBe(book.nextId);
        expect(use.emptyCount).toBe(book.use.emptyCount);
      }),
    );
  });

  it("is nothing when a part is missing, or bytes are behind it", () => {
    fc.assert(
      fc.property(facts, fc.nat(), (streams, cut) => {
        const bytes = encodeSnapshot(bookOf(streams)).slice();
        const use = (): SegmentUse => new SegmentUse([1]);
        expect(decodeSnapshot(bytes.subarray(0, cut % bytes.length), AS_OF, use())).toBeUndefined();
        expect(decodeSnapshot(Uint8Array.of(...bytes, 0), AS_OF, use())).toBeUndefined();
      }),
    );
  });

  it("never throws, whatever the bytes are", () => {
    let decoded = 0;
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        if (decodeSnapshot(bytes, AS_OF, new SegmentUse([1])) !== undefined) decoded += 1;
      }),
    );
    expect(decoded).toBeGreaterThanOrEqual(0);
  });

  it("does not believe places behind the LSN up to which it is true", () => {
    const bytes = encodeSnapshot(bookOf([{ name: "a", first: 1, places: [5, 9] }])).slice();
    expect(decodeSnapshot(bytes, 9, new SegmentUse([1]))).toBeDefined();
    expect(decodeSnapshot(bytes, 8, new SegmentUse([1]))).toBeUndefined();
  });
});
