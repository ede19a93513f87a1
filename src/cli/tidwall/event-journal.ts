/**
 * An event log whose events are all of one type, seen as what an import appends to and an export reads: the bytes of an event are an entry. The LSNs of
 * its events are consecutive as long as no checkpoint stands among them.
 */
import { ConflictError } from "../../base/index.js";
import { EventLog, type EventType, bytes, defineEvents, event } from "../../events/index.js";
import {
  type JournalLimits,
  Log,
  type LogInput,
  type LogOptions,
  type LogRecord,
  type LsnRange,
} from "../../log/index.js";
import type { TidwallExportSource, TidwallImportTarget } from "../../tidwall/index.js";

/** More than an event's record takes beside its bytes, in the payload and in a batch. */
const EVENT_HEADER_BYTES = 16;
const RECORD_OVERHEAD_BYTES = 64;

/** The type that the events have. */
export interface EntryEvent {
  readonly id: number;
  readonly version: number;
}

/** See the head of this file. */
export class EventJournal implements TidwallImportTarget, TidwallExportSource {
  readonly #log: Log;
  readonly #events: EventLog<{ readonly entry: EventType<Uint8Array> }>;
  readonly #id: number;

  private constructor(log: Log, events: EventLog<{ readonly entry: EventType<Uint8Array> }>, id: number) {
    this.#log = log;
    this.#events = events;
    this.#id = id;
  }

  static async open(directory: string, { id, version }: EntryEvent, options: LogOptions): Promise<EventJournal> {
    const older = Array.from({ length: version - 1 }, (_, at) => [at + 1, (entry: unknown) => entry] as const);
    const upcast = Object.fromEntries(older);
    const types = defineEvents({ entry: event({ id, version, codec: bytes(), upcast }) });
    const log = await Log.open(directory, options);
    try {
      return new EventJournal(log, await EventLog.on(log, { events: types }), id);
    } catch (error) {
      await log.close();
      throw error;
    }
  }

  get firstLsn(): number {
    return this.#events.firstLsn;
  }

  get lastLsn(): number {
    return this.#events.lastLsn;
  }

  get limits(): JournalLimits {
    const { recordBytesMax, batchBytesMax } = this.#log.limits;
    return {
      recordBytesMax: Math.min(recordBytesMax, batchBytesMax - RECORD_OVERHEAD_BYTES) - EVENT_HEADER_BYTES,
      batchBytesMax,
      recordHeaderBytes: RECORD_OVERHEAD_BYTES,
    };
  }

  async *read({ from = this.firstLsn, ...rest }: Parameters<TidwallExportSource["read"]>[0] = {}): AsyncGenerator<
    LogRecord,
    void,
    undefined
  > {
    let next = from;
    for await (const { lsn, data } of this.#events.replay({ from, ...rest })) {
      if (lsn !== next) throw isCheckpoint(next);
      next += 1;
      yield { lsn, type: this.#id, payload: data };
    }
    if (next <= (rest.to ?? this.lastLsn)) throw isCheckpoint(next);
  }

  appendAll(records: readonly LogInput[]): Promise<LsnRange> {
    return this.#events.appendAll(
      records.map((record) => ({ type: "entry", data: record instanceof Uint8Array ? record : record.payload })),
    );
  }

  sync(): Promise<number> {
    return this.#events.flush();
  }

  async close(): Promise<void> {
    await this.#events.close();
    await this.#log.close();
  }
}

function isCheckpoint(lsn: number): ConflictError {
  return new ConflictError(
    "HF_TYPE_MISMATCH",
    `LSN ${lsn} of the event log is a checkpoint's. tidwall/wal has no place for one, and the entries behind it would get other indexes.`,
    { lsn },
  );
}
