/** Puts rows into the batches of an engine, which copies what it is given: so one piece of memory serves for row after row. */
import type { EngineBatch } from "../engine/index.js";
import { CRC_BYTES, KEY_BYTES_MAX, writeRow, writeRowKey } from "./row-format.js";

const KEY_BYTES: number = KEY_BYTES_MAX + 1;
const VALUE_BYTES = 4096;
/** Of longer strings there are few. */
const VIEWS_MAX = 256;

/** Views of one piece of memory from its start, made once for each length. */
class Scratch {
  readonly #bytes: Uint8Array;
  readonly #views: (Uint8Array | undefined)[] = [];

  constructor(bytes: number) {
    this.#bytes = new Uint8Array(bytes);
  }

  view(length: number): Uint8Array {
    if (length > this.#bytes.length) return new Uint8Array(length);
    if (length > VIEWS_MAX) return this.#bytes.subarray(0, length);
    return (this.#views[length] ??= this.#bytes.subarray(0, length));
  }
}
const keys = new Scratch(KEY_BYTES);
const values = new Scratch(VALUE_BYTES);

/** Puts a row, with its checksum. */
export function putRow(batch: EngineBatch, key: Uint8Array, value: Uint8Array): void {
  const engineKey = engineKeyOf(key);
  const stored = values.view(value.length + CRC_BYTES);
  writeRow(stored, engineKey, value);
  batch.put(engineKey, stored);
}

/** Deletes a row. */
export function deleteRow(batch: EngineBatch, key: Uint8Array): void {
  batch.delete(engineKeyOf(key));
}

function engineKeyOf(key: Uint8Array): Uint8Array {
  const engineKey = keys.view(key.length + 1);
  writeRowKey(engineKey, key);
  return engineKey;
}
