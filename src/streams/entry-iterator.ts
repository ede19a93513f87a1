/** Runs of entries as single ones. Written by hand, as the log's own: most entries are in memory already, and then a step costs one promise. */
import type { LogRecord } from "../log/index.js";

/** Iterates over the entries of `runs`. */
export class EntryIterator implements AsyncIterableIterator<LogRecord> {
  readonly #runs: AsyncGenerator<readonly LogRecord[], void, undefined>;
  #run: readonly LogRecord[] = [];
  #taken = 0;
  #ended = false;
  #pending: Promise<IteratorResult<LogRecord>> | undefined;

  constructor(runs: AsyncGenerator<readonly LogRecord[], void, undefined>) {
    this.#runs = runs;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<LogRecord>> {
    if (this.#pending !== undefined) {
      // Called again before the last step settled: the steps keep their order.
      const after = (): Promise<IteratorResult<LogRecord>> => this.next();
      return this.#pending.then(after, after);
    }
    const value = this.#run[this.#taken];
    if (value !== undefined) {
      this.#taken += 1;
      return Promise.resolve({ done: false, value });
    }
    this.#pending = this.#fetch().finally(() => {
      this.#pending = undefined;
    });
    return this.#pending;
  }

  /** Ends the iteration and releases what it holds. */
  async return(): Promise<IteratorResult<LogRecord>> {
    this.#ended = true;
    this.#run = [];
    await this.#runs.return();
    return { done: true, value: undefined };
  }

  async #fetch(): Promise<IteratorResult<LogRecord>> {
    const step = await this.#runs.next();
    const value = step.done === true ? undefined : step.value[0];
    if (value === undefined || this.#ended) {
      this.#run = [];
      return { done: true, value: undefined };
    }
    this.#run = step.value!;
    this.#taken = 1;
    return { done: false, value };
  }
}
