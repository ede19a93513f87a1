/**
 * What a shared log may hold after a crash, folded from the events before it.
 *
 * All streams stand in one log, in the order in which the calls were made; so a legal shared log is what some beginning of the calls comes to, and that
 * beginning has in it every call that was promised. This one rule holds all others: numbers without gaps, batches across streams that
 * are all or none, prunes and cuts that are made or not, nothing back after them, and every entry byte for byte.
 */
import { crc32c } from "../../checksum/index.js";
import type { LogRecord } from "../../log/index.js";

/** One call as it changes what the shared log holds. Entries are given by {@link entryText}. */
export type SharedOp =
  | { readonly op: "make" | "drop"; readonly name: string }
  | { readonly op: "put"; readonly parts: readonly { readonly name: string; readonly entries: readonly string[] }[] }
  /** The stream holds `[first, next)` from here on. */
  | { readonly op: "keep"; readonly name: string; readonly first: number; readonly next: number };

/** What workloads and recoveries note. Ids grow with each call. */
export type SharedEvent =
  | { readonly kind: "issued"; readonly id: number; readonly op: SharedOp }
  /** This call, and with it all before, was acknowledged; or is durable. */
  | { readonly kind: "acked" | "durable"; readonly id: number }
  /** A recovery finished and showed exactly this. */
  | { readonly kind: "opened"; readonly view: string };

/** One stream of a view: its name, first LSN, and entries. */
export interface StreamView {
  readonly name: string;
  readonly firstLsn: number;
  readonly entries: readonly string[];
}

/** An entry as one word. */
export function entryText({ type, payload }: Pick<LogRecord, "type" | "payload">): string {
  return `${type}.${payload.length}.${crc32c(payload).toString(36)}`;
}

/** All streams as one text: equal for equal contents. */
export function viewText(streams: Iterable<StreamView>): string {
  return [...streams]
    .map(
      ({ name, firstLsn, entries }) =>
        `${name.length > 9 ? name.slice(0, 9) : name} from ${firstLsn}: ${entries.join(" ")}`,
    )
    .sort()
    .join("; ");
}

interface ModelStream {
  readonly name: string;
  firstLsn: number;
  entries: string[];
}

/** See the head of this file. */
export class SharedModel {
  #base = new Map<string, ModelStream>();
  #ops: { readonly id: number; readonly op: SharedOp }[] = [];
  #acked = 0;
  #durable = 0;
  /** An earlier recovery showed what it must not. */
  #wrong: string | undefined;

  constructor(events: readonly SharedEvent[]) {
    for (const event of events) this.#note(event);
  }

  /** Why a shared log can't be like this after a power cut (`power`) or a kill; `undefined` when it can. */
  refuse(view: string, after: "power" | "kill"): string | undefined {
    return this.#wrong ?? this.#settle(view, after === "power" ? this.#durable : this.#acked);
  }

  #note(event: SharedEvent): void {
    switch (event.kind) {
      case "issued":
        this.#ops.push(event);
        return;
      case "acked":
        this.#acked = Math.max(this.#acked, event.id);
        return;
      case "durable":
        this.#durable = Math.max(this.#durable, event.id);
        return;
      case "opened":
        this.#wrong ??= this.#settle(event.view, this.#durable);
        this.#ops = [];
    }
  }

  /** Goes on to the first state that looks like `view` and has every call up to `floor` in it. */
  #settle(view: string, floor: number): string | undefined {
    let matched = -1;
    for (let count = 0; count <= this.#ops.length; count++) {
      if (count > 0) apply(this.#base, this.#ops[count - 1]!.op);
      if (textOf(this.#base) !== view) continue;
      matched = count;
      const next = this.#ops[count];
      if (next === undefined || next.id > floor) return undefined;
    }
    return matched === -1
      ? `it holds {${view}}, which no beginning of the calls comes to; all of them come to {${textOf(this.#base)}}`
      : `it is as after ${matched} of ${this.#ops.length} calls, though more was promised`;
  }
}

function textOf(streams: ReadonlyMap<string, ModelStream>): string {
  return viewText(streams.values());
}

function apply(streams: Map<string, ModelStream>, op: SharedOp): void {
  switch (op.op) {
    case "make":
      streams.set(op.name, { name: op.name, firstLsn: 1, entries: [] });
      return;
    case "drop":
      streams.delete(op.name);
      return;
    case "put":
      for (const { name, entries } of op.parts) streams.get(name)!.entries.push(...entries);
      return;
    case "keep": {
      const stream = streams.get(op.name)!;
      stream.entries = stream.entries.slice(op.first - stream.firstLsn, op.next - stream.firstLsn);
      stream.firstLsn = op.first;
    }
  }
}
