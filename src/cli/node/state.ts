/**
 * The state of a node: rows in a commit store, whose versions count from 1, and the same rows under a Merkle root, whose sequence is the version. Both
 * commit in one batch, so that no crash leaves one of them without the other.
 */
import type { ChangeSet, FlatKv } from "holdfast/flatkv";
import { blake3 } from "holdfast/hash";
import type { Committed, MerkleStore } from "holdfast/trie";

/** The stores of the state. */
export interface StateStores {
  readonly flatkv: FlatKv;
  readonly trie: MerkleStore;
}

/** A version in memory. */
export interface PreparedVersion {
  /** Hands the version to the streams of both stores within the call: for `SharedLog.together`, or a cycle that others join. */
  commit(): readonly [Promise<number>, Promise<Committed>];
}

const encoder = new TextEncoder();

/** The Merkle store's key of a row: BLAKE3 of the length of its database's name in a byte, the name, and the row's key. The value is the row's. */
export function trieKey(database: string, rowKey: Uint8Array): Uint8Array {
  const name = encoder.encode(database);
  return blake3.hash(Uint8Array.from([name.length, ...name, ...rowKey]));
}

/** Does in memory all that makes the next version. `changes` says what that is, from the rows before. */
export async function prepareVersion(
  { flatkv, trie }: StateStores,
  changes: (rows: Pick<FlatKv, "getMany">) => Promise<readonly (ChangeSet & { readonly database: string })[]>,
): Promise<PreparedVersion> {
  const sets = await changes(flatkv);
  const session = trie.begin();
  for (const { database, changes: rows } of sets)
    for (const { key, value } of rows) {
      if (value === undefined) session.delete(trieKey(database, key));
      else session.put(trieKey(database, key), value);
    }
  await Promise.all([flatkv.applyChangeSets(sets), session.prepare()]);
  return { commit: () => [flatkv.commit(), session.commit()] };
}
