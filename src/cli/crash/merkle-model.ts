/** What a Merkle store may hold after a crash, folded from the events before it: rows, the number of commits, and what can be undone. */
import { crc32c } from "../../checksum/index.js";
import { type FoldedState, PrefixModel } from "./prefix-model.js";

/** A key by number, and its value as {@link valueText}. */
export type MerkleRow = readonly [key: number, value: string];

/** One call as it changes what the store holds. */
export type MerkleOp =
  /** `undefined` where a key loses its value. */
  | { readonly op: "commit"; readonly changes: readonly (readonly [key: number, value: string | undefined])[] }
  | { readonly op: "rollback"; readonly commits: number };

/** What workloads and recoveries note. Ids grow with each call. */
export type MerkleEvent =
  | { readonly kind: "issued"; readonly id: number; readonly op: MerkleOp }
  /** This call, and with it all before, was acknowledged, and is durable. */
  | { readonly kind: "acked"; readonly id: number }
  /** A recovery finished and showed exactly this. */
  | { readonly kind: "opened"; readonly view: string };

/** A value as one word. */
export function valueText(value: Uint8Array): string {
  return `${value.length}.${crc32c(value).toString(36)}`;
}

type Rows = ReadonlyMap<number, string>;

/** What a store holds. */
export class MerkleState implements FoldedState<MerkleOp> {
  sequence = 0;
  rows: Rows = new Map();
  /** The rows before each of the commits that can be undone, oldest first. */
  undo: readonly Rows[] = [];
  readonly #undoable: number;

  constructor(undoable: number) {
    this.#undoable = undoable;
  }

  apply(op: MerkleOp): void {
    this.sequence += 1;
    if (op.op === "rollback") {
      const before = this.undo.length - op.commits;
      this.rows = this.undo[before]!;
      this.undo = this.undo.slice(0, before);
      return;
    }
    if (this.#undoable > 0) this.undo = [...this.undo, this.rows].slice(-this.#undoable);
    const rows = new Map(this.rows);
    for (const [key, value] of op.changes) {
      if (value === undefined) rows.delete(key);
      else rows.set(key, value);
    }
    this.rows = rows;
  }

  get rowsText(): string {
    return [...this.rows]
      .sort(([a], [b]) => a - b)
      .map(([key, value]) => `${key}=${value}`)
      .join(" ");
  }

  get text(): string {
    return `${this.sequence} commits: ${this.rowsText}`;
  }
}

/** Holds what a store shows against the events before. */
export class MerkleModel {
  readonly #calls: PrefixModel<MerkleOp>;
  /** An earlier recovery showed what it must not. */
  #wrong: string | undefined;

  constructor(events: readonly MerkleEvent[], undoable: number) {
    this.#calls = new PrefixModel(new MerkleState(undoable));
    for (const event of events) {
      if (event.kind === "issued") this.#calls.issued(event.id, event.op);
      else if (event.kind === "acked") this.#calls.acked(event.id);
      else this.#wrong ??= this.#calls.opened(event.view);
    }
  }

  /** Why a store can't be like this; `undefined` when it can. */
  refuse(view: string): string | undefined {
    return this.#wrong ?? this.#calls.refuse(view);
  }
}
