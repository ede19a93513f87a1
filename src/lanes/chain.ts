/** The one sequence that all lanes answer to: commit certificates, block headers. */
import type { Codec } from "../base/index.js";
import type { Journal } from "../log/index.js";
import { checkArray, checkIndex } from "./arguments.js";
import { encodeAll } from "./codec.js";
import type { EntryLog } from "./entry-log.js";
import { IndexedLog, type VerifyEntry } from "./indexed-log.js";
import { type IndexedLogOptions, openEntries } from "./open-entries.js";

/**
 * An {@link IndexedLog} that is fed by whoever may repeat itself: an entry that it has passed is ignored, a gap is refused.
 *
 * @example
 * ```ts
 * import { Log } from "holdfast/log";
 * import { Chain } from "holdfast/lanes";
 *
 * const codec = { encode: (bytes: Uint8Array) => bytes, decode: (bytes: Uint8Array) => bytes };
 * await using log = await Log.open("./certificates");
 * const chain = await Chain.open(log, { codec });
 * console.log(await chain.append(0, new Uint8Array([1]))); // true: durable now
 * console.log(await chain.append(0, new Uint8Array([1]))); // false: it was there already
 * await chain.close();
 * ```
 */
export class Chain<T> {
  /** The entries, for reading. */
  readonly log: IndexedLog<T>;
  readonly #entries: EntryLog;
  readonly #codec: Codec<T>;

  private constructor(entries: EntryLog, codec: Codec<T>) {
    this.#entries = entries;
    this.#codec = codec;
    this.log = IndexedLog.over(entries, codec);
  }

  /** Options and errors as for `IndexedLog.open`. */
  static async open<T>(journal: Journal, options: IndexedLogOptions<T>): Promise<Chain<T>> {
    const { entries, codec } = await openEntries("Chain.open", journal, options, "the chain");
    return new Chain(entries, codec);
  }

  /** Over entries that are open already. */
  static over<T>(entries: EntryLog, codec: Codec<T>): Chain<T> {
    return new Chain(entries, codec);
  }

  /** The oldest index; `nextIndex` where the chain is empty. */
  get firstIndex(): number {
    return this.#entries.firstIndex;
  }

  /** The index that the next entry must have. Everything below it is durable, or was. */
  get nextIndex(): number {
    return this.#entries.nextIndex;
  }

  /** How many entries it holds. */
  get count(): number {
    return this.nextIndex - this.firstIndex;
  }

  /**
   * Appends the entry with this index. Resolves to true once it is durable; to false where the chain has passed it. `HF_OUT_OF_SEQUENCE` where
   * others come before it.
   */
  append(index: number, value: T): Promise<boolean> {
    return this.#entries.apart(async () => (await this.appendAll(index, [value])) > 0);
  }

  /** Appends consecutive entries, all or none, from `firstIndex` on; those that the chain has passed are left out. Resolves to how many were not. */
  appendAll(firstIndex: number, values: readonly T[]): Promise<number> {
    return this.#entries.apart(async () => {
      const from = checkIndex("Chain.appendAll", "firstIndex", firstIndex);
      const bytes = encodeAll(this.#codec, checkArray("Chain.appendAll", "values", values), this.#entries.name);
      const range = await this.#entries.append({ values: bytes, from, skipsKnown: true });
      return range.nextIndex - range.firstIndex;
    });
  }

  /**
   * Makes `index` the first, as `IndexedLog.startAt`, and where `entry` is given makes sure that the entry with this index is there: after a jump
   * it is appended. One that can't be is refused before anything is dropped.
   */
  startAt(index: number, entry?: T, verify?: VerifyEntry<T>): Promise<void> {
    return this.#entries.apart(async () => {
      const values = entry === undefined ? [] : encodeAll(this.#codec, [entry], this.#entries.name);
      for (const value of values) this.#entries.requireRoom(value);
      await this.log.startAt(index, verify);
      if (values.length > 0) await this.#entries.append({ values, from: index, skipsKnown: true });
    });
  }

  /** As `IndexedLog.close`. */
  close(): Promise<void> {
    return this.#entries.apart(() => this.#entries.close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
