/** The flights of a file as a feed: a lane for each airport that flights leave from. */
import type { FlightChunk } from "../flight-file.js";
import { flightBytes, flightNumberAt } from "../flight.js";
import { readFlightsAhead } from "../flight-source.js";
import { formatCount, formatPlural } from "../../units.js";
import type { DemoFeed, Feed } from "./feed.js";
import { cutRounds } from "./round.js";

/** Rounds of `size` flights. `read` gives the flights from this one on. */
export function feedOfFlights(read: (first: number) => AsyncIterable<FlightChunk>, size: number): Feed {
  return {
    rounds(from, onCounts) {
      const chunks = read(from * size + 1);
      return cutRounds(onCounts === undefined ? chunks : counted(chunks, onCounts), from, size);
    },
    restore({ firstRecord, records }, bodies) {
      const restored = new Uint8Array(records * flightBytes);
      const seen = new Set<number>();
      for (const body of bodies)
        for (let at = 0; at < body.length; at += flightBytes) {
          const place = flightNumberAt(body, at) - firstRecord;
          if (place < 0 || place >= records || seen.has(place) || at + flightBytes > body.length) return undefined;
          seen.add(place);
          restored.set(body.subarray(at, at + flightBytes), place * flightBytes);
        }
      return seen.size === records ? restored : undefined;
    },
  };
}

/** The first `records` flights of a file, none for the genesis alone. */
export function flightFeed(
  path: string,
  { records, roundRecords, settings }: Pick<DemoFeed, "records" | "roundRecords" | "settings">,
): DemoFeed {
  const rounds = formatPlural(Math.ceil(records / roundRecords), "round");
  return {
    ...feedOfFlights((first) => readFlightsAhead({ path, first, last: records }), roundRecords),
    form: "node",
    settings,
    records,
    roundRecords,
    words: ["--data", path, "--records", String(records), "--round", String(roundRecords)],
    noun: "flight",
    title: records === 0 ? "Ethereum's genesis alone" : `${formatCount(records)} flights in ${rounds}`,
    rankingHead: (names) => `Busiest of ${names} airports (departures and arrivals)`,
    facts: {},
    remark: undefined,
  };
}

async function* counted(
  chunks: AsyncIterable<FlightChunk>,
  onCounts: NonNullable<Parameters<Feed["rounds"]>[1]>,
): AsyncGenerator<FlightChunk, void, undefined> {
  for await (const chunk of chunks) {
    onCounts(chunk.airports);
    yield chunk;
  }
}
