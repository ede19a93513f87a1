import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SPACING_BYTES, SparseIndex } from "./sparse-index.js";

describe("a sparse index", () => {
  it("finds the nearest known place at or before an LSN, whatever order the places were noted in", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 2000 }), { maxLength: 300 }), (order) => {
        // Group n starts at LSN 10 n and takes 7,000 bytes.
        const index = new SparseIndex(0, 512);
        for (const group of order) index.note(group * 10, 512 + group * 7000);
        for (let at = 1; at < index.length; at++) {
          expect(index.at(at).offset - index.at(at - 1).offset).toBeGreaterThanOrEqual(SPACING_BYTES);
          expect(index.at(at).lsn).toBeGreaterThan(index.at(at - 1).lsn);
          expect(index.at(at).offset).toBe(512 + (index.at(at).lsn / 10) * 7000);
        }
        for (const lsn of [0, 5, 10, 999, 10_000, 20_001]) {
          const found = index.find(lsn);
          expect(index.at(found).lsn).toBeLessThanOrEqual(lsn);
          if (found + 1 < index.length) expect(index.at(found + 1).lsn).toBeGreaterThan(lsn);
        }
      }),
    );
  });

  it("gives its first place for an LSN below all", () => {
    const index = new SparseIndex(100, 512);
    expect([index.find(3), index.at(index.find(3)), index.length]).toEqual([0, { lsn: 100, offset: 512 }, 1]);
  });
});
