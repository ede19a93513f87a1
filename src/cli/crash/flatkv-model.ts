/**
 * What a commit store may hold after a crash, folded from the events before it.
 *
 * The rule for its calls (see prefix-model.ts) holds all others: a version is there wholly or not at all, in all databases; a rollback leaves the store as
 * it was or as it is to be; what it abandoned never comes back, because the timeline is part of what is compared.
 */
import { crc32c } from "../../checksum/index.js";
import { PrefixModel } from "./prefix-model.js";

/** One row as it changes: its key, and its value as {@link valueText}; `undefined` where it goes. */
export type FlatChange = readonly [key: string, value: string | undefined];

/** One call as it changes what the store holds. */
export type FlatOp =
  | { readonly op: "commit"; readonly changes: readonly FlatChange[] }
  /** The newest `keep` snapshots stay. */
  | { readonly op: "snapshot"; readonly keep: number }
  | { readonly op: "rollback"; readonly version: number }
  /** The store becomes what was exported. */
  | { readonly op: "import"; readonly version: number; readonly rows: readonly FlatChange[] };

/** What workloads and recoveries note. Ids grow with each call. */
export type FlatEvent =
  | { readonly kind: "issued"; readonly id: number; readonly op: FlatOp }
  /** This call, and with it all before, was acknowledged, and is durable. */
  | { readonly kind: "acked"; readonly id: number }
  /** From here on a database is missing or spoilt; or whatever was is made anew. */
  | { readonly kind: "lost" | "whole" }
  /** A recovery finished and showed exactly this. So many databases were made anew for it. */
  | { readonly kind: "opened"; readonly view: string; readonly rebuilt: number };

/** A value as one word. */
export function valueText(value: Uint8Array): string {
  return `${value.length}.${crc32c(value).toString(36)}`;
}

type Rows = ReadonlyMap<string, string>;

/** What a store holds. */
export class FlatState {
  version = 0;
  timeline = 1;
  /** Versions, oldest first. */
  snapshots: readonly number[] = [];
  rows: Rows = new Map();
  /** The rows at each version that the store has gone through, where they are known. */
  readonly #history = new Map<number, Rows>();

  /** Whether the rows are known; not after the way back to a version that nobody looked at. */
  isKnown = true;

  apply(op: FlatOp): void {
    switch (op.op) {
      case "commit": {
        const rows = new Map(this.rows);
        for (const [key, value] of op.changes) {
          if (value === undefined) rows.delete(key);
          else rows.set(key, value);
        }
        this.#history.set(this.version, this.rows);
        this.version += 1;
        this.rows = rows;
        return;
      }
      case "snapshot":
        if (this.snapshots.at(-1) !== this.version) this.snapshots = [...this.snapshots, this.version].slice(-op.keep);
        return;
      case "rollback":
        this.rows = this.#history.get(op.version) ?? new Map();
        this.isKnown = op.version === 0 || this.#history.has(op.version);
        this.version = op.version;
        this.timeline += 1;
        this.snapshots = this.snapshots.filter((version) => version <= op.version);
        return;
      case "import":
        this.rows = new Map(op.rows.map(([key, value]) => [key, value!]));
        this.version = op.version;
        this.timeline += 1;
        this.snapshots = [op.version];
        this.isKnown = true;
        this.#history.clear();
    }
  }

  /** Equal for equal states. */
  get text(): string {
    const rows = [...this.rows].map(([key, value]) => `${key}=${value}`).sort();
    return `version ${this.version} of timeline ${this.timeline}, snapshots ${this.snapshots.join(" ")}: ${rows.join(" ")}`;
  }
}

/** See the head of this file. */
export class FlatModel {
  readonly #calls = new PrefixModel<FlatOp>(new FlatState());
  #isWhole = true;
  /** An earlier recovery showed what it must not. */
  #wrong: string | undefined;

  constructor(events: readonly FlatEvent[]) {
    for (const event of events) this.#note(event);
  }

  /** Why a store can't be like this; `undefined` when it can. */
  refuse({ view, rebuilt }: { readonly view: string; readonly rebuilt: number }): string | undefined {
    return this.#wrong ?? this.#refuseRebuilt(rebuilt) ?? this.#calls.refuse(view);
  }

  /** What a crash leaves is brought on. Only what was lost otherwise is made anew, and once. */
  #refuseRebuilt(rebuilt: number): string | undefined {
    return rebuilt > 0 && this.#isWhole ? `${rebuilt} databases were made anew, though none was lost` : undefined;
  }

  #note(event: FlatEvent): void {
    switch (event.kind) {
      case "issued":
        this.#calls.issued(event.id, event.op);
        return;
      case "acked":
        this.#calls.acked(event.id);
        return;
      case "lost":
      case "whole":
        this.#isWhole = event.kind === "whole";
        return;
      case "opened":
        this.#wrong ??= this.#refuseRebuilt(event.rebuilt);
        this.#wrong ??= this.#calls.opened(event.view);
        this.#isWhole = true;
    }
  }
}
