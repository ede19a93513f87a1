/** Where a node goes on: the ends of its lanes and its chain. */
import { ConflictError, toHex } from "../../../base/index.js";
import { HandlerError, type Hydrated } from "../../../events/index.js";
import { DemoMismatchError } from "../mismatch.js";
import { noHash } from "./hash.js";
import { type LaneHead, Ledger } from "./ledger.js";
import { type NodeState, applyEvent, emptyState } from "./node-events.js";
import type { FlightStores, NodeEventLog, NodePipeline } from "./node-stores.js";
import { Window, type WindowSettings } from "./window.js";

/** What was found. */
export interface RecoveredNode {
  readonly ledger: Ledger;
  readonly window: Window;
}

/** The state that the newest checkpoint and the events behind it add up to. */
export function hydrateState(events: NodeEventLog): Promise<Hydrated<NodeState>> {
  return orMismatch(events.hydrate({ initial: emptyState(), apply: applyEvent }));
}

/** What a reading of a node comes to; a {@link DemoMismatchError} where its handler found something wrong, or its stores are at different rounds. */
export async function orMismatch<R>(reading: Promise<R>): Promise<R> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof HandlerError && error.cause instanceof DemoMismatchError) throw error.cause;
    throw error instanceof ConflictError && error.code === "HF_VERSIONS_DIFFER"
      ? new DemoMismatchError(error.message, error.details)
      : error;
  }
}

/** The version of the state after so many rounds: the first is that before any round. */
export function versionAfter(rounds: number): number {
  return rounds + 1;
}

/** Finds where the lanes and the chain end. `state` is what the events add up to. */
export async function recoverNode(
  { pipeline }: FlightStores,
  state: NodeState,
  settings: WindowSettings,
): Promise<RecoveredNode> {
  const certificates = await pipeline.chain.log.readAll();
  const { nextIndex } = pipeline.chain;
  const tip = { next: nextIndex, hash: certificates.at(-1)?.hash ?? noHash };
  if (nextIndex > 0 && state.certificate !== toHex(tip.hash))
    throw new DemoMismatchError(`The event log has another certificate for round ${nextIndex - 1} than the chain.`);
  const heads = await readHeads(pipeline);
  return { ledger: new Ledger(heads, tip), window: new Window(settings, certificates, heads) };
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
