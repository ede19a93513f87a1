/** A directory of tidwall/wal, opened for reading. Nothing in it is ever changed. */
import {
  CorruptionError,
  FormatError,
  IoError,
  checkInteger,
  checkOptions,
  checkSignal,
  invalid,
} from "../base/index.js";
import type { Vfs } from "../vfs/index.js";
import type { TidwallFormat } from "./format.js";
import { type TidwallLayout, type TidwallSegment, decideLayout } from "./layout.js";
import { type ResolvedReadOptions, type TidwallReadOptions, resolveReadOptions } from "./options.js";
import { type ScanEnd, type TidwallEntry, type TornTail, scanSegment } from "./segment-scanner.js";

/** Options of the reading calls. */
export interface TidwallEntriesOptions {
  /** First index, inclusive. Default: the oldest. */
  readonly from?: number;
  /** Ends the iteration with `signal.reason`. */
  readonly signal?: AbortSignal;
}

/** What {@link TidwallLog.check} found. */
export interface TidwallCheck {
  readonly entries: number;
  /** Bytes of data in the entries. */
  readonly bytes: number;
  /** The entry with the most data, its data left out; `undefined` where there is none. */
  readonly largest: (Omit<TidwallEntry, "data"> & { readonly bytes: number }) | undefined;
}

/** Options of {@link TidwallLog.check}. */
export interface TidwallCheckOptions {
  readonly signal?: AbortSignal;
  /** Called after each chunk. */
  readonly onProgress?: (progress: TidwallProgress) => void;
}

/** How far long work is. */
export interface TidwallProgress {
  /** `"check"`: reading the source before anything is written. `"compare"`: what the target has already. `"copy"`: the rest. */
  readonly phase: "check" | "compare" | "copy";
  readonly entries: number;
  readonly entriesTotal: number;
  /** Bytes of data in these entries. */
  readonly bytes: number;
}

/**
 * A log written by the Go library tidwall/wal, in either of its formats. It is read as it stands: what an unfinished truncation left is seen as
 * the library will leave it, without doing it.
 *
 * The library has no lock and no checksums. Stop its program first; and see `docs/tidwall.md` for the damage that cannot be noticed.
 *
 * @example
 * ```ts
 * import { TidwallLog, TidwallWriter } from "holdfast/tidwall";
 *
 * const writer = await TidwallWriter.create("./wal");
 * await writer.append(new TextEncoder().encode("paid 5"));
 * await writer.finish();
 *
 * const wal = await TidwallLog.open("./wal");
 * for await (const { index, data } of wal.entries()) console.log(index, new TextDecoder().decode(data));
 * ```
 */
export class TidwallLog {
  readonly directory: string;
  readonly format: TidwallFormat;
  /** Index of the oldest entry; `lastIndex + 1` where there is none. */
  readonly firstIndex: number;
  /** Index of the newest whole entry; `firstIndex - 1` where there is none. */
  readonly lastIndex: number;
  /** By index. The sizes are those of the files, torn tail included. */
  readonly segments: readonly TidwallSegment[];
  /** What a crash left behind the last whole entry. */
  readonly tornTail: TornTail | undefined;
  /** The truncation that a crash stopped and that is taken as done, as the library would. */
  readonly unfinished: "front" | "back" | undefined;
  /** Names in the directory that are no part of the log, the ones that an unfinished truncation drops included. */
  readonly ignored: readonly string[];
  readonly #options: ResolvedReadOptions;
  #checked: TidwallCheck | undefined;

  private constructor(
    directory: string,
    options: ResolvedReadOptions,
    found: {
      readonly layout: TidwallLayout;
      readonly segments: readonly TidwallSegment[];
      readonly format: TidwallFormat;
      readonly end: ScanEnd;
    },
  ) {
    this.directory = directory;
    this.format = found.format;
    this.segments = found.segments;
    this.firstIndex = found.segments[0]!.firstIndex;
    this.lastIndex = found.end.nextIndex - 1;
    this.tornTail = found.end.tornTail;
    this.unfinished = found.layout.unfinished;
    this.ignored = [...found.layout.ignored, ...found.layout.dropped];
    this.#options = options;
  }

  /**
   * Lists the directory and reads the last segment, as the library does when it opens one. The other segments are read by `entries` and `check`.
   *
   * Errors: `FormatError` `HF_FORMAT_UNKNOWN` (no segment there; a file that is none), `CorruptionError` (the last segment, a format that
   * contradicts itself, the traces of two truncations), `LimitError` (`HF_VALUE_TOO_LARGE` for indexes beyond 2^53 − 1,
   * `HF_RECORD_TOO_LARGE`), `InvalidArgumentError`, `IoError`.
   */
  static async open(directory: string, options?: TidwallReadOptions): Promise<TidwallLog> {
    if (typeof directory !== "string" || directory === "")
      throw invalid("TidwallLog.open", "directory", directory, "a path");
    const resolved = resolveReadOptions(options);
    const { vfs } = resolved;
    const names = await fileNames(vfs, directory);
    const layout = decideLayout(directory, names, (name) => vfs.join(directory, name));
    const segments: TidwallSegment[] = [];
    for (const { name, firstIndex } of layout.segments) {
      const path = vfs.join(directory, name);
      const stat = await vfs.stat(path);
      if (stat?.kind !== "file") throw noFile(path);
      segments.push({ path, firstIndex, bytes: stat.bytes });
    }
    const format = resolved.format === "auto" ? await detectFormat(vfs, segments) : resolved.format;
    const last = segments.length - 1;
    const scan = scanOf(vfs, segments, last, format, resolved);
    let step = await scan.next();
    while (step.done !== true) step = await scan.next();
    return new TidwallLog(directory, resolved, { layout, segments, format, end: step.value });
  }

  /**
   * The entries, oldest first, with bounded memory. Errors at a step, each with file and offset: `CorruptionError` where an entry, or a whole segment, is
   * damaged or missing; `LimitError`, `IoError`.
   */
  async *entries(options?: TidwallEntriesOptions): AsyncGenerator<TidwallEntry, void, undefined> {
    for await (const batch of this.batches(options)) yield* batch;
  }

  /** As `entries`, a chunk of them at a time: the fast way to read much. */
  async *batches(options?: TidwallEntriesOptions): AsyncGenerator<readonly TidwallEntry[], void, undefined> {
    const { from, signal } = checkEntriesOptions(options);
    const first = from ?? this.firstIndex;
    for (const [at, segment] of this.segments.entries()) {
      const next = this.segments[at + 1]?.firstIndex;
      if (next !== undefined && next <= first) continue;
      const scan = scanOf(this.#options.vfs, this.segments, at, this.format, this.#options, this.tornTail);
      try {
        let step = await scan.next();
        for (; step.done !== true; step = await scan.next()) {
          signal?.throwIfAborted();
          const entries = step.value;
          if (entries.at(-1)!.index >= first) yield entries.filter(({ index }) => index >= first);
        }
        if (next !== undefined && step.value.nextIndex !== next) throw gap(segment, step.value.nextIndex, next);
      } finally {
        await scan.return({ nextIndex: 0, tornTail: undefined });
      }
    }
  }

  /** Reads everything once and reports the first damage, as `entries` does. Done once for each opening. */
  async check(options?: TidwallCheckOptions): Promise<TidwallCheck> {
    const { signal, onProgress } = checkOptions("TidwallLog.check", options, ["signal", "onProgress"]);
    if (this.#checked !== undefined) return this.#checked;
    let entries = 0;
    let bytes = 0;
    let largest: TidwallCheck["largest"];
    for await (const batch of this.batches(signal === undefined ? {} : { signal })) {
      entries += batch.length;
      for (const { index, data, path, offset } of batch) {
        bytes += data.length;
        if (data.length > (largest?.bytes ?? -1)) largest = { index, path, offset, bytes: data.length };
      }
      onProgress?.({ phase: "check", entries, entriesTotal: this.count, bytes });
    }
    this.#checked = { entries, bytes, largest };
    return this.#checked;
  }

  /** Number of entries. */
  get count(): number {
    return this.lastIndex - this.firstIndex + 1;
  }
}

function checkEntriesOptions(options: TidwallEntriesOptions | undefined): {
  readonly from: number | undefined;
  readonly signal: AbortSignal | undefined;
} {
  const where = "TidwallLog.entries";
  const given = checkOptions(where, options, ["from", "signal"]);
  const from = checkInteger(where, "from", given.from, { min: 0 }, undefined);
  return { from, signal: checkSignal(where, given.signal) };
}

/** Scans the segment at `at`, and closes its file however that ends. */
async function* scanOf(
  vfs: Vfs,
  segments: readonly TidwallSegment[],
  at: number,
  format: TidwallFormat,
  { emptyEntries, entryBytesMax }: ResolvedReadOptions,
  tornTail?: TornTail,
): AsyncGenerator<TidwallEntry[], ScanEnd, undefined> {
  const { path, firstIndex, bytes } = segments[at]!;
  const isLast = at === segments.length - 1;
  const file = await vfs.open(path, { access: "read" });
  try {
    return yield* scanSegment(file, {
      path,
      firstIndex,
      format,
      end: isLast ? (tornTail?.offset ?? bytes) : bytes,
      isLast,
      emptyEntries,
      entryBytesMax,
    });
  } finally {
    await file.close();
  }
}

/** The names that are not directories', which the library passes over whatever they are called. */
async function fileNames(vfs: Vfs, directory: string): Promise<string[]> {
  const stat = await vfs.stat(directory);
  if (stat === undefined)
    throw new IoError("open", directory, Object.assign(new Error("no such directory"), { code: "ENOENT" }));
  if (stat.kind !== "directory") throw noFile(directory, "a directory");
  const names: string[] = [];
  for (const name of await vfs.list(directory)) {
    const isDirectory = /^\d{20}/.test(name) && (await vfs.stat(vfs.join(directory, name)))?.kind === "directory";
    if (!isDirectory) names.push(name);
  }
  return names;
}

/**
 * Which format the segments have, by how each one starts. What looks like JSON and is not the line of the right entry is damage, not binary: taken for
 * that, its text would be read as lengths and data.
 */
async function detectFormat(vfs: Vfs, segments: readonly TidwallSegment[]): Promise<TidwallFormat> {
  let format: TidwallFormat | undefined;
  let unsure: TidwallFormat | undefined;
  for (const { path, firstIndex, bytes } of segments) {
    if (bytes === 0) continue;
    const head = await readHead(vfs, path, Math.min(bytes, HEAD_BYTES));
    const text = Buffer.from(head.buffer, head.byteOffset, head.byteLength).toString("latin1");
    const line = `{"index":"${firstIndex}","data":"`;
    if (text.length < line.length && line.startsWith(text)) {
      // A torn line; or a torn binary entry of 123 bytes, as `{` is 123. Neither holds an entry.
      unsure = "json";
      continue;
    }
    const here = text.startsWith(line) ? "json" : looksLikeJson(text, line) ? undefined : "binary";
    format ??= here;
    if (here === undefined || here !== format) {
      throw new CorruptionError({
        path,
        offset: 0,
        expected:
          format === "binary" ? "a binary entry, as in the segments before it" : `the line of entry ${firstIndex}`,
        found: "something else",
        advice: 'Restore a copy, or name the format ("binary" or "json") to read it as that.',
      });
    }
  }
  return format ?? unsure ?? "binary";
}

/** Enough to see a second line, where lines are not too long. */
const HEAD_BYTES = 4096;

/** Whether a segment that does not start with `line` is a damaged JSON one. */
function looksLikeJson(text: string, line: string): boolean {
  if (text.includes('\n{"index":"')) return true;
  const shared = Math.min(text.length, line.length);
  let same = 0;
  for (let at = 0; at < shared; at++) if (text[at] === line[at]) same += 1;
  return shared >= 8 && same >= (shared * 3) / 4;
}

async function readHead(vfs: Vfs, path: string, bytes: number): Promise<Uint8Array> {
  const file = await vfs.open(path, { access: "read" });
  try {
    const head = new Uint8Array(bytes);
    return head.subarray(0, await file.read(head, 0));
  } finally {
    await file.close();
  }
}

function gap(segment: TidwallSegment, nextIndex: number, expected: number): CorruptionError {
  const { path, firstIndex, bytes } = segment;
  return new CorruptionError({
    path,
    offset: bytes,
    expected: `entries ${firstIndex} to ${expected - 1}, because the next segment starts at ${expected}`,
    found: `entries up to ${nextIndex - 1}`,
    advice:
      nextIndex < expected
        ? "Entries are lost, or a whole segment is missing; the library opens it all the same. Restore a copy of the directory."
        : "Segments overlap, as after a power cut that undid part of a truncation; the library shows some of the entries. Restore a copy of the directory.",
  });
}

function noFile(path: string, what = "a file"): FormatError {
  return new FormatError("HF_FORMAT_UNKNOWN", `${path} is not ${what}, so this is no log of tidwall/wal.`, { path });
}
