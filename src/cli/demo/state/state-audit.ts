/** Holds a commit store against the model: the hash of every database, and their sum as the store itself says it. */
import { toHex } from "../../../base/index.js";
import type { FlatKv } from "../../../flatkv/index.js";
import { DemoMismatchError } from "../mismatch.js";
import { stateDatabases } from "./change-set.js";
import type { StateStores } from "../../node/state.js";
import { type StateHashes, type StateModel, checksum, hashesOf } from "./state-model.js";
import { checkTrie } from "./trie-audit.js";

/** A version, and what it hashes to. */
export interface StateVersion {
  readonly version: number;
  readonly hashes: StateHashes;
}

/** A version, the checksum of the hash over all databases, and the Merkle root of its rows, both in hexadecimal. */
export interface NewestVersion {
  readonly version: number;
  readonly hash: string;
  readonly root: string;
}

/** What a database holds. */
export interface DatabaseRows {
  readonly name: string;
  readonly rows: number;
}

/** The version of the stores, both of which have it. */
export function newestVersionOf({ flatkv, trie }: StateStores): NewestVersion {
  return { version: flatkv.version, hash: checksum(flatkv.committedHash()), root: toHex(trie.root) };
}

/** The version of a commit store, with the hash of each database and of all of them. */
export function stateOf(store: FlatKv): StateVersion {
  const { databases } = hashesOf((database) => store.databaseHash(database));
  return { version: store.version, hashes: { global: checksum(store.committedHash()), databases } };
}

/** A store at this version must hash so, in every database and altogether. Anything else is a {@link DemoMismatchError}. */
export function checkState({ version, hashes }: StateVersion, model: StateModel): void {
  const expected = model.at(version);
  if (expected === undefined)
    throw mismatch(`the state is at version ${version}, and a run without crashes gets to ${model.version}`);
  for (const database of stateDatabases)
    if (hashes.databases[database] !== expected.databases[database])
      throw mismatch(
        `database ${database} has the hash ${hashes.databases[database]} at version ${version}, not ${expected.databases[database]}`,
      );
  checkHash(version, hashes.global, model);
}

/** What was told of a version. Anything but the model's is a {@link DemoMismatchError}. */
export function checkTold({ version, hash, root }: NewestVersion, model: StateModel): void {
  checkHash(version, hash, model);
  checkTrie({ sequence: version, root }, model);
}

function checkHash(version: number, hash: string, model: StateModel): void {
  const expected = model.at(version)?.global;
  if (hash !== expected)
    throw mismatch(
      `the state has the hash ${hash} at version ${version}, not ${expected ?? "one of a version so high"}`,
    );
}

/** Reads all rows of a store, which must hash to what its databases say of themselves. Returns how many there are. */
export async function verifyState(store: FlatKv): Promise<DatabaseRows[]> {
  const { sound, problems, databases } = await store.verify();
  if (!sound) throw mismatch(problems[0]?.message ?? "it is not sound");
  return databases.map(({ name, rows }) => ({ name, rows }));
}

function mismatch(what: string): DemoMismatchError {
  return new DemoMismatchError(`The audit of the state found something wrong: ${what}.`, { part: "flatkv" });
}
