import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Counts, addCounts, countFlight, equalCounts, rank } from "./counts.js";

const code = fc.constantFrom("ATL", "ORD", "LAX", "DFW");

describe("flights per airport", () => {
  it("adds up to twice the flights, however the flights are cut into parts", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(code, code)), fc.nat(), (flights, cut) => {
        const whole: Counts = new Map();
        for (const [origin, destination] of flights) countFlight(whole, origin, destination);
        const at = cut % (flights.length + 1);
        const merged: Counts = new Map();
        for (const part of [flights.slice(0, at), flights.slice(at)]) {
          const counts: Counts = new Map();
          for (const [origin, destination] of part) countFlight(counts, origin, destination);
          addCounts(merged, counts);
        }
        expect(equalCounts(whole, merged)).toBe(true);
        expect([...whole.values()].reduce((sum, each) => sum + each, 0)).toBe(2 * flights.length);
      }),
    );
  });

  it("tells different counts apart", () => {
    expect(equalCounts(new Map([["ATL", 1]]), new Map([["ATL", 2]]))).toBe(false);
    expect(equalCounts(new Map([["ATL", 1]]), new Map([["ORD", 1]]))).toBe(false);
    expect(equalCounts(new Map([["ATL", 1]]), new Map())).toBe(false);
  });

  it("ranks the busiest first and equal ones by code", () => {
    const counts = new Map([
      ["ORD", 5],
      ["ATL", 5],
      ["LAX", 9],
      ["DFW", 1],
    ]);
    expect(rank(counts, 3)).toEqual([
      { name: "LAX", count: 9 },
      { name: "ATL", count: 5 },
      { name: "ORD", count: 5 },
    ]);
  });
});
