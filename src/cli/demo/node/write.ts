/** The node's process: opens the node and commits round after round until all of the feed is in. */
import type { NewestVersion } from "../state/state-audit.js";
import type { WriterRequest, Written } from "../writer-request.js";
import type { DemoFeed } from "./feed.js";
import { DemoNode, type NodeCounters, type NodeOpening } from "./node.js";

/** Counters of one process, from its start. */
export interface NodeRunCounters extends NodeCounters {
  /** Time since the first round was taken up. */
  readonly busyMs: number;
  /** The part of it in which the node waited for the file. */
  readonly sourceWaitMs: number;
}

/** Every round below `rounds` is durable, with its events: its commit has resolved. */
export interface NodeAcknowledgement extends NewestVersion {
  readonly rounds: number;
  readonly records: number;
  /** The last LSN of the shared log. */
  readonly lsn: number;
  /** How long the newest round took to commit. */
  readonly commitMs: number;
  readonly counters: NodeRunCounters;
}

/** Resolves when every round is durable. */
export async function writeNode({
  directory,
  feed,
  flush,
  signal,
  send,
}: WriterRequest<NodeOpening, NodeAcknowledgement> & {
  readonly feed: Pick<DemoFeed, "rounds" | "settings">;
  readonly flush: "pool" | "inline";
}): Promise<Written> {
  const { settings } = feed;
  const node = await DemoNode.open(directory, { ...settings, log: { ...settings.log, flush } });
  await send({ kind: "opened", done: node.opening.records, opening: node.opening });

  const source = feed.rounds(node.opening.rounds);
  let startMs: number | undefined;
  let sourceWaitMs = 0;
  try {
    for (;;) {
      const waitMs = performance.now();
      const next = await source.next();
      if (next.done === true) break;
      // What the first records take to come is part of the start.
      if (startMs === undefined) startMs = performance.now();
      else sourceWaitMs += performance.now() - waitMs;
      signal.throwIfAborted();
      const commitFromMs = performance.now();
      await node.commit(next.value);
      const commitMs = performance.now() - commitFromMs;
      const { state, lsn } = node;
      const counters = { ...node.counters, busyMs: performance.now() - startMs, sourceWaitMs };
      const { rounds, records } = state;
      const acknowledged = { rounds, records, lsn, commitMs, ...node.newestVersion, counters };
      void send({ kind: "acknowledged", done: records, acknowledged });
    }
  } finally {
    await source.return();
  }
  return node;
}
