/** Flights for the tests of the demo: made up, in chunks of any size. */
import { type Counts, countFlight } from "./counts.js";
import type { FlightChunk } from "./flight-file.js";
import { encodeFlight, flightBytes } from "./flight.js";

/** Where the made-up flights leave from; the last one seldom. */
const origins = ["ATL", "ORD", "LAX", "DFW", "ANC"] as const;

/** The encoded flights `first` to `last`. */
export function flightsOf(first: number, last: number): { bytes: Uint8Array<ArrayBuffer>; airports: Counts } {
  const bytes = new Uint8Array((last - first + 1) * flightBytes);
  const airports: Counts = new Map();
  for (let number = first; number <= last; number++) {
    const origin = number % 50 === 0 ? "ANC" : origins[(number * 7) % 4]!;
    const destination = `A${number % 7}`;
    const flight = {
      number,
      departureMicros: number * 1000,
      delayMinutes: -3,
      distanceMiles: 100,
      origin,
      destination,
    };
    encodeFlight(flight, bytes, (number - first) * flightBytes);
    countFlight(airports, origin, destination);
  }
  return { bytes, airports };
}

/** The flights `first` to `last` in chunks of `size`. */
export async function* chunksOf(
  first: number,
  last: number,
  size: number,
): AsyncGenerator<FlightChunk, void, undefined> {
  for (let at = first; at <= last; at += size) {
    const end = Math.min(at + size - 1, last);
    await Promise.resolve();
    yield { firstNumber: at, count: end - at + 1, ...flightsOf(at, end) };
  }
}
