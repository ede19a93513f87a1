/** A round that a node has, put together again from its lanes. */
import { flightBytes } from "../flight.js";
import { DemoMismatchError } from "../mismatch.js";
import type { Certificate } from "./certificate.js";
import type { NodePipeline } from "./node-stores.js";
import { type Round, makeRound } from "./round.js";

/** A round as it was before it was cut into blocks. */
export async function readRound(pipeline: NodePipeline, certificate: Certificate): Promise<Round> {
  const flights = new Uint8Array(certificate.flights * flightBytes);
  let at = 0;
  for (const { airport, number } of certificate.blocks) {
    const block = await pipeline.lanes.get(airport)?.get(number);
    if (block === undefined || at + block.flightBytes.length > flights.length)
      throw new DemoMismatchError(`Block ${number} of ${airport} is missing, which round ${certificate.round} names.`);
    flights.set(block.flightBytes, at);
    at += block.flightBytes.length;
  }
  return makeRound(certificate.round, certificate.firstFlight, flights);
}
