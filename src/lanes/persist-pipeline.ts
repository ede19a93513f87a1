/** The pipeline: lanes, a chain and an anchor, persisted in the order that survives a crash at any point. `persist.ts` has that order. */
import { ConflictError, CorruptionError, LimitError, StateError, checkOptions } from "../base/index.js";
import type { SharedLog } from "../streams/index.js";
import type { JournalAnchor } from "./anchor-store.js";
import { checkArray, checkIndex } from "./arguments.js";
import { Chain } from "./chain.js";
import { encodeAll } from "./codec.js";
import { type AppendRequest, type EntryLog, type IndexRange, isRefusal } from "./entry-log.js";
import { type LaneFailure, LanesFailedError } from "./lane-error.js";
import type { KeyCodec, LaneSet } from "./lane-set.js";
import { type CyclePart, persistAnchor, persistParts, persistTogether } from "./persist.js";
import type { PersistBatch, Persisted } from "./persist-batch.js";
import type { PersistPipelineOptions } from "./persist-options.js";
import { type Needs, NOTHING, decodeAnchor, encodeAnchor, needsOf } from "./pipeline-needs.js";
import { type PipelineParts, openParts } from "./pipeline-parts.js";
import type { LanePlace } from "./place.js";
import { Turns } from "./turns.js";

/** Cycles that may be under way. */
const CYCLES_MAX = 4096;

/** A batch as bytes. */
interface EncodedBatch<K, A> {
  readonly anchor: { readonly value: A; readonly bytes: Uint8Array; readonly needs: Needs<K> } | undefined;
  readonly chain: AppendRequest | undefined;
  readonly lanes: readonly { readonly key: K; readonly request: AppendRequest }[];
}

/** A lane that a cycle has to do with. */
interface CycleLane<K> {
  readonly key: K;
  readonly entries: EntryLog;
  readonly requests: AppendRequest[];
}

/** What goes on after a cycle has left its turn. */
interface Underway {
  readonly done: Promise<unknown>;
}

/**
 * Persists cycles: an anchor, entries of the chain, entries of lanes. The anchor becomes durable first; then what both of its slots make superfluous is
 * dropped; then the chain and every lane go on for themselves, each told of as it becomes durable.
 *
 * A lane that fails is quarantined, and the others go on. Only a failing anchor ends the pipeline.
 *
 * @example
 * ```ts
 * import { PersistPipeline } from "holdfast/lanes";
 *
 * interface Anchor {
 *   readonly round: number;
 *   readonly starts: Record<string, number>;
 * }
 * const codec = <T>() => ({
 *   encode: (value: T) => new TextEncoder().encode(JSON.stringify(value)),
 *   decode: (bytes: Uint8Array) => JSON.parse(new TextDecoder().decode(bytes)) as T,
 * });
 * await using pipeline = await PersistPipeline.open("./node", {
 *   lanes: { codec: codec<string>() },
 *   chain: { codec: codec<string>() },
 *   anchor: {
 *     codec: codec<Anchor>(),
 *     needs: ({ round, starts }) => ({ chain: round, lanes: Object.entries(starts) }),
 *   },
 *   onPersisted: (persisted) => console.log("durable:", persisted.kind),
 * });
 * await pipeline.persist({
 *   chain: { firstIndex: 0, values: ["certificate 0", "certificate 1"] },
 *   lanes: [{ key: "ann", values: ["block 0", "block 1"], firstIndex: 0 }],
 * });
 * // Round 1 is agreed on, and of ann's lane nothing is needed but block 1.
 * await pipeline.persist({ anchor: { round: 1, starts: { ann: 1 } } });
 * ```
 */
export class PersistPipeline<K, T, C, A> {
  /** The chain, for reading. What is written and dropped goes through the pipeline. */
  readonly chain: Chain<C>;
  /** The lanes, for reading, and for taking in one again that failed. What is written and dropped goes through the pipeline. */
  readonly lanes: LaneSet<K, T>;
  readonly #parts: PipelineParts<K, T, C, A>;
  /** Cycles reach the lanes in the order in which they were asked for. */
  readonly #turns = new Turns();
  readonly #cycles = new Set<Promise<void>>();
  readonly #chainFailure: () => LaneFailure<K> | undefined;
  #failure: unknown;
  #failed = false;
  #closing: Promise<void> | undefined;

  private constructor(parts: PipelineParts<K, T, C, A>, chainFailure: () => LaneFailure<K> | undefined) {
    this.#parts = parts;
    this.#chainFailure = chainFailure;
    this.lanes = parts.lanes;
    this.chain = Chain.over(parts.chain, parts.options.chain.codec);
  }

  /**
   * Opens everything in `where`, and finishes what a crash interrupted: a `SharedLog`, which stays the caller's to close, after this; or the path of a
   * directory, which is made if missing. A lane that can't be opened, or
   * that does not hold what the anchor needs, is quarantined; an anchor or a chain that can't be opened is an error.
   *
   * Errors: invalid options; `HF_LOCKED`; `HF_CORRUPTION`; `HF_IO`; as of `Log.open` and `Anchor.open`.
   */
  static open<T, C, A>(
    where: string | SharedLog | LanePlace,
    options: PersistPipelineOptions<string, T, C, A>,
  ): Promise<PersistPipeline<string, T, C, A>>;
  /** With keys that are no strings. */
  static open<K, T, C, A>(
    where: string | SharedLog | LanePlace,
    options: PersistPipelineOptions<K, T, C, A> & { readonly lanes: { readonly key: KeyCodec<K> } },
  ): Promise<PersistPipeline<K, T, C, A>>;
  static async open<K, T, C, A>(
    where: string | SharedLog | LanePlace,
    options: PersistPipelineOptions<K, T, C, A>,
  ): Promise<PersistPipeline<K, T, C, A>> {
    let chainFailure: LaneFailure<K> | undefined;
    const parts = await openParts(where, options, (error) => {
      chainFailure = { key: undefined, lane: "the chain", error };
    });
    const pipeline = new PersistPipeline(parts, () => chainFailure);
    try {
      await pipeline.#finishInterrupted();
      return pipeline;
    } catch (error) {
      await pipeline.close().catch(() => undefined);
      throw error;
    }
  }

  /** The newest anchor; `undefined` before the first. Durable. */
  get anchor(): A | undefined {
    return decodeAnchor(this.#parts.options, this.#parts.anchor.value);
  }

  /** What failed and takes nothing more: lanes in quarantine, and the chain, whose key is `undefined`. */
  get failures(): LaneFailure<K>[] {
    const chain = this.#chainFailure();
    const lanes = this.lanes.quarantined.map(({ key, name, cause }) => ({ key, lane: name, error: cause }));
    return chain === undefined ? lanes : [chain, ...lanes];
  }

  /**
   * Persists what `batch` holds; resolves once all of it is durable. Calls may overlap: the entries of a lane are appended in the order of the calls, and a
   * lane that is slow holds up no other.
   *
   * Errors, without effect: values that can't be encoded; an anchor that needs what an earlier one gave up (`HF_CUT`); `HF_BACKPRESSURE`; `HF_CLOSED`;
   * `HF_POISONED`, once an anchor could not be written. `LanesFailedError`: some parts failed, and the others are durable. In an atomic cycle any part's
   * error is the whole one's, and nothing is durable.
   */
  persist(batch: PersistBatch<K, T, C, A>): Promise<void> {
    let cycle: Promise<void>;
    try {
      this.#throwUnusable();
      cycle = this.#persist(this.#encode(batch));
    } catch (error) {
      return Promise.reject(error);
    }
    this.#cycles.add(cycle);
    const over = (): void => void this.#cycles.delete(cycle);
    cycle.then(over, over);
    return cycle;
  }

  /** Waits for the cycles under way, then closes everything, even if some of it fails; every later call rejects with `HF_CLOSED`. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      await Promise.allSettled(this.#cycles);
      await this.#parts.close();
    })();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #persist(batch: EncodedBatch<K, A>): Promise<void> {
    const failures: LaneFailure<K>[] = [];
    // The turn ends when the lanes' own queues have everything, so a lane that is slow does not keep the next cycle waiting.
    const { done } = await this.#turns.take(async () => {
      this.#throwFailure();
      this.#checkNeeds(batch.anchor?.needs ?? NOTHING);
      return this.#parts.atomic ? await this.#beginTogether(batch) : await this.#begin(batch, failures);
    });
    await done;
    if (failures.length > 0) throw new LanesFailedError(failures);
  }

  /** Each lane for itself. */
  async #begin(batch: EncodedBatch<K, A>, failures: LaneFailure<K>[]): Promise<Underway> {
    const { anchor } = batch;
    const lanes = await this.#openLanes(batch, failures);
    const chain = chainRequests(batch);
    const parts = (): CyclePart[] => this.#plan(this.#newestNeeds(), lanes, chain, failures);
    const write = async (bytes: Uint8Array): Promise<void> => {
      try {
        await this.#parts.anchor.write(bytes);
      } catch (error) {
        throw isRefusal(error) ? error : this.#fail(error);
      }
    };
    const step = {
      write:
        anchor &&
        (async () => {
          await write(anchor.bytes);
          this.#publish({ kind: "anchor", anchor: anchor.value });
        }),
      writeAgain: () => write(this.#parts.anchor.value),
    };
    return { done: persistParts(await persistAnchor(step, parts)) };
  }

  /** All or nothing. */
  async #beginTogether(batch: EncodedBatch<K, A>): Promise<Underway> {
    const { anchor } = batch;
    const store = this.#parts.anchor as JournalAnchor;
    const failures: LaneFailure<K>[] = [];
    const lanes = await this.#openLanes(batch, failures);
    if (failures.length > 0) throw failures[0]!.error;
    const needs = anchor?.needs ?? this.#newestNeeds();
    const parts = this.#plan(needs, lanes, chainRequests(batch), failures);
    const step = anchor && {
      entries: store.entries,
      value: anchor.bytes,
      publish: async (): Promise<void> => {
        await store.adopt(anchor.bytes);
        this.#publish({ kind: "anchor", anchor: anchor.value });
      },
    };
    const committed = persistTogether(this.#parts.place, step, parts).catch((error: unknown) => {
      throw isRefusal(error) ? error : this.#fail(error);
    });
    // What the next cycle may drop, and what it may not need any more, follows from this one's anchor.
    if (anchor !== undefined) await committed;
    const prunes = async (): Promise<void> => {
      await committed;
      await persistParts(this.#plan(this.#newestNeeds(), lanes, [], failures, false));
      if (failures.length > 0) throw new LanesFailedError(failures);
    };
    return { done: prunes() };
  }

  /** After a crash: jumps and prunes that the newest anchor asks for. */
  async #finishInterrupted(): Promise<void> {
    const value = this.anchor;
    if (value === undefined) return;
    const needs = this.#newestNeeds();
    const { chain } = this.#parts;
    if (needs.chain !== undefined && chain.firstIndex > needs.chain) throw missing(chain, needs.chain);
    const failures: LaneFailure<K>[] = [];
    const lanes = await this.#openLanes(
      { anchor: { value, bytes: new Uint8Array(), needs }, chain: undefined, lanes: [] },
      failures,
    );
    const sound = lanes.filter(({ key, entries }) => {
      const need = needs.lanes.find(([lane]) => this.lanes.isSame(lane, key))?.[1];
      if (need === undefined || entries.firstIndex <= need) return true;
      entries.fail(missing(entries, need));
      return false;
    });
    const step = { writeAgain: () => this.#parts.anchor.write(this.#parts.anchor.value) };
    const requests = chainRequests({ anchor: { value, bytes: new Uint8Array(), needs }, chain: undefined, lanes: [] });
    const parts = (): CyclePart[] => this.#plan(this.#newestNeeds(), sound, requests, failures);
    await persistParts(await persistAnchor(step, parts));
    const failed = failures.find(({ key }) => key === undefined);
    if (failed !== undefined) throw failed.error;
  }

  /** The lanes of a batch, and those that its anchor speaks of, but for those in quarantine. */
  async #openLanes(batch: EncodedBatch<K, A>, failures: LaneFailure<K>[]): Promise<CycleLane<K>[]> {
    const firstIndex = this.#parts.options.lanes.firstIndex ?? 0;
    const named = [...this.lanes.keys()];
    const wanted = batch.lanes.map(({ key, request }) => ({ key, request }));
    const spokenOf = (batch.anchor?.needs.lanes ?? []).filter(
      ([key, need]) => need > firstIndex || named.some((name) => this.lanes.isSame(name, key)),
    );
    const opened = await Promise.all([
      ...wanted.map(async ({ key, request }) => {
        try {
          return { key, entries: await this.lanes.entriesOf(key), requests: [request] };
        } catch (error) {
          failures.push({ key, lane: this.lanes.label(key), error });
          return undefined;
        }
      }),
      ...spokenOf.map(async ([key]) => {
        // A lane in quarantine is no failure of every cycle that it is spoken of in.
        const entries = await this.lanes.entriesOf(key).catch(() => undefined);
        return entries && { key, entries, requests: [] };
      }),
    ]);
    const lanes = new Map<EntryLog, CycleLane<K>>();
    for (const lane of opened) {
      const known = lane && lanes.get(lane.entries);
      if (known !== undefined) known.requests.push(...lane!.requests);
      else if (lane !== undefined) lanes.set(lane.entries, lane);
    }
    return [...lanes.values()];
  }

  #plan(
    newest: Needs<K>,
    lanes: readonly CycleLane<K>[],
    chain: readonly AppendRequest[],
    failures: LaneFailure<K>[],
    appends = true,
  ): CyclePart[] {
    const older = needsOf(this.#parts.options, this.#parts.anchor.fallbackValue);
    const needIn = (needs: Needs<K>, key: K): number | undefined =>
      needs.lanes.find(([lane]) => this.lanes.isSame(lane, key))?.[1];
    const refuse = (key: K | undefined, lane: string) => (error: unknown) => void failures.push({ key, lane, error });
    return [
      {
        entries: this.#parts.chain,
        need: newest.chain,
        olderNeed: older.chain,
        requests: appends ? chain : [],
        publish: (range: IndexRange) => this.#publishRange({ kind: "chain", ...range }),
        refuse: refuse(undefined, "the chain"),
      },
      ...lanes.map(({ key, entries, requests }) => ({
        entries,
        need: needIn(newest, key),
        olderNeed: needIn(older, key),
        requests: appends ? requests : [],
        publish: (range: IndexRange) => this.#publishRange({ kind: "lane", key, ...range }),
        refuse: refuse(key, entries.name),
      })),
    ];
  }

  #encode(batch: PersistBatch<K, T, C, A>): EncodedBatch<K, A> {
    const where = "PersistPipeline.persist";
    const given = checkOptions<PersistBatch<K, T, C, A>>(where, batch, ["anchor", "chain", "lanes"]);
    const { options, chain } = this.#parts;
    const bytes = given.anchor === undefined ? undefined : encodeAnchor(options, given.anchor);
    return {
      anchor: bytes === undefined ? undefined : { value: given.anchor as A, bytes, needs: needsOf(options, bytes) },
      chain: given.chain && {
        values: encodeAll(options.chain.codec, checkArray(where, "chain.values", given.chain.values), chain.name),
        from: checkIndex(where, "chain.firstIndex", given.chain.firstIndex),
        skipsKnown: true,
      },
      lanes: checkArray(where, "lanes", given.lanes ?? []).map(({ key, values, firstIndex }) => ({
        key,
        request: {
          values: encodeAll(options.lanes.codec, checkArray(where, "values", values), this.lanes.label(key)),
          from: firstIndex === undefined ? undefined : checkIndex(where, "firstIndex", firstIndex),
        },
      })),
    };
  }

  /** An anchor only ever gives up more. */
  #checkNeeds(needs: Needs<K>): void {
    const now = this.#newestNeeds();
    const { chain } = this.#parts;
    if (needs.chain !== undefined) refuseEarlier("the chain", needs.chain, Math.max(now.chain ?? 0, chain.firstIndex));
    for (const [key, need] of needs.lanes) {
      const given = now.lanes.find(([lane]) => this.lanes.isSame(lane, key))?.[1] ?? 0;
      refuseEarlier(this.lanes.label(key), need, Math.max(given, this.lanes.get(key)?.firstIndex ?? 0));
    }
  }

  #newestNeeds(): Needs<K> {
    return needsOf(this.#parts.options, this.#parts.anchor.value);
  }

  #publishRange(persisted: Exclude<Persisted<K, A>, { kind: "anchor" }>): void {
    if (persisted.nextIndex > persisted.firstIndex) this.#publish(persisted);
  }

  #publish(persisted: Persisted<K, A>): void {
    this.#parts.options.onPersisted?.(persisted);
  }

  #fail(error: unknown): unknown {
    if (!this.#failed) {
      this.#failed = true;
      this.#failure = error;
    }
    return error;
  }

  #throwFailure(): void {
    if (!this.#failed) return;
    throw new StateError(
      "HF_POISONED",
      `The anchor of ${this.#parts.place.path} could not be written, so nothing more is persisted. Close the pipeline and open it again; the cause has the first failure.`,
      { path: this.#parts.place.path },
      this.#failure,
    );
  }

  #throwUnusable(): void {
    const { path } = this.#parts.place;
    if (this.#closing !== undefined)
      throw new StateError("HF_CLOSED", `The pipeline of ${path} is closed. Open it again.`, { path });
    this.#throwFailure();
    if (this.#cycles.size < CYCLES_MAX) return;
    throw new LimitError("HF_BACKPRESSURE", `${path} has ${CYCLES_MAX} cycles under way. Await some first.`, {
      path,
      cyclesMax: CYCLES_MAX,
    });
  }
}

/** What the chain gets: the entry that the anchor starts it at, then the batch's own. */
function chainRequests<K, A>({ anchor, chain }: EncodedBatch<K, A>): AppendRequest[] {
  const needs = anchor?.needs;
  const start: AppendRequest[] =
    needs?.chainEntry === undefined ? [] : [{ values: [needs.chainEntry], from: needs.chain, skipsKnown: true }];
  return chain === undefined ? start : [...start, chain];
}

function refuseEarlier(lane: string, need: number, allowed: number): void {
  if (need >= allowed) return;
  throw new ConflictError(
    "HF_CUT",
    `The anchor needs ${lane} from ${need} on, of which nothing is kept below ${allowed}. An anchor may only give up more than the one before.`,
    { lane, need, firstIndex: allowed },
  );
}

function missing(entries: EntryLog, need: number): CorruptionError {
  return new CorruptionError({
    path: entries.name,
    expected: `entry ${need}, from which on the anchor needs it`,
    found: `${entries.firstIndex} as the first`,
  });
}
