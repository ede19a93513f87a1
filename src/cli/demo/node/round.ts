/**
 * Rounds: the flights of the file in order, cut into pieces of one size, each sorted by where its flights leave from. What is in a round
 * follows from its number alone, so a round that is made again after a crash is the same.
 */
import { readU32 } from "../../../base/index.js";
import { airportAt, destinationOffset, flightBytes, originOffset } from "../flight.js";
import type { FlightChunk } from "../flight-file.js";

/** The flights of a round that leave from one airport, in order. */
export interface LaneFlights {
  readonly airport: string;
  readonly flights: Uint8Array;
}

/** One round. */
export interface Round {
  /** Counted from 0. */
  readonly index: number;
  /** Number of its first flight. */
  readonly firstFlight: number;
  /** How many flights it has. */
  readonly flights: number;
  /** Sorted by airport. */
  readonly lanes: readonly LaneFlights[];
  /** Flights per airport, departures and arrivals together, sorted by airport. */
  readonly airports: readonly (readonly [airport: string, flights: number])[];
}

/** Cuts flights into rounds of `size`, the last one of what is left. `chunks` start with the first flight of round `firstIndex`. */
export async function* cutRounds(
  chunks: AsyncIterable<FlightChunk>,
  firstIndex: number,
  size: number,
): AsyncGenerator<Round, void, undefined> {
  for await (const { index, firstFlight, bytes } of cutFlights(chunks, firstIndex, size))
    yield makeRound(index, firstFlight, bytes);
}

/** The flights of a round as they stand in the file. */
export interface RoundFlights {
  readonly index: number;
  readonly firstFlight: number;
  /** Encoded flights, one after the other. */
  readonly bytes: Uint8Array;
}

/** The first step of {@link cutRounds}. */
export async function* cutFlights(
  chunks: AsyncIterable<FlightChunk>,
  firstIndex: number,
  size: number,
): AsyncGenerator<RoundFlights, void, undefined> {
  let index = firstIndex;
  let flights = new Uint8Array(size * flightBytes);
  let used = 0;
  for await (const { bytes } of chunks) {
    for (let at = 0; at < bytes.length;) {
      const part = bytes.subarray(at, at + flights.length - used);
      flights.set(part, used);
      used += part.length;
      at += part.length;
      if (used < flights.length) continue;
      yield { index, firstFlight: index * size + 1, bytes: flights };
      index += 1;
      flights = new Uint8Array(size * flightBytes);
      used = 0;
    }
  }
  if (used > 0) yield { index, firstFlight: index * size + 1, bytes: flights.subarray(0, used) };
}

/** A round of encoded flights. */
export function makeRound(index: number, firstFlight: number, flights: Uint8Array): Round {
  const departures = new Map<number, number[]>();
  const touched = new Map<number, number>();
  for (let at = 0; at < flights.length; at += flightBytes) {
    // A code's four bytes as a number: the key that costs least.
    const origin = readU32(flights, at + originOffset);
    const destination = readU32(flights, at + destinationOffset);
    const places = departures.get(origin);
    if (places === undefined) departures.set(origin, [at]);
    else places.push(at);
    touched.set(origin, (touched.get(origin) ?? 0) + 1);
    touched.set(destination, (touched.get(destination) ?? 0) + 1);
  }
  const lanes = [...departures.values()].map((places) => gather(flights, places));
  const airports = [...touched].map(([code, count]) => [codeText(code), count] as const);
  return {
    index,
    firstFlight,
    flights: flights.length / flightBytes,
    lanes: lanes.sort((a, b) => compareText(a.airport, b.airport)),
    airports: airports.sort(([a], [b]) => compareText(a, b)),
  };
}

function gather(flights: Uint8Array, places: readonly number[]): LaneFlights {
  const gathered = new Uint8Array(places.length * flightBytes);
  for (const [index, at] of places.entries()) gathered.set(flights.subarray(at, at + flightBytes), index * flightBytes);
  return { airport: airportAt(gathered, originOffset), flights: gathered };
}

function codeText(code: number): string {
  return airportAt(new Uint8Array([code, code >>> 8, code >>> 16, code >>> 24]), 0);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
