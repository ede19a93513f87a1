import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Flight, decodeFlight, encodeFlight, flightBytes } from "./flight.js";

const airport = fc.string({ minLength: 1, maxLength: 4, unit: fc.constantFrom("A", "B", "X", "Z", "0", "9") });
const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const flight: fc.Arbitrary<Flight> = fc.record({
  number: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  departureMicros: fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER }),
  delayMinutes: int32,
  distanceMiles: int32,
  origin: airport,
  destination: airport,
});

const sample: Flight = {
  number: 1,
  departureMicros: 978_307_260_000_000,
  delayMinutes: -13,
  distanceMiles: 2_345,
  origin: "ANC",
  destination: "LAX",
};

describe("a flight as a record", () => {
  it("comes back as it was", () => {
    fc.assert(
      fc.property(flight, fc.nat(64), (original, offset) => {
        const target = new Uint8Array(offset + flightBytes + 8).fill(0xee);
        encodeFlight(original, target, offset);
        expect(decodeFlight(target.subarray(offset, offset + flightBytes))).toEqual(original);
        // Bytes beside the record stay as they were.
        expect(target.subarray(0, offset).every((byte) => byte === 0xee)).toBe(true);
        expect(target.subarray(offset + flightBytes).every((byte) => byte === 0xee)).toBe(true);
      }),
    );
  });

  it("has the documented layout", () => {
    const target = new Uint8Array(flightBytes);
    encodeFlight(sample, target, 0);
    const view = new DataView(target.buffer);
    expect(view.getBigUint64(0, true)).toBe(1n);
    expect(view.getBigInt64(8, true)).toBe(978_307_260_000_000n);
    expect(view.getInt32(16, true)).toBe(-13);
    expect(view.getInt32(20, true)).toBe(2_345);
    expect(new TextDecoder().decode(target.subarray(24))).toBe("ANC\0LAX\0");
  });

  it.each([
    ["a number of 0", { number: 0 }],
    ["a time that is no number", { departureMicros: Number.NaN }],
    ["half a minute", { delayMinutes: 0.5 }],
    ["a distance over 32 bits", { distanceMiles: 2 ** 31 }],
    ["no airport", { origin: "" }],
    ["a long airport", { destination: "ABCDE" }],
    ["an airport outside ASCII", { origin: "ÄBC" }],
  ])("refuses %s", (_what, change) => {
    expect(() => {
      encodeFlight({ ...sample, ...change }, new Uint8Array(flightBytes), 0);
    }).toThrowError(expect.objectContaining({ code: "HF_FORMAT_UNKNOWN" }));
  });

  it("refuses a payload of another length", () => {
    expect(() => decodeFlight(new Uint8Array(31))).toThrowError(expect.objectContaining({ code: "HF_FORMAT_UNKNOWN" }));
  });
});
