import fc from "fast-check";
import { snappyCompress, snappyUncompressor } from "hysnappy";
import { describe, expect, it } from "vitest";
import { chunk, concat, dataChunk, frame } from "./era1.contract.js";
import { FrameError, unframe } from "./snappy-frames.js";

const uncompress = snappyUncompressor();
const identifier = chunk(0xff, new TextEncoder().encode("sNaPpY"));
const bytesMax = 1024 * 1024;

describe("framed snappy", () => {
  it("gives back what was framed, whatever the size of its chunks", () => {
    const data = fc.uint8Array({ maxLength: 3000 });
    fc.assert(
      fc.property(data, fc.integer({ min: 1, max: 1000 }), (data, chunkBytes) => {
        expect(unframe(frame(data, chunkBytes), bytesMax, uncompress)).toEqual(data);
      }),
    );
  });

  it("takes chunks that are not compressed, passes over padding, and takes the identifier again", () => {
    const data = new Uint8Array([1, 2, 3]);
    const framed = [identifier, dataChunk(1, data, data), chunk(0xfe, data), identifier, dataChunk(1, data, data)];
    expect(unframe(concat(framed), bytesMax, uncompress)).toEqual(new Uint8Array([1, 2, 3, 1, 2, 3]));
  });

  it("knows a checksum as other writers make it", () => {
    // The receipts of a block without transactions.
    const framed = new Uint8Array(Buffer.from("ff060000734e6150705901050000b80eae8dc0", "hex"));
    expect(unframe(framed, bytesMax, uncompress)).toEqual(new Uint8Array([0xc0]));
  });

  const one = new Uint8Array([7]);
  const refused: readonly (readonly [string, readonly Uint8Array[]])[] = [
    ["nothing at all", []],
    ["no identifier", [dataChunk(1, one, one)]],
    ["another identifier", [chunk(0xff, new TextEncoder().encode("sNaPpy"))]],
    ["a chunk that may not be skipped", [identifier, chunk(0x02, one)]],
    ["a chunk without a checksum", [identifier, chunk(0x00, one)]],
    ["a checksum of other bytes", [identifier, dataChunk(1, one, new Uint8Array([8]))]],
    ["a checksum of other compressed bytes", [identifier, dataChunk(0, one, snappyCompress(new Uint8Array([8])))]],
    ["a chunk that is cut short", [identifier, dataChunk(1, one, one).subarray(0, -1)]],
    ["half a chunk header", [identifier, new Uint8Array([1, 0])]],
    ["a block without a length", [identifier, dataChunk(0, one, new Uint8Array([0x80]))]],
    ["a block of 4 GB", [identifier, dataChunk(0, one, new Uint8Array([0xff, 0xff, 0xff, 0xff, 0x0f, 0, 7]))]],
    ["a block that is shorter than it says", [identifier, dataChunk(0, one, new Uint8Array([2, 0, 7]))]],
    ["a chunk of more than 65,536 bytes", [identifier, dataChunk(1, new Uint8Array(65_537), new Uint8Array(65_537))]],
  ];
  it.each(refused)("refuses %s", (_name, parts) => {
    expect(() => unframe(concat(parts), bytesMax, uncompress)).toThrow(FrameError);
  });

  it("refuses more bytes than the caller takes, before it uncompresses them", () => {
    const framed = frame(new Uint8Array(100_000));
    expect(unframe(framed, 100_000, uncompress)).toHaveLength(100_000);
    const never = (): Uint8Array => {
      throw new Error("nothing was to be uncompressed");
    };
    expect(() => unframe(frame(new Uint8Array(1000)), 999, never)).toThrow("more bytes");
  });

  it("ends with an answer on a literal whose length leads backwards", () => {
    // snappyjs reads this length as −5, goes back to where it was, and never comes out.
    const block = new Uint8Array([8, 0xfc, 0xfa, 0xff, 0xff, 0xff, 0, 0, 0]);
    expect(() => unframe(concat([identifier, dataChunk(0, one, block)]), bytesMax, uncompress)).toThrow(FrameError);
  });

  it("answers any bytes with what they hold or with a frame error", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, isBlock) => {
        const part = isBlock ? dataChunk(0, bytes, bytes) : bytes;
        try {
          unframe(concat([identifier, part]), bytesMax, uncompress);
        } catch (error) {
          expect(error).toBeInstanceOf(FrameError);
        }
      }),
    );
  });
});
