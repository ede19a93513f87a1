/**
 * From a directory of tidwall/wal into a log.
 *
 * Invariants:
 * - Nothing is appended before the whole source was read and found sound.
 * - The target holds a prefix of the source at every moment, whatever crashes: batches are appended one after the other, each all or none. So
 *   another run compares what is there, and goes on behind it.
 * - The LSN of an entry is its index minus the first index plus 1. Where the source starts at 1 they are the same.
 */
import { ConflictError, LimitError, checkInteger, checkOptions, equalBytes } from "../base/index.js";
import type { Journal, LogInput, LogRecord } from "../log/index.js";
import type { TidwallFormat } from "./format.js";
import type { TidwallEntry, TornTail } from "./segment-scanner.js";
import type { TidwallCheck, TidwallLog, TidwallProgress } from "./tidwall-log.js";

/** The target: a `Log`, or any other `Journal`. */
export type TidwallImportTarget = Pick<Journal, "firstLsn" | "lastLsn" | "limits" | "read" | "appendAll" | "sync">;

/** Options of {@link importTidwall}. */
export interface TidwallImportOptions {
  /** The type that the records get, 0 to 255. Default 0. */
  readonly type?: number;
  /** Bytes of data that are appended as one atomic, durable batch, at least one entry. 1 to 2^26. Default 1 MiB. */
  readonly batchBytes?: number;
  readonly signal?: AbortSignal;
  /** Called after each chunk. */
  readonly onProgress?: (progress: TidwallProgress) => void;
}

/** What {@link importTidwall} did. Can be written as JSON. */
export interface TidwallImportSummary {
  readonly source: string;
  readonly format: TidwallFormat;
  /** Of the source. */
  readonly firstIndex: number;
  readonly lastIndex: number;
  /** Entries of the source; all of them are in the target now. */
  readonly entries: number;
  /** Appended by this run. */
  readonly imported: number;
  /** There before, and equal. */
  readonly alreadyThere: number;
  /** Bytes of data appended by this run. */
  readonly bytes: number;
  readonly firstLsn: number;
  readonly lastLsn: number;
  /** Index minus LSN, the same for every entry; 0 where indexes are kept. */
  readonly indexOffset: number;
  /** What a crash of the Go program left behind the last entry, and was not copied; `null` where there is none. */
  readonly tornTail: TornTail | null;
  /** The truncation that a crash stopped, and that counts as done; `null` where there is none. */
  readonly unfinished: "front" | "back" | null;
  /** Names in the directory that are no part of the log. */
  readonly ignored: readonly string[];
}

/** What an entry counts in a batch beside its data, so that tiny ones do not come by the million. */
const ENTRY_OVERHEAD_BYTES = 32;

/**
 * Copies every entry of `source` into `target`, which must be a new log, or hold what an earlier run of the same import appended. What this has
 * acknowledged in its summary is durable. Stopped at any moment, another run continues and never appends an entry twice.
 *
 * Errors: `CorruptionError` and `LimitError` of the source (before anything is appended), `ConflictError` `HF_EXISTS` (the target holds something else,
 * or more), `LimitError` `HF_RECORD_TOO_LARGE` (an entry that the target does not take; nothing is appended), those of the target's `appendAll` and `read`.
 *
 * @example
 * ```ts
 * import { Log } from "holdfast/log";
 * import { TidwallLog, TidwallWriter, importTidwall } from "holdfast/tidwall";
 *
 * const writer = await TidwallWriter.create("./wal");
 * await writer.append(new TextEncoder().encode("paid 5"));
 * await writer.finish();
 *
 * await using log = await Log.open("./ledger");
 * const { imported, indexOffset } = await importTidwall(await TidwallLog.open("./wal"), log);
 * console.log(`${imported} entries; index = LSN + ${indexOffset}`);
 * ```
 */
export async function importTidwall(
  source: TidwallLog,
  target: TidwallImportTarget,
  options?: TidwallImportOptions,
): Promise<TidwallImportSummary> {
  const where = "importTidwall";
  const given = checkOptions(where, options, ["type", "batchBytes", "signal", "onProgress"]);
  const { signal, onProgress } = given;
  const type = checkInteger(where, "type", given.type, { min: 0, max: 255 }, 0);
  const batchBytes = checkInteger(where, "batchBytes", given.batchBytes, { min: 1, max: 1 << 26 }, 1 << 20);
  const reading = signal === undefined ? {} : { signal };

  refuseOtherTarget(source, target);
  const { largest } = await source.check({ ...reading, ...(onProgress === undefined ? {} : { onProgress }) });
  const { limits } = target;
  if (largest !== undefined && largest.bytes > limits.recordBytesMax) throw tooLarge(largest, limits.recordBytesMax);
  const alreadyThere = await compare(source, target, type, signal, onProgress);

  let imported = 0;
  let bytes = 0;
  const room: BatchRoom = {
    bytes: Math.min(batchBytes, limits.batchBytesMax),
    entryBytes: Math.max(ENTRY_OVERHEAD_BYTES, limits.recordHeaderBytes),
  };
  for await (const entries of chunks(source, source.firstIndex + alreadyThere, room, signal)) {
    signal?.throwIfAborted();
    await target.appendAll(entries.map(({ data }): LogInput => ({ payload: data, type })));
    imported += entries.length;
    for (const { data } of entries) bytes += data.length;
    onProgress?.({ phase: "copy", entries: alreadyThere + imported, entriesTotal: source.count, bytes });
  }
  // For a target whose acknowledgements are weaker than that.
  await target.sync();
  return {
    source: source.directory,
    format: source.format,
    firstIndex: source.firstIndex,
    lastIndex: source.lastIndex,
    entries: source.count,
    imported,
    alreadyThere,
    bytes,
    firstLsn: target.firstLsn,
    lastLsn: target.lastLsn,
    indexOffset: source.firstIndex - target.firstLsn,
    tornTail: source.tornTail ?? null,
    unfinished: source.unfinished ?? null,
    ignored: source.ignored,
  };
}

/** A log that was pruned could hold equal entries at other places, so only one that starts at 1 is compared. */
function refuseOtherTarget(source: TidwallLog, { firstLsn, lastLsn }: TidwallImportTarget): void {
  if (firstLsn !== 1) {
    throw new ConflictError(
      "HF_EXISTS",
      `The target starts at LSN ${firstLsn}. An import goes into a new log, or goes on with one that an import began.`,
      { firstLsn },
    );
  }
  if (lastLsn > source.count) {
    throw new ConflictError(
      "HF_EXISTS",
      `The target holds ${lastLsn} records, and ${source.directory} only ${source.count} entries: it was imported before and written to since, or is another log. ` +
        "Nothing was appended.",
      { lastLsn, entries: source.count },
    );
  }
}

/** Holds what the target has against the source. Resolves to how many records that is. */
async function compare(
  source: TidwallLog,
  target: TidwallImportTarget,
  type: number,
  signal: AbortSignal | undefined,
  onProgress: TidwallImportOptions["onProgress"],
): Promise<number> {
  const count = target.lastLsn;
  if (count === 0) return 0;
  const reading = signal === undefined ? {} : { signal };
  const records = target.read({ from: 1, to: count, ...reading });
  let compared = 0;
  let bytes = 0;
  try {
    for await (const entries of source.batches(reading)) {
      for (const entry of entries) {
        if (compared === count) return count;
        const step = await records.next();
        if (step.done === true) throw differs(entry, compared + 1, "nothing");
        compareOne(entry, step.value, type);
        compared += 1;
        bytes += entry.data.length;
      }
      onProgress?.({ phase: "compare", entries: compared, entriesTotal: source.count, bytes });
    }
  } finally {
    await records.return?.();
  }
  return compared;
}

function compareOne(entry: TidwallEntry, record: LogRecord, type: number): void {
  if (record.type !== type) throw differs(entry, record.lsn, `a record of type ${record.type}, not ${type}`);
  if (!equalBytes(record.payload, entry.data)) throw differs(entry, record.lsn, "another payload");
}

function differs(entry: TidwallEntry, lsn: number, found: string): ConflictError {
  return new ConflictError(
    "HF_EXISTS",
    `The target is no earlier run of this import: at LSN ${lsn} it holds ${found} where entry ${entry.index} (${entry.path}, byte ${entry.offset}) would be. ` +
      "Import into a new log. Nothing was appended.",
    { lsn, index: entry.index, path: entry.path, offset: entry.offset },
  );
}

/** How much one batch takes. */
interface BatchRoom {
  readonly bytes: number;
  /** What each entry counts beside its data. */
  readonly entryBytes: number;
}

/** The entries from `from` on, in runs that have room in a batch, or of one larger entry. */
async function* chunks(
  source: TidwallLog,
  from: number,
  room: BatchRoom,
  signal: AbortSignal | undefined,
): AsyncGenerator<TidwallEntry[], void, undefined> {
  let chunk: TidwallEntry[] = [];
  let bytes = 0;
  for await (const entries of source.batches({ from, ...(signal === undefined ? {} : { signal }) })) {
    for (const entry of entries) {
      const more = entry.data.length + room.entryBytes;
      if (chunk.length > 0 && bytes + more > room.bytes) {
        yield chunk;
        chunk = [];
        bytes = 0;
      }
      chunk.push(entry);
      bytes += more;
    }
  }
  if (chunk.length > 0) yield chunk;
}

function tooLarge({ index, path, offset, bytes }: NonNullable<TidwallCheck["largest"]>, bytesMax: number): LimitError {
  return new LimitError(
    "HF_RECORD_TOO_LARGE",
    `Entry ${index} (${path}, byte ${offset}) has ${bytes} bytes; the target takes up to ${bytesMax}. Nothing was appended. ` +
      "Import into a log made with a larger segmentBytes, or open this one with a larger recordBytesMax.",
    { index, path, offset, bytes, bytesMax },
  );
}
