/** What the node must hold after so many rounds, made from the flight file alone. Follows the node from the first round to the last. */
import { type AirportCounts, addCounts } from "../airport-count.js";
import { type FlightChunk } from "../flight-file.js";
import { flightChangeSets } from "../state/flight-changes.js";
import { StateModel } from "../state/state-model.js";
import { Ledger } from "./ledger.js";
import { eventsOfRound, eventsHash } from "./node-events.js";
import type { NodeSettings } from "./node-settings.js";
import { type RoundFlights, cutFlights, makeRound } from "./round.js";
import { type WindowSettings, roundsKeptMax } from "./window.js";

/** See the head of this file. It never goes back, so ask for states in their order. */
export class Expectation {
  readonly #rounds: AsyncGenerator<RoundFlights, void, undefined>;
  readonly #ledger = new Ledger();
  /** Hashes of the certificates, from round 0 on. */
  readonly #certificates: Uint8Array[] = [];
  /** Hashes of the events of each round. */
  readonly #events: string[] = [];
  /** The newest rounds as they stand in the file: as many as a node may still hold. */
  readonly #newest: RoundFlights[] = [];
  readonly #newestMax: number;
  #last: Promise<void> = Promise.resolve();
  /** Flights per airport, departures and arrivals together, as the rounds' records say. */
  readonly airports: AirportCounts = new Map();
  /** The same of the whole file, as its columns say; complete once all rounds were made. */
  readonly airportsOfColumns: AirportCounts = new Map();
  /** The state after so many rounds, and its hashes at every version before. */
  readonly state: StateModel = new StateModel();
  readonly #genesis: NodeSettings["genesis"];
  flights = 0;
  blocks = 0;

  /** `chunks`: the flights from the first one on. */
  constructor(
    chunks: AsyncIterable<FlightChunk>,
    roundFlights: number,
    settings: WindowSettings & Pick<NodeSettings, "genesis">,
  ) {
    this.#genesis = settings.genesis;
    this.#newestMax = roundsKeptMax(settings);
    this.#rounds = cutFlights(this.#countColumns(chunks), 0, roundFlights);
  }

  /** Rounds that were made so far. */
  get rounds(): number {
    return this.#certificates.length;
  }

  /** Where each lane ends now. */
  get heads(): Ledger["heads"] {
    return this.#ledger.heads;
  }

  /** Hash of the certificate of a round that was made. */
  certificate(round: number): Uint8Array | undefined {
    return this.#certificates[round];
  }

  /** Hash of the events of a round that was made. */
  events(round: number): string | undefined {
    return this.#events[round];
  }

  /** The flights of a round as they stand in the file; `undefined` where no node keeps them any more. */
  flightsOf(round: number): Uint8Array | undefined {
    return this.#newest.find(({ index }) => index === round)?.bytes;
  }

  /** Makes rounds until there are `rounds`, or no flights left. */
  advanceTo(rounds: number): Promise<void> {
    this.#last = this.#last.then(() => this.#advance(rounds));
    return this.#last;
  }

  /** Lets go of the flights. */
  async close(): Promise<void> {
    await this.#last.catch(() => undefined);
    await this.#rounds.return();
  }

  async #advance(rounds: number): Promise<void> {
    if (this.state.version === 0) this.state.apply(await this.#genesis());
    while (this.#certificates.length < rounds) {
      const next = await this.#rounds.next();
      if (next.done === true) return;
      const round = makeRound(next.value.index, next.value.firstFlight, next.value.bytes);
      const { certificate, blocks } = this.#ledger.seal(round);
      this.state.apply(await flightChangeSets(round.lanes, this.state.rows));
      this.#certificates.push(certificate.hash);
      this.#events.push(eventsHash(eventsOfRound(round, certificate)));
      this.#newest.push(next.value);
      if (this.#newest.length > this.#newestMax) this.#newest.shift();
      addCounts(this.airports, round.airports);
      this.flights += round.flights;
      this.blocks += blocks.length;
    }
  }

  async *#countColumns(chunks: AsyncIterable<FlightChunk>): AsyncGenerator<FlightChunk, void, undefined> {
    for await (const chunk of chunks) {
      addCounts(this.airportsOfColumns, chunk.airports);
      yield chunk;
    }
  }
}
