/**
 * A lane as bytes: entries with consecutive indexes in a journal. What `IndexedLog` types, `Chain` and `LaneSet` stand on it.
 *
 * Invariants between turns:
 * - the journal holds, from `keepLsn` on, one baseline at most, in front, and entries of one generation: index i at LSN i + shift;
 * - `nextIndex - 1` is durable, and so is `nextIndex` itself where the lane is empty but was written before (the baseline).
 *
 * Crash argument. An append is one batch of the journal, all or nothing; the first one of a lane has its baseline in front. Dropping some entries
 * in front is one prune of the journal. Dropping all of them, or jumping, appends a baseline of the next generation, which is the commit point,
 * and then prunes what is before it.
 * - Crash before the baseline is durable: nothing has happened.
 * - Crash after it: the baseline is the newest record, so the lane opens empty at its index, and opening does the prune.
 * Nothing is published, and no counter moves, before the journal says that it is durable.
 */
import { type HoldfastError, Turns } from "../base/index.js";
import { AppendQueue, type AppendRequest, type IndexRange, type WaitingAppend, rejectAll } from "./append-queue.js";
import { Dropped } from "./dropped.js";
import {
  apart,
  closed,
  exhausted,
  failed,
  firstCause,
  isRefusal,
  outOfRange,
  outOfSequence,
  secondWriter,
  valueTooLarge,
} from "./entry-errors.js";
import type { Journal, LogInput, LsnRange } from "../log/index.js";
import { EntryReader, type ReadableLane } from "./entry-reader.js";
import { HEADER_BYTES, type LaneRecord, encodeBaseline, encodeEntry } from "./format.js";
import { type Run, findRun, recordAt } from "./recovery.js";

/** Records that carry out requests, and what the lane is once they are durable. */
export interface Step {
  readonly records: readonly LogInput[];
  readonly after: Run;
  readonly range: IndexRange;
}

/** A turn that someone holds. */
export interface Hold {
  readonly held: Promise<void>;
  readonly release: () => void;
}

/** See the head of this file. */
export class EntryLog implements ReadableLane {
  readonly name: string;
  readonly #journal: Journal;
  readonly #turns = new Turns();
  readonly #onFailure: ((error: unknown) => void) | undefined;
  #run: Run;
  readonly #dropped = new Dropped();
  readonly #queue: AppendQueue;
  readonly #reader: EntryReader;
  #failure: unknown;
  #failed = false;
  readonly #stop = new AbortController();
  #closed: Promise<void> | undefined;

  private constructor(journal: Journal, name: string, run: Run, onFailure?: (error: unknown) => void) {
    this.#journal = journal;
    this.name = name;
    this.#run = run;
    this.#onFailure = onFailure;
    this.#queue = new AppendQueue(name, this.#turns, (calls) => this.#appendTogether(calls));
    this.#reader = new EntryReader(this);
  }

  /** Finds where the lane stands, makes that durable, and finishes a prune that a crash interrupted. */
  static async open(
    journal: Journal,
    name: string,
    firstIndex: number,
    onFailure?: (error: unknown) => void,
  ): Promise<EntryLog> {
    // A journal of a weaker durability shows what the disk may not have.
    if (journal.durableLsn < journal.lastLsn) await journal.sync();
    const { keepLsn, ...run } = await findRun(journal, name, firstIndex);
    if (keepLsn > journal.firstLsn) await journal.truncateBefore(keepLsn);
    return new EntryLog(journal, name, run, onFailure);
  }

  get firstIndex(): number {
    return this.#run.firstIndex;
  }

  get nextIndex(): number {
    return this.#run.nextIndex;
  }

  /** Whether the journal still holds what a baseline dropped, which `startAt` prunes. */
  get hasLeftovers(): boolean {
    return this.#keepLsn > this.#journal.firstLsn;
  }

  /** What it is now. */
  get run(): Run {
    return this.#run;
  }

  get dropped(): Dropped {
    return this.#dropped;
  }

  get stopped(): AbortSignal {
    return this.#stop.signal;
  }

  get journal(): Journal {
    return this.#journal;
  }

  /** Whether it takes no more writes because of a failure. */
  get isFailed(): boolean {
    return this.#failed;
  }

  /** Makes a call of the lane that could only append later, or that waits for others. Refused where the journal gathers. */
  apart<R>(act: () => Promise<R>): Promise<R> {
    return apart(this.#journal, this.name, act);
  }

  /** Refuses a value that no append could take, before anything else is done that depends on it. */
  requireRoom(value: Uint8Array): void {
    const { recordBytesMax } = this.#journal.limits;
    if (HEADER_BYTES + value.length > recordBytesMax)
      throw valueTooLarge(this.name, value.length, HEADER_BYTES, recordBytesMax);
  }

  /** Appends when its turn comes, together with other calls that wait; each has its own outcome. */
  append(request: AppendRequest): Promise<IndexRange> {
    const problem = this.#unusable();
    return problem === undefined ? this.#queue.add(request) : Promise.reject(problem);
  }

  /** Runs `act` alone, after all that was asked of the lane before. */
  exclusive<R>(act: () => Promise<R>): Promise<R> {
    const problem = this.#unusable();
    if (problem !== undefined) return Promise.reject(problem);
    // What is asked for later must not be done earlier.
    this.#queue.endTurn();
    return this.#turns.take(async () => {
      this.#throwFailure();
      return await act();
    });
  }

  /** A turn that lasts from when `held` resolves until `release`. */
  hold(): Hold {
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const held = new Promise<void>((resolve, reject) => {
      this.exclusive(async () => {
        resolve();
        await released;
      }).catch(reject);
    });
    // Whoever holds several waits for one after the other.
    held.catch(() => undefined);
    return { held, release };
  }

  /** What a request comes to, after `start`. Within a turn. Throws `HF_OUT_OF_SEQUENCE`, and has no effect. */
  plan(request: AppendRequest, startAt?: number, start: Run = this.#run): Step {
    this.#requireAlone();
    let run = start;
    const records: LogInput[] = [];
    if (startAt !== undefined && startAt > run.nextIndex) run = this.#baseline(records, run, startAt);
    else if (run.generation === 0) run = this.#baseline(records, run, run.nextIndex);
    const firstIndex = run.nextIndex;
    const { values, from = firstIndex } = request;
    const skipped = request.skipsKnown === true ? Math.max(0, firstIndex - from) : 0;
    if (from + skipped !== firstIndex && skipped < values.length) throw outOfSequence(this.name, from, firstIndex);
    let nextIndex = firstIndex;
    for (const value of values.slice(skipped)) records.push(encodeEntry(run.generation, nextIndex++, value));
    if (!Number.isSafeInteger(nextIndex)) throw exhausted(this.name);
    return { records, after: { ...run, nextIndex }, range: { firstIndex, nextIndex } };
  }

  /** What several requests come to, one after the other, after a jump to `startAt` where the lane does not reach that. */
  planAll(requests: readonly AppendRequest[], startAt?: number): Step {
    let step = this.plan({ values: [] }, startAt);
    const { firstIndex } = step.range;
    const records = [...step.records];
    for (const request of requests) {
      step = this.plan(request, undefined, step.after);
      records.push(...step.records);
    }
    return { records, after: step.after, range: { firstIndex, nextIndex: step.after.nextIndex } };
  }

  /** Takes over what a step did. Within the turn that planned it, once its records are durable at `range`. */
  settle(step: Step, range: LsnRange): void {
    const { after } = step;
    if (range.lastLsn !== after.nextIndex - 1 + after.shift) {
      throw this.fail(secondWriter(this.name, range.lastLsn, after.nextIndex - 1 + after.shift));
    }
    this.#run = after;
  }

  /** Takes no more writes: they reject with `error` as the cause. Returns what to throw. */
  fail(error: unknown): unknown {
    if (!this.#failed) {
      this.#failed = true;
      this.#failure = firstCause(error);
      this.#onFailure?.(this.#failure);
    }
    return error;
  }

  /** Drops entries below `index`, which must be one that the lane holds. `check` may throw when it sees that one; then nothing is dropped. */
  truncateBefore(index: number, check?: (value: Uint8Array) => unknown): Promise<void> {
    return this.exclusive(async () => {
      this.requireHeld("truncateBefore", index);
      await this.#pruneTo(index, check);
    });
  }

  /** Makes `index` the first: drops what is before it, or, where the lane does not reach it, everything, and jumps. Never goes back. */
  startAt(index: number, check?: (value: Uint8Array) => unknown): Promise<void> {
    return this.exclusive(async () => {
      // A jump that was part of a batch over several lanes has left this to do.
      await this.#pruneDropped();
      const { firstIndex, nextIndex } = this.#run;
      if (index <= firstIndex) return;
      if (index < nextIndex) await this.#pruneTo(index, check);
      else await this.#rebase(index);
    });
  }

  /** Drops every entry. The next index stays what it was, durably. */
  truncateAll(): Promise<void> {
    return this.exclusive(async () => {
      const { firstIndex, nextIndex } = this.#run;
      if (nextIndex > firstIndex) await this.#rebase(nextIndex);
    });
  }

  /** Drops entries above `index`, from `firstIndex - 1`, which drops all, to `nextIndex - 1`. The next one gets `index + 1`. */
  truncateAfter(index: number): Promise<void> {
    return this.exclusive(async () => {
      const { firstIndex, nextIndex, shift } = this.#run;
      if (index < firstIndex - 1 || index >= nextIndex) throw outOfRange(this.name, "truncateAfter", index, this.#run);
      if (index === nextIndex - 1) return;
      this.#requireAlone();
      const lsn = index + shift;
      if (lsn < this.#journal.firstLsn) return await this.#rebase(firstIndex);
      this.#dropped.beginCut(index);
      await this.#write(() => this.#journal.truncateAfter(lsn));
      this.#run = { ...this.#run, nextIndex: index + 1 };
      this.#dropped.endCut();
    });
  }

  /** The entry with this index; `undefined` where the lane does not hold it. */
  get(index: number): Promise<LaneRecord | undefined> {
    return this.#reader.get(index);
  }

  /** The entries from `from` to `to`, both inclusive and held. Proves that none is missing. */
  read(from: number, to: number, reverse: boolean, signal?: AbortSignal): AsyncGenerator<LaneRecord, void, undefined> {
    return this.#reader.read(from, to, reverse, signal);
  }

  /** The entries from `from` on, and each new one once it is durable. Ends when the lane or its journal is closed. */
  follow(from: number, signal?: AbortSignal): AsyncGenerator<LaneRecord, void, undefined> {
    return this.#reader.follow(from, signal);
  }

  /** A journal of a weaker durability shows what it holds before the disk has it. The turn that appended it waits for the disk. */
  async whenDurable(lsn: number): Promise<void> {
    if (this.#journal.durableLsn >= lsn) return;
    await this.#turns.done();
    if (this.#journal.durableLsn < lsn) this.#throwFailure();
  }

  /** Waits for what was asked, then refuses everything. The journal is closed by whoever opened it. */
  close(): Promise<void> {
    if (this.#closed === undefined) {
      this.#closed = this.#turns.done();
      // With a reason of its own: without one an exception would be made for nobody.
      this.#stop.abort("closed");
    }
    return this.#closed;
  }

  requireHeld(call: string, index: number): void {
    const { firstIndex, nextIndex } = this.#run;
    if (index < firstIndex || index >= nextIndex) throw outOfRange(this.name, call, index, this.#run);
  }

  /** One batch for all of them but those that are out of sequence; each alone where the journal refuses that. */
  async #appendTogether(calls: readonly WaitingAppend[]): Promise<void> {
    const planned: { readonly call: WaitingAppend; readonly step: Step }[] = [];
    const refused: { readonly call: WaitingAppend; readonly error: unknown }[] = [];
    let run = this.#run;
    for (const call of calls) {
      try {
        this.#throwFailure();
        const step = this.plan(call, undefined, run);
        run = step.after;
        planned.push({ call, step });
      } catch (error) {
        refused.push({ call, error });
      }
    }
    try {
      await this.#append(planned.map(({ step }) => step));
      for (const { call, step } of planned) call.resolve(step.range);
      for (const { call, error } of refused) call.reject(error);
    } catch (error) {
      if (calls.length === 1 || !isRefusal(error)) return rejectAll(calls, error);
      // Nothing was written. Which of them was too much shows when each comes alone, and what is the next index then.
      for (const call of calls) await this.#appendTogether([call]);
    }
  }

  async #append(steps: readonly Step[]): Promise<void> {
    const records = steps.flatMap((step) => step.records);
    const last = steps.at(-1);
    if (last === undefined || last.after.nextIndex === this.#run.nextIndex) return;
    this.settle(last, await this.#appendDurably(records));
  }

  async #appendDurably(records: readonly LogInput[]): Promise<LsnRange> {
    return await this.#write(async () => {
      const range = await this.#journal.appendAll(records);
      // A journal of a weaker durability acknowledges before the disk does.
      if (this.#journal.durableLsn < range.lastLsn) await this.#journal.sync();
      return range;
    });
  }

  /** Appends a baseline, which drops everything before it, then prunes. */
  async #rebase(nextIndex: number): Promise<void> {
    this.#requireAlone();
    const records: LogInput[] = [];
    const after = this.#baseline(records, this.#run, nextIndex);
    const range = await this.#appendDurably(records);
    // Crash here: the baseline is the newest record, and opening finishes what follows.
    this.settle({ records, after, range: { firstIndex: nextIndex, nextIndex } }, range);
    await this.#pruneDropped();
  }

  /** Prunes what the newest baseline dropped. Within a turn. */
  async #pruneDropped(): Promise<void> {
    if (this.hasLeftovers) await this.#write(() => this.#journal.truncateBefore(this.#keepLsn));
  }

  /** The LSN of the baseline, where it is still there: what is before that is dropped. */
  get #keepLsn(): number {
    return this.#run.firstIndex + this.#run.shift - 1;
  }

  async #pruneTo(index: number, check?: (value: Uint8Array) => unknown): Promise<void> {
    const run = this.#run;
    const kept = await this.#reader.look(async () =>
      this.#reader.expect(await recordAt(this.#journal, this.name, index + run.shift), index, run),
    );
    await check?.(kept.value);
    if (index === run.firstIndex) return;
    this.#dropped.prune(index);
    await this.#write(() => this.#journal.truncateBefore(index + run.shift));
    this.#run = { ...run, firstIndex: index };
  }

  #baseline(records: LogInput[], run: Run, nextIndex: number): Run {
    if (!Number.isSafeInteger(nextIndex)) throw exhausted(this.name);
    const generation = run.generation + 1;
    records.push(encodeBaseline(generation, nextIndex));
    const shift = this.#journal.nextLsn + records.length - nextIndex;
    return { generation, firstIndex: nextIndex, nextIndex, shift };
  }

  /** Nothing was written to the journal but by this. */
  #requireAlone(): void {
    const { generation, nextIndex, shift } = this.#run;
    // A lane that was never written has its baseline still to come.
    const expectedLsn = nextIndex + shift - (generation === 0 ? 1 : 0);
    const { nextLsn } = this.#journal;
    if (nextLsn !== expectedLsn) throw this.fail(secondWriter(this.name, nextLsn, expectedLsn));
  }

  /** Does something to the journal; a failure that is no refusal ends the lane. */
  async #write<R>(act: () => Promise<R>): Promise<R> {
    try {
      return await act();
    } catch (error) {
      if (isRefusal(error)) throw error;
      throw this.fail(error);
    }
  }

  #unusable(): HoldfastError | undefined {
    if (this.#closed !== undefined) return closed(this.name);
    return this.#failed ? failed(this.name, this.#failure) : undefined;
  }

  throwClosed(): void {
    if (this.#closed !== undefined) throw closed(this.name);
  }

  #throwFailure(): void {
    if (this.#failed) throw failed(this.name, this.#failure);
  }
}
