/**
 * Reading a log from another process, beside its writer or without one. Never repairs, truncates, locks or writes (R9).
 *
 * What it shows is what the writer acknowledged: records below the floor of a later group, or below the writer's mark. So after a writer died
 * a reader may show less than the next writer's recovery will keep, and never more.
 */
import { Anchor } from "../anchor/index.js";
import {
  CorruptionError,
  InvalidArgumentError,
  StateError,
  checkInteger,
  checkOptions,
  equalBytes,
  invalid,
} from "../base/index.js";
import type { Vfs } from "../vfs/index.js";
import { readImages } from "./double-write-buffer.js";
import { type FollowOptions, followRecords } from "./follower.js";
import type { TornMode } from "./format.js";
import { GroupScanner } from "./group-scanner.js";
import { LogDirectory } from "./log-directory.js";
import { OverlayFile, type ReadableFile } from "./overlay-file.js";
import { readMark } from "./mark.js";
import { vfsOf } from "./options.js";
import { type ReadOptions, type ReadSource, readBatches, readRecord, readRecords } from "./reader.js";
import type { LogRecord, RecordBatch } from "./record-batch.js";
import { SegmentFiles } from "./segment-files.js";
import { loadSegments } from "./segment-loading.js";
import { type Segment, SegmentTable } from "./segment-table.js";
import { LOG_ANCHOR_KIND, type LogPosition, type LogState, readState } from "./state.js";

/** Options of `LogReader.open`. */
export interface LogReaderOptions {
  /** The file system. Default: the real one. */
  readonly vfs?: Vfs;
  /** How often `follow` looks for more, in milliseconds, 1 to 60,000. Default 20. */
  readonly pollMs?: number;
}

/** So often a look is repeated when the writer changed the books meanwhile. */
const LOOKS_MAX = 8;
const LOOK_AGAIN_MS = 2;
/** Read at each look, though there may be nothing new. */
const WALK_CHUNK_BYTES = 32 * 1024;

/**
 * A log opened for reading only.
 *
 * @example
 * ```ts
 * import { Log, LogReader } from "holdfast/log";
 *
 * await using log = await Log.open("./ledger"); // as a rule in another process
 * await log.append(new TextEncoder().encode("paid 5"));
 * await using reader = await LogReader.open("./ledger");
 * for await (const record of reader.follow({ from: reader.firstLsn })) {
 *   console.log(record.lsn);
 *   if (record.lsn === log.lastLsn) break; // or go on, as long as the reader is open
 * }
 * ```
 */
export class LogReader {
  readonly directory: string;
  readonly #source: ReaderSource;
  readonly #pollMs: number;

  private constructor(directory: string, source: ReaderSource, pollMs: number) {
    this.directory = directory;
    this.#source = source;
    this.#pollMs = pollMs;
  }

  /**
   * Opens the log in `directory`. Errors: `InvalidArgumentError` (options; no log there), `CorruptionError`, `FormatError`, `IoError`.
   */
  static async open(directory: string, options?: LogReaderOptions): Promise<LogReader> {
    const where = "LogReader.open";
    if (typeof directory !== "string" || directory === "") throw invalid(where, "directory", directory, "a path");
    const given = checkOptions(where, options, ["vfs", "pollMs"]);
    const pollMs = checkInteger(where, "pollMs", given.pollMs, { min: 1, max: 60_000 }, 20);
    const files = new LogDirectory(vfsOf(given.vfs), directory);
    if ((await files.vfs.stat(files.anchor)) === undefined) {
      throw new InvalidArgumentError("HF_INVALID_ARGUMENT", `${where}: there is no log in ${directory}.`, {
        where,
        path: directory,
      });
    }
    return new LogReader(directory, await ReaderSource.open(files), pollMs);
  }

  /** The oldest LSN, as of the last look. Reading calls look first. */
  get firstLsn(): number {
    return this.#source.firstLsn;
  }

  /** The newest LSN that can be read, as of the last look; `firstLsn - 1` where the log is empty. */
  get lastLsn(): number {
    return this.#source.lastLsn;
  }

  /** Looks how far the writer got. */
  async refresh(): Promise<void> {
    await this.#source.refresh();
  }

  /** The record with this LSN; `undefined` where the log does not hold it. */
  async get(lsn: number): Promise<LogRecord | undefined> {
    await this.#source.refresh();
    return await readRecord(this.#source, lsn);
  }

  /** As `Log.read`. */
  read(options?: ReadOptions): AsyncIterableIterator<LogRecord> {
    return readRecords(this.#source, "LogReader.read", options, () => this.#source.refresh());
  }

  /** As `Log.readBatches`. */
  async *readBatches(options?: ReadOptions): AsyncGenerator<RecordBatch, void, undefined> {
    await this.#source.refresh();
    yield* readBatches(this.#source, "LogReader.readBatches", options);
  }

  /** As `Log.follow`; looks for more every `pollMs`. */
  async *follow(options?: FollowOptions): AsyncGenerator<LogRecord, void, undefined> {
    await this.#source.refresh();
    yield* followRecords(this.#source, "LogReader.follow", options, async (signal) => {
      await this.#source.directory.vfs.delay(this.#pollMs, signal);
      if (!this.#source.closed) await this.#source.refresh();
    });
  }

  /** The active segment, and the byte offset in it behind the last group that can be read, as of the last look. */
  position(): { readonly number: number; readonly end: number } {
    const active = this.#source.table.active;
    return { number: active?.number ?? 0, end: active?.end ?? 0 };
  }

  /** Releases the files. Idempotent. */
  async close(): Promise<void> {
    await this.#source.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** A group that was seen and is not yet known to be acknowledged. */
interface SeenGroup {
  readonly firstLsn: number;
  readonly lastLsn: number;
  readonly end: number;
}

/** The log as a reader in another process knows it. */
class ReaderSource implements ReadSource {
  readonly directory: LogDirectory;
  closed = false;
  table!: SegmentTable;
  files!: SegmentFiles;
  #state!: LogState;
  #sequence = -1;
  #visibleLsn = 0;
  /** How far the active segment was walked. */
  #walked!: LogPosition;
  #seen: SeenGroup[] = [];
  #floor = 0;
  readonly #overlays = new Map<Segment, OverlayFile>();
  #stuck: { readonly offset: number; readonly looks: number } | undefined;
  #refreshing: Promise<void> | undefined;

  private constructor(directory: LogDirectory) {
    this.directory = directory;
  }

  static async open(directory: LogDirectory): Promise<ReaderSource> {
    const source = new ReaderSource(directory);
    try {
      await source.refresh();
    } catch (error) {
      await source.close();
      throw error;
    }
    return source;
  }

  get torn(): TornMode {
    return this.#state.torn;
  }

  get blockBytes(): number {
    return this.#state.blockBytes;
  }

  get epoch(): number {
    return this.#state.epoch;
  }

  get firstLsn(): number {
    return this.#state.firstLsn;
  }

  get lastLsn(): number {
    // What is pruned need not be readable: the last block of a log that was not closed may still wait for its double-write image.
    return Math.max(this.#visibleLsn, this.#state.firstLsn - 1);
  }

  get cuts(): number {
    return this.#state.cuts;
  }

  get cutLsn(): number {
    return this.#state.cutLsn;
  }

  assertUsable(): void {
    if (!this.closed) return;
    throw new StateError("HF_CLOSED", `The reader of ${this.directory.path} is closed.`, { path: this.directory.path });
  }

  /** Looks at anchor, mark and tail. Concurrent calls share one look. */
  refresh(): Promise<void> {
    this.assertUsable();
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  /** Looks at the books, and at the images that a crash may have left to be put back. `offset`: where the reader is stuck. */
  async lookAgain(offset: number): Promise<boolean> {
    const before = this.#sequence;
    await this.refresh();
    if (this.#sequence !== before) return true;
    this.#stuck = this.#stuck?.offset === offset ? { offset, looks: this.#stuck.looks + 1 } : { offset, looks: 1 };
    return this.#stuck.looks <= LOOKS_MAX && (await this.#layImages());
  }

  /**
   * Mode `"double-write"`: after a crash the block that the last group shares may be torn until the next writer puts its image back. Readers
   * never write, so they lay the image over what they read. Returns false where that changes nothing.
   */
  async #layImages(): Promise<boolean> {
    if (this.#state.torn !== "double-write") return false;
    const images = await readImages(this.directory.vfs, this.directory.doubleWrite);
    let changed = false;
    for (const [segment, overlay] of this.#overlays) {
      if (!this.table.has(segment)) this.#overlays.delete(segment);
      else if (overlay.replace(images.filter(({ target }) => equalBytes(target, segment.salt)))) changed = true;
    }
    return changed;
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.#refreshing?.catch(() => undefined);
    // There are none where the first look failed early.
    await this.files?.close();
  }

  async #refresh(): Promise<void> {
    for (let looks = 1; ; looks++) {
      try {
        await this.#look();
        return;
      } catch (error) {
        // The writer may have pruned or rolled between two of our reads: damage is only what is still there at the next look.
        if (!(error instanceof CorruptionError) || looks === LOOKS_MAX) throw error;
      }
      await this.directory.vfs.delay(LOOK_AGAIN_MS);
    }
  }

  async #look(): Promise<void> {
    const { vfs } = this.directory;
    const { value, sequence } = await Anchor.peek(this.directory.anchor, { vfs, kind: LOG_ANCHOR_KIND });
    if (sequence !== this.#sequence) await this.#load(readState(this.directory.anchor, value), sequence);
    const { active } = this.table;
    if (active === undefined) return;
    const mark = await readMark(vfs, this.directory.mark, this.#state.logId);
    const file = await this.files.acquire(active);
    try {
      await this.#walk(active, file);
    } finally {
      await this.files.release(active);
    }
    // What the anchor prunes had been acknowledged and durable, whatever the mark knows of it.
    const pruned = this.#state.firstLsn - 1;
    const acknowledged = Math.max(this.#floor, pruned, mark?.epoch === this.#state.epoch ? mark.visibleLsn : 0);
    let shown = 0;
    for (const group of this.#seen) {
      // A group is acknowledged as a whole, also where a prune ends inside it.
      if (group.firstLsn > acknowledged) break;
      active.end = group.end;
      this.#visibleLsn = group.lastLsn;
      shown += 1;
    }
    this.#seen.splice(0, shown);
  }

  /** Takes over a changed anchor. Segments that are still live keep their handles and indexes. */
  async #load(state: LogState, sequence: number): Promise<void> {
    const table = await loadSegments(this.directory, state, (await this.directory.list()).segments);
    const known = this.table?.all ?? [];
    const kept = table.all.map((segment) => {
      const same = known.find(({ number, salt }) => number === segment.number && equalBytes(salt, segment.salt));
      if (same === undefined) return segment;
      // A cut may have made it end sooner; entries of the index behind that would lead astray.
      if (segment.end < same.end && segment !== table.active) return segment;
      same.end = segment === table.active ? Math.max(same.end, segment.end) : segment.end;
      return same;
    });
    for (const segment of known) if (!kept.includes(segment)) await this.files.forget(segment);
    const sameTail =
      this.#sequence >= 0 && state.epoch === this.#state.epoch && state.activeSegment === this.#state.activeSegment;
    this.files ??= new SegmentFiles(this.directory.vfs, state, (segment, file) => {
      const overlay = new OverlayFile(file, []);
      this.#overlays.set(segment, overlay);
      return overlay;
    });
    this.table = new SegmentTable(kept);
    this.#state = state;
    this.#sequence = sequence;
    if (sameTail && !state.clean) return;
    this.#walked = state.tail;
    this.#seen = [];
    this.#floor = state.tail.lsn - 1;
    this.#visibleLsn = state.tail.lsn - 1;
    if (this.table.active !== undefined) this.table.active.end = state.tail.offset;
  }

  /** Walks the groups that were written since. One that is half written, or that a crash left so, ends the walk until the next look. */
  async #walk(active: Segment, file: ReadableFile): Promise<void> {
    const { epoch, torn, blockBytes, segmentBytes } = this.#state;
    const { offset, lsn, chain } = this.#walked;
    const scanner = new GroupScanner(file, {
      format: active,
      torn,
      blockBytes,
      offset,
      lsn,
      chain,
      end: segmentBytes,
      epochMin: epoch,
      epochMax: epoch,
      reuseBuffer: true,
      chunkBytes: WALK_CHUNK_BYTES,
    });
    for (;;) {
      const step = await scanner.next();
      if (step.kind !== "group") return;
      this.#floor = Math.max(this.#floor, step.header.floor);
      this.#seen.push({ firstLsn: step.header.firstLsn, lastLsn: scanner.lsn - 1, end: step.end });
      this.#walked = { offset: step.end, lsn: scanner.lsn, chain: step.header.headerCrc, previousGroup: step.offset };
    }
  }
}
