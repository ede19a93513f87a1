/**
 * Where a node goes on: the ends of its lanes and its chain, and the state that its event log adds up to.
 *
 * The events of a round and what it does to the state stand behind the round itself in the log. So a crash may leave a round without them, never them
 * without their round; what is missing is made again from the certificate and the blocks.
 */
import { toHex } from "../../../base/index.js";
import { HandlerError, type Hydrated } from "../../../events/index.js";
import { noHash } from "./hash.js";
import { type LaneHead, Ledger } from "./ledger.js";
import { DemoMismatchError } from "../mismatch.js";
import { type NodeState, applyEvent, emptyState, eventsOfRound } from "./node-events.js";
import type { NodeSettings } from "./node-settings.js";
import type { NodeEventLog, NodePipeline, NodeStores } from "./node-stores.js";
import { type StateCaughtUp, recoverState } from "./state-recovery.js";
import { readRound } from "./stored-round.js";
import { Window } from "./window.js";

/** What was found. */
export interface RecoveredNode {
  readonly state: NodeState;
  readonly ledger: Ledger;
  readonly window: Window;
  /** Events that were applied to the state of the newest checkpoint. */
  readonly replayed: number;
  /** Whether there was such a checkpoint. */
  readonly hasCheckpoint: boolean;
  /** Rounds whose events were made again. */
  readonly caughtUp: number;
  /** Rounds that were applied to the state again. */
  readonly stateCaughtUp: StateCaughtUp;
}

/** The state that the newest checkpoint and the events behind it add up to. */
export function hydrateState(events: NodeEventLog): Promise<Hydrated<NodeState>> {
  return orMismatch(events.hydrate({ initial: emptyState(), apply: applyEvent }));
}

/** What a reading of events comes to; where its handler found something wrong, that error itself. */
export async function orMismatch<R>(reading: Promise<R>): Promise<R> {
  try {
    return await reading;
  } catch (error) {
    throw error instanceof HandlerError && error.cause instanceof DemoMismatchError ? error.cause : error;
  }
}

/** Finds where the node stands, and writes the events and commits the version of the state that a crash took. */
export async function recoverNode(
  { events, pipeline, flatkv, trie }: Pick<NodeStores, "events" | "pipeline" | "flatkv" | "trie">,
  settings: NodeSettings,
): Promise<RecoveredNode> {
  const [failure] = pipeline.failures;
  if (failure !== undefined) throw failure.error;
  const hydrated = await hydrateState(events);
  let { state } = hydrated;
  const certificates = await pipeline.chain.log.readAll();
  const { nextIndex } = pipeline.chain;
  const caughtUp = nextIndex - state.rounds;
  if (caughtUp < 0 || caughtUp > certificates.length)
    throw new DemoMismatchError(`The event log has ${state.rounds} rounds, and the chain has ${nextIndex}.`);
  for (const certificate of certificates.slice(certificates.length - caughtUp)) {
    const inputs = eventsOfRound(await readRound(pipeline, certificate), certificate);
    await events.appendAll(inputs);
    for (const input of inputs) state = applyEvent(state, input);
  }
  const tip = { next: nextIndex, hash: certificates.at(-1)?.hash ?? noHash };
  if (nextIndex > 0 && state.certificate !== toHex(tip.hash))
    throw new DemoMismatchError(`The event log has another certificate for round ${nextIndex - 1} than the chain.`);
  const stateCaughtUp = await recoverState({ flatkv, trie, pipeline }, certificates.at(-1), settings);
  const heads = await readHeads(pipeline);
  return {
    state,
    ledger: new Ledger(heads, tip),
    window: new Window(settings, certificates, heads),
    replayed: hydrated.events,
    hasCheckpoint: hydrated.checkpointLsn !== undefined,
    caughtUp,
    stateCaughtUp,
  };
}

/** Where each lane ends that has a block. */
async function readHeads(pipeline: NodePipeline): Promise<Map<string, LaneHead>> {
  const { lanes } = pipeline;
  const found = await Promise.all(
    lanes.keys().map(async (airport): Promise<[string, LaneHead] | undefined> => {
      const lane = await lanes.lane(airport);
      // The lane was made, and the crash came before its first block.
      if (lane.nextIndex === 0) return undefined;
      const newest = await lane.get(lane.nextIndex - 1);
      if (newest === undefined) throw new DemoMismatchError(`Lane ${airport} does not hold its newest block.`);
      return [airport, { next: lane.nextIndex, hash: newest.hash }];
    }),
  );
  return new Map(found.filter((head) => head !== undefined));
}
