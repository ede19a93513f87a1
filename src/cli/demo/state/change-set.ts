/**
 * What the demo's blocks do to the state: change sets for the databases of a commit store, made from a block and from rows that are read. Nothing here
 * writes, so the same functions tell what a store must hold and what to commit to it.
 */

import type { ChangeSet } from "../../../flatkv/index.js";

/** The databases that the demo's state is spread over. */
export const stateDatabases = ["account", "code", "storage", "legacy"] as const;
/** One of {@link stateDatabases}. */
export type StateDatabase = (typeof stateDatabases)[number];

/** Changes of rows of one database. */
export interface StateChangeSet extends ChangeSet {
  readonly database: StateDatabase;
}

/** Rows as they are before a block: an open store, or rows in memory. */
export interface RowReader {
  getMany(
    keys: readonly Uint8Array[],
    options: { readonly database: StateDatabase },
  ): Promise<readonly (Uint8Array | undefined)[]>;
}
