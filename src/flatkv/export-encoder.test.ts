import { describe, expect, it } from "vitest";
import { InvalidArgumentError, LimitError } from "../base/index.js";
import { ExportEncoder } from "./export-encoder.js";
import { type ExportHeader, LT_HASH_BYTES } from "./export-format.js";
import { anyLtHash, concat, encodeExample, headerOf, scanChunks, smallExample, text } from "./export.contract.js";

function startedEncoder(databases: readonly string[] = ["a"]): { encoder: ExportEncoder; pieces: Uint8Array[] } {
  const encoder = new ExportEncoder(headerOf(databases));
  return { encoder, pieces: [encoder.start()] };
}

describe("an encoder of exports", () => {
  it("makes the same bytes of the same rows", () => {
    expect(concat(smallExample())).toEqual(concat(smallExample()));
    expect(concat(smallExample())).not.toEqual(concat(smallExample(2)));
  });

  it("takes rows as a store has them, with bytes before the key and behind the value", () => {
    const { encoder, pieces } = startedEncoder();
    for (const name of ["a", "b", "c"]) {
      const frame = encoder.add(text(`>${name}`), text(`of ${name}CRC!`), 1, 4);
      if (frame !== undefined) pieces.push(frame);
    }
    pieces.push(encoder.endDatabase(anyLtHash(1)), encoder.finish());
    const rows = ["a", "b", "c"].map((name) => [text(name), text(`of ${name}`)] as const);
    expect(concat(pieces)).toEqual(concat(encodeExample([{ name: "a", rows, ltHash: anyLtHash(1) }])));
  });

  it("starts a frame when the next row would not fit, and counts what it was given", () => {
    const { encoder, pieces } = startedEncoder(["a", "b"]);
    const value = new Uint8Array(1000).fill(1);
    for (let index = 0; index < 200; index++) {
      const frame = encoder.add(Uint8Array.of(index), value);
      if (frame === undefined) continue;
      expect(frame.length).toBeGreaterThan(63 * 1024);
      expect(frame.length).toBeLessThanOrEqual(64 * 1024 + 24);
      pieces.push(frame);
    }
    expect(pieces.length).toBe(4);
    expect(encoder.frames).toBe(4);
    expect(encoder.totals).toEqual({ rows: 200, keyBytes: 200, valueBytes: 200_000 });
    pieces.push(encoder.endDatabase(anyLtHash(1)));
    expect(encoder.frames).toBe(6);
    encoder.add(Uint8Array.of(0), value);
    pieces.push(encoder.endDatabase(anyLtHash(2)), encoder.finish());
    expect(encoder.totals).toEqual({ rows: 201, keyBytes: 201, valueBytes: 201_000 });
    expect(scanChunks(pieces).failure).toBeUndefined();
  });

  it("keeps nothing of what it was given, nor of what it returned", () => {
    const key = new Uint8Array(10);
    const value = new Uint8Array(30_000);
    const { encoder, pieces } = startedEncoder();
    for (let index = 0; index < 10; index++) {
      key[3] = index;
      value.fill(index);
      const frame = encoder.add(key, value);
      key.fill(0xff, 3);
      key.fill(0, 4);
      if (frame === undefined) continue;
      pieces.push(frame.slice());
      frame.fill(0xff);
    }
    const ltHash = anyLtHash(1);
    pieces.push(encoder.endDatabase(ltHash));
    ltHash.fill(0);
    pieces.push(encoder.finish());
    expect(scanChunks(pieces).failure).toBeUndefined();
  });

  it("refuses a row that has no place, and goes on as if it had not been given", () => {
    const { encoder, pieces } = startedEncoder();
    const good = [text("b"), text("c")];
    for (const key of good) {
      encoder.add(key, text("value"));
      for (const [wrongKey, wrongValue] of [
        [text("a"), text("value")],
        [key, text("value")],
        [text("d"), text("")],
        [text(""), text("value")],
      ] as const)
        expect(() => encoder.add(wrongKey, wrongValue)).toThrow(InvalidArgumentError);
      expect(() => encoder.add(text("d"), text("value"), 1)).toThrow(InvalidArgumentError);
      expect(() => encoder.add(text("d"), text("value"), 0, 0)).toThrow(InvalidArgumentError);
    }
    pieces.push(encoder.endDatabase(anyLtHash(1)), encoder.finish());
    const rows = good.map((key) => [key, text("value")] as const);
    expect(concat(pieces)).toEqual(concat(encodeExample([{ name: "a", rows, ltHash: anyLtHash(1) }])));
  });

  it("refuses a row that no frame can hold", () => {
    const { encoder, pieces } = startedEncoder();
    // Its memory is never touched, so this costs none.
    expect(() => encoder.add(text("a"), new Uint8Array(2 ** 30))).toThrow(LimitError);
    pieces.push(encoder.endDatabase(new Uint8Array(LT_HASH_BYTES)), encoder.finish());
    expect(scanChunks(pieces).failure).toBeUndefined();
  });

  it("refuses a header that the format has no place for", () => {
    const sound = headerOf(["a"]);
    const many = Array.from({ length: 257 }, (_, index) => String(index));
    const wrong: Partial<ExportHeader>[] = [
      { exportId: new Uint8Array(15) },
      { storeId: new Uint8Array(17) },
      { version: -1 },
      { version: 1.5 },
      { timeline: 2 ** 53 },
      { databases: ["a", "a"] },
      { databases: [""] },
      { databases: ["x".repeat(256)] },
      { databases: ["\ud800"] },
      { databases: many },
    ];
    for (const change of wrong)
      expect(() => new ExportEncoder({ ...sound, ...change }).start()).toThrow(InvalidArgumentError);
    for (const databases of [["x".repeat(255)], ["ü", "\ufeff"], many.slice(1)]) {
      const header = { ...sound, databases, version: Number.MAX_SAFE_INTEGER };
      const { events } = scanChunks([new ExportEncoder(header).start()]);
      expect(events).toEqual([{ kind: "header", header }]);
    }
  });
});
