import { describe, expect, it } from "vitest";
import { flightsOf } from "../flights.contract.js";
import { Ledger } from "./ledger.js";
import {
  type NodeEventInput,
  type NodeState,
  applyEvent,
  emptyState,
  eventsOfRound,
  stateSnapshot,
} from "./node-events.js";
import { makeRound } from "./round.js";

function eventsOf(rounds: number): NodeEventInput[] {
  const ledger = new Ledger();
  return Array.from({ length: rounds }, (_, index) => {
    const round = makeRound(index, index * 20 + 1, flightsOf(index * 20 + 1, index * 20 + 20).bytes);
    return eventsOfRound(round, ledger.seal(round).certificate);
  }).flat();
}

function fold(events: readonly NodeEventInput[]): NodeState {
  return events.reduce(applyEvent, emptyState());
}

const mismatch = expect.objectContaining({ code: "HF_DEMO_MISMATCH" });

describe("the node's events", () => {
  it("add up to what the flights add up to", () => {
    const state = fold(eventsOf(5));
    expect(state).toMatchObject({ rounds: 5, flights: 100, lanes: 5, recoveries: 0 });
    expect(state.airports).toEqual(flightsOf(1, 100).airports);
  });

  it("open each lane once, before the round in which it gets its first block", () => {
    const opened = eventsOf(5).flatMap(({ type, data }) => (type === "laneOpened" ? [data] : []));
    expect(opened.map(({ airport }) => airport).sort()).toEqual(["ANC", "ATL", "DFW", "LAX", "ORD"]);
    // Every 50th flight leaves from ANC.
    expect(opened.find(({ airport }) => airport === "ANC")?.round).toBe(2);
  });

  it("are refused where one is missing, comes twice or comes early", () => {
    const events = eventsOf(3);
    const second = events.findLastIndex(({ type, data }) => type === "roundCommitted" && data.round === 1);
    expect(() => fold(events.toSpliced(second, 1))).toThrowError(mismatch);
    expect(() => fold(events.toSpliced(second, 0, events[second]!))).toThrowError(mismatch);
    expect(() => fold([events.at(-1)!, ...events])).toThrowError(mismatch);
    const recovered: NodeEventInput = { type: "recovered", data: { rounds: 2, cutBytes: 0 } };
    expect(() => fold([...events, recovered])).toThrowError(mismatch);
  });

  it("come to a state that a checkpoint holds as it is", () => {
    const state = fold(eventsOf(4));
    expect(stateSnapshot.codec.decode(stateSnapshot.codec.encode(state) as Uint8Array)).toEqual(state);
  });
});
