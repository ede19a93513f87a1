/** Stores of every kind on the streams of one shared log, which commit block by block, each block as one batch. */
import { SeededRandom } from "../../base/index.js";
import { memoryEngine } from "../../engine/index.js";
import { EventLog, type EventType, defineEvents, event, json } from "../../events/index.js";
import { FlatKv } from "../../flatkv/index.js";
import { type Codec, PersistPipeline } from "../../lanes/index.js";
import { SharedLog, type SharedLogOptions, type Stream } from "../../streams/index.js";
import { MerkleStore } from "../../trie/index.js";
import type { SimVfs } from "../../vfs/index.js";

/** How large everything is, and what takes part. */
export interface TogetherPlan {
  readonly log: Omit<SharedLogOptions, "vfs">;
  /** Lanes, chain and anchor too, whose cycle the others join. */
  readonly withPipeline: boolean;
  /** Commits between two snapshots of the commit store. */
  readonly snapshotEvery: number;
  /** Pages of the Merkle store that may wait to be written. */
  readonly dirtyPagesMax: number;
}

/** Why an attempt at a block is refused. */
export type Refusal = "throws" | "lacks a part" | "too large";

interface BlockAnchor {
  readonly block: number;
  readonly firstNeeded: number;
}

type Events = { readonly block: EventType<number> };
type Pipeline = PersistPipeline<string, Uint8Array, Uint8Array, BlockAnchor>;

type Streams = Readonly<Record<"events" | "flat" | "trie" | "noise", Stream>>;

const PATH = "/data/node";
const LANES = ["ann", "bob"] as const;
const bytes: Codec<Uint8Array> = { encode: (value) => value, decode: (value) => value };

/** What a block writes, everywhere: it follows from its number. */
function payloadOf(block: number): Uint8Array {
  const random = new SeededRandom(block);
  const payload = new Uint8Array([1, 40, 300][block % 3]!);
  for (let at = 0; at < payload.length; at++) payload[at] = random.below(256);
  payload[0] = block;
  return payload;
}

function trieKey(n: number): Uint8Array {
  const key = new Uint8Array(32).fill(n * 61);
  key[31] = n;
  return key;
}

/** What a key holds that every `period`-th block writes, the first of them being `n`. */
function lastWriter(n: number, period: number, blocks: number): number {
  const last = blocks - ((((blocks - n) % period) + period) % period);
  return Math.max(0, last);
}

const FLAT_KEYS = 3;
const TRIE_KEYS = 5;

/** See the head of this file. */
export class TogetherStores {
  readonly shared: SharedLog;
  readonly #events: EventLog<Events, number>;
  readonly #flat: FlatKv;
  readonly #trie: MerkleStore;
  readonly #pipeline: Pipeline | undefined;
  readonly #streams: Streams;

  private constructor(
    shared: SharedLog,
    streams: Streams,
    stores: {
      readonly events: EventLog<Events, number>;
      readonly flat: FlatKv;
      readonly trie: MerkleStore;
      readonly pipeline: Pipeline | undefined;
    },
  ) {
    this.shared = shared;
    this.#streams = streams;
    this.#events = stores.events;
    this.#flat = stores.flat;
    this.#trie = stores.trie;
    this.#pipeline = stores.pipeline;
  }

  static async open(vfs: SimVfs, plan: TogetherPlan): Promise<TogetherStores> {
    const shared = await SharedLog.open(PATH, { ...plan.log, vfs });
    const streams = {
      events: await shared.stream("events"),
      flat: await shared.stream("flat"),
      trie: await shared.stream("trie"),
      noise: await shared.stream("noise"),
    };
    const events = await EventLog.on<Events, number>(streams.events, {
      events: defineEvents<Events>({ block: event({ id: 1, codec: json<number>() }) }),
      checkpointsMax: 2,
    });
    const flat = await FlatKv.open("/data/flat", {
      vfs,
      engine: memoryEngine({ vfs }),
      databases: ["a"],
      journal: streams.flat,
      syncEveryCommits: 2,
      snapshots: { everyCommits: plan.snapshotEvery, keep: 1 },
    });
    const trie = await MerkleStore.open("/data/trie", {
      vfs,
      engine: memoryEngine({ vfs }),
      journal: streams.trie,
      pages: { capacity: 8, checkpoint: { dirtyPagesMax: plan.dirtyPagesMax } },
    });
    const pipeline: Pipeline | undefined = plan.withPipeline
      ? await PersistPipeline.open(shared, {
          lanes: { codec: bytes },
          chain: { codec: bytes },
          anchor: {
            codec: json<BlockAnchor>(),
            needs: ({ firstNeeded }) => ({
              chain: firstNeeded,
              lanes: LANES.map((name) => [name, firstNeeded] as const),
            }),
          },
        })
      : undefined;
    return new TogetherStores(shared, streams, { events, flat, trie, pipeline });
  }

  /** Commits the next block. Where it is to be refused, says what did not happen as it should. */
  async commit(block: number, refusal?: Refusal): Promise<void> {
    const payload = payloadOf(block);
    await this.#flat.applyChangeSets([
      { database: "a", changes: [{ key: Uint8Array.of(1 + (block % FLAT_KEYS)), value: payload }] },
    ]);
    const session = this.#trie.begin();
    session.put(trieKey(block % TRIE_KEYS), payload);
    const { root } = await session.prepare();
    const before = this.#numbers();
    const { events, flat, trie, noise } = this.#streams;
    const act = (): readonly [Promise<unknown>, Promise<{ readonly root: Uint8Array }>, ...Promise<unknown>[]] => {
      const parts = [this.#flat.commit(), session.commit()] as const;
      if (refusal === "lacks a part") return parts;
      const appended = this.#events.appendAll([{ type: "block", data: block }]);
      if (refusal === "throws") {
        for (const part of [...parts, appended]) part.catch(() => undefined);
        throw new RefusedError();
      }
      if (refusal !== "too large") return [...parts, appended];
      const { recordBytesMax, batchBytesMax } = noise.limits;
      const count = Math.ceil(batchBytesMax / recordBytesMax);
      return [...parts, appended, noise.appendAll(Array.from({ length: count }, () => new Uint8Array(recordBytesMax)))];
    };
    const streams = [events, flat, trie];
    const index = block - 1;
    const committed =
      this.#pipeline === undefined
        ? this.shared.together(streams, act)
        : this.#pipeline.persist(
            {
              anchor: { block, firstNeeded: Math.max(0, index - 2) },
              chain: { firstIndex: index, values: [payload] },
              lanes: LANES.map((key) => ({ key, firstIndex: index, values: [payload] })),
            },
            { with: act, streams },
          );
    if (refusal === undefined) {
      const [, committedTrie] = await committed;
      if (Buffer.compare(committedTrie.root, root) !== 0) throw new Error("the root is not the one that was prepared");
      return;
    }
    const error: unknown = await committed.then(
      () => new Error(`a block was committed that ${refusal}`),
      (reason: unknown) => reason,
    );
    const code = (error as { readonly code?: string }).code;
    const expected = { throws: "REFUSED", "lacks a part": "HF_INVALID_ARGUMENT", "too large": "HF_BATCH_TOO_LARGE" };
    if (code !== expected[refusal]) throw error;
    if (this.#numbers() !== before) throw new Error(`a refused block left ${this.#numbers()} where ${before} was`);
    // What is still staged is staged again by the next attempt.
    await this.#flat.discard();
  }

  /** The events so far, as a checkpoint. */
  async checkpoint(blocks: number): Promise<void> {
    await this.#events.checkpoint({ state: blocks });
  }

  /** Fills segments with what nobody needs, beside the others, so that what they hold is moved. */
  async churn(): Promise<void> {
    const { noise } = this.#streams;
    for (let n = 0; n < 6; n++) await noise.append(new Uint8Array(900));
    await noise.truncateAll();
  }

  /** How many blocks each store has. Throws where one holds something else than these blocks come to. */
  async blocks(): Promise<Readonly<Record<string, number>>> {
    const { state: events } = await this.#events.hydrate<number>({
      initial: 0,
      apply: (count, { data }) => (data === count + 1 ? data : Number.NaN),
    });
    const found: Record<string, number> = { events, flat: this.#flat.version, trie: this.#trie.sequence };
    for (let n = 0; n < FLAT_KEYS; n++)
      expectBlock(
        "flat",
        await this.#flat.get(Uint8Array.of(1 + n), { database: "a" }),
        lastWriter(n, FLAT_KEYS, found["flat"]!),
      );
    for (let n = 0; n < TRIE_KEYS; n++)
      expectBlock("trie", await this.#trie.get(trieKey(n)), lastWriter(n, TRIE_KEYS, found["trie"]!));
    const problems = [...(await this.#flat.verify()).problems, ...(await this.#trie.verify()).problems];
    if (problems.length > 0) throw new Error(`verify: ${JSON.stringify(problems)}`);
    if (this.#pipeline === undefined) return found;
    const { chain, lanes, anchor, failures } = this.#pipeline;
    if (failures.length > 0) throw new Error(`the pipeline: ${String(failures[0]?.error)}`);
    found["anchor"] = anchor?.block ?? 0;
    found["chain"] = chain.nextIndex;
    let index = chain.log.firstIndex;
    for (const value of await chain.log.readAll()) expectBlock("chain", value, ++index);
    for (const name of LANES) {
      const lane = lanes.get(name);
      found[name] = lane?.nextIndex ?? 0;
      let at = lane?.firstIndex ?? 0;
      for (const value of lane === undefined ? [] : await lane.readAll()) expectBlock(name, value, ++at);
    }
    return found;
  }

  async close(): Promise<void> {
    await this.#pipeline?.close();
    await this.#trie.close();
    await this.#flat.close();
    await this.#events.close();
    await this.shared.close();
  }

  #numbers(): string {
    const { events, flat, trie, noise } = this.#streams;
    const own = [this.#events.lastLsn, this.#flat.version, this.#trie.sequence, this.#pipeline?.chain.nextIndex];
    return JSON.stringify([events.nextLsn, flat.nextLsn, trie.nextLsn, noise.nextLsn, own, this.#pipeline?.anchor]);
  }
}

class RefusedError extends Error {
  readonly code: string = "REFUSED";
}

function expectBlock(store: string, value: Uint8Array | undefined, block: number): void {
  const expected = block === 0 ? undefined : payloadOf(block);
  const isSame =
    value === undefined || expected === undefined ? value === expected : Buffer.compare(value, expected) === 0;
  if (!isSame) throw new Error(`${store} does not hold what block ${block} wrote`);
}
