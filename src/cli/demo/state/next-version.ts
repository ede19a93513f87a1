/**
 * The next version of the state: of the commit store, whose versions count from 1, and of the Merkle store, whose sequence is the version. Both get the
 * same rows, and both commit in one batch of the log on whose streams they stand, so that no crash leaves one of them without the other.
 */
import type { FlatKv } from "../../../flatkv/index.js";
import type { Committed, MerkleStore } from "../../../trie/index.js";
import type { RowReader, StateChangeSet } from "./change-set.js";
import { changeTrie } from "./trie-rows.js";

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

/** Does in memory all that makes the next version. `changes` says what that is, from the rows before. */
export async function prepareVersion(
  { flatkv, trie }: StateStores,
  changes: (rows: RowReader) => Promise<readonly StateChangeSet[]>,
): Promise<PreparedVersion> {
  const sets = await changes(flatkv);
  const session = trie.begin();
  changeTrie(session, sets);
  await Promise.all([flatkv.applyChangeSets(sets), session.prepare()]);
  return { commit: () => [flatkv.commit(), session.commit()] };
}
