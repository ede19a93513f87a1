/**
 * Writes a directory that tidwall/wal opens, byte for byte what the library itself would have written.
 *
 * Invariants:
 * - Until `finish`, every file has a name that the library passes over (`<20 digits>.partial`), so that a directory whose writing was stopped holds
 *   no log at all, rather than the beginning of one.
 * - `finish` renames the files, newest first, after all of them are on the disk, and then syncs the directory. A crash in that short time may
 *   leave some of the names; the writing counts from the moment that `finish` resolves. A directory that holds a segment is never written to.
 */
import {
  ConflictError,
  InvalidArgumentError,
  LimitError,
  StateError,
  checkInteger,
  checkOneOf,
  checkOptions,
  invalid,
} from "../base/index.js";
import { type Vfs, type VfsFile, nodeVfs } from "../vfs/index.js";
import { type TidwallEscapes, type TidwallFormat, encodeBinary, encodeJson, segmentName } from "./format.js";

/** Options of `TidwallWriter.create`. */
export interface TidwallWriterOptions {
  /** The file system. Default: the real one. */
  readonly vfs?: Vfs;
  /** Default `"binary"`. */
  readonly format?: TidwallFormat;
  /** The library's `SegmentSize`: a segment ends with the entry that brings it to this many bytes. Default 20,971,520, as there. */
  readonly segmentBytes?: number;
  /**
   * Cut the segments here instead of by size: the index of the first entry of each, ascending, the first one `firstIndex`. For a directory in which
   * truncations, or other segment sizes, have moved the cuts.
   */
  readonly segmentStarts?: readonly number[];
  /** Index of the first entry. Default 1, or the first of `segmentStarts`. */
  readonly firstIndex?: number;
  /** For the JSON format. Default `"short"`. */
  readonly escapes?: TidwallEscapes;
}

/** What {@link TidwallWriter.finish} made. */
export interface TidwallWritten {
  readonly segments: number;
  readonly entries: number;
  /** Bytes of all files. */
  readonly bytes: number;
  readonly firstIndex: number;
  /** `firstIndex - 1` where there are no entries. */
  readonly lastIndex: number;
}

const PARTIAL_NAME = /^\d{20}\.partial$/;
const FLUSH_BYTES = 1 << 20;

/** Writes a new directory, entry by entry. Calls come one after the other: await each. One that comes too early is refused with `StateError` `HF_BUSY`. */
export class TidwallWriter {
  readonly directory: string;
  readonly format: TidwallFormat;
  readonly #vfs: Vfs;
  readonly #segmentBytes: number;
  readonly #starts: readonly number[] | undefined;
  readonly #escapes: TidwallEscapes;
  readonly #firstIndex: number;
  readonly #names: string[] = [];
  #nextIndex: number;
  #file: VfsFile | undefined;
  /** Bytes of the open segment that were written, and those that wait. */
  #written = 0;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #bytes = 0;
  #failure: StateError | undefined;
  #isWorking = false;
  #ended = false;

  private constructor(directory: string, options: ResolvedWriterOptions) {
    this.directory = directory;
    this.format = options.format;
    this.#vfs = options.vfs;
    this.#segmentBytes = options.segmentBytes;
    this.#starts = options.segmentStarts;
    this.#escapes = options.escapes;
    this.#firstIndex = options.firstIndex;
    this.#nextIndex = options.firstIndex;
  }

  /**
   * Makes the directory, whose parent must exist. One that exists must be empty, but for what a stopped writing left, which is removed.
   *
   * Errors: `ConflictError` `HF_EXISTS`, `InvalidArgumentError`, `IoError`.
   */
  static async create(directory: string, options?: TidwallWriterOptions): Promise<TidwallWriter> {
    if (typeof directory !== "string" || directory === "")
      throw invalid("TidwallWriter.create", "directory", directory, "a path");
    const resolved = resolveWriterOptions(options);
    const { vfs } = resolved;
    if (await vfs.makeDirectory(directory)) await vfs.syncDirectory(vfs.parent(directory));
    const names = await vfs.list(directory);
    const other = names.find((name) => !PARTIAL_NAME.test(name));
    if (other !== undefined) {
      throw new ConflictError(
        "HF_EXISTS",
        `${directory} holds ${other} already. Write to an empty directory, or to one that does not exist.`,
        { path: directory, found: other },
      );
    }
    for (const name of names) await vfs.remove(vfs.join(directory, name));
    const writer = new TidwallWriter(directory, resolved);
    await writer.#begin();
    return writer;
  }

  /** The index that the next entry gets. */
  get nextIndex(): number {
    return this.#nextIndex;
  }

  /** Adds an entry and resolves to its index. Nothing is durable before `finish`; `data` must not change before the promise settles. */
  async append(data: Uint8Array): Promise<number> {
    this.#assertUsable();
    if (!(data instanceof Uint8Array)) throw invalid("TidwallWriter.append", "data", data, "a Uint8Array");
    const index = this.#nextIndex;
    if (index === Number.MAX_SAFE_INTEGER)
      throw new LimitError("HF_SEQUENCE_EXHAUSTED", "There is no index after 2^53 - 2.", { index });
    const bytes = this.format === "json" ? encodeJson(index, data, this.#escapes) : encodeBinary(data);
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    this.#nextIndex = index + 1;
    if (this.#isFull()) await this.#guard(() => this.#roll());
    else if (this.#waitingBytes >= FLUSH_BYTES) await this.#guard(() => this.#flush());
    return index;
  }

  /** Makes everything durable and gives the files their names. Then, and only then, the directory is a log. */
  async finish(): Promise<TidwallWritten> {
    this.#assertUsable();
    this.#ended = true;
    await this.#guard(async () => {
      await this.#end();
      for (const name of this.#names.toReversed())
        await this.#vfs.rename(this.#partial(name), this.#vfs.join(this.directory, name));
      await this.#vfs.syncDirectory(this.directory);
    });
    return {
      segments: this.#names.length,
      entries: this.#nextIndex - this.#firstIndex,
      bytes: this.#bytes,
      firstIndex: this.#firstIndex,
      lastIndex: this.#nextIndex - 1,
    };
  }

  /** Gives up: removes what was written. Idempotent; after a `finish` that succeeded it does nothing. */
  async abort(): Promise<void> {
    if (this.#ended && this.#failure === undefined) return;
    this.#ended = true;
    await this.#file?.close();
    this.#file = undefined;
    for (const name of this.#names.splice(0)) {
      // A `finish` that failed may have renamed some.
      for (const path of [this.#partial(name), this.#vfs.join(this.directory, name)])
        if ((await this.#vfs.stat(path)) !== undefined) await this.#vfs.remove(path);
    }
  }

  /** Whether the library would go on to the next segment now. */
  #isFull(): boolean {
    if (this.#starts === undefined) return this.#written + this.#waitingBytes >= this.#segmentBytes;
    return this.#starts[this.#names.length] === this.#nextIndex;
  }

  async #roll(): Promise<void> {
    await this.#end();
    await this.#begin();
  }

  async #begin(): Promise<void> {
    const name = segmentName(this.#nextIndex);
    this.#names.push(name);
    this.#file = await this.#vfs.open(this.#partial(name), { access: "read-write", create: "exclusive" });
    this.#written = 0;
  }

  /** A crash before this resolves leaves a partial file; its name is changed only when all of them are on the disk. */
  async #end(): Promise<void> {
    await this.#flush();
    await this.#file?.syncData();
    await this.#file?.close();
    this.#file = undefined;
  }

  async #flush(): Promise<void> {
    const bytes = joined(this.#waiting, this.#waitingBytes);
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (bytes.length > 0) await this.#file?.write(bytes, this.#written);
    this.#written += bytes.length;
    this.#bytes += bytes.length;
  }

  /** Any failed step is the end of the writing. */
  async #guard(step: () => Promise<void>): Promise<void> {
    this.#isWorking = true;
    try {
      await step();
    } catch (error) {
      this.#failure = new StateError(
        "HF_POISONED",
        `Writing ${this.directory} stopped after a failure: ${error instanceof Error ? error.message : String(error)} ` +
          "Remove the directory and write it again.",
        { path: this.directory },
        error,
      );
      await this.#file?.close().catch(() => undefined);
      this.#file = undefined;
      throw error;
    } finally {
      this.#isWorking = false;
    }
  }

  #assertUsable(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#ended)
      throw new StateError("HF_CLOSED", `The writing of ${this.directory} has ended.`, { path: this.directory });
    // Two writes at once would go to the same place.
    if (this.#isWorking) {
      throw new StateError(
        "HF_BUSY",
        `The writer of ${this.directory} has not done with the call before. Await each call before the next one; nothing was added.`,
        { path: this.directory },
      );
    }
  }

  #partial(name: string): string {
    return this.#vfs.join(this.directory, `${name}.partial`);
  }
}

function joined(parts: readonly Uint8Array[], total: number): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const bytes = new Uint8Array(total);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** {@link TidwallWriterOptions} with every default filled in. */
interface ResolvedWriterOptions {
  readonly vfs: Vfs;
  readonly format: TidwallFormat;
  readonly segmentBytes: number;
  readonly segmentStarts: readonly number[] | undefined;
  readonly firstIndex: number;
  readonly escapes: TidwallEscapes;
}

function resolveWriterOptions(options: TidwallWriterOptions | undefined): ResolvedWriterOptions {
  const where = "TidwallWriter.create";
  const given = checkOptions(where, options, [
    "vfs",
    "format",
    "segmentBytes",
    "segmentStarts",
    "firstIndex",
    "escapes",
  ]);
  const { segmentStarts } = given;
  const firstIndex = checkInteger(where, "firstIndex", given.firstIndex, { min: 1 }, segmentStarts?.[0] ?? 1);
  if (segmentStarts !== undefined) {
    const ascends =
      Array.isArray(segmentStarts) &&
      segmentStarts[0] === firstIndex &&
      segmentStarts.every(
        (start, at) => Number.isSafeInteger(start) && start > (at === 0 ? 0 : segmentStarts[at - 1]!),
      );
    if (!ascends) {
      throw new InvalidArgumentError(
        "HF_INVALID_ARGUMENT",
        `${where}: segmentStarts must be ascending indexes that start with firstIndex, ${firstIndex}.`,
        { where, option: "segmentStarts", firstIndex },
      );
    }
  }
  return {
    vfs: given.vfs ?? nodeVfs,
    format: checkOneOf(where, "format", given.format, ["binary", "json"], "binary"),
    segmentBytes: checkInteger(where, "segmentBytes", given.segmentBytes, { min: 1 }, 20_971_520),
    segmentStarts,
    firstIndex,
    escapes: checkOneOf(where, "escapes", given.escapes, ["short", "long"], "short"),
  };
}
