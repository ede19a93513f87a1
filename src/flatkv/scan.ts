/** Reads every row of a database, checks its checksum and folds it: what the metadata claims, computed from the rows themselves. */
import { equalBytes } from "../base/index.js";
import type { EngineReads } from "../engine/index.js";
import { LtHash } from "../hash/index.js";
import { IMPORT_KEY } from "./import-progress.js";
import {
  META_KEY,
  MARKERS_FROM,
  MARKERS_TO,
  ROWS_FROM,
  ROWS_TO,
  ROW_PREFIX,
  STAGED_KEY,
  decodeRow,
  rowKeyOf,
} from "./row-format.js";

/** Keys of the store's own that are no markers. */
const OWN_KEYS: readonly Uint8Array[] = [META_KEY, STAGED_KEY, IMPORT_KEY];

/** What a scan found. */
export interface ScanResult {
  readonly rows: number;
  /** Of keys and values. */
  readonly bytes: number;
  /** Of the rows whose checksum is right. */
  readonly hash: LtHash;
  /** How many rows have a wrong checksum, and the key of the first. */
  readonly damagedRows: number;
  readonly firstDamaged: Uint8Array | undefined;
  /** Entries that are neither rows nor the store's own. */
  readonly foreignEntries: number;
}

export interface ScanOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called now and then with the rows so far. */
  readonly onRows?: ((rows: number) => void) | undefined;
}

/** Scans. A row that the engine can't read rejects with the engine's error. */
export async function scanRows(reads: EngineReads, { signal, onRows }: ScanOptions = {}): Promise<ScanResult> {
  const hash = new LtHash();
  let rows = 0;
  let bytes = 0;
  let damagedRows = 0;
  let firstDamaged: Uint8Array | undefined;
  for await (const chunk of reads.iterate({ gte: ROWS_FROM, lt: ROWS_TO })) {
    signal?.throwIfAborted();
    for (const [engineKey, stored] of chunk) {
      const value = decodeRow(engineKey, stored);
      if (value === undefined || engineKey[0] !== ROW_PREFIX) {
        damagedRows += 1;
        firstDamaged ??= engineKey.slice(1);
        continue;
      }
      const key = rowKeyOf(engineKey);
      hash.add(key, value);
      rows += 1;
      bytes += key.length + value.length;
    }
    onRows?.(rows);
  }
  return { rows, bytes, hash, damagedRows, firstDamaged, foreignEntries: await countForeign(reads) };
}

/** Counts entries that are neither rows nor the store's own. */
export async function countForeign(reads: EngineReads): Promise<number> {
  let count = 0;
  for (const range of [{ lt: MARKERS_FROM }, { gte: MARKERS_TO, lt: ROWS_FROM }, { gte: ROWS_TO }])
    for await (const chunk of reads.iterate(range))
      for (const [key] of chunk) if (!OWN_KEYS.some((own) => equalBytes(own, key))) count += 1;
  return count;
}
