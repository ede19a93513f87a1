/** The node's process: opens the node and commits round after round until all flights are in. */
import { readFlightsAhead } from "../flight-source.js";
import type { NewestVersion } from "../state/state-audit.js";
import type { FlightsRequest, Written } from "../writer-request.js";
import { demoSettings } from "./node-settings.js";
import { FlightNode, type NodeCounters, type NodeOpening } from "./node.js";
import { cutRounds } from "./round.js";

/** Counters of one process, from its start. */
export interface NodeRunCounters extends NodeCounters {
  /** Time since the first round was taken up. */
  readonly busyMs: number;
  /** The part of it in which the node waited for the flight file. */
  readonly sourceWaitMs: number;
}

/** Every round below `rounds` is durable, with its events: its commit has resolved. */
export interface NodeAcknowledgement extends NewestVersion {
  readonly rounds: number;
  readonly flights: number;
  /** The last LSN of the shared log. */
  readonly lsn: number;
  /** How long the newest round took to commit. */
  readonly commitMs: number;
  readonly counters: NodeRunCounters;
}

/** Resolves when every round is durable. */
export async function writeNode({
  directory,
  data,
  records,
  roundFlights,
  flush,
  signal,
  send,
}: FlightsRequest<NodeOpening, NodeAcknowledgement> & { readonly roundFlights: number }): Promise<Written> {
  const node = await FlightNode.open(directory, { ...demoSettings, log: { ...demoSettings.log, flush } });
  await send({ kind: "opened", done: node.opening.flights, opening: node.opening });

  const { rounds, flights } = node.opening;
  const source = cutRounds(readFlightsAhead({ path: data, first: flights + 1, last: records }), rounds, roundFlights);
  let startMs: number | undefined;
  let sourceWaitMs = 0;
  try {
    for (;;) {
      const waitMs = performance.now();
      const next = await source.next();
      if (next.done === true) break;
      // What the first flights take to come is part of the start.
      if (startMs === undefined) startMs = performance.now();
      else sourceWaitMs += performance.now() - waitMs;
      signal.throwIfAborted();
      const commitFromMs = performance.now();
      await node.commit(next.value);
      const commitMs = performance.now() - commitFromMs;
      const { state, lsn } = node;
      const counters = { ...node.counters, busyMs: performance.now() - startMs, sourceWaitMs };
      const { rounds, flights } = state;
      const acknowledged = { rounds, flights, lsn, commitMs, ...node.newestVersion, counters };
      void send({ kind: "acknowledged", done: flights, acknowledged });
    }
  } finally {
    await source.return();
  }
  return node;
}
