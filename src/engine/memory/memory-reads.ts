/** Reading rows that are in memory. */
import type { EngineReads, EngineRow } from "../engine.js";
import type { CheckedRange } from "../range.js";
import { checkBytes, checkRange } from "../range.js";
import type { EngineRange } from "../engine.js";
import type { SortedRows } from "./sorted-rows.js";
import { textOf } from "./sorted-rows.js";

/** A chunk of an iteration ends with the row that reaches this. */
const CHUNK_BYTES = 64 * 1024;

/** Reads from `rows()`, each call from what that returns then. `check` throws where reading is refused. */
export class MemoryReads implements EngineReads {
  readonly #rows: () => SortedRows;
  readonly #check: () => void;

  constructor(rows: () => SortedRows, check: () => void) {
    this.#rows = rows;
    this.#check = check;
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    checkBytes("get", "key", key);
    this.#check();
    return this.#rows().get(textOf(key))?.value.slice();
  }

  async getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    for (const key of keys) checkBytes("getMany", "key", key);
    this.#check();
    const rows = this.#rows();
    return keys.map((key) => rows.get(textOf(key))?.value.slice());
  }

  iterate(range?: EngineRange): AsyncIterableIterator<readonly EngineRow[]> {
    const checked = checkRange("iterate", range);
    this.#check();
    return this.#chunks(this.#rows(), checked);
  }

  async *#chunks(rows: SortedRows, range: CheckedRange): AsyncGenerator<readonly EngineRow[], void, undefined> {
    let chunk: EngineRow[] = [];
    let bytes = 0;
    this.#check();
    for (const { key, value } of rows.rows(range)) {
      chunk.push([key.slice(), value.slice()]);
      bytes += key.length + value.length + 16;
      if (bytes < CHUNK_BYTES) continue;
      yield chunk;
      this.#check();
      chunk = [];
      bytes = 0;
    }
    if (chunk.length > 0) yield chunk;
  }
}
