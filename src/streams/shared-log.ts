/** The shared log: the public face of the physical log, the book of its streams, and what keeps both in order. */
import { InvalidArgumentError, invalid } from "../base/index.js";
import { Log, type LogInput, type LogStats, type LsnRange, type RecoveryReport, takePart } from "../log/index.js";
import { nodeVfs } from "../vfs/index.js";
import type { StreamBook, StreamState } from "./book.js";
import { CheckpointPointer } from "./checkpoint-pointer.js";
import { encodeName } from "./format.js";
import { notWithin } from "./gathering.js";
import { Maintenance } from "./maintenance.js";
import { type SharedLogOptions, splitOptions } from "./options.js";
import type { StreamSource } from "./reader.js";
import { recoverBook } from "./recovery.js";
import { Stream, sourceOf } from "./stream.js";
import { StreamWriter } from "./writer.js";

/** How a shared log was opened. */
export interface SharedRecoveryReport {
  /** What the physical log recovered. */
  readonly log: RecoveryReport;
  /** Where the index came from: a checkpoint and the records after it, or a walk through all records. */
  readonly index: "checkpoint" | "scan";
  /** Why there was no checkpoint to start from. */
  readonly reason?: string;
  /** Physical records that were read, and the bytes in them. */
  readonly replayedRecords: number;
  readonly replayedBytes: number;
  readonly streams: number;
  readonly entries: number;
  readonly durationMs: number;
}

/** Counters since opening, and sizes now. */
export interface SharedLogStats {
  /** The physical log's. */
  readonly log: LogStats;
  readonly streams: number;
  /** Live entries of all streams. */
  readonly entries: number;
  /** What the index takes in memory, but for names and a fixed amount a stream. */
  readonly indexBytes: number;
  readonly checkpoints: number;
  /** Records that were moved forward to free old segments, and their bytes. */
  readonly movedRecords: number;
  readonly movedBytes: number;
  /** How often old segments were given back. */
  readonly prunes: number;
  /** Why live entries are no longer moved, and the segments that hold them no longer given back, until the log is opened again. */
  readonly problem?: string;
}

/** A part of a `commit`. */
export interface CommitPart {
  readonly stream: Stream;
  readonly records: readonly LogInput[];
}

/** What the promises of an array resolve to. */
export type Settled<Parts extends readonly unknown[]> = { -readonly [At in keyof Parts]: Awaited<Parts[At]> };

const TOGETHER = "SharedLog.together";

interface Opened {
  readonly log: Log;
  readonly book: StreamBook;
  readonly writer: StreamWriter;
  readonly maintenance: Maintenance;
  readonly pointer: CheckpointPointer;
  readonly recovery: SharedRecoveryReport;
}

/**
 * Many journals in one physical log: one durable write for all that is appended at a time, and atomic batches across them. Ten thousand streams are fine.
 *
 * Each stream has LSNs of its own from 1 on, a first LSN that survives emptiness, and is pruned and cut by itself. Space is given back by
 * segment files of the physical log; where a stream that is seldom pruned keeps old ones alive, its entries are copied forward, some with each
 * append. The directory is that of a `Log`, with one file more; open it with `SharedLog` only.
 *
 * @example
 * ```ts
 * import { SharedLog } from "holdfast/streams";
 *
 * await using shared = await SharedLog.open("./node");
 * const blocks = await shared.stream("blocks");
 * const votes = await shared.stream("votes");
 * const text = new TextEncoder();
 * // Durable together or not at all.
 * await shared.commit([
 *   { stream: blocks, records: [text.encode("block 7")] },
 *   { stream: votes, records: [text.encode("yes"), text.encode("yes")] },
 * ]);
 * await votes.truncateBefore(2);
 * ```
 */
export class SharedLog {
  readonly directory: string;
  readonly recovery: SharedRecoveryReport;
  readonly #log: Log;
  readonly #book: StreamBook;
  readonly #writer: StreamWriter;
  readonly #maintenance: Maintenance;
  readonly #pointer: CheckpointPointer;
  readonly #streams = new Map<StreamState, Stream>();
  readonly #making = new Map<string, Promise<Stream>>();
  #followers = 0;
  #watching = false;
  #closing: Promise<void> | undefined;

  private constructor(opened: Opened) {
    this.directory = opened.log.directory;
    this.recovery = opened.recovery;
    this.#log = opened.log;
    this.#book = opened.book;
    this.#writer = opened.writer;
    this.#maintenance = opened.maintenance;
    this.#pointer = opened.pointer;
  }

  /**
   * Opens the shared log in `directory`, or makes one. When this resolves, everything that readers can see is durable.
   *
   * Errors: as `Log.open`; and `FormatError` `HF_FORMAT_UNKNOWN` where the log there holds records that are not of streams, `CorruptionError` where they
   * contradict each other. After an error nothing is held or lost.
   */
  static async open(directory: string, options?: SharedLogOptions): Promise<SharedLog> {
    if (typeof directory !== "string" || directory === "")
      throw invalid("SharedLog.open", "directory", directory, "a path");
    const settings = splitOptions(options);
    const vfs = settings.log.vfs ?? nodeVfs;
    const startMs = vfs.nowMs();
    const log = await Log.open(directory, settings.log);
    try {
      const pointer = await CheckpointPointer.read(vfs, directory);
      const { book, checkpoint, reason, replayedRecords, replayedBytes } = await recoverBook(log, pointer);
      const writer = new StreamWriter(log, book, () => maintenance.note());
      const found = { asOf: checkpoint?.asOf ?? 0, snapshotBytes: checkpoint?.bytes ?? 0, replayedBytes };
      const maintenance: Maintenance = new Maintenance({ log, book, writer, pointer }, settings.checkpointBytes, found);
      const recovery: SharedRecoveryReport = {
        log: log.recovery,
        index: checkpoint === undefined ? "scan" : "checkpoint",
        ...(reason === undefined ? {} : { reason }),
        replayedRecords,
        replayedBytes,
        streams: book.byId.size,
        entries: entriesIn(book),
        durationMs: vfs.nowMs() - startMs,
      };
      return new SharedLog({ log, book, writer, maintenance, pointer, recovery });
    } catch (error) {
      await log.close().catch(() => undefined);
      throw error;
    }
  }

  /**
   * The stream of this name, made durably where there is none. `name`: any string of 1 to 255 bytes in UTF-8. Errors: `InvalidArgumentError`,
   * `StateError`.
   */
  async stream(name: string): Promise<Stream> {
    const nameBytes = encodeName(name);
    if (nameBytes === undefined) throw invalid("SharedLog.stream", "name", name, "a string of 1 to 255 bytes in UTF-8");
    const problem = this.#writer.unusable();
    if (problem !== undefined) throw problem;
    this.#writer.drain();
    let making = this.#making.get(name);
    const known = this.#book.byName.get(name);
    // While it is made it may be known already, and not be durable yet.
    if (making === undefined && known !== undefined && !known.dropped) return this.#handle(known);
    if (making === undefined) {
      making = this.#writer
        .create(name, nameBytes)
        .then((stream) => this.#handle(stream))
        .finally(() => this.#making.delete(name));
      this.#making.set(name, making);
    }
    return await making;
  }

  /** The names of all streams, sorted by code units. */
  streams(): string[] {
    this.#writer.drain();
    return [...this.#book.byName.keys()].sort();
  }

  /**
   * Appends to several streams as one atomic batch: after any crash all of it is there or nothing. Resolves once it is durable, to the LSNs that
   * each part got, in the order of `parts`. The whole must fit into a segment: `LimitError` `HF_BATCH_TOO_LARGE`. Errors otherwise as
   * `Stream.appendAll`.
   */
  commit(parts: readonly CommitPart[]): Promise<LsnRange[]> {
    const where = "SharedLog.commit";
    return takePart(this, () => {
      if (!Array.isArray(parts)) throw invalid(where, "parts", parts, "an array of parts");
      if (parts.length === 0) {
        throw new InvalidArgumentError(
          "HF_INVALID_ARGUMENT",
          `${where}: there is nothing to commit. Pass at least one part.`,
        );
      }
      const batches = parts.map((part: CommitPart) => {
        const { stream } = this.#own(where, part?.stream);
        return { stream, records: part.records };
      });
      return this.#writer.commit(where, batches);
    });
  }

  /**
   * Calls `act`, and makes one atomic batch of everything that is appended to streams of this shared log in that call, by whomever: after any crash all of
   * it is there or nothing. So stores that stand on streams commit together: `EventLog.appendAll`, `FlatKv.commit`, and `Session.commit` after
   * `Session.prepare`, hand their records over within the call.
   *
   * `act` returns an array of promises, and this resolves to what they do, as `Promise.all`, once the batch is durable and all of them have settled. Each
   * of `streams` must get something, or all is refused: name those of the stores that take part.
   *
   * All or nothing also where it fails: nothing is appended, and LSNs are taken back within the call, where `act` throws, which this then rejects with; where
   * anything in it is refused, by the log or by a store, whose error this rejects with even if `act` handled it: an enqueue, a truncation or another
   * `together` (`InvalidArgumentError` `HF_INVALID_ARGUMENT`), what could only be appended later (`StateError` `HF_BUSY`), what a store would refuse anyway;
   * or where a stream lacks its part (`HF_INVALID_ARGUMENT`). The whole must fit into a segment: `LimitError` `HF_BATCH_TOO_LARGE`. Each store goes on as before
   * once this has rejected. `act` must not be async: only what it appends before it returns takes part. Errors otherwise as `Stream.appendAll`, and those of
   * the promises.
   *
   * @example
   * ```ts
   * import { SharedLog } from "holdfast/streams";
   *
   * await using shared = await SharedLog.open("./node");
   * const [blocks, votes] = [await shared.stream("blocks"), await shared.stream("votes")];
   * const text = new TextEncoder();
   * const [block, vote] = await shared.together([blocks, votes], () => [
   *   blocks.append(text.encode("block 7")),
   *   votes.append(text.encode("yes")),
   * ]);
   * console.log(block, vote); // 1 1
   * ```
   */
  together<const Parts extends readonly unknown[]>(
    streams: readonly Stream[],
    act: () => Parts,
  ): Promise<Settled<Parts>> {
    return takePart(this, () => {
      if (!Array.isArray(streams)) throw invalid(TOGETHER, "streams", streams, "an array of streams");
      if (typeof act !== "function") throw invalid(TOGETHER, "act", act, "a function");
      const required = streams.map((stream: Stream) => this.#own(TOGETHER, stream).stream);
      return this.#together(required, act);
    });
  }

  async #together<Parts extends readonly unknown[]>(
    required: readonly StreamState[],
    act: () => Parts,
  ): Promise<Settled<Parts>> {
    let parts: readonly unknown[] = [];
    const appended = this.#writer.together(TOGETHER, required, () => {
      const returned: unknown = act();
      if (!Array.isArray(returned)) {
        void settleUnheard(returned);
        throw invalid(TOGETHER, "act", returned, "a function that returns an array, and is not async");
      }
      parts = returned;
    });
    const settling = Promise.allSettled(parts);
    try {
      await appended;
    } catch (error) {
      // Stores look at the refusal in the next turn of the event loop, and serve again then. For the parts nobody waits: some may wait for what was refused.
      await new Promise((resolve) => setImmediate(resolve));
      throw error;
    }
    const values = (await settling).map((part) => {
      if (part.status === "rejected") throw part.reason;
      return part.value;
    });
    return values as Settled<Parts>;
  }

  /** Whether a call of `together` is gathering what is appended: what could only be appended later must be refused then. */
  get isGathering(): boolean {
    return this.#writer.isGathering;
  }

  /** For what refuses within a call of `together`, whose batch is refused with it because of `error`. */
  refuse(error: unknown): void {
    this.#writer.refuse(error);
  }

  /** Drops a stream and its entries, durably. Resolves to false where there is none. A stream of this name made later starts from LSN 1. */
  drop(name: string): Promise<boolean> {
    return takePart(this, () => {
      const problem = this.#writer.unusable() ?? (this.isGathering ? notWithin("SharedLog.drop") : undefined);
      if (problem !== undefined) throw problem;
      return this.#drop(name);
    });
  }

  async #drop(name: string): Promise<boolean> {
    const making = this.#making.get(name);
    if (making !== undefined) await making;
    this.#writer.drain();
    const stream = this.#book.byName.get(name);
    if (stream === undefined || stream.dropped) {
      await this.#writer.sync();
      return false;
    }
    await this.#writer.drop(stream);
    this.#streams.delete(stream);
    return true;
  }

  /** Makes durable everything accepted so far. */
  sync(): Promise<void> {
    return takePart(this, () => {
      const problem = this.#writer.unusable();
      if (problem !== undefined) throw problem;
      return this.#writer.sync();
    });
  }

  /** Counters since opening, and sizes now. Walks over the streams. */
  stats(): SharedLogStats {
    this.#writer.drain();
    const { counters, problem } = this.#maintenance;
    let indexBytes = 0;
    for (const { index } of this.#book.byId.values()) indexBytes += index.bytes;
    return {
      log: this.#log.stats(),
      streams: this.#book.byId.size,
      entries: entriesIn(this.#book),
      indexBytes,
      ...counters,
      ...(problem === undefined ? {} : { problem: problem instanceof Error ? problem.message : "unknown" }),
    };
  }

  /** Writes and syncs what was accepted, and releases everything. Idempotent. Errors as of `Log.close`. Calls made later reject with `HF_CLOSED`. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    const failedBefore = this.#log.failure !== undefined;
    await this.#writer.close();
    await this.#maintenance.rest();
    try {
      await this.#log.close().catch((error: unknown) => {
        if (error !== this.#log.failure) throw error;
      });
      // The log can't tell who was refused: it may have been the maintenance, and callers are refused by the writer.
      const { failure } = this.#log;
      if (failure !== undefined && (!failedBefore || this.#writer.owesFailure)) throw failure;
    } finally {
      this.#writer.drain();
      await this.#pointer.close();
      this.#announceAll();
    }
  }

  #own(where: string, stream: Stream): StreamSource {
    const source = sourceOf(where, stream);
    if (source.log !== this.#log) throw invalid(where, "stream", stream, "a stream of this shared log");
    return source;
  }

  #handle(stream: StreamState): Stream {
    let handle = this.#streams.get(stream);
    if (handle === undefined) {
      const changed = (signal: AbortSignal | undefined): Promise<void> => this.#changed(stream, signal);
      handle = new Stream({ log: this.#log, writer: this.#writer, stream, changed });
      this.#streams.set(stream, handle);
    }
    return handle;
  }

  async #changed(stream: StreamState, signal: AbortSignal | undefined): Promise<void> {
    this.#followers += 1;
    const changed = stream.visibility.changed(signal);
    void this.#watch();
    try {
      await changed;
    } finally {
      this.#followers -= 1;
    }
  }

  /** Applies what is acknowledged while somebody waits for it: entries that were only enqueued have nobody else who does. */
  async #watch(): Promise<void> {
    if (this.#watching) return;
    this.#watching = true;
    while (this.#followers > 0 && !this.#writer.closed && this.#writer.failure === undefined) {
      await this.#log.changed();
      this.#writer.drain();
    }
    this.#watching = false;
    if (this.#writer.failure !== undefined) this.#announceAll();
  }

  #announceAll(): void {
    for (const { visibility } of this.#book.byId.values()) visibility.announce();
  }
}

/** What an async function comes to follows from its refusal, which the caller hears of; and so does what its array holds. */
async function settleUnheard(returned: unknown): Promise<void> {
  const [settled] = await Promise.allSettled([returned]);
  if (settled.status === "fulfilled" && Array.isArray(settled.value)) await Promise.allSettled(settled.value);
}

function entriesIn(book: StreamBook): number {
  let entries = 0;
  for (const { index } of book.byId.values()) entries += index.count;
  return entries;
}
