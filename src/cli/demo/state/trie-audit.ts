/** Holds a Merkle store against the model and against the rows of the commit store. */
import { equalBytes, toHex } from "../../../base/index.js";
import type { FlatKv } from "../../../flatkv/index.js";
import { blake3 } from "../../../hash/index.js";
import { LeafList, NODE_WORDS, buildRoot, nodeBytes } from "../../../proof/index.js";
import type { MerkleStore } from "../../../trie/index.js";
import { DemoMismatchError } from "../mismatch.js";
import { stateDatabases } from "./change-set.js";
import type { StateStores } from "../../node/state.js";
import type { StateModel } from "./state-model.js";
import { type ProvedKeys, proveKeys } from "./trie-proofs.js";
import { trieKey } from "../../node/state.js";

/** Where a Merkle store stands: its sequence is the version of the state, and the root is in hexadecimal. */
export interface TrieVersion {
  readonly sequence: number;
  readonly root: string;
}

/** What was read of a Merkle store, and what it proved. */
export interface TrieContent {
  readonly keys: number;
  readonly pages: number;
  readonly proofs: ProvedKeys;
}

/** Where a Merkle store stands. */
export function trieOf({ sequence, root }: MerkleStore): TrieVersion {
  return { sequence, root: toHex(root) };
}

/** A store at this version must have the root that the model has. Anything else is a {@link DemoMismatchError}. */
export function checkTrie({ sequence, root }: TrieVersion, model: StateModel): void {
  const expected = model.root(sequence);
  if (root !== expected)
    throw mismatch(`it has the root ${root} at version ${sequence}, not ${expected ?? "one of a version so high"}`);
}

/**
 * Reads all of a Merkle store, which must be sound and have the root that the rows of the commit store have when a trie is built of them in memory; and has
 * it prove some keys. Both stores must be at the newest version of the model.
 */
export async function verifyTrie({ flatkv, trie }: StateStores, model: StateModel): Promise<TrieContent> {
  if (trie.sequence !== model.version || flatkv.version !== model.version)
    throw mismatch(
      `it is at version ${trie.sequence}, the commit store at ${flatkv.version}, and a run without crashes at ${model.version}`,
    );
  const { sound, problems, keys, pages } = await trie.verify();
  if (!sound) throw mismatch(problems[0]?.message ?? "it is not sound");
  const fresh = await rootOfRows(flatkv);
  if (!equalBytes(fresh, trie.root))
    throw mismatch(`it has the root ${toHex(trie.root)}, and the rows of the commit store come to ${toHex(fresh)}`);
  return { keys, pages, proofs: await proveKeys(trie, model) };
}

/** The root of a trie that is built in memory of all rows of a commit store. */
async function rootOfRows(store: FlatKv): Promise<Uint8Array> {
  const leaves: { readonly key: Buffer; readonly valueHash: Uint8Array }[] = [];
  for (const database of stateDatabases)
    for await (const { key, value } of store.iterate({ database }))
      leaves.push({ key: Buffer.from(trieKey(database, key)), valueHash: blake3.hash(value) });
  const list = new LeafList(leaves.length);
  for (const { key, valueHash } of leaves.sort((a, b) => a.key.compare(b.key))) list.push(key, valueHash);
  const root = new Int32Array(NODE_WORDS);
  buildRoot(blake3, list, 0, list.length, 0, root, 0);
  return nodeBytes(root, 0);
}

function mismatch(what: string): DemoMismatchError {
  return new DemoMismatchError(`The audit of the Merkle store found something wrong: ${what}.`, { part: "trie" });
}
