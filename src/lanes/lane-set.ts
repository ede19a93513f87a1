/**
 * Many lanes in one place, each an `IndexedLog` of its own that no other lane can hold up.
 *
 * A lane that fails, at opening or later, is quarantined: calls on it reject with what made it fail, and the others go on.
 */
import { type Codec, HoldfastError, StateError, checkBoolean, checkInteger, checkOptions } from "../base/index.js";
import type { SharedLog } from "../streams/index.js";
import { checkArray, checkIndex } from "./arguments.js";
import { type QuarantineMessage, quarantineChannel } from "./channels.js";
import { closeAll } from "./close-all.js";
import { checkCodec, encodeAll } from "./codec.js";
import { commitTogether } from "./commit-together.js";
import { apart } from "./entry-errors.js";
import { EntryLog } from "./entry-log.js";
import { IndexedLog } from "./indexed-log.js";
import { type LaneFailure, LanesFailedError } from "./lane-error.js";
import type { LaneBatch, LaneCommitOptions, LaneRange, LaneSetOptions } from "./lane-batch.js";
import { type KeyCodec, checkKeys, nameKeys, nameOfKey } from "./lane-keys.js";
import { openPlace } from "./open-place.js";
import type { LanePlace, PlacedJournal } from "./place.js";
import { Telling, checkListener } from "./telling.js";

/** What a lane's journal is called in its place: this, then the lane's name. */
const PREFIX = "lane-";
/** Lanes that are opened at once. */
const OPENING_MAX = 16;

/** A lane that takes nothing more. */
export interface QuarantinedLane<K> {
  readonly key: K;
  readonly name: string;
  /** The first failure. */
  readonly cause: unknown;
}

/** An open lane. */
interface OpenLane<K, T> {
  readonly key: K;
  readonly name: string;
  readonly placed: PlacedJournal;
  readonly entries: EntryLog;
  readonly log: IndexedLog<T>;
}

/** What a set is made of. */
interface LaneSetParts<K, T> {
  readonly place: LanePlace;
  readonly keys: KeyCodec<K>;
  readonly codec: Codec<T>;
  readonly firstIndex: number;
  /** Whether the place goes when the set is closed. */
  readonly ownsPlace: boolean;
}

/**
 * Lanes by key. Made when first used, never removed.
 *
 * @example
 * ```ts
 * import { LaneSet } from "holdfast/lanes";
 *
 * const codec = {
 *   encode: (text: string) => new TextEncoder().encode(text),
 *   decode: (bytes: Uint8Array) => new TextDecoder().decode(bytes),
 * };
 * await using lanes = await LaneSet.open("./lanes", { codec });
 * await lanes.commit([
 *   { key: "ann", values: ["block 0", "block 1"] },
 *   { key: "bob", values: ["block 0"], firstIndex: 0 },
 * ]); // durable now
 * const ann = await lanes.lane("ann");
 * console.log(ann.nextIndex, await ann.readAll()); // 2 [ 'block 0', 'block 1' ]
 * ```
 */
export class LaneSet<K, T> {
  /** What is among the lanes and is none; left alone. In a directory: names of files and folders; in a `SharedLog`: names behind the prefix. */
  readonly foreign: readonly string[];
  readonly #place: LanePlace;
  readonly #keys: KeyCodec<K>;
  readonly #codec: Codec<T>;
  readonly #firstIndex: number;
  readonly #ownsPlace: boolean;
  /** By name. */
  readonly #lanes = new Map<string, OpenLane<K, T>>();
  readonly #quarantined = new Map<string, QuarantinedLane<K>>();
  /**
   * Every lane that is open or on its way. All calls wait for this, also when it is there already, so that they reach the lane in the order in
   * which they were made.
   */
  readonly #ready = new Map<string, Promise<OpenLane<K, T>>>();
  /** Lanes that are being taken in again. */
  readonly #again = new Map<string, Promise<OpenLane<K, T>>>();
  #closing: Promise<void> | undefined;

  private constructor(parts: LaneSetParts<K, T>, foreign: readonly string[]) {
    this.#place = parts.place;
    this.#keys = parts.keys;
    this.#codec = parts.codec;
    this.#firstIndex = parts.firstIndex;
    this.#ownsPlace = parts.ownsPlace;
    this.foreign = foreign;
  }

  /**
   * Opens every lane in `where`: the path of a directory, which is made if missing, and holds a shared log for all lanes, or with `layout: "log-per-lane"`
   * one for each; or a `SharedLog`, which stays the caller's to close, after this. A lane that can't be opened is quarantined, not an error.
   *
   * Errors: invalid options; `HF_LOCKED` (another opener); what the place itself fails with.
   */
  static open<T>(where: string | SharedLog | LanePlace, options: LaneSetOptions<T>): Promise<LaneSet<string, T>>;
  /** With keys that are no strings. */
  static open<K, T>(
    where: string | SharedLog | LanePlace,
    options: LaneSetOptions<T> & { readonly key: KeyCodec<K> },
  ): Promise<LaneSet<K, T>>;
  static async open<T>(
    where: string | SharedLog | LanePlace,
    options: LaneSetOptions<T> & { readonly key?: KeyCodec<unknown> },
  ): Promise<LaneSet<unknown, T>> {
    const call = "LaneSet.open";
    const given = checkOptions<LaneSetOptions<T> & { readonly key?: KeyCodec<unknown> }>(call, options, [
      "codec",
      "key",
      "firstIndex",
      "layout",
      "vfs",
      "log",
      "prefix",
    ]);
    const codec = checkCodec(call, "codec", given.codec);
    const keys = given.key ?? nameKeys;
    checkKeys(call, keys);
    const firstIndex = checkInteger(call, "firstIndex", given.firstIndex, { min: 0 }, 0);
    const { place, isOwned } = await openPlace(call, where, given);
    const parts = { place, keys, codec, firstIndex, ownsPlace: isOwned };
    return await LaneSet.over(parts, []);
  }

  /** @internal Over a place that is open already. `others` are the names of its journals that are no lanes and not foreign. */
  static async over<K, T>(parts: LaneSetParts<K, T>, others: readonly string[]): Promise<LaneSet<K, T>> {
    const { place, keys, ownsPlace } = parts;
    try {
      const listing = await place.list();
      const foreign = [...listing.foreign];
      const found: { key: K; name: string }[] = [];
      for (const journal of listing.names) {
        if (others.includes(journal)) continue;
        const name = journal.startsWith(PREFIX) ? journal.slice(PREFIX.length) : undefined;
        const key = name === undefined ? undefined : keys.decode(name);
        // A name that is not its key's own is no lane: the key would never lead to it.
        if (key === undefined || nameOfKey(keys, key) !== name) foreign.push(journal);
        else found.push({ key, name });
      }
      const set = new LaneSet(parts, foreign.sort());
      for (let start = 0; start < found.length; start += OPENING_MAX) {
        const some = found.slice(start, start + OPENING_MAX);
        const outcomes = await Promise.allSettled(some.map(({ key, name }) => set.#openLane(key, name)));
        for (const [at, outcome] of outcomes.entries()) {
          // A lane that fails is in quarantine. What is no lane's failure, such as a place that was closed, is that of all.
          if (outcome.status === "rejected" && !set.isKnown(some[at]!.name)) throw outcome.reason;
        }
      }
      return set;
    } catch (error) {
      if (ownsPlace) await place.close().catch(() => undefined);
      throw error;
    }
  }

  /** The keys of all lanes, those in quarantine too, in the order of their names. */
  keys(): K[] {
    const all = new Map<string, K>();
    for (const { name, key } of [...this.#lanes.values(), ...this.#quarantined.values()]) all.set(name, key);
    return [...all].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, key]) => key);
  }

  /** Lanes that failed, in the order in which they did. */
  get quarantined(): QuarantinedLane<K>[] {
    return [...this.#quarantined.values()];
  }

  /** The lane with this key, if there is one and it is well. */
  get(key: K): IndexedLog<T> | undefined {
    const name = this.nameOf(key);
    return this.#quarantined.has(name) ? undefined : this.#lanes.get(name)?.log;
  }

  /**
   * The lane with this key; made if missing, which is durable when this resolves. Errors: `HF_QUARANTINED`, with what made it fail as the cause;
   * `HF_CLOSED`; a key whose name is too long.
   */
  async lane(key: K): Promise<IndexedLog<T>> {
    return (await this.#laneOf(key)).log;
  }

  /** Appends one entry to one lane. As `IndexedLog.append`, and errors as of {@link lane}. */
  append(key: K, value: T, index?: number): Promise<number> {
    return this.#apart(async () => {
      const from = checkInteger("LaneSet.append", "index", index, { min: 0 }, undefined);
      const values = this.#encode(key, [value]);
      return (await (await this.#laneOf(key)).entries.append({ values, from })).firstIndex;
    });
  }

  /**
   * Appends to several lanes; resolves to what went where, in the order of `batches`, once all of it is durable. Each lane's part is atomic, and none
   * waits for another lane's. A part that fails does not stop the others: `LanesFailedError` then tells which.
   */
  commit(batches: readonly LaneBatch<K, T>[], options?: LaneCommitOptions<K>): Promise<LaneRange<K>[]> {
    return this.#apart(() => this.#commit(batches, options));
  }

  async #commit(batches: readonly LaneBatch<K, T>[], options?: LaneCommitOptions<K>): Promise<LaneRange<K>[]> {
    const where = "LaneSet.commit";
    const given = checkOptions(where, options, ["atomic", "onDurable"]);
    this.#throwClosed();
    const requests = checkArray(where, "batches", batches).map(({ key, values, firstIndex }) => ({
      key,
      values: this.#encode(key, checkArray(where, "values", values)),
      from: firstIndex === undefined ? undefined : checkIndex(where, "firstIndex", firstIndex),
    }));
    const telling = new Telling(checkListener(where, "onDurable", given.onDurable));
    if (checkBoolean(where, "atomic", given.atomic, false)) {
      const parts = await Promise.all(
        requests.map(async (request) => ({ entries: (await this.#laneOf(request.key)).entries, requests: [request] })),
      );
      const ranges = (await commitTogether(this.#place, parts)).map((range, at) => ({
        key: requests[at]!.key,
        ...range,
      }));
      for (const range of ranges) telling.tell(range);
      telling.finish();
      return ranges;
    }
    const failures: LaneFailure<K>[] = [];
    const ranges = await Promise.all(
      requests.map(async (request) => {
        const { key } = request;
        try {
          const { entries } = await this.#laneOf(key);
          const range = { key, ...(await entries.append(request)) };
          telling.tell(range);
          return range;
        } catch (error) {
          failures.push({ key, lane: this.#label(this.nameOf(key)), error });
          return undefined;
        }
      }),
    );
    if (failures.length > 0) throw new LanesFailedError(failures);
    telling.finish();
    return ranges as LaneRange<K>[];
  }

  /** Makes `index` the first of a lane. As `IndexedLog.startAt`. */
  startAt(key: K, index: number): Promise<void> {
    return this.#apart(async () => {
      await (await this.lane(key)).startAt(index);
    });
  }

  /** Opens a lane again that is in quarantine, with whatever recovery that takes. Rejects, and leaves it there, where that fails again. */
  readmit(key: K): Promise<IndexedLog<T>> {
    return this.#apart(async () => {
      const name = this.nameOf(key);
      this.#throwClosed();
      if (!this.#quarantined.has(name)) return await this.lane(key);
      return (await (this.#again.get(name) ?? this.#reopen(key, name))).log;
    });
  }

  /**
   * Waits for what was asked before, then closes every lane, even if some fail; from now on every call rejects with `HF_CLOSED`. Idempotent.
   * Rejects with what failed. A lane that was in quarantine already is released, and is no failure of `close`.
   */
  close(): Promise<void> {
    return this.#apart(() => (this.#closing ??= this.#close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** What messages call the lane with this key. */
  label(key: K): string {
    return this.#label(this.nameOf(key));
  }

  /** The name of the lane with this key. */
  nameOf(key: K): string {
    return nameOfKey(this.#keys, key);
  }

  /** @internal Whether there is a lane with this name, well or not. */
  isKnown(name: string): boolean {
    return this.#lanes.has(name) || this.#quarantined.has(name);
  }

  /** @internal The entries of a lane, for what works across lanes. */
  async entriesOf(key: K): Promise<EntryLog> {
    return (await this.#laneOf(key)).entries;
  }

  #laneOf(key: K): Promise<OpenLane<K, T>> {
    try {
      const name = this.nameOf(key);
      this.#throwClosed();
      const quarantined = this.#quarantined.get(name);
      if (quarantined !== undefined) throw this.#refusal(quarantined);
      return this.#ready.get(name) ?? this.#openLane(key, name);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #openLane(key: K, name: string): Promise<OpenLane<K, T>> {
    const ready = this.#openJournal(key, name);
    this.#ready.set(name, ready);
    ready.catch(() => this.#ready.delete(name));
    return ready;
  }

  async #openJournal(key: K, name: string): Promise<OpenLane<K, T>> {
    let placed: PlacedJournal | undefined;
    try {
      placed = await this.#place.open(PREFIX + name);
      const entries = await EntryLog.open(placed.journal, this.#label(name), this.#firstIndex, (cause) =>
        this.#quarantine(key, name, cause),
      );
      const lane = { key, name, placed, entries, log: IndexedLog.over(entries, this.#codec) };
      this.#lanes.set(name, lane);
      this.#quarantined.delete(name);
      return lane;
    } catch (error) {
      await placed?.close().catch(() => undefined);
      // A name that can't be, or a set that was closed meanwhile, is the caller's.
      if (isFailure(error)) this.#quarantine(key, name, error);
      throw error;
    }
  }

  #reopen(key: K, name: string): Promise<OpenLane<K, T>> {
    const lane = this.#lanes.get(name);
    const again = (async () => {
      if (lane !== undefined) {
        await lane.entries.close();
        await lane.placed.close().catch(() => undefined);
        this.#lanes.delete(name);
      }
      return await this.#openJournal(key, name);
    })();
    this.#again.set(name, again);
    this.#ready.set(name, again);
    again.then(
      () => this.#again.delete(name),
      () => {
        this.#again.delete(name);
        this.#ready.delete(name);
      },
    );
    return again;
  }

  #quarantine(key: K, name: string, cause: unknown): void {
    this.#quarantined.delete(name);
    this.#quarantined.set(name, { key, name, cause });
    if (!quarantineChannel.hasSubscribers) return;
    const message: QuarantineMessage = { path: this.#place.path, lane: name, cause };
    quarantineChannel.publish(message);
  }

  #apart<R>(act: () => Promise<R>): Promise<R> {
    return apart(this.#place, `the lanes of ${this.#place.path}`, act);
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#ready.values());
    await Promise.all([...this.#lanes.values()].map(({ entries }) => entries.close()));
    const well: PlacedJournal[] = [];
    for (const { name, placed } of this.#lanes.values()) {
      // Whoever used it was told; what it says again at close is nothing new.
      if (this.#quarantined.has(name)) await placed.close().catch(() => undefined);
      else well.push(placed);
    }
    await closeAll([...well, ...(this.#ownsPlace ? [this.#place] : [])]);
  }

  #encode(key: K, values: readonly T[]): Uint8Array[] {
    return encodeAll(this.#codec, values, this.#label(this.nameOf(key)));
  }

  #label(name: string): string {
    return `lane ${name} of ${this.#place.path}`;
  }

  #refusal({ name, cause }: QuarantinedLane<K>): StateError {
    return new StateError(
      "HF_QUARANTINED",
      `${this.#label(name)} failed and is in quarantine; the cause has the first failure. Others go on. readmit opens it again.`,
      { lane: name, path: this.#place.path },
      cause,
    );
  }

  #throwClosed(): void {
    if (this.#closing === undefined) return;
    throw new StateError("HF_CLOSED", `The lanes in ${this.#place.path} are closed. Open them again.`, {
      path: this.#place.path,
    });
  }
}

function isFailure(error: unknown): boolean {
  return !(error instanceof HoldfastError) || !(error.code === "HF_INVALID_ARGUMENT" || error.code === "HF_CLOSED");
}
