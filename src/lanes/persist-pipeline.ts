/** The pipeline: lanes, a chain and an anchor, persisted in the order that survives a crash at any point. `persist.ts` has that order. */
import { LimitError, StateError, Turns } from "../base/index.js";
import type { Settled, SharedLog } from "../streams/index.js";
import type { JournalAnchor } from "./anchor-store.js";
import { Chain } from "./chain.js";
import { type Companions, type PersistWith, checkCompanions } from "./companions.js";
import { type CycleLane, CycleLanes, type Hearers, lost } from "./cycle-lanes.js";
import { type EncodedBatch, chainRequests, encodeBatch } from "./encoded-batch.js";
import { apart, isRefusal } from "./entry-errors.js";
import { type LaneFailure, LanesFailedError } from "./lane-error.js";
import type { KeyCodec } from "./lane-keys.js";
import type { LaneSet } from "./lane-set.js";
import { type CyclePart, persistAnchor, persistParts, persistTogether } from "./persist.js";
import type { PersistBatch, Persisted } from "./persist-batch.js";
import type { PersistPipelineOptions } from "./persist-options.js";
import { NOTHING, decodeAnchor } from "./pipeline-needs.js";
import { type PipelineParts, openParts } from "./pipeline-parts.js";
import type { LanePlace } from "./place.js";
import { Telling } from "./telling.js";

/** Cycles that may be under way. */
const CYCLES_MAX = 4096;

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
  readonly #cycles = new Set<Promise<unknown>>();
  /** Of the values of all cycles under way. */
  #inFlightBytes = 0;
  readonly #cycleLanes: CycleLanes<K, T, C, A>;
  readonly #chainFailure: () => LaneFailure<K> | undefined;
  #failure: unknown;
  #failed = false;
  #closing: Promise<void> | undefined;

  private constructor(parts: PipelineParts<K, T, C, A>, chainFailure: () => LaneFailure<K> | undefined) {
    this.#parts = parts;
    this.#chainFailure = chainFailure;
    this.lanes = parts.lanes;
    this.#cycleLanes = new CycleLanes(parts);
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
   * Errors, without effect: values that can't be encoded; an anchor that needs what an earlier one gave up or what comes before a lane's start
   * (`HF_CUT`), a lane whose name can't be, or a chain's entry that has no room; `HF_BACKPRESSURE`; `HF_CLOSED`; `HF_POISONED`, once an anchor could
   * not be written. What `onPersisted` threw, once all is done. `LanesFailedError`: some parts failed, and the others are durable. In an atomic cycle any part's
   * error is the whole one's, and nothing is durable.
   */
  persist(batch: PersistBatch<K, T, C, A>): Promise<void>;
  /**
   * The same, and in the same atomic batch what other stores append to the shared log: `joined.with` is called in the moment in which the cycle is handed
   * over. Resolves, once all of it is durable and the promises that `joined.with` returned have settled, to what these resolve to. Where anything of it is refused,
   * nothing of it is durable: see `SharedLog.together`. Only for atomic cycles in a `SharedLog`: `InvalidArgumentError`.
   */
  persist<const Parts extends readonly unknown[]>(
    batch: PersistBatch<K, T, C, A>,
    joined: PersistWith<Parts>,
  ): Promise<Settled<Parts>>;
  persist(batch: PersistBatch<K, T, C, A>, joined?: PersistWith<readonly unknown[]>): Promise<unknown> {
    return this.#apart(() => this.#begun(batch, joined));
  }

  #begun(batch: PersistBatch<K, T, C, A>, joined: PersistWith<readonly unknown[]> | undefined): Promise<unknown> {
    let cycle: Promise<unknown>;
    let bytes: number;
    try {
      this.#throwUnusable();
      const { place, settings } = this.#parts;
      const companions = checkCompanions("PersistPipeline.persist", joined, place, settings.atomic);
      const encoded = encodeBatch(this.#parts, batch);
      ({ bytes } = encoded);
      this.#throwFull(bytes);
      cycle = companions === undefined ? this.#persist(encoded) : this.#persistJoined(encoded, companions);
    } catch (error) {
      return Promise.reject(error);
    }
    this.#cycles.add(cycle);
    this.#inFlightBytes += bytes;
    const over = (): void => {
      this.#cycles.delete(cycle);
      this.#inFlightBytes -= bytes;
    };
    cycle.then(over, over);
    return cycle;
  }

  /** Waits for the cycles under way, then closes everything, even if some of it fails; every later call rejects with `HF_CLOSED`. Idempotent. */
  close(): Promise<void> {
    return this.#apart(() => (this.#closing ??= this.#close()));
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#cycles);
    await this.#parts.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #apart<R>(act: () => Promise<R>): Promise<R> {
    const { place } = this.#parts;
    return apart(place, `the pipeline of ${place.path}`, act);
  }

  async #persistJoined(batch: EncodedBatch<K, A>, companions: Companions): Promise<readonly unknown[] | undefined> {
    try {
      await this.#persist(batch, companions);
    } catch (error) {
      // Where it is the others' fault, they say it best.
      await companions.result();
      throw error;
    }
    return await companions.result();
  }

  async #persist(batch: EncodedBatch<K, A>, companions?: Companions): Promise<void> {
    const hearers: Hearers<K, A> = { failures: [], telling: this.#newTelling() };
    // The turn ends when the lanes' own queues have everything, so a lane that is slow does not keep the next cycle waiting.
    const { done } = await this.#turns.take(async () => {
      this.#throwFailure();
      this.#cycleLanes.checkNeeds(batch.anchor?.needs ?? NOTHING);
      return this.#parts.settings.atomic
        ? await this.#beginTogether(batch, hearers, companions)
        : await this.#begin(batch, hearers);
    });
    await done;
    if (hearers.failures.length > 0) throw new LanesFailedError(hearers.failures);
    hearers.telling.finish();
  }

  /** Each lane for itself. */
  async #begin(batch: EncodedBatch<K, A>, hearers: Hearers<K, A>): Promise<Underway> {
    const { anchor } = batch;
    const all = this.#cycleLanes.of(batch);
    // Making a lane takes several writes. Where nothing but its entries depends on it, nothing waits for it.
    const isApart = (lane: CycleLane<K>): boolean =>
      !this.lanes.isKnown(lane.name) && !this.#cycleLanes.isSpokenOf(lane.name, anchor?.needs);
    const apart = all.filter(isApart);
    const lanes = await this.#cycleLanes.open(
      all.filter((lane) => !apart.includes(lane)),
      anchor?.needs,
      hearers,
    );
    const chain = chainRequests(batch);
    const parts = (): CyclePart[] => this.#cycleLanes.plan(this.#cycleLanes.newestNeeds(), lanes, chain, hearers);
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
          hearers.telling.tell({ kind: "anchor", anchor: anchor.value });
        }),
      writeAgain: () => write(this.#parts.anchor.value),
    };
    const planned = await persistAnchor(step, parts);
    return { done: Promise.all([persistParts(planned), ...apart.map((lane) => this.#persistApart(lane, hearers))]) };
  }

  /** Makes a lane that no anchor speaks of, and appends to it. */
  async #persistApart(lane: CycleLane<K>, hearers: Hearers<K, A>): Promise<void> {
    const open = await this.#cycleLanes.open([lane], undefined, hearers);
    await persistParts(open.map((one) => this.#cycleLanes.part(one, NOTHING, NOTHING, hearers)));
  }

  /** All or nothing. */
  async #beginTogether(
    batch: EncodedBatch<K, A>,
    hearers: Hearers<K, A>,
    companions: Companions | undefined,
  ): Promise<Underway> {
    const { anchor } = batch;
    const store = this.#parts.anchor as JournalAnchor;
    const { failures, telling } = hearers;
    const lanes = await this.#cycleLanes.open(this.#cycleLanes.of(batch), anchor?.needs, hearers);
    if (failures.length > 0) throw failures[0]!.error;
    const needs = anchor?.needs ?? this.#cycleLanes.newestNeeds();
    const parts = this.#cycleLanes.plan(needs, lanes, chainRequests(batch), hearers);
    const step = anchor && {
      entries: store.entries,
      value: anchor.bytes,
      publish: async (): Promise<void> => {
        await store.adopt(anchor.bytes);
        telling.tell({ kind: "anchor", anchor: anchor.value });
      },
    };
    const committed = persistTogether(this.#parts.place, step, parts, companions).catch((error: unknown) => {
      // A lane that failed before its turn came is no failure of the anchor: nothing was written.
      throw store.entries.isFailed ? this.#fail(error) : error;
    });
    // What the next cycle may drop, and what it may not need any more, follows from this one's anchor.
    if (anchor !== undefined) await committed;
    const prunes = async (): Promise<void> => {
      await committed;
      const idle = lanes.map((lane) => ({ ...lane, requests: [] }));
      await persistParts(this.#cycleLanes.plan(this.#cycleLanes.newestNeeds(), idle, [], hearers));
    };
    return { done: prunes() };
  }

  /** After a crash: jumps and prunes that the newest anchor asks for. */
  async #finishInterrupted(): Promise<void> {
    const value = this.anchor;
    if (value === undefined) return;
    const needs = this.#cycleLanes.newestNeeds();
    const { chain } = this.#parts;
    if (needs.chain !== undefined && chain.firstIndex > needs.chain) throw lost(chain, needs.chain);
    const hearers: Hearers<K, A> = { failures: [], telling: this.#newTelling() };
    const batch = { anchor: { value, bytes: new Uint8Array(), needs }, chain: undefined, lanes: [], bytes: 0 };
    const lanes = await this.#cycleLanes.open(this.#cycleLanes.of(batch), needs, hearers);
    const step = { writeAgain: () => this.#parts.anchor.write(this.#parts.anchor.value) };
    const parts = (): CyclePart[] =>
      this.#cycleLanes.plan(this.#cycleLanes.newestNeeds(), lanes, chainRequests(batch), hearers);
    await persistParts(await persistAnchor(step, parts));
    const failed = hearers.failures.find(({ key }) => key === undefined);
    if (failed !== undefined) throw failed.error;
    hearers.telling.finish();
  }

  #newTelling(): Telling<Persisted<K, A>> {
    return new Telling(this.#parts.options.onPersisted);
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
  }

  /** Refuses a cycle while too much is under way. One alone may be as large as it is. */
  #throwFull(bytes: number): void {
    const { path } = this.#parts.place;
    const bytesMax = this.#parts.settings.inFlightBytes;
    const { size } = this.#cycles;
    if (size === 0 || (size < CYCLES_MAX && this.#inFlightBytes + bytes <= bytesMax)) return;
    throw new LimitError(
      "HF_BACKPRESSURE",
      `${path} has ${size} cycles with ${this.#inFlightBytes} bytes under way; ${CYCLES_MAX} and ${bytesMax} are allowed. Await some first.`,
      { path, cycles: size, cyclesMax: CYCLES_MAX, bytes: this.#inFlightBytes, bytesMax },
    );
  }
}
