/** The demo's node as a form of the node in `src/cli/node`: its blocks are made of the records of a feed, and its events tell of them. */
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
export type DemoStores = NodeStores<Block, Certificate, NodeEventTypes, NodeState>;

/** What is the demo's own in the node. */
export function demoForm({
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
export function openDemoStores(directory: string, settings: NodeSettings): Promise<DemoStores> {
  return openStores(directory, demoForm(settings), settings);
}
