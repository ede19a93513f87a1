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
import { type Counts, addCounts } from "../counts.js";
import type { Certificate } from "./certificate.js";
import { hashOf } from "./hash.js";
import { DemoMismatchError } from "../mismatch.js";
import type { Round } from "./feed.js";

/** A lane got its first block. */
export interface LaneOpened {
  readonly lane: string;
  readonly round: number;
}

/** A round is durable: its blocks and its certificate. */
export interface RoundCommitted {
  readonly round: number;
  readonly firstRecord: number;
  readonly records: number;
  readonly blocks: number;
  /** Hash of its certificate, in hexadecimal. */
  readonly certificate: string;
  /** Flights per airport, departures and arrivals together; or blocks per miner. */
  readonly counts: readonly (readonly [lane: string, records: number])[];
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
  readonly records: number;
  readonly blocks: number;
  readonly lanes: number;
  readonly recoveries: number;
  /** Hash of the newest certificate, in hexadecimal; empty before the first. */
  readonly certificate: string;
  /** Flights per airport, departures and arrivals together; or blocks per miner. */
  readonly counts: Counts;
}

/** The state before the first event. */
export function emptyState(): NodeState {
  return { rounds: 0, records: 0, blocks: 0, lanes: 0, recoveries: 0, certificate: "", counts: new Map() };
}

/** The state after an event. Refuses one that can't come next. Adds to the counts in place. */
export function applyEvent(state: NodeState, { type, data }: NodeEventInput): NodeState {
  const { rounds, records, blocks } = state;
  if (type === "laneOpened") {
    if (data.round !== rounds) throw outOfOrder(`lane ${data.lane} was opened in round ${data.round}`, state);
    return { ...state, lanes: state.lanes + 1 };
  }
  if (type === "recovered") {
    if (data.rounds !== rounds) throw outOfOrder(`${data.rounds} rounds were recovered`, state);
    return { ...state, recoveries: state.recoveries + 1 };
  }
  if (data.round !== rounds || data.firstRecord !== records + 1)
    throw outOfOrder(`round ${data.round} was committed from record ${data.firstRecord} on`, state);
  addCounts(state.counts, data.counts);
  const { certificate } = data;
  return { ...state, rounds: rounds + 1, records: records + data.records, blocks: blocks + data.blocks, certificate };
}

/** The events of a round: the lanes that it opens, then that it is there. */
export function eventsOfRound(round: Round, certificate: Certificate): NodeEventInput[] {
  const { blocks } = certificate;
  const opened = blocks.filter(({ number }) => number === 0);
  return [
    ...opened.map(({ lane }) => ({ type: "laneOpened" as const, data: { lane, round: round.index } })),
    {
      type: "roundCommitted",
      data: {
        round: round.index,
        firstRecord: round.firstRecord,
        records: round.records,
        blocks: blocks.length,
        certificate: toHex(certificate.hash),
        counts: round.counts,
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
    encode: ({ counts, ...state }: NodeState) => Buffer.from(JSON.stringify({ ...state, counts: [...counts] })),
    decode: (bytes) => {
      const state = JSON.parse(new TextDecoder().decode(bytes)) as NodeState & { counts: [string, number][] };
      return { ...state, counts: new Map(state.counts) };
    },
  },
});

function outOfOrder(what: string, { rounds, records }: NodeState): DemoMismatchError {
  return new DemoMismatchError(`The event log says that ${what}, behind ${rounds} rounds of ${records} records.`, {
    part: "events",
  });
}
