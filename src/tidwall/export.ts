/** From a log to a directory of tidwall/wal. */
import { ConflictError, checkBoolean, checkInteger, checkOptions, checkSignal } from "../base/index.js";
import type { Journal } from "../log/index.js";
import { TidwallWriter, type TidwallWriterOptions, type TidwallWritten } from "./writer.js";

/** What is exported: a `Log`, a `LogReader`, or any other `Journal`. */
export type TidwallExportSource = Pick<Journal, "firstLsn" | "lastLsn" | "read">;

/** Options of {@link exportTidwall}: those of the directory, and these. */
export interface TidwallExportOptions extends TidwallWriterOptions {
  /** The type that every record must have. Default: that of the first one. A directory of tidwall/wal has no place for types. */
  readonly type?: number;
  /** Export records of any type, and forget the types. Default false. */
  readonly anyType?: boolean;
  readonly signal?: AbortSignal;
  /** Called every few thousand entries. */
  readonly onProgress?: (progress: {
    readonly entries: number;
    readonly entriesTotal: number;
    readonly bytes: number;
  }) => void;
}

/** What {@link exportTidwall} did. */
export interface TidwallExportSummary extends TidwallWritten {
  readonly target: string;
  readonly format: "binary" | "json";
  readonly firstLsn: number;
  readonly lastLsn: number;
  /** Index minus LSN, the same for every entry. */
  readonly indexOffset: number;
}

const PROGRESS_EVERY = 4096;

/**
 * Writes the payloads of all records to a new directory that tidwall/wal opens; it is durable, and a log at all, when this resolves. The first
 * record gets the index `firstIndex`, by default its LSN. After an error or an abort nothing is left of the files.
 *
 * Errors: `ConflictError` (`HF_EXISTS`, `HF_TYPE_MISMATCH`), those of reading the log, `InvalidArgumentError`, `IoError`.
 */
export async function exportTidwall(
  source: TidwallExportSource,
  directory: string,
  options?: TidwallExportOptions,
): Promise<TidwallExportSummary> {
  const given = checkOptions("exportTidwall", options, [
    "vfs",
    "format",
    "segmentBytes",
    "segmentStarts",
    "firstIndex",
    "escapes",
    "type",
    "anyType",
    "signal",
    "onProgress",
  ]);
  const { type: wantedType, anyType, signal, onProgress, ...writing } = given as TidwallExportOptions;
  let type = checkInteger("exportTidwall", "type", wantedType, { min: 0, max: 255 }, undefined);
  checkSignal("exportTidwall", signal);
  const isAnyType = checkBoolean("exportTidwall", "anyType", anyType, false);
  const { firstLsn, lastLsn } = source;
  const firstIndex = writing.firstIndex ?? writing.segmentStarts?.[0] ?? firstLsn;
  const writer = await TidwallWriter.create(directory, { ...writing, firstIndex });
  try {
    let entries = 0;
    let bytes = 0;
    // An empty log has no LSN to read from.
    const range = { from: firstLsn, to: lastLsn, ...(signal === undefined ? {} : { signal }) };
    const records = lastLsn < firstLsn ? [] : source.read(range);
    for await (const record of records) {
      type ??= record.type;
      if (record.type !== type && !isAnyType) throw otherType(record.lsn, record.type, type);
      await writer.append(record.payload);
      entries += 1;
      bytes += record.payload.length;
      if (entries % PROGRESS_EVERY === 0) onProgress?.({ entries, entriesTotal: lastLsn - firstLsn + 1, bytes });
    }
    signal?.throwIfAborted();
    const written = await writer.finish();
    return {
      target: directory,
      format: writer.format,
      ...written,
      firstLsn,
      lastLsn,
      indexOffset: firstIndex - firstLsn,
    };
  } catch (error) {
    // The first error is the one to know.
    await writer.abort().catch(() => undefined);
    throw error;
  }
}

function otherType(lsn: number, found: number, expected: number): ConflictError {
  return new ConflictError(
    "HF_TYPE_MISMATCH",
    `The record with LSN ${lsn} has type ${found}, not ${expected}, and tidwall/wal has no place for types. ` +
      "Export with anyType (--any-type) to forget them.",
    { lsn, found, expected },
  );
}
