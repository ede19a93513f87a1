import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { equalCounts } from "../counts.js";
import { decodeFlight, flightBytes } from "../flight.js";
import { chunksOf, flightsOf } from "../flights.contract.js";
import type { Round } from "./feed.js";
import { cutRounds, makeRound } from "./round.js";

async function rounds(
  firstIndex: number,
  size: number,
  last: number,
  chunk: number,
): Promise<Omit<Round, "changes">[]> {
  const all: Omit<Round, "changes">[] = [];
  const chunks = chunksOf(firstIndex * size + 1, last, chunk);
  for await (const { changes: _, ...round } of cutRounds(chunks, firstIndex, size)) all.push(round);
  return all;
}

describe("rounds", () => {
  it("are the same however the flights come in chunks, and from whichever round they are made", async () => {
    const numbers = fc.integer({ min: 1, max: 90 });
    await fc.assert(
      fc.asyncProperty(
        numbers,
        numbers,
        fc.integer({ min: 0, max: 250 }),
        fc.nat(),
        async (size, chunk, last, from) => {
          const whole = await rounds(0, size, last, last + 1);
          const firstIndex = from % (whole.length + 1);
          expect(await rounds(firstIndex, size, last, chunk)).toEqual(whole.slice(firstIndex));
        },
      ),
      { numRuns: 60 },
    );
  });

  it("hold every flight once, in the lane that it leaves from, in order", () => {
    const { bytes, airports } = flightsOf(101, 250);
    const round = makeRound(4, 101, bytes);
    expect(round.lanes.map(({ lane }) => lane)).toEqual(["ANC", "ATL", "DFW", "LAX", "ORD"]);
    const numbers: number[] = [];
    for (const { lane, records, body: flights } of round.lanes) {
      let before = 0;
      expect(flights).toHaveLength(records * flightBytes);
      for (let at = 0; at < flights.length; at += flightBytes) {
        const flight = decodeFlight(flights.subarray(at, at + flightBytes));
        expect(flight.origin).toBe(lane);
        expect(flight.number).toBeGreaterThan(before);
        before = flight.number;
        numbers.push(flight.number);
      }
    }
    expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: 150 }, (_, at) => 101 + at));
    expect(equalCounts(new Map(round.counts), airports)).toBe(true);
  });
});
