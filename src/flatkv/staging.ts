/**
 * Changes that wait for the next commit: what each row was at the committed version and what it becomes, and the hashes that this comes to.
 *
 * A call stages all of its changes or none: everything that can fail is done on a draft, and the draft is taken over in one step.
 */
import { equalBytes } from "../base/index.js";
import type { LtHash } from "../hash/index.js";
import type { PlacedChange } from "./change-set.js";
import type { RowChange } from "./commit-format.js";
import type { Database } from "./database.js";
import { latin1Key } from "./latin1-key.js";

/** A row that is to change. */
export interface StagedRow extends RowChange {
  /** Its value at the committed version. */
  readonly before: Uint8Array | undefined;
}

/** The staged part of one database. */
interface StagedDatabase {
  readonly database: Database;
  readonly rows: Map<string, StagedRow>;
  /** With the staged rows. */
  readonly hash: LtHash;
  /** Bytes of keys and values. */
  bytes: number;
}

/** See the head of this file. */
export class Staging {
  readonly #databases: Map<string, StagedDatabase>;

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
        draft = new Draft(this.#databases.get(change.place.database)!);
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

/** One call's share for one database. */
class Draft {
  addedRows = 0;
  addedBytes = 0;
  readonly #staged: StagedDatabase;
  readonly #changes: { readonly id: string; readonly change: PlacedChange }[] = [];
  /** Rows at the committed version that are not staged yet; `undefined` until they are loaded, and where there is none. */
  readonly #loaded = new Map<string, Uint8Array | undefined>();
  readonly #keys: Uint8Array[] = [];
  readonly #rows = new Map<string, StagedRow>();
  readonly #hash: LtHash;

  constructor(staged: StagedDatabase) {
    this.#staged = staged;
    this.#hash = staged.hash.clone();
  }

  note(change: PlacedChange): void {
    const { key } = change.place;
    const id = latin1Key(key);
    this.#changes.push({ id, change });
    if (this.#staged.rows.has(id) || this.#loaded.has(id)) return;
    this.#loaded.set(id, undefined);
    this.#keys.push(key.slice());
  }

  /** Reads the rows that the changes meet. */
  async load(): Promise<void> {
    if (this.#keys.length === 0) return;
    const values = await this.#staged.database.getMany(this.#keys);
    let at = 0;
    for (const id of this.#loaded.keys()) this.#loaded.set(id, values[at++]);
  }

  /** Computes what each row becomes, and the hash. */
  fold(): void {
    const { rows } = this.#staged;
    for (const { id, change } of this.#changes) {
      const { key, field } = change.place;
      const earlier = this.#rows.get(id) ?? rows.get(id);
      const before = earlier === undefined ? this.#loaded.get(id) : earlier.before;
      const current = earlier === undefined ? before : earlier.value;
      const value = field === undefined ? change.value?.slice() : field.write(current, change.value);
      this.#rows.set(id, { key: earlier?.key ?? key.slice(), before, value });
    }
    // Once for each row, however often the call names it.
    for (const [id, row] of this.#rows) {
      const staged = rows.get(id);
      const current = staged === undefined ? row.before : staged.value;
      if (!isSame(current, row.value)) {
        if (current !== undefined) this.#hash.remove(row.key, current);
        if (row.value !== undefined) this.#hash.add(row.key, row.value);
      }
      if (staged === undefined) this.addedRows += 1;
      this.addedBytes += sizeOf(row) - (staged === undefined ? 0 : sizeOf(staged));
    }
  }

  /** From here on the draft is what is staged. Nothing in it can fail. */
  take(): void {
    for (const [id, row] of this.#rows) this.#staged.rows.set(id, row);
    this.#staged.hash.set(this.#hash);
    this.#staged.bytes += this.addedBytes;
  }
}

function sizeOf({ key, value }: RowChange): number {
  return key.length + (value?.length ?? 0);
}

function isSame(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return equalBytes(a, b);
}
