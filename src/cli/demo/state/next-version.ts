/**
 * The next version of the state: of the commit store, whose versions count from 1, and of the Merkle store, whose sequence is the version. Both get the
 * same rows.
 *
 * Their commits are two batches of one log, not one: a crash may leave either of them a version behind the other. Then the one that is behind gets the
 * version alone, from its own rows, and comes to what it had come to before.
 */
import type { FlatKv } from "../../../flatkv/index.js";
import type { MerkleStore } from "../../../trie/index.js";
import type { RowReader, StateChangeSet } from "./change-set.js";
import { TrieRows, changeTrie } from "./trie-rows.js";

/** The stores of the state. */
export interface StateStores {
  readonly flatkv: FlatKv;
  readonly trie: MerkleStore;
}

/** A version in memory. */
export interface PreparedVersion {
  /** Which stores did not have it. */
  readonly lacking: { readonly flatkv: boolean; readonly trie: boolean };
  /** Hands the version to the logs of the stores in the same turn of the event loop, so that a log of both makes it durable with one write. */
  commit(): Promise<void>;
}

/** Does in memory all that makes `version` of the one before, in each store that lacks it. `changes` says what that is, from the rows before. */
export async function prepareVersion(
  { flatkv, trie }: StateStores,
  version: number,
  changes: (rows: RowReader) => Promise<readonly StateChangeSet[]>,
): Promise<PreparedVersion> {
  const lacking = { flatkv: flatkv.version < version, trie: trie.sequence < version };
  if (!lacking.flatkv && !lacking.trie) return { lacking, commit: () => Promise.resolve() };
  const sets = await changes(lacking.flatkv ? flatkv : new TrieRows(trie));
  const session = trie.begin();
  if (lacking.flatkv) await flatkv.applyChangeSets(sets);
  if (lacking.trie) {
    changeTrie(session, sets);
    await session.prepare();
  }
  return {
    lacking,
    async commit() {
      await Promise.all([lacking.flatkv ? flatkv.commit() : undefined, lacking.trie ? session.commit() : undefined]);
    },
  };
}
