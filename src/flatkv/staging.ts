/**
 * Changes that wait for the next commit: what each row was at the committed version and what it becomes, and the hashes that this comes to.
 *
 * A call stages all of its changes or none: everything that can fail is done on a draft, and the draft is taken over in one step.
 */
import { Slab, equalBytes } from "../base/index.js";
import type { LtHash } from "../hash/index.js";
import { type PlacedChange, checkRowValue } from "./change-set.js";
import type { RowChange } from "./commit-format.js";
import type { Database } from "./database.js";
import { latin1Key } from "./latin1-key.js";
import { writeRowKey } from "./row-format.js";

/** So many rows are read at a time, each lot on a thread of its own where there are some. */
const READ_ROWS = 512;

/** A row that is to change. */
export interface StagedRow extends RowChange {
  /** Its value at the committed version. */
  readonly before: Uint8Array | undefined;
}

/** The staged part of one database. */
interface StagedDatabase {
  readonly database: Database;
  rows: Map<string, StagedRow>;
  /** With the staged rows. */
  readonly hash: LtHash;
  /** Bytes of keys and values. */
  bytes: number;
}

/** See the head of this file. */
export class Staging {
  readonly #databases: Map<string, StagedDatabase>;
  readonly #slab = new Slab();

  /** Nothing staged yet. The databases stand at the committed version. */
  constructor(databases: readonly Database[]) {
    this.#databases = new Map(
      databases.map((database) => [
        database.name,
        { database, rows: new Map(), hash: database.hash.clone(), bytes: 0 },
      ]),
    );
  }

  get rowCount(): number {
    let count = 0;
    for (const { rows } of this.#databases.values()) count += rows.size;
    return count;
  }

  /** Of keys and values. */
  get bytes(): number {
    let count = 0;
    for (const { bytes } of this.#databases.values()) count += bytes;
    return count;
  }

  /** What a database's hash becomes. Not to be changed. */
  hashOf(name: string): LtHash {
    return this.#databases.get(name)!.hash;
  }

  /** The rows of a database that become something else than they are. */
  changesOf(name: string): StagedRow[] {
    const changed: StagedRow[] = [];
    for (const row of this.#databases.get(name)!.rows.values()) if (!isSame(row.before, row.value)) changed.push(row);
    return changed;
  }

  /** The staged row; `undefined` where nothing is staged for the key. */
  row(name: string, key: Uint8Array): StagedRow | undefined {
    return this.#databases.get(name)!.rows.get(latin1Key(key));
  }

  /**
   * Stages changes, in order. Bytes are copied. `check` is called with what would be staged in all, rows and bytes, and may refuse by throwing.
   */
  async apply(changes: readonly PlacedChange[], check: (rows: number, bytes: number) => void): Promise<void> {
    const drafts = new Map<string, Draft>();
    for (const change of changes) {
      let draft = drafts.get(change.place.database);
      if (draft === undefined) {
        draft = new Draft(this.#databases.get(change.place.database)!, this.#slab);
        drafts.set(change.place.database, draft);
      }
      draft.note(change);
    }
    const all = [...drafts.values()];
    await Promise.all(all.map((draft) => draft.load()));
    for (const draft of all) draft.fold();
    check(
      this.rowCount + all.reduce((sum, { addedRows }) => sum + addedRows, 0),
      this.bytes + all.reduce((sum, { addedBytes }) => sum + addedBytes, 0),
    );
    for (const draft of all) draft.take();
  }
}

/** A row that a call names, however often. */
class DraftRow {
  readonly key: Uint8Array;
  /** What is staged for it by earlier calls. */
  readonly staged: StagedRow | undefined;
  /** Its value at the committed version, once it is loaded. */
  before: Uint8Array | undefined;
  /** What the changes so far make of it, once one of them sets all of it. */
  value: Uint8Array | undefined;
  isSet = false;
  /** The changes from the first one on that sets a field, so that what it makes depends on what is there. */
  later: PlacedChange[] | undefined;

  constructor(key: Uint8Array, staged: StagedRow | undefined) {
    this.key = key;
    this.staged = staged;
    this.before = staged?.before;
  }

  /** What it is before the call. */
  get current(): Uint8Array | undefined {
    return this.staged === undefined ? this.before : this.staged.value;
  }
}

/** One call's share for one database. */
class Draft {
  addedRows = 0;
  addedBytes = 0;
  readonly #staged: StagedDatabase;
  readonly #slab: Slab;
  readonly #rows = new Map<string, DraftRow>();
  /** Rows that nothing is staged for, and their keys in the engine. */
  readonly #unread: DraftRow[] = [];
  readonly #unreadKeys: Uint8Array[] = [];
  readonly #hash: LtHash;

  constructor(staged: StagedDatabase, slab: Slab) {
    this.#staged = staged;
    this.#slab = slab;
    this.#hash = staged.hash.clone();
  }

  note(change: PlacedChange): void {
    const { place, value } = change;
    const id = latin1Key(place.key);
    const row = this.#rows.get(id) ?? this.#add(id, place.key);
    if (place.field !== undefined || row.later !== undefined) {
      (row.later ??= []).push(change);
    } else {
      row.value = value === undefined ? undefined : this.#slab.copy(value);
      row.isSet = true;
    }
  }

  /** Reads the rows that the changes meet, and folds what needs no look at them meanwhile. */
  async load(): Promise<void> {
    const readings: Promise<(Uint8Array | undefined)[]>[] = [];
    for (let at = 0; at < this.#unreadKeys.length; at += READ_ROWS)
      readings.push(this.#staged.database.getRows(this.#unreadKeys.slice(at, at + READ_ROWS)));
    const reading = Promise.all(readings);
    // Nothing in between may throw, or nobody would hear of a read that fails.
    for (const { key, value, later } of this.#rows.values())
      if (later === undefined && value !== undefined) this.#hash.add(key, value);
    let at = 0;
    for (const values of await reading) for (const value of values) this.#unread[at++]!.before = value;
  }

  /** Computes what each row becomes, and the hash: once for each row, however often the call names it. */
  fold(): void {
    for (const row of this.#rows.values()) {
      const { key, current, staged, later } = row;
      if (later !== undefined) this.#finish(row, later);
      const { value } = row;
      // What was folded while reading is taken out again where it was there before: the sum is the same.
      if (later === undefined || !isSame(current, value)) {
        if (current !== undefined) this.#hash.remove(key, current);
        if (later !== undefined && value !== undefined) this.#hash.add(key, value);
      }
      if (staged === undefined) this.addedRows += 1;
      this.addedBytes += sizeOf(row) - (staged === undefined ? 0 : sizeOf(staged));
    }
  }

  /** From here on the draft is what is staged. Nothing in it can fail. */
  take(): void {
    const staged = this.#staged;
    if (staged.rows.size === 0) staged.rows = this.#rows;
    else for (const [id, { key, before, value }] of this.#rows) staged.rows.set(id, { key, before, value });
    staged.hash.set(this.#hash);
    staged.bytes += this.addedBytes;
  }

  #add(id: string, key: Uint8Array): DraftRow {
    const staged = this.#staged.rows.get(id);
    let row: DraftRow;
    if (staged === undefined) {
      const engineKey = this.#slab.take(key.length + 1);
      writeRowKey(engineKey, key);
      row = new DraftRow(engineKey.subarray(1), undefined);
      this.#unread.push(row);
      this.#unreadKeys.push(engineKey);
    } else row = new DraftRow(staged.key, staged);
    this.#rows.set(id, row);
    return row;
  }

  /** Does the changes that depend on what is there. */
  #finish(row: DraftRow, later: readonly PlacedChange[]): void {
    let value = row.isSet ? row.value : row.current;
    for (const { place, value: given } of later)
      value =
        place.field === undefined
          ? given === undefined
            ? undefined
            : this.#slab.copy(given)
          : place.field.write(value, given);
    if (value !== undefined) checkRowValue("FlatKv.applyChangeSets", row.key, value);
    row.value = value;
  }
}

function sizeOf({ key, value }: RowChange): number {
  return key.length + (value?.length ?? 0);
}

function isSame(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return equalBytes(a, b);
}
