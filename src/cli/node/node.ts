/**
 * A node: blocks arrive in rounds, some for each lane, and a round is one atomic batch of one shared log, with one durable write. In it are the blocks in their
 * lanes, the certificate in the chain, the anchor that moves on, the events that tell of it, and the next version of the state in a commit store and in a
 * Merkle store. So whatever crashes, all of them are at the same round, and opening has nothing to bring in line.
 */
import { ConflictError } from "holdfast";
import type { EventInput, EventTypes } from "holdfast/events";
import type { ChangeSet, FlatKv } from "holdfast/flatkv";
import { prepareVersion } from "./state.js";
import { type NodeAnchor, type NodeForm, type NodeOptions, type NodeStores, openStores } from "./stores.js";

/** All that a round comes to. */
export interface NodeRound<Block, Certificate, Types extends EventTypes> {
  /** What is needed from now on; `round` is the round's own number, counted from 0. */
  readonly anchor: NodeAnchor;
  readonly certificate: Certificate;
  readonly blocks: readonly { readonly lane: string; readonly number: number; readonly block: Block }[];
  readonly events: readonly EventInput<Types>[];
  /** What the blocks do to the state, from the rows before. */
  readonly changes: (rows: Pick<FlatKv, "getMany">) => Promise<readonly (ChangeSet & { readonly database: string })[]>;
}

/** What opening found. */
export interface NodeRecovery {
  /** There was no state yet; it has its first version now. */
  readonly isNew: boolean;
  /** Events that were applied to the newest checkpoint, and whether there was one. */
  readonly replayed: number;
  readonly hasCheckpoint: boolean;
}

/** See the head of this file. */
export class Node<Block, Certificate, Types extends EventTypes, Told> {
  /** For reading. */
  readonly stores: NodeStores<Block, Certificate, Types, Told>;
  readonly recovery: NodeRecovery;
  readonly #form: NodeForm<Block, Certificate, Types, Told>;
  readonly #checkpointEvery: number;
  #told: Told;
  #checkpoint: Promise<unknown> = Promise.resolve();

  private constructor(
    stores: NodeStores<Block, Certificate, Types, Told>,
    form: NodeForm<Block, Certificate, Types, Told>,
    { checkpointEvery }: NodeOptions,
    found: NodeRecovery & { readonly told: Told },
  ) {
    this.stores = stores;
    this.#form = form;
    this.#checkpointEvery = checkpointEvery;
    ({ told: this.#told, ...this.recovery } = found);
  }

  /** Opens the node in a directory, or makes one, with whatever recovery that takes. `ConflictError` where its stores are not at one round. */
  static async open<Block, Certificate, Types extends EventTypes, Told>(
    directory: string,
    form: NodeForm<Block, Certificate, Types, Told>,
    options: NodeOptions,
  ): Promise<Node<Block, Certificate, Types, Told>> {
    const stores = await openStores(directory, form, options);
    try {
      const { shared, events, pipeline, flatkv, trie, streams } = stores;
      const [failure] = pipeline.failures;
      if (failure !== undefined) throw failure.error;
      const isNew = flatkv.version === 0 && trie.sequence === 0 && pipeline.chain.nextIndex === 0;
      if (isNew) {
        const first = await prepareVersion(stores, () => form.genesis());
        await shared.together(streams.slice(1), () => first.commit());
      }
      const { initial, apply } = form;
      const { state: told, ...hydrated } = await events.hydrate({ initial: initial(), apply });
      checkLevel(stores, form.rounds(told));
      const hasCheckpoint = hydrated.checkpointLsn !== undefined;
      return new Node(stores, form, options, { told, isNew, replayed: hydrated.events, hasCheckpoint });
    } catch (error) {
      await stores.close().catch(() => undefined);
      throw error;
    }
  }

  /** What the events add up to. */
  get told(): Told {
    return this.#told;
  }

  /** Commits the next round. Resolves once all of it is durable. */
  async commit({ anchor, certificate, blocks, events, changes }: NodeRound<Block, Certificate, Types>): Promise<void> {
    const { pipeline, events: log, streams } = this.stores;
    const version = await prepareVersion(this.stores, changes);
    await pipeline.persist(
      {
        anchor,
        chain: { firstIndex: anchor.round, values: [certificate] },
        lanes: blocks.map(({ lane, number, block }) => ({ key: lane, values: [block], firstIndex: number })),
      },
      { with: () => [log.appendAll(events), ...version.commit()], streams },
    );
    for (const event of events) this.#told = this.#form.apply(this.#told, event);
    if ((anchor.round + 1) % this.#checkpointEvery === 0) await this.#takeCheckpoint();
  }

  /** Appends an event that is of no round. */
  async tell(event: EventInput<Types>): Promise<void> {
    await this.stores.events.appendAll([event]);
    this.#told = this.#form.apply(this.#told, event);
  }

  /** Waits for everything under way and closes the node. */
  async close(): Promise<void> {
    try {
      await this.#checkpoint;
    } finally {
      await this.stores.close();
    }
  }

  /** What was told is encoded before this resolves; the checkpoint goes to the disk beside the next round. */
  async #takeCheckpoint(): Promise<void> {
    await this.#checkpoint;
    this.#checkpoint = this.stores.events.checkpoint({ state: this.#told });
    // Awaited before the next one, and at close.
    this.#checkpoint.catch(() => undefined);
  }
}

/** A round is one batch, so all stores have the same rounds: `told` is what the events tell of. The state has one version more. */
function checkLevel(
  { pipeline, flatkv, trie }: Pick<NodeStores<unknown, unknown, EventTypes, unknown>, "pipeline" | "flatkv" | "trie">,
  told: number,
): void {
  const rounds = pipeline.chain.nextIndex;
  const anchored = (pipeline.anchor?.round ?? -1) + 1;
  const found = { rounds, told, anchored, state: flatkv.version - 1, trie: trie.sequence - 1 };
  if (Object.values(found).every((count) => count === rounds)) return;
  throw new ConflictError(
    "HF_VERSIONS_DIFFER",
    `The stores of the node are not at one round: ${JSON.stringify(found)}. No crash does that; restore a copy.`,
    found,
  );
}
