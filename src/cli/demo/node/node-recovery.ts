/** Where a node goes on: the ends of its lanes and its chain, and the state that its event log adds up to. All of its stores are at the same round. */
import { toHex } from "../../../base/index.js";
import { HandlerError, type Hydrated } from "../../../events/index.js";
import { noHash } from "./hash.js";
import { type LaneHead, Ledger } from "./ledger.js";
import { DemoMismatchError } from "../mismatch.js";
import { type NodeState, applyEvent, emptyState } from "./node-events.js";
import type { NodeSettings } from "./node-settings.js";
import type { NodeEventLog, NodePipeline, NodeStores } from "./node-stores.js";
import { prepareVersion } from "../state/next-version.js";
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

/** The version of the state after so many rounds: the first is that before any round. */
export function versionAfter(rounds: number): number {
  return rounds + 1;
}

/** Finds where the node stands. Commits the first version of the state where there is none. */
export async function recoverNode(stores: NodeStores, settings: NodeSettings): Promise<RecoveredNode> {
  const { events, pipeline } = stores;
  const [failure] = pipeline.failures;
  if (failure !== undefined) throw failure.error;
  await beginState(stores, settings);
  const hydrated = await hydrateState(events);
  const { state } = hydrated;
  const certificates = await pipeline.chain.log.readAll();
  const { nextIndex } = pipeline.chain;
  checkLevel(stores, state.rounds);
  const tip = { next: nextIndex, hash: certificates.at(-1)?.hash ?? noHash };
  if (nextIndex > 0 && state.certificate !== toHex(tip.hash))
    throw new DemoMismatchError(`The event log has another certificate for round ${nextIndex - 1} than the chain.`);
  const heads = await readHeads(pipeline);
  return {
    state,
    ledger: new Ledger(heads, tip),
    window: new Window(settings, certificates, heads),
    replayed: hydrated.events,
    hasCheckpoint: hydrated.checkpointLsn !== undefined,
  };
}

/** The version before any round: the genesis, in both stores of the state at once. */
async function beginState(
  { shared, flatkv, trie, pipeline, stateStreams }: NodeStores,
  { genesis }: NodeSettings,
): Promise<void> {
  if (flatkv.version > 0 || trie.sequence > 0 || pipeline.chain.nextIndex > 0) return;
  const first = await prepareVersion({ flatkv, trie }, () => genesis());
  await shared.together(stateStreams, () => first.commit());
}

/** A round is one batch, so whatever crashed, all have the same. Anything else is a {@link DemoMismatchError}. */
function checkLevel({ pipeline, flatkv, trie }: NodeStores, told: number): void {
  const rounds = pipeline.chain.nextIndex;
  const version = versionAfter(rounds);
  for (const [part, found, expected] of [
    ["event log", told, rounds],
    ["anchor", (pipeline.anchor?.round ?? -1) + 1, rounds],
    ["commit store", flatkv.version, version],
    ["Merkle store", trie.sequence, version],
  ] as const)
    if (found !== expected)
      throw new DemoMismatchError(
        `The ${part} is at ${found}, and the ${rounds} rounds of the chain need ${expected}.`,
      );
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
