/** A journal of values with consecutive indexes of the caller's: block numbers, rounds, offsets. */
import {
  type Codec,
  ConflictError,
  checkBoolean,
  checkInteger,
  checkOptions,
  checkSignal,
  invalid,
} from "../base/index.js";
import type { Journal } from "../log/index.js";
import { checkArray, checkIndex } from "./arguments.js";
import { decodeWith, encodeAll } from "./codec.js";
import type { IndexRange } from "./append-queue.js";
import type { EntryLog } from "./entry-log.js";
import { type IndexedLogOptions, openEntries } from "./open-entries.js";

/** Options of {@link IndexedLog.read}. */
export interface ReadEntriesOptions {
  /** First index, inclusive. Default: the oldest. Below it: `HF_INDEX_OUT_OF_RANGE`. */
  readonly from?: number;
  /** Last index, inclusive. Default: the newest at the time of the call. */
  readonly to?: number;
  /** Newest first. Default false. */
  readonly reverse?: boolean;
  /** Ends the iteration with `signal.reason`. */
  readonly signal?: AbortSignal;
}

/** Options of {@link IndexedLog.follow}. */
export interface FollowEntriesOptions {
  /** First index, inclusive. Default: the next one to come. */
  readonly from?: number;
  /** Ends the iteration with `signal.reason`. */
  readonly signal?: AbortSignal;
}

/** A value and its index. */
export interface Entry<T> {
  readonly index: number;
  readonly value: T;
}

/** Sees the entry that a truncation would make the first. Returning false, or throwing, leaves everything as it is. */
export type VerifyEntry<T> = (value: T, index: number) => boolean | Promise<boolean>;

/**
 * Values of one type in a {@link Journal}, with consecutive indexes. It alone may write to the journal.
 *
 * What a promise of it says is durable when it resolves, the next index included: an emptied log still knows it after any crash. Reading proves
 * that nothing is missing: what was durable once is returned or is an error.
 *
 * Errors of every method: `HF_CLOSED`; and for writes `HF_POISONED`, once any write failed or damage was found, with the first cause. Reads are
 * still tried then.
 *
 * @example
 * ```ts
 * import { Log } from "holdfast/log";
 * import { IndexedLog } from "holdfast/lanes";
 *
 * const codec = {
 *   encode: (text: string) => new TextEncoder().encode(text),
 *   decode: (bytes: Uint8Array) => new TextDecoder().decode(bytes),
 * };
 * await using log = await Log.open("./blocks");
 * const blocks = await IndexedLog.open(log, { codec, firstIndex: 100 });
 * await blocks.append("block 100"); // durable now
 * await blocks.append("block 101", 101); // refused if the next index were another one
 * await blocks.truncateBefore(101, (block) => block === "block 101");
 * console.log(blocks.firstIndex, blocks.nextIndex, await blocks.readAll()); // 101 102 [ 'block 101' ]
 * await blocks.close();
 * ```
 */
export class IndexedLog<T> {
  readonly #entries: EntryLog;
  readonly #codec: Codec<T>;

  private constructor(entries: EntryLog, codec: Codec<T>) {
    this.#entries = entries;
    this.#codec = codec;
  }

  /**
   * Finds where the log stands; reads two records, whatever its size, and finishes a truncation that a crash interrupted. The journal stays
   * the caller's to close, after this.
   *
   * Errors: invalid options; `HF_CORRUPTION` (a gap, or a journal that lost its baseline); `HF_FORMAT_UNKNOWN` (a journal of something else).
   */
  static async open<T>(journal: Journal, options: IndexedLogOptions<T>): Promise<IndexedLog<T>> {
    const { entries, codec } = await openEntries("IndexedLog.open", journal, options, "the lane");
    return new IndexedLog(entries, codec);
  }

  /** Over entries that are open already. */
  static over<T>(entries: EntryLog, codec: Codec<T>): IndexedLog<T> {
    return new IndexedLog(entries, codec);
  }

  /** What messages call it. */
  get name(): string {
    return this.#entries.name;
  }

  /** The oldest index; `nextIndex` where the log is empty. */
  get firstIndex(): number {
    return this.#entries.firstIndex;
  }

  /** The index that the next entry gets. Everything below it is durable. */
  get nextIndex(): number {
    return this.#entries.nextIndex;
  }

  /** How many entries it holds. */
  get count(): number {
    return this.nextIndex - this.firstIndex;
  }

  /**
   * Appends `value` and resolves to its index once it is durable. With `index` it is refused unless that is the next one: `HF_OUT_OF_SEQUENCE`,
   * without effect. Calls may overlap; they share writes, and are done in order.
   *
   * Errors: `HF_VALUE_UNENCODABLE`; the journal's limits (`HF_RECORD_TOO_LARGE`); `HF_BACKPRESSURE`; without effect.
   */
  append(value: T, index?: number): Promise<number> {
    return this.#entries.apart(async () => {
      const from = checkInteger("IndexedLog.append", "index", index, { min: 0 }, undefined);
      return (await this.#entries.append({ values: encodeAll(this.#codec, [value], this.name), from })).firstIndex;
    });
  }

  /** Appends several values: after any crash all of them are there, or none. Otherwise as {@link append}. */
  appendAll(values: readonly T[], firstIndex?: number): Promise<IndexRange> {
    return this.#entries.apart(async () => {
      const where = "IndexedLog.appendAll";
      const from = checkInteger(where, "firstIndex", firstIndex, { min: 0 }, undefined);
      const bytes = encodeAll(this.#codec, checkArray(where, "values", values), this.name);
      return await this.#entries.append({ values: bytes, from });
    });
  }

  /** The value with this index; `undefined` where the log does not hold it. */
  async get(index: number): Promise<T | undefined> {
    const record = await this.#entries.get(checkIndex("IndexedLog.get", "index", index));
    return record && this.#decode(record);
  }

  /**
   * The entries of a range, with bounded memory. What is appended meanwhile is not seen. The iteration ends with an error where an entry is
   * missing (`HF_CORRUPTION`) or is dropped meanwhile (`HF_CUT`, `HF_LSN_OUT_OF_RANGE`).
   */
  async *read(options?: ReadEntriesOptions): AsyncGenerator<Entry<T>, void, undefined> {
    const where = "IndexedLog.read";
    const given = checkOptions(where, options, ["from", "to", "reverse", "signal"]);
    const { firstIndex, nextIndex } = this;
    const from = checkInteger(where, "from", given.from, { min: 0 }, firstIndex);
    const to = Math.min(checkInteger(where, "to", given.to, { min: 0 }, nextIndex - 1), nextIndex - 1);
    const reverse = checkBoolean(where, "reverse", given.reverse, false);
    if (from < firstIndex) this.#entries.requireHeld(where, from);
    for await (const record of this.#entries.read(from, to, reverse, checkSignal(where, given.signal))) {
      yield { index: record.index, value: this.#decode(record) };
    }
  }

  /** All values, oldest first: exactly those from `firstIndex` to `nextIndex - 1`, or an error. For logs that fit into memory. */
  async readAll(): Promise<T[]> {
    const values: T[] = [];
    for await (const { value } of this.read()) values.push(value);
    return values;
  }

  /**
   * The entries from `from` on, and then each new one once it is durable. Ends when the log or its journal is closed. `HF_CUT` or
   * `HF_LSN_OUT_OF_RANGE` where entries were dropped before they were read.
   */
  async *follow(options?: FollowEntriesOptions): AsyncGenerator<Entry<T>, void, undefined> {
    const where = "IndexedLog.follow";
    const given = checkOptions(where, options, ["from", "signal"]);
    const from = checkInteger(where, "from", given.from, { min: 0 }, this.nextIndex);
    if (from !== this.nextIndex) this.#entries.requireHeld(where, from);
    for await (const record of this.#entries.follow(from, checkSignal(where, given.signal))) {
      yield { index: record.index, value: this.#decode(record) };
    }
  }

  /**
   * Drops the entries below `index`, durably. The log must hold `index` (`HF_INDEX_OUT_OF_RANGE`); its entry is looked at first, and `verify`
   * may refuse it (`HF_VETOED`, or what it throws): then nothing is dropped.
   */
  truncateBefore(index: number, verify?: VerifyEntry<T>): Promise<void> {
    return this.#entries.apart(async () => {
      checkIndex("IndexedLog.truncateBefore", "index", index);
      await this.#entries.truncateBefore(index, this.#check("IndexedLog.truncateBefore", index, verify));
    });
  }

  /** Drops the entries above `index`, durably and atomically; the next one gets `index + 1`. From `firstIndex - 1` to `nextIndex - 1`. */
  truncateAfter(index: number): Promise<void> {
    return this.#entries.apart(async () => {
      if (checkInteger("IndexedLog.truncateAfter", "index", index, { min: -1 }, undefined) === undefined)
        throw invalid("IndexedLog.truncateAfter", "index", index, "an index");
      await this.#entries.truncateAfter(index);
    });
  }

  /** Drops every entry, durably. The next index stays what it was, durably too. */
  truncateAll(): Promise<void> {
    return this.#entries.apart(async () => {
      await this.#entries.truncateAll();
    });
  }

  /**
   * Makes `index` the first: drops what is before it. Where the log does not reach it, drops everything and jumps: the next entry gets `index`.
   * Where the log starts there or later, does nothing. Durable; `verify` as for {@link truncateBefore}.
   */
  startAt(index: number, verify?: VerifyEntry<T>): Promise<void> {
    return this.#entries.apart(async () => {
      checkIndex("IndexedLog.startAt", "index", index);
      await this.#entries.startAt(index, this.#check("IndexedLog.startAt", index, verify));
    });
  }

  /** Waits for what was asked before; from now on every call rejects with `HF_CLOSED`. Idempotent. The journal stays open. */
  close(): Promise<void> {
    return this.#entries.apart(() => this.#entries.close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #decode({ index, value }: { readonly index: number; readonly value: Uint8Array }): T {
    return decodeWith(this.#codec, value, `Entry ${index} of ${this.name}`);
  }

  #check(
    where: string,
    index: number,
    verify: VerifyEntry<T> | undefined,
  ): ((value: Uint8Array) => Promise<void>) | undefined {
    if (verify === undefined) return undefined;
    if (typeof verify !== "function") throw invalid(where, "verify", verify, "a function");
    return async (value) => {
      if ((await verify(this.#decode({ index, value }), index)) === true) return;
      throw new ConflictError(
        "HF_VETOED",
        `${this.name}: entry ${index} is not the one that the caller expects to keep. Nothing was dropped.`,
        { lane: this.name, index },
      );
    };
  }
}
