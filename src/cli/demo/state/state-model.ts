/** What a commit store and a Merkle store must come to, version by version, worked out in memory from change sets alone: the run without crashes that every other is held against. */
import { toHex } from "../../../base/index.js";
import { LtHash } from "../../../hash/index.js";
import { type StateChangeSet, type StateDatabase, stateDatabases } from "./change-set.js";
import { StateRows } from "./state-rows.js";
import { TrieModel } from "./trie-model.js";

/** Checksums of lattice hashes at one version, in hexadecimal. */
export interface StateHashes {
  /** Of the sum over all databases. */
  readonly global: string;
  readonly databases: Readonly<Record<StateDatabase, string>>;
}

/** See the head of this file. */
export class StateModel {
  /** The rows at the newest version. */
  readonly rows: StateRows = new StateRows();
  readonly #hashes: Readonly<Record<StateDatabase, LtHash>> = perDatabase(() => new LtHash());
  readonly #versions: StateHashes[] = [];
  readonly #trie = new TrieModel();
  /** Merkle roots, by version. */
  readonly #roots: string[] = [];

  /** The newest version; 0 before the first. */
  get version(): number {
    return this.#versions.length;
  }

  /** Makes the next version of the change sets. */
  apply(sets: readonly StateChangeSet[]): void {
    this.rows.apply(sets, (database, { key, value }, before) => {
      const hash = this.#hashes[database];
      if (before !== undefined) hash.remove(key, before);
      if (value !== undefined) hash.add(key, value);
    });
    this.#versions.push(hashesOf((database) => this.#hashes[database]));
    this.#trie.apply(sets);
    this.#roots.push(toHex(this.#trie.root()));
  }

  /** The hashes of a version that was made. */
  at(version: number): StateHashes | undefined {
    return this.#versions[version - 1];
  }

  /** The Merkle root of a version that was made, in hexadecimal. */
  root(version: number): string | undefined {
    return this.#roots[version - 1];
  }
}

/** The hashes that a store's databases have. */
export function hashesOf(hashOf: (database: StateDatabase) => LtHash): StateHashes {
  const hashes = perDatabase(hashOf);
  return {
    global: checksum(LtHash.sum(Object.values(hashes))),
    databases: perDatabase((database) => checksum(hashes[database])),
  };
}

/** The checksum of a hash, in hexadecimal. */
export function checksum(hash: LtHash): string {
  return toHex(hash.checksum());
}

function perDatabase<T>(of: (database: StateDatabase) => T): Record<StateDatabase, T> {
  return Object.fromEntries(stateDatabases.map((database) => [database, of(database)])) as Record<StateDatabase, T>;
}
