/** What the node writes into its event log, and the state that these events add up to. */
import { toHex } from "../../../base/index.js";
import {
  type EventDefinitions,
  type EventInput,
  type EventType,
  type SnapshotType,
  defineEvents,
  event,
  json,
  snapshot,
} from "../../../events/index.js";
import { type AirportCounts, addCounts } from "../airport-count.js";
import type { Certificate } from "./certificate.js";
import { hashOf } from "./hash.js";
import { DemoMismatchError } from "../mismatch.js";
import type { Round } from "./round.js";

/** A lane got its first block. */
export interface LaneOpened {
  readonly airport: string;
  readonly round: number;
}

/** A round is durable: its blocks and its certificate. */
export interface RoundCommitted {
  readonly round: number;
  readonly firstFlight: number;
  readonly flights: number;
  readonly blocks: number;
  /** Hash of its certificate, in hexadecimal. */
  readonly certificate: string;
  /** Flights per airport, departures and arrivals together. */
  readonly airports: readonly (readonly [airport: string, flights: number])[];
}

/** The node was started after a crash. */
export interface Recovered {
  /** Rounds that it found. */
  readonly rounds: number;
  /** Bytes of a torn tail that it cut. */
  readonly cutBytes: number;
}

/** The types of events, by name. */
export type NodeEventTypes = {
  readonly laneOpened: EventType<LaneOpened>;
  readonly roundCommitted: EventType<RoundCommitted>;
  readonly recovered: EventType<Recovered>;
};

/** The definitions of the events. */
export const nodeEvents: EventDefinitions<NodeEventTypes> = defineEvents({
  laneOpened: event({ id: 1, codec: json<LaneOpened>() }),
  roundCommitted: event({ id: 2, codec: json<RoundCommitted>() }),
  recovered: event({ id: 3, codec: json<Recovered>() }),
});

/** An event to append. */
export type NodeEventInput = EventInput<NodeEventTypes>;

/** What the events add up to. */
export interface NodeState {
  readonly rounds: number;
  readonly flights: number;
  readonly blocks: number;
  readonly lanes: number;
  readonly recoveries: number;
  /** Hash of the newest certificate, in hexadecimal; empty before the first. */
  readonly certificate: string;
  /** Flights per airport, departures and arrivals together. */
  readonly airports: AirportCounts;
}

/** The state before the first event. */
export function emptyState(): NodeState {
  return { rounds: 0, flights: 0, blocks: 0, lanes: 0, recoveries: 0, certificate: "", airports: new Map() };
}

/** The state after an event. Refuses one that can't come next. Adds to the counts in place. */
export function applyEvent(state: NodeState, { type, data }: NodeEventInput): NodeState {
  const { rounds, flights, blocks } = state;
  if (type === "laneOpened") {
    if (data.round !== rounds) throw outOfOrder(`lane ${data.airport} was opened in round ${data.round}`, state);
    return { ...state, lanes: state.lanes + 1 };
  }
  if (type === "recovered") {
    if (data.rounds !== rounds) throw outOfOrder(`${data.rounds} rounds were recovered`, state);
    return { ...state, recoveries: state.recoveries + 1 };
  }
  if (data.round !== rounds || data.firstFlight !== flights + 1)
    throw outOfOrder(`round ${data.round} was committed from flight ${data.firstFlight} on`, state);
  addCounts(state.airports, data.airports);
  const { certificate } = data;
  return { ...state, rounds: rounds + 1, flights: flights + data.flights, blocks: blocks + data.blocks, certificate };
}

/** The events of a round: the lanes that it opens, then that it is there. */
export function eventsOfRound(round: Round, certificate: Certificate): NodeEventInput[] {
  const { blocks } = certificate;
  const opened = blocks.filter(({ number }) => number === 0);
  return [
    ...opened.map(({ airport }) => ({ type: "laneOpened" as const, data: { airport, round: round.index } })),
    {
      type: "roundCommitted",
      data: {
        round: round.index,
        firstFlight: round.firstFlight,
        flights: round.flights,
        blocks: blocks.length,
        certificate: toHex(certificate.hash),
        airports: round.airports,
      },
    },
  ];
}

/** A hash of events with all that they tell, to compare them by. */
export function eventsHash(events: readonly NodeEventInput[]): string {
  const told = events.map(({ type, data }) => [type, data]);
  return toHex(hashOf(new TextEncoder().encode(JSON.stringify(told))));
}

/** How checkpoints hold the state: as JSON, with the counts as pairs. */
export const stateSnapshot: SnapshotType<NodeState> = snapshot({
  codec: {
    encode: ({ airports, ...state }: NodeState) => Buffer.from(JSON.stringify({ ...state, airports: [...airports] })),
    decode: (bytes) => {
      const state = JSON.parse(new TextDecoder().decode(bytes)) as NodeState & { airports: [string, number][] };
      return { ...state, airports: new Map(state.airports) };
    },
  },
});

function outOfOrder(what: string, { rounds, flights }: NodeState): DemoMismatchError {
  return new DemoMismatchError(`The event log says that ${what}, behind ${rounds} rounds of ${flights} flights.`, {
    part: "events",
  });
}
