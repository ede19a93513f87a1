/**
 * Writes all rows of a store at one version as a stream. Each database is folded on the way: rows that do not have the hash of their version are an
 * error here, and not at whoever imports them.
 */
import { CorruptionError, checkOptions, checkSignal, equalBytes, invalid, toHex } from "../base/index.js";
import type { EngineReads } from "../engine/index.js";
import { LtHash } from "../hash/index.js";
import type { Books, KnownState } from "./books.js";
import { damagedRow } from "./database.js";
import { ExportEncoder } from "./export-encoder.js";
import { ROWS_FROM, ROWS_TO, decodeRow, rowKeyOf } from "./row-format.js";

/** How far an export or import has come. */
export interface TransferProgress {
  /** The database whose rows are on their way. */
  readonly database: string;
  /** Rows so far, of all databases. */
  readonly rows: number;
}

/** Options of `export`. */
export interface ExportOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called with each piece that is handed out. */
  readonly onProgress?: ((progress: TransferProgress) => void) | undefined;
}

/** What is exported. */
export interface ExportSource {
  /** The store's directory, for errors. */
  readonly path: string;
  readonly books: Books;
  readonly state: KnownState;
  /** The databases at that state, in the order of the books. */
  readonly reads: readonly EngineReads[];
  /** 16 random bytes. */
  readonly exportId: Uint8Array;
}

export function checkExportOptions(where: string, options: ExportOptions | undefined): ExportOptions {
  const given = checkOptions(where, options, ["signal", "onProgress"]);
  checkSignal(where, given.signal);
  if (given.onProgress !== undefined && typeof given.onProgress !== "function")
    throw invalid(where, "onProgress", given.onProgress, "a function");
  return given;
}

/** The pieces of the stream. */
export async function* exportStore(
  { path, books, state, reads, exportId }: ExportSource,
  { signal, onProgress }: ExportOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { storeId, timeline, names } = books;
  const encoder = new ExportEncoder({ exportId, storeId, version: state.version, timeline, databases: names });
  yield encoder.start();
  for (const [index, name] of names.entries()) {
    const hash = new LtHash();
    for await (const chunk of reads[index]!.iterate({ gte: ROWS_FROM, lt: ROWS_TO })) {
      signal?.throwIfAborted();
      for (const [engineKey, stored] of chunk) {
        const value = decodeRow(engineKey, stored);
        if (value === undefined) throw damagedRow(path, name, engineKey);
        hash.add(rowKeyOf(engineKey), value);
        const piece = encoder.add(engineKey, value, 1);
        if (piece === undefined) continue;
        onProgress?.({ database: name, rows: encoder.totals.rows });
        yield piece;
      }
    }
    if (!equalBytes(hash.checksum(), state.checksums[index]!))
      throw new CorruptionError({
        path,
        expected: `rows of database ${name} whose hash has the checksum ${toHex(state.checksums[index]!)}`,
        found: toHex(hash.checksum()),
        advice: "`FlatKv.repair` makes the database anew from the newest snapshot and the log.",
      });
    yield encoder.endDatabase(hash.toBytes());
    onProgress?.({ database: name, rows: encoder.totals.rows });
  }
  yield encoder.finish();
}
