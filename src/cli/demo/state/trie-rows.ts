/** The state's rows as keys of a Merkle store: the rows of all databases in one trie. */
import { blake3 } from "../../../hash/index.js";
import type { Session } from "../../../trie/index.js";
import type { StateChangeSet, StateDatabase } from "./change-set.js";

const encoder = new TextEncoder();

/** The key of a row: BLAKE3 of the length of the database's name in a byte, the name, and the row's key. The value is the row's. */
export function trieKey(database: StateDatabase, rowKey: Uint8Array): Uint8Array {
  const name = encoder.encode(database);
  const named = new Uint8Array(1 + name.length + rowKey.length);
  named[0] = name.length;
  named.set(name, 1);
  named.set(rowKey, 1 + name.length);
  return blake3.hash(named);
}

/** Puts changes of rows into a session, in order. */
export function changeTrie(session: Session, sets: readonly StateChangeSet[]): void {
  for (const { database, changes } of sets)
    for (const { key, value } of changes) {
      if (value === undefined) session.delete(trieKey(database, key));
      else session.put(trieKey(database, key), value);
    }
}
