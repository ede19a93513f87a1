/** What a node stands on: one shared log, and on its streams an event log and a pipeline of chain, lanes and anchor. */
import { EventLog } from "../../../events/index.js";
import { PersistPipeline } from "../../../lanes/index.js";
import { SharedLog } from "../../../streams/index.js";
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
  /** Closes all of it. */
  close(): Promise<void>;
}

/** Opens the stores in a directory, or makes them. After an error nothing is held. */
export async function openStores(directory: string, { log, checkpointsMax }: NodeSettings): Promise<NodeStores> {
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
    return {
      shared,
      place,
      events,
      pipeline,
      async close() {
        try {
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
