/** What a session changes, until it is committed: one put or delete for each key. */
import { Slab } from "../base/index.js";
import type { Hasher } from "../hash/index.js";
import { NODE_WORDS, nodeBytes } from "../proof/index.js";
import { KeyTable } from "./key-table.js";
import { OpList } from "./op-list.js";
import { sortedKeys } from "./sorted-keys.js";

/** Changes in key order, ready to be walked and written. */
export interface PackedChanges {
  readonly ops: OpList;
  /** The value of each op; `undefined` for a delete. */
  readonly values: readonly (Uint8Array | undefined)[];
}

/** See the head of this file. */
export class StagedChanges {
  readonly #keys: KeyTable;
  readonly #values: (Uint8Array | undefined)[] = [];
  readonly #slab = new Slab();

  constructor(seed: number) {
    this.#keys = new KeyTable(seed);
  }

  /** How many keys change. */
  get length(): number {
    return this.#keys.length;
  }

  /** Whether anything is staged for a key. */
  has(key: Uint8Array): boolean {
    return this.#keys.find(key) >= 0;
  }

  /** What a key is to have; `undefined` for nothing, and where nothing is staged for it. */
  value(key: Uint8Array): Uint8Array | undefined {
    const number = this.#keys.find(key);
    return number < 0 ? undefined : this.#values[number];
  }

  /** Stages a put, or a delete. The value is copied. */
  set(key: Uint8Array, value: Uint8Array | undefined): void {
    this.#values[this.#keys.add(key)] = value === undefined ? undefined : this.#slab.copy(value);
  }

  /** The keys, in the order in which they came, each in an array of its own. */
  keys(): Uint8Array[] {
    return Array.from({ length: this.length }, (_, number) => nodeBytes(this.#keys.words, number * NODE_WORDS));
  }

  /** Sorts the changes, and hashes their values. */
  pack(hasher: Hasher): PackedChanges {
    const { words, length } = this.#keys;
    const order = sortedKeys(words, length);
    const ops = new OpList(length);
    const values: (Uint8Array | undefined)[] = [];
    for (let at = 0; at < length; at++) {
      const number = order[at]!;
      const value = this.#values[number];
      values.push(value);
      if (value === undefined) ops.delete(words, number * NODE_WORDS);
      else hasher.hashInto(value, ops.words, ops.put(words, number * NODE_WORDS));
    }
    return { ops, values };
  }
}
