/**
 * How the keys of a caller find their rows: the port that a set of databases comes with. Pure, so that the same key is always in the same place.
 */

/** A part of a row that has a key of its own, so that several keys of the caller share one row. */
export interface RowField {
  /** The field's value in `row`; `undefined` where the row does not have it. Throws a typed error for a row that is none of its kind. */
  read(row: Uint8Array): Uint8Array | undefined;
  /**
   * The row with this field set to `value`, or reset where that is `undefined`; without a `row`, a new one. `undefined`: the row is to be deleted.
   * Changes neither argument. Throws a typed error for a value or a row that is none of its kind.
   */
  write(row: Uint8Array | undefined, value: Uint8Array | undefined): Uint8Array | undefined;
}

/** Where a key's value is kept. */
export interface Place {
  /** One of {@link Routing.databases}. */
  readonly database: string;
  /** The key of the row, which may be a view of the routed key. */
  readonly key: Uint8Array;
  /** Absent where the value is the whole row. */
  readonly field?: RowField;
}

/** Which databases there are, and which of them a key belongs to. */
export interface Routing {
  /** The names of the databases, in the order in which they are listed and exported. */
  readonly databases: readonly string[];
  /** Where the key's value is kept, or `undefined` for a key that has no place. Must give the same answer for the same key for ever. */
  route(key: Uint8Array): Place | undefined;
}
