/**
 * The demo's node: blocks of flights in a lane for each airport, a chain of certificates, an anchor that moves on, events, and a state that the flights
 * change. What it stands on, and how a round becomes one atomic batch, is in `src/cli/node`; here is what is the flights' own.
 */
import { Node } from "../../node/node.js";
import { flightChangeSets } from "../state/flight-changes.js";
import { type NewestVersion, type StateVersion, newestVersionOf, stateOf } from "../state/state-audit.js";
import { type TrieVersion, trieOf } from "../state/trie-audit.js";
import { DemoMismatchError } from "../mismatch.js";
import type { Block } from "./block.js";
import type { Certificate } from "./certificate.js";
import type { Ledger } from "./ledger.js";
import { type NodeEventTypes, type NodeState, eventsOfRound } from "./node-events.js";
import { type RecoveredNode, orMismatch, recoverNode } from "./node-recovery.js";
import type { NodeSettings } from "./node-settings.js";
import { flightForm } from "./node-stores.js";
import type { Round } from "./round.js";
import type { Window } from "./window.js";

type OpenNode = Node<Block, Certificate, NodeEventTypes, NodeState>;

/** How a node was opened. */
export interface NodeOpening {
  readonly rounds: number;
  readonly flights: number;
  readonly lanes: number;
  /** It had been closed, or was made. */
  readonly clean: boolean;
  /** Torn tail that was cut. */
  readonly cutBytes: number;
  readonly cutReason: string | undefined;
  /** Events applied to the newest checkpoint's state, and whether there was one. */
  readonly replayedEvents: number;
  readonly hasCheckpoint: boolean;
  /** Where the state stands. */
  readonly state: StateVersion;
  readonly trie: TrieVersion;
  /** From the call to the moment in which a round could be committed. */
  readonly recoveryMs: number;
}

/** Counters of a node since it was opened. */
export interface NodeCounters {
  /** Groups written, and waits for the disk. */
  readonly groups: number;
  readonly syncs: number;
  /** Bytes written, with all that surrounds the records. */
  readonly writtenBytes: number;
  /** Checkpoints of the event log. */
  readonly checkpoints: number;
}

/** See the head of this file. */
export class FlightNode {
  readonly opening: NodeOpening;
  readonly #node: OpenNode;
  readonly #ledger: Ledger;
  readonly #window: Window;

  private constructor(node: OpenNode, { ledger, window }: RecoveredNode, opening: NodeOpening) {
    this.#node = node;
    this.#ledger = ledger;
    this.#window = window;
    this.opening = opening;
  }

  /** Opens the node in a directory, or makes one, with whatever recovery that takes. */
  static async open(directory: string, settings: NodeSettings): Promise<FlightNode> {
    const startMs = performance.now();
    const node = await orMismatch(Node.open(directory, flightForm(settings), settings));
    try {
      const { shared, flatkv, trie } = node.stores;
      const found = await recoverNode(node.stores, node.told, settings);
      const { clean, cutBytes, cut } = shared.recovery.log;
      const { rounds } = node.told;
      if (!clean && !node.recovery.isNew) await node.tell({ type: "recovered", data: { rounds, cutBytes } });
      const { flights, lanes } = node.told;
      return new FlightNode(node, found, {
        rounds,
        flights,
        lanes,
        clean,
        cutBytes,
        cutReason: cut?.reason,
        replayedEvents: node.recovery.replayed,
        hasCheckpoint: node.recovery.hasCheckpoint,
        state: stateOf(flatkv),
        trie: trieOf(trie),
        recoveryMs: performance.now() - startMs,
      });
    } catch (error) {
      await node.close().catch(() => undefined);
      throw error;
    }
  }

  /** What the events add up to. */
  get state(): NodeState {
    return this.#node.told;
  }

  /** Where the stores of the state stand. */
  get newestVersion(): NewestVersion {
    return newestVersionOf(this.#node.stores);
  }

  /** The newest durable LSN of the shared log. */
  get lsn(): number {
    return this.#node.stores.shared.stats().log.durableLsn;
  }

  get counters(): NodeCounters {
    const { groups, syncs, writtenBytes } = this.#node.stores.shared.stats().log;
    return { groups, syncs, writtenBytes, checkpoints: this.#node.stores.events.stats().checkpoints };
  }

  /** Commits the next round: `index` is how many there are. Resolves once all of it is durable: blocks, certificate, anchor, events and state. */
  async commit(round: Round): Promise<void> {
    const { rounds, flights } = this.state;
    if (round.index !== rounds || round.firstFlight !== flights + 1)
      throw new DemoMismatchError(
        `Round ${round.index} was to be committed, behind ${rounds} rounds of ${flights} flights.`,
      );
    const { certificate, blocks } = this.#ledger.seal(round);
    const firstRound = this.#window.add(certificate);
    await this.#node.commit({
      anchor: { round: round.index, firstRound, firstBlocks: this.#window.firstBlocks(this.#ledger.heads) },
      certificate,
      blocks: blocks.map((block) => ({ lane: block.airport, number: block.number, block })),
      events: eventsOfRound(round, certificate),
      changes: (rows) => flightChangeSets(round.lanes, rows),
    });
  }

  /** Waits for everything under way and closes the node. */
  close(): Promise<void> {
    return this.#node.close();
  }
}
