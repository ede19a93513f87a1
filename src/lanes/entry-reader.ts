/** Reading a lane: one entry, a range, and what comes. Each is told apart from one that was dropped meanwhile, and from one that is missing. */
import { CorruptionError } from "../base/index.js";
import type { Journal } from "../log/index.js";
import type { Dropped, Moment } from "./dropped.js";
import { cut, missing } from "./entry-errors.js";
import { type LaneRecord, decodeRecord } from "./format.js";
import type { Run } from "./recovery.js";

/** A lane that is read. */
export interface ReadableLane {
  readonly name: string;
  readonly journal: Journal;
  /** What it is now. */
  readonly run: Run;
  readonly dropped: Dropped;
  /** Aborted once the lane is closed. */
  readonly stopped: AbortSignal;
  throwClosed(): void;
  /** Takes no more writes because of an error, which is returned. */
  fail(error: unknown): unknown;
  /** Resolves when the record with this LSN, which the journal shows, is durable. */
  whenDurable(lsn: number): Promise<void>;
}

/** See the head of this file. */
export class EntryReader {
  readonly #lane: ReadableLane;

  constructor(lane: ReadableLane) {
    this.#lane = lane;
  }

  /** The entry with this index; `undefined` where the lane does not hold it. */
  async get(index: number): Promise<LaneRecord | undefined> {
    const lane = this.#lane;
    lane.throwClosed();
    const moment = this.#now();
    const { run } = moment;
    if (index < run.firstIndex || index >= run.nextIndex) return undefined;
    return await this.look(async () => {
      const record = await lane.journal.get(index + run.shift);
      // Dropped while it was looked for.
      if (this.#hasDropped(moment, index)) return undefined;
      if (record === undefined) throw missing(lane.name, index, run);
      return this.expect(decodeRecord(lane.name, record), index, run);
    });
  }

  /** The entries from `from` to `to`, both inclusive and held. Proves that none is missing. */
  async *read(
    from: number,
    to: number,
    reverse: boolean,
    signal?: AbortSignal,
  ): AsyncGenerator<LaneRecord, void, undefined> {
    const lane = this.#lane;
    lane.throwClosed();
    if (to < from) return;
    const moment = this.#now();
    const { run } = moment;
    const options = {
      from: from + run.shift,
      to: to + run.shift,
      reverse,
      ...(signal === undefined ? {} : { signal }),
    };
    const end = reverse ? from - 1 : to + 1;
    let index = reverse ? to : from;
    const records = lane.journal.read(options);
    try {
      for (;;) {
        const next = await this.look(() => records.next());
        lane.throwClosed();
        if (next.done === true) break;
        // Its place may be another's by now.
        if (this.#hasDropped(moment, index)) throw cut(lane.name, lane.run);
        const record = await this.look(async () => this.expect(decodeRecord(lane.name, next.value), index, run));
        index += reverse ? -1 : 1;
        yield record;
      }
    } finally {
      await records.return?.();
    }
    if (index === end) return;
    if (this.#hasDropped(moment, index)) throw cut(lane.name, lane.run);
    throw lane.fail(missing(lane.name, index, run));
  }

  /** The entries from `from` on, and each new one once it is durable. Ends when the lane or its journal is closed. */
  async *follow(from: number, signal?: AbortSignal): AsyncGenerator<LaneRecord, void, undefined> {
    const lane = this.#lane;
    lane.throwClosed();
    const { stopped } = lane;
    let { shift } = lane.run;
    let next = from;
    const options = { from: from + shift, signal: signal === undefined ? stopped : AbortSignal.any([signal, stopped]) };
    try {
      for await (const found of lane.journal.follow(options)) {
        const record = decodeRecord(lane.name, found);
        if (record.kind === "baseline" && record.index === next) shift = record.lsn + 1 - next;
        else if (record.kind === "entry" && record.index === next) {
          next += 1;
          await lane.whenDurable(record.lsn);
          yield record;
        } else throw cut(lane.name, lane.run);
      }
    } catch (error) {
      if (!stopped.aborted || signal?.aborted === true) throw error;
    }
  }

  /** Reads; damage ends the lane too, for writes. */
  async look<R>(act: () => Promise<R>): Promise<R> {
    try {
      return await act();
    } catch (error) {
      if (error instanceof CorruptionError) throw this.#lane.fail(error);
      throw error;
    }
  }

  /** Refuses a record that is not the entry with this index. */
  expect(record: LaneRecord, index: number, { generation }: Run): LaneRecord {
    if (record.kind === "entry" && record.index === index && record.generation === generation) return record;
    throw new CorruptionError({
      path: this.#lane.name,
      lsn: record.lsn,
      expected: `entry ${index} of generation ${generation}`,
      found: `${record.kind} ${record.index} of generation ${record.generation}`,
    });
  }

  #now(): Moment {
    return { run: this.#lane.run, cuts: this.#lane.dropped.cuts };
  }

  #hasDropped(moment: Moment, index: number): boolean {
    return this.#lane.dropped.since(moment, this.#lane.run, index);
  }
}
