/** The event log: typed events on a journal, checkpoints among them, replay and hydration. */
import { abortable, checkInteger, checkOptions, checkSignal, invalid } from "../base/index.js";
import { type Journal, Log, type LogRecord, type LsnRange, type ReadOptions, takePart } from "../log/index.js";
import { openChannel } from "./channels.js";
import { findCheckpoints } from "./checkpoint.js";
import { type Checkpoint, type CheckpointOptions, Checkpointer } from "./checkpointer.js";
import { HandlerError, notWithin } from "./errors.js";
import { EventCoder } from "./event-coder.js";
import type { EventLogStats } from "./event-log-stats.js";
import type { EventData, EventInput, EventName, EventOf, EventTypes } from "./event-type.js";
import { isBookkeeping } from "./format.js";
import { type HydrateOptions, type Hydrated, checkHydrate, findStart, rangesOf } from "./hydration.js";
import {
  type EventLogOpenOptions,
  type EventLogOptions,
  type ResolvedEventLogOptions,
  resolveEventLogOptions,
} from "./options.js";
import { type Wanted, wantEvents, wantedRecords } from "./reader.js";
import type { SnapshotType } from "./versioned.js";
import { EventWriter, closedError } from "./writer.js";

/** Options of `replay` and `replayWith`. */
export interface ReplayOptions<Name extends string = string> {
  /** First LSN, inclusive. Default: the oldest. Below the oldest: `HF_LSN_OUT_OF_RANGE`. */
  readonly from?: number;
  /** Last LSN, inclusive. Default: the newest acknowledged at the first step. */
  readonly to?: number;
  /** Only events of these types; all others are passed over without decoding, also those of types that are not defined. Default: all. */
  readonly types?: readonly Name[];
  /** Ends the replay with `signal.reason`. A handler that is at work then is not waited for. */
  readonly signal?: AbortSignal;
}

/** Options of `follow`. */
export interface FollowEventsOptions<Name extends string = string> {
  /** First LSN, inclusive. Default: the next one to come. */
  readonly from?: number;
  /** As for `replay`. */
  readonly types?: readonly Name[];
  /** Ends the iteration with `signal.reason`. */
  readonly signal?: AbortSignal;
}

interface Opened<Types extends EventTypes> {
  readonly journal: Journal;
  readonly log: Log | undefined;
  readonly options: ResolvedEventLogOptions<Types>;
  readonly writer: EventWriter;
  readonly checkpointer: Checkpointer;
}

/**
 * A log of typed events. It stands on a journal and is the only one that writes to it.
 *
 * Every event has an LSN of that journal. Checkpoints are records too, so the LSNs of events have gaps.
 *
 * @example
 * ```ts
 * import { EventLog, defineEvents, event, json } from "holdfast/events";
 *
 * const events = defineEvents({
 *   deposited: event({ id: 1, codec: json<{ account: string; cents: number }>() }),
 *   withdrawn: event({ id: 2, codec: json<{ account: string; cents: number }>() }),
 * });
 * await using log = await EventLog.open("./bank", { events });
 * await log.append("deposited", { account: "ann", cents: 500 }); // durable now
 * log.enqueue("withdrawn", { account: "ann", cents: 200 });
 * await log.flush(); // and so is this
 *
 * const { state } = await log.hydrate({
 *   initial: { cents: 0 },
 *   apply: (sum, { type, data }) => ({ cents: sum.cents + (type === "deposited" ? data.cents : -data.cents) }),
 * });
 * await log.checkpoint({ state });
 * ```
 */
export class EventLog<Types extends EventTypes, State = unknown> {
  readonly #journal: Journal;
  /** The log, where it was opened here. */
  readonly #log: Log | undefined;
  readonly #name: string;
  readonly #snapshot: SnapshotType<unknown>;
  readonly #writer: EventWriter;
  readonly #checkpointer: Checkpointer;
  readonly #coder: EventCoder<Types>;
  #skipped = 0;
  #closing: Promise<void> | undefined;

  private constructor({ journal, log, options, writer, checkpointer }: Opened<Types>) {
    this.#journal = journal;
    this.#log = log;
    this.#name = log?.directory ?? "";
    this.#snapshot = options.snapshot;
    this.#coder = new EventCoder(options.events);
    this.#writer = writer;
    this.#checkpointer = checkpointer;
    if (openChannel.hasSubscribers) {
      const checkpoints = checkpointer.kept.map(({ lsn }) => lsn);
      const { firstLsn, lastLsn } = journal;
      openChannel.publish({ name: this.#name, firstLsn, lastLsn, checkpoints });
    }
  }

  /**
   * Opens the event log in a directory of its own, or makes one. `close` closes the log too.
   *
   * Errors: as for `Log.open` and {@link on}.
   */
  static async open<Types extends EventTypes, State = unknown>(
    directory: string,
    options: EventLogOpenOptions<Types, State>,
  ): Promise<EventLog<Types, State>> {
    // What is missing is found by the next check.
    const given = checkOptions("EventLog.open", options, OPEN_OPTIONS) as EventLogOpenOptions<Types, State>;
    const { log: logOptions, ...rest } = given;
    // What is wrong with the options is said before anything is made.
    resolveEventLogOptions("EventLog.open", rest, { recordBytesMax: Infinity, batchBytesMax: Infinity });
    const log = await Log.open(directory, logOptions);
    try {
      return new EventLog<Types, State>(await openOn("EventLog.open", log, log, rest));
    } catch (error) {
      await log.close().catch(() => undefined);
      throw error;
    }
  }

  /**
   * An event log on a journal that somebody else opened and will close, after this one. Nothing else may append to the journal meanwhile; where
   * something does, the next append that finds it is refused with `ConflictError` `HF_SECOND_WRITER`.
   *
   * Reads the newest record and the newest checkpoint, whatever the size of the journal. Errors: invalid options; `FormatError` where the newest
   * records are not those of an event log (`HF_FORMAT_UNKNOWN`) or of a newer build's (`HF_FORMAT_NEWER`); whatever reading the journal throws.
   */
  static async on<Types extends EventTypes, State = unknown>(
    journal: Journal,
    options: EventLogOptions<Types, State>,
  ): Promise<EventLog<Types, State>> {
    if (typeof journal !== "object" || journal === null || typeof journal.appendAll !== "function")
      throw invalid("EventLog.on", "journal", journal, "a Log, or any other Journal");
    return new EventLog<Types, State>(await openOn("EventLog.on", journal, undefined, options));
  }

  /** The oldest LSN that the log holds; `lastLsn + 1` where it is empty. */
  get firstLsn(): number {
    return this.#journal.firstLsn;
  }

  /** The newest LSN that was given out, to an event or a checkpoint, durable or not. */
  get lastLsn(): number {
    return this.#writer.nextLsn - 1;
  }

  /** The newest LSN that no crash can take away. */
  get durableLsn(): number {
    return this.#journal.durableLsn;
  }

  /** The checkpoints that are kept, the newest first. */
  get checkpoints(): readonly Checkpoint[] {
    return this.#checkpointer.kept.map(({ lsn, through, version, snapshotBytes }) => ({
      lsn,
      through,
      snapshotBytes: version === 0 ? undefined : snapshotBytes,
    }));
  }

  /**
   * Appends an event and resolves to its LSN once it is durable, and with it everything enqueued before. (On a journal with a weaker mode of
   * durability it resolves as that journal's `append` does; `flush` makes durable in every mode.)
   *
   * Errors: `InvalidArgumentError` (`HF_EVENT_UNENCODABLE`: the codec refused it; an unknown type), `LimitError` `HF_RECORD_TOO_LARGE`: no LSN was
   * used. `StateError` `HF_CLOSED`, or `HF_POISONED` once any write failed.
   */
  append<Name extends EventName<Types>>(type: Name, data: EventData<Types, Name>): Promise<number> {
    try {
      this.#assertUsable();
      return this.#writer.append("EventLog.append", this.#coder.encode("EventLog.append", type, data));
    } catch (error) {
      return takePart(this.#journal, () => {
        throw error;
      });
    }
  }

  /**
   * Appends several events as one atomic batch: after any crash all of them are there or none. Otherwise as `append`. A batch must fit into
   * a segment of the log: `LimitError` `HF_BATCH_TOO_LARGE`. Like `append`, it hands over its records within the call, and so may take part in
   * `SharedLog.together`.
   */
  appendAll(events: readonly EventInput<Types>[]): Promise<LsnRange> {
    const where = "EventLog.appendAll";
    return takePart(this.#journal, () => {
      this.#assertUsable();
      if (!Array.isArray(events) || events.length === 0)
        throw invalid(where, "events", events, "an array of at least one event");
      const records = Array.from(events as readonly EventInput<Types>[], (input) => {
        if (typeof input !== "object" || input === null) throw invalid(where, "events", input, "an array of events");
        const { body, ...record } = this.#coder.encode(where, input.type, input.data);
        // Codecs may use their buffer again for the next event.
        return { ...record, body: typeof body === "string" ? body : new Uint8Array(body) };
      });
      return this.#writer.appendAll(where, records);
    });
  }

  /**
   * Accepts an event and returns its LSN. It stays in memory, where a crash takes it, until a `flush`, `append`, `appendAll`, `checkpoint` or
   * `close` called later resolves; after `batchSize` events they are written without being asked. `get` finds it at once, `replay` once it is
   * acknowledged.
   *
   * Throws where `append` rejects, and `LimitError` `HF_BACKPRESSURE` while `bufferBytesMax` bytes are not durable yet. Within `SharedLog.together`, where
   * nobody would hear that its LSN was taken back: `StateError` `HF_BUSY`.
   */
  enqueue<Name extends EventName<Types>>(type: Name, data: EventData<Types, Name>): number {
    if (this.#journal.isGathering === true) {
      const error = notWithin("EventLog.enqueue");
      this.#journal.refuse?.(error);
      throw error;
    }
    this.#assertUsable();
    return this.#writer.enqueue("EventLog.enqueue", this.#coder.encode("EventLog.enqueue", type, data));
  }

  /**
   * Writes what is enqueued, in one durable write, and resolves to `durableLsn` once everything accepted so far is durable, whatever the journal's
   * mode of durability. What was enqueued since the last time, at most `batchSize` events, is one batch: after a crash all of it is there or none. A
   * failure poisons.
   */
  flush(): Promise<number> {
    return takePart(this.#journal, () => {
      this.#assertUsable();
      return this.#writer.flush();
    });
  }

  /** The event with this LSN, durable or not; `undefined` where none has it (never given out, pruned, or a checkpoint's). */
  async get(lsn: number): Promise<EventOf<Types> | undefined> {
    this.#assertUsable();
    if (checkInteger("EventLog.get", "lsn", lsn, { min: 0 }, undefined) === undefined)
      throw invalid("EventLog.get", "lsn", lsn, "an LSN");
    const pending = this.#writer.pending(lsn);
    const record = pending === undefined ? await this.#journal.get(lsn) : { lsn, ...copied(pending) };
    return record === undefined || isBookkeeping(record.type) ? undefined : this.#coder.decode(record);
  }

  /**
   * The acknowledged events in a range, oldest first, with bounded memory. What is appended meanwhile is not seen, and what is enqueued only after
   * a `flush`.
   *
   * Errors at a step: `FormatError` `HF_EVENT_TYPE_UNKNOWN` (with the id), `HF_EVENT_VERSION_UNKNOWN`, `HF_FORMAT_NEWER`, `HF_EVENT_UNDECODABLE` (with LSN and
   * type); what the journal's `read` throws: `HF_LSN_OUT_OF_RANGE` where the next event was pruned meanwhile.
   */
  async *replay<Name extends EventName<Types> = EventName<Types>>(
    options?: ReplayOptions<Name>,
  ): AsyncGenerator<EventOf<Types, Name>, void, undefined> {
    const { range, wanted, signal } = this.#checkReplay("EventLog.replay", options);
    for await (const run of this.#wanted(range, wanted)) {
      for (const record of run) {
        signal?.throwIfAborted();
        yield this.#coder.decode(record) as EventOf<Types, Name>;
      }
    }
  }

  /**
   * Hands the events that `replay` would give to a function, one after the other: the quick way through many. Resolves to their number. The
   * handler may append.
   *
   * Errors: `HandlerError` with LSN and type where the handler throws or rejects; otherwise as `replay`.
   */
  async replayWith<Name extends EventName<Types> = EventName<Types>>(
    handler: (event: EventOf<Types, Name>) => void | PromiseLike<void>,
    options?: ReplayOptions<Name>,
  ): Promise<number> {
    const where = "EventLog.replayWith";
    if (typeof handler !== "function") throw invalid(where, "handler", handler, "a function");
    const { range, wanted, signal } = this.#checkReplay(where, options);
    return await this.#handle(where, range, wanted, signal, (event) => handler(event as EventOf<Types, Name>));
  }

  /**
   * The events from `from` on (default: those that come from now on), and each new one once it is acknowledged. Ends when the journal closes.
   * Errors at a step: as `replay` and the journal's `follow`.
   */
  async *follow<Name extends EventName<Types> = EventName<Types>>(
    options?: FollowEventsOptions<Name>,
  ): AsyncGenerator<EventOf<Types, Name>, void, undefined> {
    const where = "EventLog.follow";
    this.#assertUsable();
    const { types, ...rest } = checkOptions(where, options, ["from", "types", "signal"]);
    const wanted = this.#coder.wanted(where, types);
    for await (const record of this.#journal.follow(rest as ReadOptions)) {
      if (wanted[record.type] === 0) this.#skipped += 1;
      else yield this.#coder.decode(record) as EventOf<Types, Name>;
    }
  }

  /**
   * Writes a checkpoint into the log, with the program's state if it is given, and drops what no kept checkpoint needs any more.
   *
   * The state must hold the effect of exactly the events up to and including LSN `through`, which is by default the newest one that was accepted when
   * `checkpoint` was called, enqueued or not. Events that are accepted later, while the checkpoint is being written, are behind it and are
   * replayed by `hydrate`. Where events are applied to the state later than they are appended, say with `through` how far it got.
   *
   * When it resolves, the checkpoint is durable and so is every event that it covers. Once there are `checkpointsMax`, the log is pruned to what the
   * oldest of the newest `checkpointsMax` leaves to be replayed, and never past the newest one with a state. A crash before that leaves the
   * checkpoint in whole or not at all, and never less of the log than the kept checkpoints need. Concurrent calls are done one after the other.
   *
   * Errors: `InvalidArgumentError` (`HF_EVENT_UNENCODABLE`; `through` above the newest LSN or below that of the checkpoint before), `StateError` (`HF_BUSY`
   * within `SharedLog.together`).
   */
  checkpoint(options?: CheckpointOptions<State>): Promise<Checkpoint> {
    return takePart(this.#journal, () => {
      this.#assertUsable();
      if (this.#journal.isGathering === true) throw notWithin("EventLog.checkpoint");
      return this.#checkpointer.take(options);
    });
  }

  /**
   * Rebuilds the program's state: from the newest snapshot that can be used, and the acknowledged events behind what it covers. A snapshot that is
   * damaged, undecodable or of an unknown version is passed over for the one before it; `rejected` names it, and so does the channel
   * `holdfast:events:fallback`.
   *
   * Errors: `StateError` `HF_NO_SNAPSHOT` where the beginning was pruned and no snapshot can be used; `HandlerError` with the LSN where `apply`
   * throws; otherwise as `replay`: `HF_LSN_OUT_OF_RANGE` where a checkpoint of the same time prunes what is still to be read (hydrate again), and
   * `CorruptionError` where what is damaged may be an event.
   */
  async hydrate<S = State>(
    options: HydrateOptions<S, EventOf<Types>> & { readonly initial: State },
  ): Promise<Hydrated<S>> {
    const where = "EventLog.hydrate";
    this.#assertUsable();
    const { initial, apply, signal } = checkHydrate<S, EventOf<Types>>(options);
    signal?.throwIfAborted();
    const { kept } = this.#checkpointer;
    const start = await findStart(this.#journal, this.#name, kept, this.#snapshot, { initial, signal });
    let state = start.state as S;
    const to = this.#journal.lastLsn;
    const reading = signal === undefined ? {} : { signal };
    let events = 0;
    for (const range of rangesOf(start, to)) {
      events += await this.#handle(where, { ...range, ...reading }, wantEvents(), signal, (event) => {
        const next = apply(state, event);
        if (!isPromise<S>(next)) {
          state = next;
          return undefined;
        }
        return next.then((settled) => {
          state = settled;
        });
      });
    }
    return { state, lsn: to, checkpointLsn: start.checkpointLsn, events, rejected: start.rejected };
  }

  /**
   * Drops the events below `lsn`, durably: for queues whose consumer has done with them. At most `durableLsn + 1`. Checkpoints that cover less can't be
   * hydrated from any more.
   */
  truncateBefore(lsn: number): Promise<void> {
    return takePart(this.#journal, () => {
      this.#assertUsable();
      return this.#journal.truncateBefore(lsn);
    });
  }

  /** Counters since opening, and sizes now. */
  stats(): EventLogStats {
    const writer = this.#writer;
    const [newest] = this.#checkpointer.kept;
    return {
      firstLsn: this.firstLsn,
      lastLsn: this.lastLsn,
      durableLsn: this.durableLsn,
      records: writer.counters.records,
      recordBytes: writer.counters.recordBytes,
      flushes: writer.counters.flushes,
      enqueued: writer.enqueuedCount,
      pending: writer.pendingCount,
      pendingBytes: writer.pendingBytes,
      decoded: this.#coder.decoded,
      skipped: this.#skipped,
      checkpoints: this.#checkpointer.counters.checkpoints,
      snapshotBytes: this.#checkpointer.counters.snapshotBytes,
      checkpointsKept: this.#checkpointer.kept.length,
      checkpointLsn: newest?.lsn,
      log: this.#log?.stats(),
    };
  }

  /**
   * Writes what is enqueued, waits for a checkpoint that is under way, and closes the log where `open` opened it. Idempotent. Rejects where
   * enqueued events could not be written and nobody was told before. Calls made later reject with `HF_CLOSED`.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Closing refuses new calls at once, and lets a checkpoint that is under way go on. */
  #assertUsable(): void {
    this.#writer.assertUsable();
    if (this.#closing !== undefined) throw closedError(this.#name);
  }

  async #close(): Promise<void> {
    try {
      await this.#checkpointer.settle();
      await this.#writer.close();
    } finally {
      await this.#log?.close();
    }
  }

  #checkReplay(
    where: string,
    options: ReplayOptions | undefined,
  ): { range: ReadOptions; wanted: Wanted; signal: AbortSignal | undefined } {
    this.#assertUsable();
    const { types, ...range } = checkOptions(where, options, ["from", "to", "types", "signal"]);
    const signal = checkSignal(where, range.signal);
    return { range: range as ReadOptions, wanted: this.#coder.wanted(where, types), signal };
  }

  #wanted(range: ReadOptions, wanted: Wanted): AsyncGenerator<readonly LogRecord[], void, undefined> {
    return wantedRecords(this.#journal, range, wanted, (count) => {
      this.#skipped += count;
    });
  }

  async #handle(
    where: string,
    range: ReadOptions,
    wanted: Wanted,
    signal: AbortSignal | undefined,
    handler: (event: EventOf<Types>) => void | PromiseLike<void>,
  ): Promise<number> {
    let count = 0;
    signal?.throwIfAborted();
    for await (const run of this.#wanted(range, wanted)) {
      for (const record of run) {
        signal?.throwIfAborted();
        const event = this.#coder.decode(record);
        try {
          const handled = handler(event);
          // Without a signal there is nothing to wait for beside it.
          if (isPromise(handled)) await (signal === undefined ? handled : abortable(handled, signal));
        } catch (error) {
          if (signal?.aborted === true && error === signal.reason) throw error;
          throw new HandlerError(where, event.lsn, event.type, error);
        }
        count += 1;
      }
    }
    return count;
  }
}

const OPEN_OPTIONS = [
  "events",
  "batchSize",
  "bufferBytesMax",
  "checkpointsMax",
  "snapshot",
  "partBytes",
  "log",
] as const;

async function openOn<Types extends EventTypes, State>(
  where: string,
  journal: Journal,
  log: Log | undefined,
  options: EventLogOptions<Types, State>,
): Promise<Opened<Types>> {
  const resolved = resolveEventLogOptions(where, options, journal.limits);
  // What somebody enqueued before gets its place first.
  if (journal.nextLsn !== journal.lastLsn + 1) await journal.sync();
  const found = await findCheckpoints(journal);
  const name = log?.directory ?? "";
  const writer = new EventWriter(journal, name, resolved, found);
  return {
    journal,
    log,
    options: resolved,
    writer,
    checkpointer: new Checkpointer(journal, writer, name, resolved, found.kept),
  };
}

/** Not `instanceof`: query builders, and promises of another realm, are none of this one's. */
function isPromise<T>(value: unknown): value is PromiseLike<T> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

/** Codecs may keep what they decode from. */
function copied({ payload, type }: { readonly payload: Uint8Array; readonly type: number }): {
  payload: Uint8Array;
  type: number;
} {
  return { payload: payload.slice(), type };
}
