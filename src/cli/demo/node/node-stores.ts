/** What a node stands on: one shared log, and on its streams an event log, a pipeline of chain, lanes and anchor, a commit store and a Merkle store. */
import { Held } from "../../../base/index.js";
import { EventLog } from "../../../events/index.js";
import { FlatKv } from "../../../flatkv/index.js";
import { PersistPipeline } from "../../../lanes/index.js";
import { SharedLog, type Stream } from "../../../streams/index.js";
import { MerkleStore } from "../../../trie/index.js";
import { nodeVfs } from "../../../vfs/index.js";
import { type Block, blockCodec } from "./block.js";
import { type Certificate, certificateCodec } from "./certificate.js";
import { type NodeAnchor, anchorCodec, anchorNeeds } from "./node-anchor.js";
import { type NodeEventTypes, type NodeState, nodeEvents, stateSnapshot } from "./node-events.js";
import type { NodeSettings } from "./node-settings.js";

/** The node's chain, lanes and anchor. */
export type NodePipeline = PersistPipeline<string, Block, Certificate, NodeAnchor>;
/** The node's event log. */
export type NodeEventLog = EventLog<NodeEventTypes, NodeState>;

/** All of it, open. */
export interface NodeStores {
  readonly shared: SharedLog;
  /** Those of the stores that commit with each round, beside the pipeline's. */
  readonly streams: readonly Stream[];
  /** Of them, those of the state. */
  readonly stateStreams: readonly Stream[];
  readonly events: NodeEventLog;
  readonly pipeline: NodePipeline;
  /** The state: accounts, code, storage, and the rest. */
  readonly flatkv: FlatKv;
  /** The same rows under a Merkle root: see `state/next-version.ts`. */
  readonly trie: MerkleStore;
  /** Closes all of it. */
  close(): Promise<void>;
}

/** Opens the stores in a directory, or makes them. After an error nothing is held. */
export async function openStores(
  directory: string,
  { log, checkpointsMax, state, trie: trieOptions }: Pick<NodeSettings, "log" | "checkpointsMax" | "state" | "trie">,
): Promise<NodeStores> {
  const held = new Held();
  try {
    const shared = await SharedLog.open(directory, log);
    held.add(() => shared.close());
    const [told, states, tries] = [
      await shared.stream("events"),
      await shared.stream("state"),
      await shared.stream("trie"),
    ];
    const events: NodeEventLog = await EventLog.on(told, {
      events: nodeEvents,
      snapshot: stateSnapshot,
      checkpointsMax,
    });
    held.add(() => events.close());
    const pipeline: NodePipeline = await PersistPipeline.open(shared, {
      lanes: { codec: blockCodec },
      chain: { codec: certificateCodec },
      anchor: { codec: anchorCodec, needs: anchorNeeds },
    });
    held.add(() => pipeline.close());
    const vfs = log.vfs ?? nodeVfs;
    const flatkv = await FlatKv.open(vfs.join(directory, "state"), {
      ...state,
      vfs,
      journal: states,
    });
    held.add(() => flatkv.close());
    const trie = await MerkleStore.open(vfs.join(directory, "trie"), {
      ...trieOptions,
      vfs,
      journal: tries,
    });
    held.add(() => trie.close());
    return {
      shared,
      streams: [told, states, tries],
      stateStreams: [states, tries],
      events,
      pipeline,
      flatkv,
      trie,
      async close() {
        const [failure] = await held.release();
        if (failure !== undefined) throw failure;
      },
    };
  } catch (error) {
    await held.release();
    throw error;
  }
}
