/**
 * Batches as single records. Written by hand rather than as an async generator: most records are already in memory, and then a step costs
 * one promise instead of a generator's three.
 */
import type { LogRecord, RecordBatch } from "./record-batch.js";

/** Iterates over the records of `batches`, each batch forwards or backwards. */
export class RecordIterator implements AsyncIterableIterator<LogRecord> {
  readonly #batches: AsyncGenerator<RecordBatch, void, undefined>;
  readonly #reverse: boolean;
  #batch: RecordBatch | undefined;
  #taken = 0;
  #ended = false;
  #pending: Promise<IteratorResult<LogRecord>> | undefined;

  constructor(batches: AsyncGenerator<RecordBatch, void, undefined>, reverse: boolean) {
    this.#batches = batches;
    this.#reverse = reverse;
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
    const batch = this.#batch;
    if (batch !== undefined && this.#taken < batch.count)
      return Promise.resolve({ done: false, value: this.#take(batch) });
    this.#pending = this.#fetch().finally(() => {
      this.#pending = undefined;
    });
    return this.#pending;
  }

  /** Ends the iteration and releases its file. */
  async return(): Promise<IteratorResult<LogRecord>> {
    this.#ended = true;
    this.#batch = undefined;
    await this.#batches.return();
    return { done: true, value: undefined };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.return().then(() => undefined);
  }

  #take(batch: RecordBatch): LogRecord {
    const index = this.#reverse ? batch.count - 1 - this.#taken : this.#taken;
    this.#taken += 1;
    return batch.at(index);
  }

  async #fetch(): Promise<IteratorResult<LogRecord>> {
    const step = await this.#batches.next();
    if (step.done === true || this.#ended) {
      this.#batch = undefined;
      return { done: true, value: undefined };
    }
    this.#batch = step.value;
    this.#taken = 0;
    return { done: false, value: this.#take(step.value) };
  }
}
