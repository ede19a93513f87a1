import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { crc32c } from "../../checksum/index.js";
import type { RowsHeader, StoredBatch } from "./format.js";
import { SECTOR_BYTES, batchBytes, encodeBatch, encodeHeader } from "./format.js";
import { recoverRows } from "./recovery.js";

const HEADER: RowsHeader = { salt: new Uint8Array(16).fill(7), version: 2 };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A batch that puts `rows`, or deletes where there is no value. */
function batchOf(
  number: number,
  rows: Readonly<Record<string, string | undefined>>,
  { after = number - 1, synced = 0 }: { after?: number; synced?: number } = {},
): StoredBatch {
  const changes = Object.entries(rows).map(([key, value]) => ({
    key: bytes(key),
    value: value === undefined ? undefined : bytes(value),
  }));
  return { number, after, synced, changes };
}

/** A file of these batches; a number stands for so many sectors that a crash left as zeros. */
function fileOf(parts: readonly (StoredBatch | number)[], header = HEADER): Uint8Array {
  const sizes = parts.map((part) => (typeof part === "number" ? part * SECTOR_BYTES : batchBytes(part.changes)));
  const file = new Uint8Array(sizes.reduce((sum, size) => sum + size, SECTOR_BYTES));
  file.set(encodeHeader(header));
  let at = SECTOR_BYTES;
  parts.forEach((part, index) => {
    if (typeof part !== "number") encodeBatch(file, at, header, part);
    at += sizes[index] as number;
  });
  return file;
}

function rowsIn(file: Uint8Array): Record<string, string> | string {
  const found = recoverRows(file, HEADER);
  if ("missing" in found) return `batch ${found.missing} is missing`;
  const range = { gte: undefined, gt: undefined, lte: undefined, lt: undefined, reverse: false, limit: Infinity };
  return Object.fromEntries(
    [...found.rows.rows(range)].map(({ text, value }) => [text, Buffer.from(value).toString()]),
  );
}

describe("what a rows file says", () => {
  it("is all of its batches in the order of their numbers", () => {
    const file = fileOf([batchOf(1, { a: "1", b: "1" }), batchOf(2, { a: undefined, c: "2" }), batchOf(3, { b: "3" })]);
    expect(rowsIn(file)).toEqual({ b: "3", c: "2" });
    expect(recoverRows(file, HEADER)).toMatchObject({ synced: 0, last: 3, end: file.length });
  });

  it("goes over a hole where no batch was durable yet", () => {
    expect(rowsIn(fileOf([batchOf(1, { a: "1" }), 1, batchOf(3, { c: "3" })]))).toEqual({ a: "1", c: "3" });
    expect(rowsIn(fileOf([3, batchOf(4, { d: "4" }), 2]))).toEqual({ d: "4" });
  });

  it("is damage where a batch is missing that a later one proves durable", () => {
    const parts = [batchOf(1, { a: "1" }), batchOf(2, { b: "2" }), batchOf(3, { c: "3" }, { synced: 2 })];
    expect(rowsIn(fileOf(parts))).toEqual({ a: "1", b: "2", c: "3" });
    expect(rowsIn(fileOf([parts[0]!, 1, parts[2]!]))).toBe("batch 2 is missing");
    expect(rowsIn(fileOf([1, parts[1]!, parts[2]!]))).toBe("batch 1 is missing");
    expect(rowsIn(fileOf([parts[0]!, parts[1]!]))).toEqual({ a: "1", b: "2" });
  });

  it("leaves out batches that a later life has repeated: one of them may come back though that life never saw it", () => {
    // Batch 2 was hidden by the page cache when 4 was made of 1 and 3; a power cut brought it back.
    const ghost = batchOf(2, { a: "ghost", g: "ghost" });
    const repeated = batchOf(4, { a: "1", c: "3" }, { after: 0 });
    const file = fileOf([batchOf(1, { a: "1" }), ghost, batchOf(3, { c: "3" }), repeated, batchOf(5, { e: "5" })]);
    expect(rowsIn(file)).toEqual({ a: "1", c: "3", e: "5" });
    expect(rowsIn(fileOf([1, 1, 1, repeated, batchOf(5, { e: "5" }, { synced: 4 })]))).toEqual({
      a: "1",
      c: "3",
      e: "5",
    });
  });

  it("has nothing of another file, whatever the disk shows in the place of a lost write", () => {
    const other = fileOf([batchOf(2, { foreign: "row" })], { ...HEADER, salt: new Uint8Array(16).fill(8) });
    const file = fileOf([batchOf(1, { a: "1" }), 1, batchOf(3, { c: "3" })]);
    file.set(other.subarray(SECTOR_BYTES), 2 * SECTOR_BYTES);
    expect(rowsIn(file)).toEqual({ a: "1", c: "3" });
  });

  it("has no sector of another file's batch in the middle of its own, though the rows in both end with checksums of their own", () => {
    // A commit store on this engine took database a for database b after a power cut: the last sector of a batch, which had not reached the disk, showed
    // that of a removed file. Its row ended with its own CRC-32C, as the lost one had; a CRC-32C around the two is the same.
    const rowOf = (text: string): string => {
      const row = Buffer.concat([bytes("x".repeat(900)), bytes(text), new Uint8Array(4)]);
      row.writeUInt32LE(crc32c(row.subarray(0, -4)), row.length - 4);
      return row.toString("latin1");
    };
    const sealed = (text: string): StoredBatch => ({
      ...batchOf(1, {}),
      changes: [{ key: bytes("k"), value: Buffer.from(rowOf(text), "latin1") }],
    });
    for (const version of [1, 2]) {
      const header = { ...HEADER, version };
      const file = fileOf([sealed("this")], header);
      const other = fileOf([sealed("that")], { ...header, salt: new Uint8Array(16).fill(8) });
      file.set(other.subarray(2 * SECTOR_BYTES), 2 * SECTOR_BYTES);
      const found = recoverRows(file, header);
      // A file of version 1 can't tell. That is why there is version 2.
      expect(found).toMatchObject({ last: version === 1 ? 1 : 0 });
    }
  });

  it("has no part of a batch, wherever one byte of it is wrong, and bad bytes raise nothing", () => {
    const file = fileOf([
      batchOf(1, { a: "1" }),
      batchOf(2, { key: "x".repeat(1000), b: undefined }),
      batchOf(3, { c: "3" }),
    ]);
    fc.assert(
      fc.property(fc.nat(file.length - SECTOR_BYTES - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const damaged = file.slice();
        damaged[SECTOR_BYTES + at]! ^= flip;
        const lost = { a: undefined, key: undefined, c: undefined };
        const all: Record<string, string> = { a: "1", key: "x".repeat(1000), c: "3" };
        const rows = rowsIn(damaged);
        for (const key of Object.keys(lost)) {
          const { [key]: _, ...rest } = all;
          if (JSON.stringify(rows) === JSON.stringify(sortKeys(rest))) return;
        }
        // The padding behind a batch is no part of it.
        expect(rows).toEqual(all);
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3000 }), (noise) => {
        const damaged = file.slice();
        damaged.set(noise.subarray(0, damaged.length - 600), 600);
        recoverRows(damaged, HEADER);
      }),
    );
  });
});

function sortKeys(rows: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(rows).sort(([a], [b]) => (a < b ? -1 : 1)));
}
