/** What a node stands on: one shared log, and on its streams an event log, a pipeline of chain, lanes and anchor, and a commit store. */
import { EventLog } from "../../../events/index.js";
import { FlatKv } from "../../../flatkv/index.js";
import { PersistPipeline } from "../../../lanes/index.js";
import { SharedLog } from "../../../streams/index.js";
import { nodeVfs } from "../../../vfs/index.js";
import { type Block, blockCodec } from "./block.js";
import { type Certificate, certificateCodec } from "./certificate.js";
import { type NodeAnchor, anchorCodec, anchorNeeds } from "./node-anchor.js";
import { type NodeEventTypes, type NodeState, nodeEvents, stateSnapshot } from "./node-events.js";
import { NodePlace } from "./node-place.js";
import type { NodeSettings } from "./node-settings.js";

/** The node's chain, lanes and anchor. */
export type NodePipeline = PersistPipeline<string, Block, Certificate, NodeAnchor>;
/** The node's event log. */
export type NodeEventLog = EventLog<NodeEventTypes, NodeState>;

/** All of it, open. */
export interface NodeStores {
  readonly shared: SharedLog;
  readonly place: NodePlace;
  readonly events: NodeEventLog;
  readonly pipeline: NodePipeline;
  /** The state: accounts, code, storage, and the rest. */
  readonly flatkv: FlatKv;
  /** Closes all of it. */
  close(): Promise<void>;
}

/** Opens the stores in a directory, or makes them. After an error nothing is held. */
export async function openStores(
  directory: string,
  { log, checkpointsMax, state }: Pick<NodeSettings, "log" | "checkpointsMax" | "state">,
): Promise<NodeStores> {
  const shared = await SharedLog.open(directory, log);
  try {
    const events: NodeEventLog = await EventLog.on(await shared.stream("events"), {
      events: nodeEvents,
      snapshot: stateSnapshot,
      checkpointsMax,
    });
    const place = new NodePlace(shared);
    const pipeline: NodePipeline = await PersistPipeline.open(place, {
      lanes: { codec: blockCodec },
      chain: { codec: certificateCodec },
      anchor: { codec: anchorCodec, needs: anchorNeeds },
    });
    const vfs = log.vfs ?? nodeVfs;
    const journal = await shared.stream("state");
    const flatkv = await FlatKv.open(vfs.join(directory, "state"), { ...state, vfs, journal });
    return {
      shared,
      place,
      events,
      pipeline,
      flatkv,
      async close() {
        try {
          await flatkv.close();
          await events.close();
          await pipeline.close();
        } finally {
          await shared.close();
        }
      },
    };
  } catch (error) {
    await shared.close().catch(() => undefined);
    throw error;
  }
}
