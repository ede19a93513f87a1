/**
 * Rows in key order that never change: a change makes a new set, which shares what it did not touch. So a view is a reference.
 *
 * Two levels: leaves of up to {@link LEAF_ROWS_MAX} rows, and an array of them. A lookup is two binary searches; a batch copies the
 * leaves it touches and the array.
 */
import type { CheckedRange } from "../range.js";

/** A row with its key as text of one character a byte, which compares in the order of the bytes. */
export interface SortedRow {
  readonly text: string;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** A put, or a delete where there is no row. */
export interface SortedChange {
  readonly text: string;
  readonly row: SortedRow | undefined;
}

/** Never empty, in key order. */
type Leaf = readonly SortedRow[];

const LEAF_ROWS_MAX = 128;

/** The text of a key. */
export function textOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString("latin1");
}

/** An ordered, immutable set of rows. */
export class SortedRows {
  static readonly empty: SortedRows = new SortedRows([], 0);
  readonly size: number;
  readonly #leaves: readonly Leaf[];

  private constructor(leaves: readonly Leaf[], size: number) {
    this.#leaves = leaves;
    this.size = size;
  }

  get(text: string): SortedRow | undefined {
    const leaf = this.#leaves[this.#leafFor(text)];
    if (leaf === undefined) return undefined;
    const row = leaf[firstFrom(leaf, text)];
    return row?.text === text ? row : undefined;
  }

  /** With the changes made; they are in any order, and the last one of a key counts. */
  with(changes: Iterable<SortedChange>): SortedRows {
    const last = new Map<string, SortedChange>();
    for (const change of changes) last.set(change.text, change);
    if (last.size === 0) return this;
    const sorted = [...last.values()].sort((a, b) => (a.text < b.text ? -1 : 1));
    const leaves: Leaf[] = [];
    let size = this.size;
    let at = 0;
    for (let index = 0; index < Math.max(this.#leaves.length, 1); index++) {
      const leaf = this.#leaves[index] ?? [];
      const next = this.#leaves[index + 1]?.[0]?.text;
      const from = at;
      while (at < sorted.length && (next === undefined || (sorted[at] as SortedChange).text < next)) at++;
      if (from === at) {
        leaves.push(leaf);
        continue;
      }
      const merged = merge(leaf, sorted, from, at);
      size += merged.length - leaf.length;
      const parts = Math.ceil(merged.length / LEAF_ROWS_MAX);
      for (let part = 0; part < parts; part++)
        leaves.push(
          merged.slice(Math.floor((part * merged.length) / parts), Math.floor(((part + 1) * merged.length) / parts)),
        );
    }
    return new SortedRows(leaves, size);
  }

  /** The rows of a range, in its order. */
  *rows(range: CheckedRange): Generator<SortedRow, void, undefined> {
    const { reverse, limit } = range;
    const low = range.gte ?? range.gt;
    const high = range.lte ?? range.lt;
    const lowText = low === undefined ? undefined : textOf(low);
    const highText = high === undefined ? undefined : textOf(high);
    const above = (text: string): boolean =>
      lowText === undefined || (range.gt === undefined ? text >= lowText : text > lowText);
    const below = (text: string): boolean =>
      highText === undefined || (range.lt === undefined ? text <= highText : text < highText);
    const first = reverse ? highText : lowText;
    let leafAt = first === undefined ? (reverse ? this.#leaves.length - 1 : 0) : this.#leafFor(first);
    let rowAt: number | undefined;
    const start = this.#leaves[leafAt];
    if (first !== undefined && start !== undefined) {
      rowAt = firstFrom(start, first);
      if (reverse && rowAt === start.length) rowAt--;
    }
    let given = 0;
    for (; leafAt >= 0 && leafAt < this.#leaves.length; leafAt += reverse ? -1 : 1) {
      const leaf = this.#leaves[leafAt] as Leaf;
      for (let at = rowAt ?? (reverse ? leaf.length - 1 : 0); at >= 0 && at < leaf.length; at += reverse ? -1 : 1) {
        if (given >= limit) return;
        const row = leaf[at] as SortedRow;
        if (!(reverse ? above(row.text) : below(row.text))) return;
        if (!(reverse ? below(row.text) : above(row.text))) continue;
        given++;
        yield row;
      }
      rowAt = undefined;
    }
  }

  /** The last leaf that begins at or before a key; the first where none does. */
  #leafFor(text: string): number {
    let low = 0;
    let high = this.#leaves.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (firstOf(this.#leaves[middle] as Leaf).text <= text) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

function firstOf(leaf: Leaf): SortedRow {
  return leaf[0] as SortedRow;
}

/** The index of the first row whose key is `text` or greater. */
function firstFrom(leaf: Leaf, text: string): number {
  let low = 0;
  let high = leaf.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((leaf[middle] as SortedRow).text < text) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A leaf with `changes[from, to)` made. */
function merge(leaf: Leaf, changes: readonly SortedChange[], from: number, to: number): SortedRow[] {
  const merged: SortedRow[] = [];
  let at = 0;
  for (let index = from; index < to; index++) {
    const change = changes[index] as SortedChange;
    for (; at < leaf.length && (leaf[at] as SortedRow).text < change.text; at++) merged.push(leaf[at] as SortedRow);
    if (leaf[at]?.text === change.text) at++;
    if (change.row !== undefined) merged.push(change.row);
  }
  for (; at < leaf.length; at++) merged.push(leaf[at] as SortedRow);
  return merged;
}
