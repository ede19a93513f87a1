/** Ten keys are proved to somebody who has the root and the rows from elsewhere, and nothing of the store but the proofs. */
import { blake3 } from "../../../hash/index.js";
import {
  decodeMultiProof,
  decodePathProof,
  encodeMultiProof,
  encodePathProof,
  verifyMultiProof,
  verifyPathProof,
} from "../../../proof/index.js";
import type { MerkleStore } from "../../../trie/index.js";
import { DemoMismatchError } from "../mismatch.js";
import { type StateDatabase, stateDatabases } from "./change-set.js";
import type { StateModel } from "./state-model.js";
import type { StateRows } from "./state-rows.js";
import { trieKey } from "../../node/state.js";

const presentKeys = 8;
const absentKeys = 2;

/** What was proved, and verified. */
export interface ProvedKeys {
  /** Keys that have a row, and keys that have none. */
  readonly present: number;
  readonly absent: number;
  /** What each proof takes in its binary form, in bytes. */
  readonly bytes: readonly number[];
  /** The same of one proof of all of them. */
  readonly multiBytes: number;
}

interface Claim {
  readonly database: StateDatabase;
  readonly key: Uint8Array;
  readonly value: Uint8Array | undefined;
}

/** Has keys proved, of which the model knows the values and the root. A proof that does not hold, or holds for another value, is a {@link DemoMismatchError}. */
export async function proveKeys(store: MerkleStore, model: StateModel): Promise<ProvedKeys> {
  const hasher = blake3;
  const root = new Uint8Array(Buffer.from(model.root(model.version) ?? "", "hex"));
  const claims = [...presentClaims(model.rows), ...absentClaims(model.rows)];
  const named = claims.map(({ database, key, value }) => ({ key: trieKey(database, key), value }));
  const bytes: number[] = [];
  for (const { key, value } of named) {
    const encoded = encodePathProof(await store.prove(key));
    const proof = decodePathProof(encoded);
    if (!verifyPathProof({ root, key, value, proof, hasher })) throw mismatch(key, "is not proved by it");
    const other = value === undefined ? new Uint8Array() : undefined;
    if (verifyPathProof({ root, key, value: other, proof, hasher })) throw mismatch(key, "has another value in it");
    bytes.push(encoded.length);
  }
  const encoded = encodeMultiProof(await store.proveMany(named.map(({ key }) => key)));
  if (!verifyMultiProof({ root, proof: decodeMultiProof(encoded), claims: named, hasher }))
    throw mismatch(named[0]!.key, "and others are not proved by one proof");
  const present = named.filter(({ value }) => value !== undefined).length;
  return { present, absent: named.length - present, bytes, multiBytes: encoded.length };
}

/** Rows of every database that has any, from all over it. */
function presentClaims(rows: StateRows): Claim[] {
  const filled = stateDatabases.filter((database) => rows.count(database) > 0);
  return filled.flatMap((database, at) => {
    const keys = rows.keys(database);
    const share = Math.floor((presentKeys + filled.length - 1 - at) / filled.length);
    const wanted = Math.min(share, keys.length);
    return Array.from({ length: wanted }, (_, n): Claim => {
      const key = keys[Math.floor(((n + 0.5) * keys.length) / wanted)]!;
      return { database, key, value: rows.get(key, { database }) };
    });
  });
}

/** Keys of no row: no database has any that are so long. */
function absentClaims(rows: StateRows): Claim[] {
  return Array.from({ length: absentKeys }, (_, n): Claim => {
    const database = stateDatabases[n % stateDatabases.length]!;
    const key = new TextEncoder().encode(`a key that nobody has, of the number ${n} and of many bytes`);
    return { database, key, value: rows.get(key, { database }) };
  });
}

function mismatch(key: Uint8Array, what: string): DemoMismatchError {
  const name = Buffer.from(key).toString("hex");
  return new DemoMismatchError(`A proof of the Merkle store is wrong: the key ${name} ${what}.`, { part: "trie" });
}
