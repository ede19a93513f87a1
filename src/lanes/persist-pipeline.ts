/** The pipeline: lanes, a chain and an anchor, persisted in the order that survives a crash at any point. `persist.ts` has that order. */
import { ConflictError, CorruptionError, LimitError, StateError, Turns, checkOptions } from "../base/index.js";
import type { Settled, SharedLog } from "../streams/index.js";
import type { JournalAnchor } from "./anchor-store.js";
import { checkArray, checkIndex } from "./arguments.js";
import { Chain } from "./chain.js";
import { encodeAll } from "./codec.js";
import { type Companions, type PersistWith, checkCompanions } from "./companions.js";
import { apart, isRefusal } from "./entry-errors.js";
import type { AppendRequest, EntryLog } from "./entry-log.js";
import { type LaneFailure, LanesFailedError } from "./lane-error.js";
import type { KeyCodec, LaneSet } from "./lane-set.js";
import { type CyclePart, persistAnchor, persistParts, persistTogether } from "./persist.js";
import type { PersistBatch, Persisted } from "./persist-batch.js";
import type { PersistPipelineOptions } from "./persist-options.js";
import { type Needs, NOTHING, decodeAnchor, encodeAnchor, needsOf } from "./pipeline-needs.js";
import { type PipelineParts, openParts } from "./pipeline-parts.js";
import type { LanePlace } from "./place.js";
import { Telling } from "./telling.js";

/** Cycles that may be under way. */
const CYCLES_MAX = 4096;

/** A batch as bytes. */
interface EncodedBatch<K, A> {
  readonly anchor: { readonly value: A; readonly bytes: Uint8Array; readonly needs: Needs<K> } | undefined;
  readonly chain: AppendRequest | undefined;
  readonly lanes: readonly { readonly key: K; readonly request: AppendRequest }[];
  /** Of all its values. */
  readonly bytes: number;
}

/** A lane that a cycle has to do with. */
interface CycleLane<K> {
  readonly key: K;
  readonly name: string;
  /** In the order of the batch; none where only the anchor speaks of the lane. */
  readonly requests: AppendRequest[];
}

/** One that is open. */
interface OpenCycleLane<K> extends CycleLane<K> {
  readonly entries: EntryLog;
}

/** Who hears of a cycle. */
interface Hearers<K, A> {
  readonly failures: LaneFailure<K>[];
  readonly telling: Telling<Persisted<K, A>>;
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
  readonly #cycles = new Set<Promise<unknown>>();
  /** Of the values of all cycles under way. */
  #inFlightBytes = 0;
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
      const encoded = this.#encode(batch);
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
      this.#checkNeeds(batch.anchor?.needs ?? NOTHING);
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
    const all = this.#lanesOf(batch);
    // Making a lane takes several writes. Where nothing but its entries depends on it, nothing waits for it.
    const isApart = (lane: CycleLane<K>): boolean =>
      !this.lanes.isKnown(lane.name) && !this.#isSpokenOf(lane.name, anchor?.needs);
    const apart = all.filter(isApart);
    const lanes = await this.#open(
      all.filter((lane) => !apart.includes(lane)),
      anchor?.needs,
      hearers,
    );
    const chain = chainRequests(batch);
    const parts = (): CyclePart[] => this.#plan(this.#newestNeeds(), lanes, chain, hearers);
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
    const open = await this.#open([lane], undefined, hearers);
    await persistParts(open.map((one) => this.#lanePart(one, NOTHING, NOTHING, hearers)));
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
    const lanes = await this.#open(this.#lanesOf(batch), anchor?.needs, hearers);
    if (failures.length > 0) throw failures[0]!.error;
    const needs = anchor?.needs ?? this.#newestNeeds();
    const parts = this.#plan(needs, lanes, chainRequests(batch), hearers);
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
      await persistParts(this.#plan(this.#newestNeeds(), idle, [], hearers));
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
    const hearers: Hearers<K, A> = { failures: [], telling: this.#newTelling() };
    const batch = { anchor: { value, bytes: new Uint8Array(), needs }, chain: undefined, lanes: [], bytes: 0 };
    const lanes = await this.#open(this.#lanesOf(batch), needs, hearers);
    const step = { writeAgain: () => this.#parts.anchor.write(this.#parts.anchor.value) };
    const parts = (): CyclePart[] => this.#plan(this.#newestNeeds(), lanes, chainRequests(batch), hearers);
    await persistParts(await persistAnchor(step, parts));
    const failed = hearers.failures.find(({ key }) => key === undefined);
    if (failed !== undefined) throw failed.error;
    hearers.telling.finish();
  }

  /** The lanes of a batch, and those that its anchor speaks of. */
  #lanesOf({ lanes, anchor }: EncodedBatch<K, A>): CycleLane<K>[] {
    const found = new Map<string, CycleLane<K>>();
    for (const { key, request } of lanes) {
      const name = this.lanes.nameOf(key);
      const known = found.get(name);
      if (known === undefined) found.set(name, { key, name, requests: [request] });
      else known.requests.push(request);
    }
    for (const [name, { key, first }] of anchor?.needs.lanes ?? []) {
      // One that was never used, and is needed from its start on, need not be made.
      const isIdle = first <= this.#firstIndex && !this.lanes.isKnown(name);
      if (!found.has(name) && !isIdle) found.set(name, { key, name, requests: [] });
    }
    return [...found.values()];
  }

  /** Whether an anchor that counts, or `needs`, would have a lane with this name, when new, jump. */
  #isSpokenOf(name: string, needs: Needs<K> | undefined): boolean {
    return [needs, this.#newestNeeds()].some((one) => (one?.lanes.get(name)?.first ?? 0) > this.#firstIndex);
  }

  /** Opens lanes, but for those that fail. `needs` is what the cycle's anchor will need. */
  async #open(
    lanes: readonly CycleLane<K>[],
    needs: Needs<K> | undefined,
    { failures }: Hearers<K, A>,
  ): Promise<OpenCycleLane<K>[]> {
    const newest = this.#newestNeeds();
    const opened = await Promise.all(
      lanes.map(async (lane) => {
        const { key, name, requests } = lane;
        try {
          const entries = await this.lanes.entriesOf(key);
          const need = newest.lanes.get(name)?.first;
          if (need !== undefined && entries.firstIndex > need) throw entries.fail(missing(entries, need));
          return [{ ...lane, entries }];
        } catch (error) {
          // An anchor may not speak of what can't be: a name that is none.
          if (isRefusal(error) && needs?.lanes.has(name) === true) throw error;
          // A lane in quarantine is no failure of every cycle that it is spoken of in.
          if (requests.length > 0) failures.push({ key, lane: this.lanes.label(key), error });
          return [];
        }
      }),
    );
    return opened.flat();
  }

  #plan(
    newest: Needs<K>,
    lanes: readonly OpenCycleLane<K>[],
    chain: readonly AppendRequest[],
    hearers: Hearers<K, A>,
  ): CyclePart[] {
    const older = needsOf(this.#parts.options, this.#parts.anchor.fallbackValue);
    return [
      {
        entries: this.#parts.chain,
        need: newest.chain,
        olderNeed: older.chain,
        requests: chain,
        publish: (range) => tellRange(hearers.telling, { kind: "chain", ...range }),
        refuse: (error) => void hearers.failures.push({ key: undefined, lane: "the chain", error }),
      },
      ...lanes.map((lane) => this.#lanePart(lane, newest, older, hearers)),
    ];
  }

  #lanePart(
    { key, name, entries, requests }: OpenCycleLane<K>,
    newest: Needs<K>,
    older: Needs<K>,
    { failures, telling }: Hearers<K, A>,
  ): CyclePart {
    return {
      entries,
      need: newest.lanes.get(name)?.first,
      olderNeed: older.lanes.get(name)?.first,
      requests,
      publish: (range) => tellRange(telling, { kind: "lane", key, ...range }),
      refuse: (error) => void failures.push({ key, lane: entries.name, error }),
    };
  }

  #encode(batch: PersistBatch<K, T, C, A>): EncodedBatch<K, A> {
    const where = "PersistPipeline.persist";
    const given = checkOptions<PersistBatch<K, T, C, A>>(where, batch, ["anchor", "chain", "lanes"]);
    const { options, chain } = this.#parts;
    const bytes = given.anchor === undefined ? undefined : encodeAnchor(options, given.anchor);
    const encoded = {
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
    const { chainEntry } = encoded.anchor?.needs ?? NOTHING;
    // Durable, an anchor whose entry has no room could never be opened again.
    if (chainEntry !== undefined) chain.requireRoom(chainEntry);
    const requests = [...encoded.lanes.map(({ request }) => request), ...chainRequests(encoded)];
    const values = [...requests.flatMap((request) => request.values), ...(bytes === undefined ? [] : [bytes])];
    return { ...encoded, bytes: values.reduce((sum, value) => sum + value.length, 0) };
  }

  /** An anchor only ever gives up more. */
  #checkNeeds(needs: Needs<K>): void {
    const now = this.#newestNeeds();
    const { chain } = this.#parts;
    if (needs.chain !== undefined) refuseEarlier("the chain", needs.chain, Math.max(now.chain ?? 0, chain.firstIndex));
    for (const [name, { key, first }] of needs.lanes) {
      // Of one in quarantine it is not known, and of one still to come it is what the options say.
      const kept = this.lanes.get(key)?.firstIndex ?? (this.lanes.isKnown(name) ? 0 : this.#firstIndex);
      refuseEarlier(this.lanes.label(key), first, Math.max(now.lanes.get(name)?.first ?? 0, kept));
    }
  }

  #newestNeeds(): Needs<K> {
    return needsOf(this.#parts.options, this.#parts.anchor.value);
  }

  #newTelling(): Telling<Persisted<K, A>> {
    return new Telling(this.#parts.options.onPersisted);
  }

  /** Where a new lane starts. */
  get #firstIndex(): number {
    return this.#parts.options.lanes.firstIndex ?? 0;
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

/** What the chain gets: the entry that the anchor starts it at, then the batch's own. */
function chainRequests<K, A>({ anchor, chain }: Pick<EncodedBatch<K, A>, "anchor" | "chain">): AppendRequest[] {
  const needs = anchor?.needs;
  const start: AppendRequest[] =
    needs?.chainEntry === undefined ? [] : [{ values: [needs.chainEntry], from: needs.chain, skipsKnown: true }];
  return chain === undefined ? start : [...start, chain];
}

/** Nothing is told of what was there already. */
function tellRange<K, A>(telling: Telling<Persisted<K, A>>, range: Exclude<Persisted<K, A>, { kind: "anchor" }>): void {
  if (range.nextIndex > range.firstIndex) telling.tell(range);
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
