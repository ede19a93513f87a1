/** What a node stands on: one shared log, and on its streams a pipeline of lanes, chain and anchor, an event log, a commit store and a Merkle store. */
import { nodeVfs } from "holdfast";
import { EventLog, type EventDefinitions, type EventInput, type EventTypes, type SnapshotType } from "holdfast/events";
import { type ChangeSet, FlatKv, type FlatKvOptions } from "holdfast/flatkv";
import { type Codec, PersistPipeline } from "holdfast/lanes";
import { SharedLog, type SharedLogOptions, type Stream } from "holdfast/streams";
import { MerkleStore, type MerkleStoreOptions } from "holdfast/trie";
import type { StateStores } from "./state.js";

/** How far a node is, and what of its past it still needs. Everything below that is pruned. */
export interface NodeAnchor {
  /** The newest round. */
  readonly round: number;
  /** The first round whose certificate is needed. */
  readonly firstRound: number;
  /** The first block of each lane that is needed. */
  readonly firstBlocks: readonly (readonly [lane: string, number: number])[];
}

/** What is a program's own: how its blocks, certificates and events look, what they add up to, and what the state begins with. */
export interface NodeForm<Block, Certificate, Types extends EventTypes, Told> {
  readonly block: Codec<Block>;
  readonly certificate: Codec<Certificate>;
  readonly anchor: Codec<NodeAnchor>;
  readonly events: EventDefinitions<Types>;
  readonly snapshot: SnapshotType<Told>;
  /** What no events add up to, and what one more does. `rounds` counts the rounds that they tell of. */
  readonly initial: () => Told;
  readonly apply: (told: Told, event: EventInput<Types>) => Told;
  readonly rounds: (told: Told) => number;
  /** The first version of the state, before any round. */
  readonly genesis: () => Promise<readonly (ChangeSet & { readonly database: string })[]>;
}

/** How large everything is, and how much of the past is kept. A node must be opened with the options that it was made with. */
export interface NodeOptions {
  readonly log: SharedLogOptions;
  readonly state: FlatKvOptions;
  readonly trie: MerkleStoreOptions;
  /** Rounds between two checkpoints of the event log, and checkpoints that it keeps. */
  readonly checkpointEvery: number;
  readonly checkpointsMax: number;
}

/** All of it, open. */
export interface NodeStores<Block, Certificate, Types extends EventTypes, Told> extends StateStores {
  readonly shared: SharedLog;
  readonly events: EventLog<Types, Told>;
  readonly pipeline: PersistPipeline<string, Block, Certificate, NodeAnchor>;
  /** The streams of the stores that commit with each round, beside the pipeline's; the last two are the state's. */
  readonly streams: readonly [events: Stream, state: Stream, trie: Stream];
  /** Closes all of it. */
  close(): Promise<void>;
}

/** Opens the stores in a directory, or makes them. After an error nothing is held. */
export async function openStores<Block, Certificate, Types extends EventTypes, Told>(
  directory: string,
  form: Omit<NodeForm<Block, Certificate, Types, Told>, "genesis">,
  options: NodeOptions,
): Promise<NodeStores<Block, Certificate, Types, Told>> {
  const opened: { close(): Promise<void> }[] = [];
  const open = async <Store extends { close(): Promise<void> }>(opening: Promise<Store>): Promise<Store> => {
    const store = await opening;
    opened.unshift(store);
    return store;
  };
  const close = async (): Promise<void> => {
    const failures: unknown[] = [];
    // What stands on the log is closed before it, and one that fails keeps no other open.
    for (const store of opened.splice(0)) await store.close().catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw failures[0];
  };
  try {
    const shared = await open(SharedLog.open(directory, options.log));
    const streams = [await shared.stream("events"), await shared.stream("state"), await shared.stream("trie")] as const;
    const { events: types, snapshot, block, certificate, anchor } = form;
    const { checkpointsMax } = options;
    const events = await open(EventLog.on<Types, Told>(streams[0], { events: types, snapshot, checkpointsMax }));
    const pipeline = await open(
      PersistPipeline.open<Block, Certificate, NodeAnchor>(shared, {
        lanes: { codec: block },
        chain: { codec: certificate },
        anchor: { codec: anchor, needs: ({ firstRound, firstBlocks }) => ({ chain: firstRound, lanes: firstBlocks }) },
      }),
    );
    const vfs = options.log.vfs ?? nodeVfs;
    const inside = (name: string): string => vfs.join(directory, name);
    const flatkv = await open(FlatKv.open(inside("state"), { ...options.state, vfs, journal: streams[1] }));
    const trie = await open(MerkleStore.open(inside("trie"), { ...options.trie, vfs, journal: streams[2] }));
    return { shared, events, pipeline, flatkv, trie, streams, close };
  } catch (error) {
    await close().catch(() => undefined);
    throw error;
  }
}
