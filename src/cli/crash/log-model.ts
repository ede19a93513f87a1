/**
 * What a log may hold after a crash, folded from the events before it.
 *
 * A legal log is one of a few pairs (firstLsn, lastLsn): the first LSN is the one before or after a prune that was on its way; the last is
 * the end of a whole batch at or above what was promised, or where a cut that was on its way ends. Every record in between is the one
 * that was issued with that LSN, byte for byte.
 */
import { equalBytes } from "../../base/index.js";
import type { LogRecord } from "../../log/index.js";
import type { LogEvent } from "./log-events.js";
import { type PayloadBook, typeOf } from "./payload-book.js";

/** What readers are shown of a log. */
export interface LogView {
  readonly firstLsn: number;
  readonly lastLsn: number;
  readonly records: readonly LogRecord[];
}

/** See the head of this file. */
export class LogModel {
  /** The acknowledged first LSN, and those that prunes on their way would make of it. */
  #first = 1;
  #firstPending: number[] = [];
  /** What a kill must leave, and what a power cut must leave. */
  #acked = 0;
  #durable = 0;
  #issued = 0;
  #cutPending: number | undefined;
  /** Serials by LSN, and the LSNs at which a batch ends. */
  readonly #serials: number[] = [];
  #ends: number[] = [0];

  constructor(events: readonly LogEvent[]) {
    for (const event of events) this.#apply(event);
  }

  get issued(): number {
    return this.#issued;
  }

  /** What every promise so far adds up to after a power cut (`power`) or a kill. */
  floor(after: "power" | "kill"): number {
    return after === "power" ? this.#durable : this.#acked;
  }

  /** Why a log can't be like this; `undefined` when it can. */
  refuse(view: LogView, after: "power" | "kill", book: PayloadBook): string | undefined {
    const { firstLsn, lastLsn, records } = view;
    if (firstLsn !== this.#first && !this.#firstPending.includes(firstLsn)) {
      return `it starts at LSN ${firstLsn}; it must start at ${[this.#first, ...this.#firstPending].join(" or ")}`;
    }
    if (lastLsn !== this.#cutPending) {
      const floor = Math.max(this.floor(after), firstLsn - 1);
      if (lastLsn < floor) return `it ends at LSN ${lastLsn}, though ${floor} was promised`;
      if (lastLsn > this.#issued)
        return `it ends at LSN ${lastLsn}, though nothing above ${this.#issued} was issued or is left`;
      if (!this.#ends.includes(lastLsn)) return `it ends at LSN ${lastLsn}, in the middle of a batch`;
    }
    return this.#refuseRecords(records, firstLsn, lastLsn, book);
  }

  /** As `refuse`, for a reader that may lag: any beginning of what may be there. */
  refuseGlimpse(view: LogView, book: PayloadBook): string | undefined {
    const { firstLsn, lastLsn, records } = view;
    if (lastLsn > this.#issued)
      return `it ends at LSN ${lastLsn}, though nothing above ${this.#issued} was issued or is left`;
    return this.#refuseRecords(records, firstLsn, lastLsn, book);
  }

  #refuseRecords(
    records: readonly LogRecord[],
    firstLsn: number,
    lastLsn: number,
    book: PayloadBook,
  ): string | undefined {
    if (records.length !== lastLsn - firstLsn + 1)
      return `it says that it holds ${firstLsn} to ${lastLsn}, and reads as ${records.length} records`;
    for (const [index, record] of records.entries()) {
      const lsn = firstLsn + index;
      if (record.lsn !== lsn) return `record ${record.lsn} stands where ${lsn} belongs`;
      const serial = this.#serials[lsn];
      if (serial === undefined) return `nothing was issued with LSN ${lsn}`;
      if (record.type !== typeOf(serial) || !equalBytes(record.payload, book.get(serial)))
        return `record ${lsn} is not the one that was issued`;
    }
    return undefined;
  }

  #apply(event: LogEvent): void {
    switch (event.kind) {
      case "issued":
        for (let index = 0; index < event.count; index++) this.#serials[event.lsn + index] = event.serial + index;
        this.#issued = event.lsn + event.count - 1;
        this.#ends.push(this.#issued);
        return;
      case "acked":
      case "seen":
        this.#acked = Math.max(this.#acked, event.lsn);
        return;
      case "durable":
        this.#durable = Math.max(this.#durable, event.lsn);
        return;
      case "prune":
        this.#firstPending.push(event.lsn);
        return;
      case "pruned":
        this.#first = Math.max(this.#first, event.lsn);
        this.#firstPending = this.#firstPending.filter((lsn) => lsn > this.#first);
        return;
      case "cut":
        this.#cutPending = event.lsn;
        return;
      case "cut-done":
        this.#end(event.lsn);
        return;
      case "opened":
        this.#first = event.firstLsn;
        this.#firstPending = [];
        this.#end(event.lastLsn);
    }
  }

  /** The log ends here, durably; nothing behind it may come back. */
  #end(lsn: number): void {
    this.#cutPending = undefined;
    this.#acked = this.#durable = this.#issued = lsn;
    this.#serials.length = Math.min(this.#serials.length, lsn + 1);
    this.#ends = this.#ends.filter((end) => end < lsn);
    this.#ends.push(lsn);
  }
}
