/** The rows of all databases in memory: what a store must hold after the change sets that were applied. */
import { toHex } from "../../../base/index.js";
import { type RowReader, type StateChangeSet, type StateDatabase, stateDatabases } from "./change-set.js";

/** See the head of this file. */
export class StateRows implements RowReader {
  readonly #rows: ReadonlyMap<StateDatabase, Map<string, Uint8Array>> = new Map(
    stateDatabases.map((database) => [database, new Map()]),
  );

  /** How many rows a database has. */
  count(database: StateDatabase): number {
    return this.#of(database).size;
  }

  /** The keys of a database, in the order in which they came. */
  keys(database: StateDatabase): Uint8Array[] {
    return Array.from(this.#of(database).keys(), (key) => new Uint8Array(Buffer.from(key, "hex")));
  }

  get(key: Uint8Array, { database }: { readonly database: StateDatabase }): Uint8Array | undefined {
    return this.#of(database).get(toHex(key));
  }

  getMany(
    keys: readonly Uint8Array[],
    options: { readonly database: StateDatabase },
  ): Promise<(Uint8Array | undefined)[]> {
    return Promise.resolve(keys.map((key) => this.get(key, options)));
  }

  /** Applies change sets in order. `onChange` is told of every row that changes, with what it was before. */
  apply(
    sets: readonly StateChangeSet[],
    onChange?: (database: StateDatabase, change: StateChangeSet["changes"][number], before?: Uint8Array) => void,
  ): void {
    for (const { database, changes } of sets) {
      const rows = this.#of(database);
      for (const change of changes) {
        const key = toHex(change.key);
        onChange?.(database, change, rows.get(key));
        if (change.value === undefined) rows.delete(key);
        else rows.set(key, change.value);
      }
    }
  }

  #of(database: StateDatabase): Map<string, Uint8Array> {
    const rows = this.#rows.get(database);
    if (rows === undefined) throw new RangeError(`there is no database ${database}`);
    return rows;
  }
}
