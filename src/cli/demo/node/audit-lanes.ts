/** The part of the audit that looks at the lanes: every block by its hash, and the flights in those of the kept rounds by their bytes. */
import { equalBytes } from "../../../base/index.js";
import { flightBytes, flightNumberAt } from "../flight.js";
import type { Block } from "./block.js";
import type { Certificate } from "./certificate.js";
import { demand, isHash } from "./demand.js";
import type { Expectation } from "./expectation.js";
import type { NodePipeline } from "./node-stores.js";

/** Lanes that are read beside each other: their blocks lie all over the log, and reading them is mostly waiting. */
const lanesAtATime = 6;

/** What was found in the lanes. */
export interface LanesFound {
  /** Blocks that were read. */
  readonly read: number;
  /** The flights of those that certificates name, by airport and number. */
  readonly certified: ReadonlyMap<string, ReadonlyMap<number, Uint8Array>>;
}

/** Every lane ends where it should, its blocks are linked, and those that certificates name are there. */
export async function checkLanes(
  { lanes }: NodePipeline,
  certificates: readonly Certificate[],
  { heads }: Expectation,
): Promise<LanesFound> {
  const named = new Map<string, Map<number, Uint8Array>>();
  for (const { blocks } of certificates) {
    for (const { airport, number, hash } of blocks) {
      const numbers = named.get(airport) ?? new Map<number, Uint8Array>();
      named.set(airport, numbers.set(number, hash));
    }
  }
  for (const airport of heads.keys()) demand("lanes", lanes.get(airport) !== undefined, `there is no lane ${airport}`);
  const certified = new Map<string, Map<number, Uint8Array>>();
  let read = 0;
  const checkLane = async (airport: string): Promise<void> => {
    const lane = await lanes.lane(airport);
    const { next, hash } = heads.get(airport) ?? { next: 0, hash: undefined };
    demand("lanes", lane.nextIndex === next, `lane ${airport} ends before block ${lane.nextIndex}, not ${next}`);
    const left = named.get(airport) ?? new Map<number, Uint8Array>();
    const flights = new Map<number, Uint8Array>();
    certified.set(airport, flights);
    let before: Block | undefined;
    for await (const { index, value } of lane.read()) {
      checkBlock(value, airport, index, before);
      const wanted = left.get(index);
      demand(
        "lanes",
        wanted === undefined || equalBytes(wanted, value.hash),
        `block ${index} of ${airport} was changed`,
      );
      if (left.delete(index)) flights.set(index, value.flightBytes);
      before = value;
      read += 1;
    }
    demand("lanes", left.size === 0, `${left.size} blocks of ${airport} are missing that certificates name`);
    demand(
      "lanes",
      next === 0 || isHash(before?.hash, hash),
      `the newest block of ${airport} is not the one that the file gives`,
    );
  };
  const airports = lanes.keys().values();
  const reader = async (): Promise<void> => {
    for (const airport of airports) await checkLane(airport);
  };
  await Promise.all(Array.from({ length: lanesAtATime }, reader));
  return { read, certified };
}

/** The flights of every kept round, put back into the order of the file, are the bytes of the file. Returns how many there are. */
export function checkFlights(
  certificates: readonly Certificate[],
  certified: LanesFound["certified"],
  expectation: Expectation,
): number {
  let compared = 0;
  for (const { round, firstFlight, flights, blocks } of certificates) {
    const expected = expectation.flightsOf(round);
    const found = new Uint8Array(flights * flightBytes);
    const seen = new Set<number>();
    for (const { airport, number } of blocks) {
      const bytes = certified.get(airport)?.get(number) ?? new Uint8Array();
      for (let at = 0; at < bytes.length; at += flightBytes) {
        const place = flightNumberAt(bytes, at) - firstFlight;
        const isNew = place >= 0 && place < flights && !seen.has(place);
        demand("lanes", isNew, `flight ${place + firstFlight} stands in round ${round}, or twice in it`);
        seen.add(place);
        found.set(bytes.subarray(at, at + flightBytes), place * flightBytes);
      }
    }
    demand("lanes", seen.size === flights, `round ${round} has ${seen.size} of its ${flights} flights`);
    demand(
      "lanes",
      expected !== undefined && equalBytes(found, expected),
      `the flights of round ${round} are not those of the file`,
    );
    compared += flights;
  }
  return compared;
}

function checkBlock(block: Block, airport: string, index: number, before: Block | undefined): void {
  demand("lanes", block.airport === airport && block.number === index, `lane ${airport} has another block at ${index}`);
  demand(
    "lanes",
    before === undefined || equalBytes(block.previous, before.hash),
    `block ${index} of ${airport} has another before it`,
  );
  demand(
    "lanes",
    before === undefined || block.round > before.round,
    `block ${index} of ${airport} is of an earlier round`,
  );
}
