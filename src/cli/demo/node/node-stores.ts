/** The demo's node as a form of the node in `src/cli/node`: its blocks are those of flights, and its events tell of them. */
import type { EventLog } from "../../../events/index.js";
import type { PersistPipeline } from "../../../lanes/index.js";
import { type NodeAnchor, type NodeForm, type NodeStores, openStores } from "../../node/stores.js";
import { type Block, blockCodec } from "./block.js";
import { type Certificate, certificateCodec } from "./certificate.js";
import { anchorCodec } from "./node-anchor.js";
import {
  type NodeEventTypes,
  type NodeState,
  applyEvent,
  emptyState,
  nodeEvents,
  stateSnapshot,
} from "./node-events.js";
import type { NodeSettings } from "./node-settings.js";

/** The node's chain, lanes and anchor. */
export type NodePipeline = PersistPipeline<string, Block, Certificate, NodeAnchor>;
/** The node's event log. */
export type NodeEventLog = EventLog<NodeEventTypes, NodeState>;
/** All of its stores, open. */
export type FlightStores = NodeStores<Block, Certificate, NodeEventTypes, NodeState>;

/** What is the flights' own in the node. */
export function flightForm({
  genesis,
}: Pick<NodeSettings, "genesis">): NodeForm<Block, Certificate, NodeEventTypes, NodeState> {
  return {
    block: blockCodec,
    certificate: certificateCodec,
    anchor: anchorCodec,
    events: nodeEvents,
    snapshot: stateSnapshot,
    initial: emptyState,
    apply: applyEvent,
    rounds: ({ rounds }) => rounds,
    genesis,
  };
}

/** Opens the stores in a directory, or makes them, and nothing more. After an error nothing is held. */
export function openFlightStores(directory: string, settings: NodeSettings): Promise<FlightStores> {
  return openStores(directory, flightForm(settings), settings);
}
