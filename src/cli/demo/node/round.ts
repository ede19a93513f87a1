/** Rounds of flights: those of the file in order, cut into pieces of one size, each sorted by where its flights leave from. */
import { readU32 } from "../../../base/index.js";
import { codeAt, destinationOffset, flightBytes, originOffset } from "../flight.js";
import type { FlightChunk } from "../flight-file.js";
import { flightChangeSets } from "../state/flight-changes.js";
import type { LaneRecords, Round } from "./feed.js";

/** Cuts flights into rounds of `size`, the last one of what is left. `chunks` start with the first flight of round `firstIndex`. */
export async function* cutRounds(
  chunks: AsyncIterable<FlightChunk>,
  firstIndex: number,
  size: number,
): AsyncGenerator<Round, void, undefined> {
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
      yield makeRound(index, index * size + 1, flights);
      index += 1;
      flights = new Uint8Array(size * flightBytes);
      used = 0;
    }
  }
  if (used > 0) yield makeRound(index, index * size + 1, flights.subarray(0, used));
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
  const lanes = [...departures.values()]
    .map((places) => gather(flights, places))
    .sort((a, b) => compareText(a.lane, b.lane));
  const counts = [...touched].map(([code, count]) => [codeText(code), count] as const);
  return {
    index,
    firstRecord: firstFlight,
    records: flights.length / flightBytes,
    lanes,
    counts: counts.sort(([a], [b]) => compareText(a, b)),
    source: flights,
    changes: (rows) => flightChangeSets(lanes, rows),
  };
}

function gather(flights: Uint8Array, places: readonly number[]): LaneRecords {
  const body = new Uint8Array(places.length * flightBytes);
  for (const [index, at] of places.entries()) body.set(flights.subarray(at, at + flightBytes), index * flightBytes);
  return { lane: codeAt(body, originOffset), records: places.length, body };
}

function codeText(code: number): string {
  return codeAt(new Uint8Array([code, code >>> 8, code >>> 16, code >>> 24]), 0);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
