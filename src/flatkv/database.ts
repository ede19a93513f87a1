/**
 * One open database of the store: rows, metadata and markers in an engine.
 *
 * Every commit is one batch here: its rows, the metadata (version and hash) and a marker. What a crash keeps of the unsynced batches is any subset of
 * them, each whole. So a marker that is there says that its version's rows are, and the metadata says which version and hash they come to.
 */
import { CorruptionError, toHex } from "../base/index.js";
import type { EngineBatch, EngineDatabase } from "../engine/index.js";
import type { LtHash } from "../hash/index.js";
import type { RowChange } from "./commit-format.js";
import { META_KEY, decodeRow, encodeMarker, encodeMetadata, markerKey, rowKey } from "./row-format.js";
import { deleteRow, putRow } from "./row-writer.js";

/** Whose database it is. */
export interface DatabaseOwner {
  readonly storeId: Uint8Array;
  readonly name: string;
}

/** Where it is. */
export interface DatabasePlace {
  /** Of its directory; 0 for one that is no part of a store. */
  readonly number: number;
  readonly path: string;
}

/** What a database comes to with a batch. */
export interface DatabaseState {
  readonly timeline: number;
  readonly version: number;
  readonly hash: LtHash;
}

/** See the head of this file. */
export class Database {
  readonly owner: DatabaseOwner;
  /** Number of its directory, and the path. */
  readonly number: number;
  readonly path: string;
  readonly engine: EngineDatabase;
  #version: number;
  #hash: LtHash;

  constructor(
    owner: DatabaseOwner,
    place: DatabasePlace,
    engine: EngineDatabase,
    state: { readonly version: number; readonly hash: LtHash },
  ) {
    this.owner = owner;
    this.number = place.number;
    this.path = place.path;
    this.engine = engine;
    this.#version = state.version;
    this.#hash = state.hash;
  }

  get name(): string {
    return this.owner.name;
  }

  get version(): number {
    return this.#version;
  }

  /** Of its rows at `version`. Not to be changed. */
  get hash(): LtHash {
    return this.#hash;
  }

  /** The value of a row. Errors: `CorruptionError` where the row is damaged, `IoError`. */
  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    const engineKey = rowKey(key);
    return this.#decode(engineKey, await this.engine.get(engineKey));
  }

  /** The values of several rows, as of one moment. */
  async getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    return await this.getRows(keys.map(rowKey));
  }

  /** As {@link getMany}, by the keys that rows have in the engine. */
  async getRows(engineKeys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    const values = await this.engine.getMany(engineKeys);
    for (let index = 0; index < values.length; index++) {
      const stored = values[index];
      if (stored !== undefined) values[index] = this.#decode(engineKeys[index]!, stored);
    }
    return values;
  }

  /** The batch of one commit: rows, metadata and marker. */
  batchOf(rows: readonly RowChange[], state: DatabaseState): EngineBatch {
    const batch = this.engine.batch();
    putRows(batch, rows);
    putState(batch, this.owner, state);
    return batch;
  }

  /** To be called once the batch that leads there is written. */
  reached({ version, hash }: { readonly version: number; readonly hash: LtHash }): void {
    this.#version = version;
    this.#hash = hash;
  }

  #decode(engineKey: Uint8Array, stored: Uint8Array | undefined): Uint8Array | undefined {
    if (stored === undefined) return undefined;
    const value = decodeRow(engineKey, stored);
    if (value === undefined) throw damagedRow(this.path, this.name, engineKey);
    return value;
  }
}

export function putRows(batch: EngineBatch, rows: readonly RowChange[]): void {
  for (const { key, value } of rows) {
    if (value === undefined) deleteRow(batch, key);
    else putRow(batch, key, value);
  }
}

/** Puts metadata and marker, in the same batch as the rows that they speak of. */
export function putState(batch: EngineBatch, { storeId, name }: DatabaseOwner, state: DatabaseState): void {
  const { timeline, version, hash } = state;
  batch.put(META_KEY, encodeMetadata({ storeId, database: name, timeline, version, hash }));
  batch.put(markerKey(version), encodeMarker(version));
}

/** The error for a row whose checksum is wrong. */
export function damagedRow(path: string, name: string, engineKey: Uint8Array): CorruptionError {
  return new CorruptionError({
    path,
    expected: `a row with its checksum at key ${toHex(engineKey.subarray(1))} of database ${name}`,
    found: "another checksum",
    advice: "`FlatKv.repair` makes the database anew from the newest snapshot and the log.",
  });
}
