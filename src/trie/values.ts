/** The values of a trie: rows of an engine. Writing is in sync.ts and redo.ts; what is read here is checked against its hash. */
import { CorruptionError, equalBytes, toHex } from "../base/index.js";
import type { EngineBatch, EngineDatabase } from "../engine/index.js";
import type { Hasher } from "../hash/index.js";
import { LeafList } from "../proof/index.js";
import {
  APART_ROWS,
  KEY_BYTES,
  type LeafRow,
  ROW_KEY_BYTES,
  STATE_KEY,
  apartRowKey,
  encodeState,
  isApart,
  leafRowKey,
  parseRow,
  rowBytes,
  writeLeafRowKey,
  writeRow,
} from "./row-format.js";

/** A key's row and what goes with it, as they were read; the value is not checked yet. */
export class UncheckedValue {
  readonly key: Uint8Array;
  readonly valueHash: Uint8Array;
  readonly value: Uint8Array | undefined;

  constructor(key: Uint8Array, { valueHash }: LeafRow, value: Uint8Array | undefined) {
    this.key = key;
    this.valueHash = valueHash;
    this.value = value;
  }

  isSound(hasher: Hasher): boolean {
    return this.value !== undefined && equalBytes(hasher.hash(this.value), this.valueHash);
  }
}

/** See the head of this file. */
export class Values {
  readonly database: EngineDatabase;
  readonly #storeId: Uint8Array;
  /** Whether a row of a larger value may be there. Until then none has to be deleted. */
  #mayHaveApart: boolean;

  constructor(database: EngineDatabase, storeId: Uint8Array, mayHaveApart: boolean) {
    this.database = database;
    this.#storeId = storeId;
    this.#mayHaveApart = mayHaveApart;
  }

  static async of(database: EngineDatabase, storeId: Uint8Array): Promise<Values> {
    let found = false;
    for await (const rows of database.iterate({ ...APART_ROWS, limit: 1 })) found ||= rows.length > 0;
    return new Values(database, storeId, found);
  }

  /** What the engine has for these keys: `undefined` where it has nothing. Rows and larger values may be of different moments. */
  async read(keys: readonly Uint8Array[]): Promise<(UncheckedValue | undefined)[]> {
    const found = await this.database.getMany(keys.map(leafRowKey));
    const rows = found.map((bytes, at) => (bytes === undefined ? undefined : this.#parse(keys[at]!, bytes)));
    const apart: number[] = [];
    for (const [at, row] of rows.entries()) if (row !== undefined && row.value === undefined) apart.push(at);
    const larger = apart.length === 0 ? [] : await this.database.getMany(apart.map((at) => apartRowKey(keys[at]!)));
    const values = rows.map((row, at) => row && new UncheckedValue(keys[at]!, row, row.value));
    for (const [n, at] of apart.entries()) values[at] = new UncheckedValue(keys[at]!, rows[at]!, larger[n]);
    return values;
  }

  /** The leaves between two keys, both inclusive, at most `limit` of them. */
  async leaves(first: Uint8Array, last: Uint8Array, limit: number): Promise<LeafList> {
    const leaves = new LeafList();
    for await (const rows of this.database.iterate({ gte: leafRowKey(first), lte: leafRowKey(last), limit }))
      for (const [engineKey, bytes] of rows) {
        const key = engineKey.subarray(1);
        if (key.length !== KEY_BYTES) throw this.#damaged(engineKey, "a key of 32 bytes", `one of ${key.length}`);
        leaves.push(key, this.#parse(key, bytes).valueHash);
      }
    return leaves;
  }

  /** A batch that brings the rows to a commit. */
  batch(): ValuesBatch {
    return new ValuesBatch(this.database.batch(), this.#storeId, this.#mayHaveApart, () => (this.#mayHaveApart = true));
  }

  /** The error for a value that is not what its hash says. */
  notSound({ key, value }: UncheckedValue): CorruptionError {
    return this.#damaged(leafRowKey(key), "a value with the hash in its row", value === undefined ? "none" : "another");
  }

  /** The error for a row that is not what the trie says of its key. */
  notThere(key: Uint8Array): CorruptionError {
    return this.#damaged(leafRowKey(key), "what the trie says", "something else, or nothing");
  }

  #parse(key: Uint8Array, bytes: Uint8Array): LeafRow {
    const row = parseRow(bytes);
    if (row === undefined) throw this.#damaged(leafRowKey(key), "a row of a value", "other bytes");
    return row;
  }

  #damaged(engineKey: Uint8Array, expected: string, found: string): CorruptionError {
    return new CorruptionError({
      path: this.database.directory,
      expected: `${expected} at key ${toHex(engineKey)}`,
      found,
      advice: "`verify` tells how far the damage goes. Restore a copy of the store.",
    });
  }
}

/**
 * Changes of rows on their way into the engine. A leaf is given as the 64 bytes at a place: its key, and the hash of its value.
 *
 * The engine copies what it is given, so a row is put together in memory that the next one uses again: a view for each would be more work for the
 * collector than all of the row.
 */
export class ValuesBatch {
  readonly #batch: EngineBatch;
  readonly #storeId: Uint8Array;
  readonly #noteApart: () => void;
  readonly #key = new Uint8Array(ROW_KEY_BYTES);
  #row: Uint8Array = new Uint8Array(0);
  #mayHaveApart: boolean;

  constructor(batch: EngineBatch, storeId: Uint8Array, mayHaveApart: boolean, noteApart: () => void) {
    this.#batch = batch;
    this.#storeId = storeId;
    this.#mayHaveApart = mayHaveApart;
    this.#noteApart = noteApart;
  }

  put(leaf: Uint8Array, at: number, value: Uint8Array): void {
    const bytes = rowBytes(value);
    if (this.#row.length !== bytes) this.#row = new Uint8Array(bytes);
    writeRow(this.#row, leaf, at, value);
    writeLeafRowKey(this.#key, leaf, at);
    this.#batch.put(this.#key, this.#row);
    if (isApart(value)) {
      this.#mayHaveApart = true;
      this.#noteApart();
      this.#batch.put(apartRowKey(keyAt(leaf, at)), value);
    } else if (this.#mayHaveApart) this.#batch.delete(apartRowKey(keyAt(leaf, at)));
  }

  /** Of the leaf only the key counts. */
  delete(leaf: Uint8Array, at: number): void {
    writeLeafRowKey(this.#key, leaf, at);
    this.#batch.delete(this.#key);
    if (this.#mayHaveApart) this.#batch.delete(apartRowKey(keyAt(leaf, at)));
  }

  /** From now on it is not known whether larger values are there, so they are deleted where a key gets a smaller one, or none. */
  expectApart(): void {
    this.#mayHaveApart = true;
  }

  /** Writes it. `sequence`: the newest commit that is in it. */
  async write(sequence: number): Promise<void> {
    this.#batch.put(STATE_KEY, encodeState({ storeId: this.#storeId, sequence }));
    await this.#batch.write();
  }
}

function keyAt(leaf: Uint8Array, at: number): Uint8Array {
  return leaf.subarray(at, at + KEY_BYTES);
}
