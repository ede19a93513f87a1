/**
 * The demo's node: blocks of flights in a lane for each airport, a chain of certificates, an anchor that moves on, an event log, a commit store
 * that holds the state, and a Merkle store that has a root of it, all on one shared log.
 *
 * A round is one atomic batch of that log, and one durable write: blocks, certificate and anchor, the events of the round, and the two commits of what its
 * blocks do to the state. So a crash leaves all of them at the same round, and there is nothing to bring in line.
 */
import { flightChangeSets } from "../state/flight-changes.js";
import { prepareVersion } from "../state/next-version.js";
import { type NewestVersion, type StateVersion, newestVersionOf, stateOf } from "../state/state-audit.js";
import { type TrieVersion, trieOf } from "../state/trie-audit.js";
import { eventsOfRound, applyEvent, type NodeState } from "./node-events.js";
import type { Ledger } from "./ledger.js";
import { DemoMismatchError } from "../mismatch.js";
import { type RecoveredNode, recoverNode } from "./node-recovery.js";
import type { NodeSettings } from "./node-settings.js";
import { type NodeStores, openStores } from "./node-stores.js";
import type { Round } from "./round.js";
import type { Window } from "./window.js";

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

/** What a node goes on with. */
type NodeParts = Pick<RecoveredNode, "ledger" | "window" | "state">;

/** See the head of this file. */
export class FlightNode {
  readonly opening: NodeOpening;
  readonly #stores: NodeStores;
  readonly #ledger: Ledger;
  readonly #window: Window;
  readonly #checkpointEvery: number;
  #state: NodeState;
  #checkpoint: Promise<unknown> = Promise.resolve();

  private constructor(stores: NodeStores, { ledger, window, state }: NodeParts, every: number, opening: NodeOpening) {
    this.#stores = stores;
    this.#ledger = ledger;
    this.#window = window;
    this.#state = state;
    this.#checkpointEvery = every;
    this.opening = opening;
  }

  /** Opens the node in a directory, or makes one, with whatever recovery that takes. */
  static async open(directory: string, settings: NodeSettings): Promise<FlightNode> {
    const startMs = performance.now();
    const stores = await openStores(directory, settings);
    try {
      const { ledger, window, replayed, hasCheckpoint, ...found } = await recoverNode(stores, settings);
      let { state } = found;
      const { clean, cutBytes, cut } = stores.shared.recovery.log;
      if (!clean && state.rounds > 0) {
        const recovered = { type: "recovered" as const, data: { rounds: state.rounds, cutBytes } };
        await stores.events.append(recovered.type, recovered.data);
        state = applyEvent(state, recovered);
      }
      return new FlightNode(stores, { ledger, window, state }, settings.checkpointEvery, {
        rounds: state.rounds,
        flights: state.flights,
        lanes: state.lanes,
        clean,
        cutBytes,
        cutReason: cut?.reason,
        replayedEvents: replayed,
        hasCheckpoint,
        state: stateOf(stores.flatkv),
        trie: trieOf(stores.trie),
        recoveryMs: performance.now() - startMs,
      });
    } catch (error) {
      await stores.close().catch(() => undefined);
      throw error;
    }
  }

  /** What the events add up to. */
  get state(): NodeState {
    return this.#state;
  }

  /** Where the stores of the state stand. */
  get newestVersion(): NewestVersion {
    return newestVersionOf(this.#stores);
  }

  /** The newest durable LSN of the shared log. */
  get lsn(): number {
    return this.#stores.shared.stats().log.durableLsn;
  }

  get counters(): NodeCounters {
    const { groups, syncs, writtenBytes } = this.#stores.shared.stats().log;
    return { groups, syncs, writtenBytes, checkpoints: this.#stores.events.stats().checkpoints };
  }

  /** Commits the next round: `index` is how many there are. Resolves once all of it is durable: blocks, certificate, anchor, events and state. */
  async commit(round: Round): Promise<void> {
    const { events, pipeline, streams } = this.#stores;
    const { rounds, flights } = this.#state;
    if (round.index !== rounds || round.firstFlight !== flights + 1)
      throw new DemoMismatchError(
        `Round ${round.index} was to be committed, behind ${rounds} rounds of ${flights} flights.`,
      );
    const version = await prepareVersion(this.#stores, (rows) => flightChangeSets(round.lanes, rows));
    const { certificate, blocks } = this.#ledger.seal(round);
    const firstRound = this.#window.add(certificate);
    const inputs = eventsOfRound(round, certificate);
    await pipeline.persist(
      {
        anchor: { round: round.index, firstRound, firstBlocks: this.#window.firstBlocks(this.#ledger.heads) },
        chain: { firstIndex: round.index, values: [certificate] },
        lanes: blocks.map((block) => ({ key: block.airport, values: [block], firstIndex: block.number })),
      },
      { with: () => [events.appendAll(inputs), ...version.commit()], streams },
    );
    for (const input of inputs) this.#state = applyEvent(this.#state, input);
    if (this.#state.rounds % this.#checkpointEvery === 0) await this.#takeCheckpoint();
  }

  /** Waits for everything under way and closes the node. */
  async close(): Promise<void> {
    try {
      await this.#checkpoint;
    } finally {
      await this.#stores.close();
    }
  }

  /** The state is encoded before this resolves; the checkpoint goes to the disk beside the next round. */
  async #takeCheckpoint(): Promise<void> {
    await this.#checkpoint;
    this.#checkpoint = this.#stores.events.checkpoint({ state: this.#state });
    // Awaited before the next one, and at close.
    this.#checkpoint.catch(() => undefined);
  }
}
