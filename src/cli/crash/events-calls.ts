/** The calls that workloads on event logs are made of, and how each is made and noted. */
import {
  type Codec,
  type EventDefinitions,
  EventLog,
  type EventType,
  bytes,
  defineEvents,
  event,
  json,
  snapshot,
} from "../../events/index.js";
import { type Journal, Log, type LogOptions } from "../../log/index.js";
import { SharedLog } from "../../streams/index.js";
import type { SimVfs } from "../../vfs/index.js";
import { type EventsEvent, type Fold, foldOf } from "./events-model.js";

export type Types = {
  readonly counted: EventType<{ readonly serial: number }>;
  readonly padded: EventType<Uint8Array>;
};

const serialBytes = new Uint8Array(4);

/** A codec as libraries have them: it uses its buffer again. */
const counted: Codec<{ readonly serial: number }> = {
  encode({ serial }) {
    new DataView(serialBytes.buffer).setUint32(0, serial);
    return serialBytes;
  },
  decode: (stored) => ({ serial: new DataView(stored.buffer, stored.byteOffset, 4).getUint32(0) }),
};

/** Two types: one small, one as large as it is asked to be. */
const events: EventDefinitions<Types> = defineEvents({
  counted: event({ id: 3, codec: counted }),
  padded: event({ id: 200, codec: bytes() }),
});

/** One call, or a few at once. */
export type EventsCall =
  | { readonly call: "append"; readonly bytes: number }
  | { readonly call: "batch"; readonly count: number }
  /** Enqueued without waiting; with `flush`, then flushed. Otherwise what is written of it is the buffer's to choose. */
  | { readonly call: "enqueue"; readonly count: number; readonly flush: boolean }
  /** A checkpoint, beside appends where `beside` is not 0. `padding` makes its state so much larger. */
  | { readonly call: "checkpoint"; readonly state: boolean; readonly padding: number; readonly beside: number }
  | { readonly call: "reopen" };

/** How an event log is opened. */
export interface EventsOptions {
  readonly log: Omit<LogOptions, "vfs">;
  /** In a stream of a shared log, with another event log in the next one. */
  readonly shared: boolean;
  readonly batchSize: number;
  readonly checkpointsMax: number;
}

const PATH = "/data/events";
/** So small that states have several parts. */
const PART_BYTES = 200;

/** Where event logs stand. */
export interface EventJournals {
  readonly journal: Journal;
  /** That of the other event log, where there is one. */
  readonly next: Journal | undefined;
  close(): Promise<void>;
}

/** Opens the journals of event logs by themselves. */
export async function openJournals(options: EventsOptions, vfs: SimVfs): Promise<EventJournals> {
  if (!options.shared) {
    const journal = await Log.open(PATH, { ...options.log, vfs });
    return { journal, next: undefined, close: () => journal.close() };
  }
  const shared = await SharedLog.open(PATH, { ...options.log, vfs, checkpointBytes: 1024 });
  const journal = await shared.stream("events");
  return { journal, next: await shared.stream("next"), close: () => shared.close() };
}

/** The other event log: it keeps one checkpoint, whose state is the number of its events. */
export async function neighbourOn(journal: Journal): Promise<EventLog<Types, number>> {
  return await EventLog.on<Types, number>(journal, { events, checkpointsMax: 1 });
}

/** How many events the other event log has. */
export async function countOf(neighbour: EventLog<Types, number>): Promise<number> {
  return (await neighbour.hydrate({ initial: 0, apply: (count) => count + 1 })).state;
}

/** An event log on a journal. With `doubtful`, the first snapshot that it reads can't be decoded. */
export async function eventsOn(
  options: EventsOptions,
  journal: Journal,
  doubtful = false,
): Promise<EventLog<Types, Fold>> {
  const { batchSize, checkpointsMax } = options;
  let doubts = doubtful;
  const codec = json<Fold>((value) => {
    if (!doubts) return value as Fold;
    doubts = false;
    throw new Error("a doubtful snapshot");
  });
  return await EventLog.on(journal, {
    events,
    batchSize,
    checkpointsMax,
    partBytes: PART_BYTES,
    snapshot: snapshot({ codec }),
  });
}

/** What a workload works with. */
export interface OpenedEvents {
  readonly log: EventLog<Types, Fold>;
  readonly neighbour: EventLog<Types, number> | undefined;
  close(): Promise<void>;
}

export async function openEvents(options: EventsOptions, vfs: SimVfs): Promise<OpenedEvents> {
  if (!options.shared) {
    const { batchSize, checkpointsMax } = options;
    const own = { events, batchSize, checkpointsMax, partBytes: PART_BYTES, log: { ...options.log, vfs } };
    const log = await EventLog.open<Types, Fold>(PATH, own);
    return { log, neighbour: undefined, close: () => log.close() };
  }
  const { journal, next, close } = await openJournals(options, vfs);
  const log = await eventsOn(options, journal);
  const neighbour = next && (await neighbourOn(next));
  return {
    log,
    neighbour,
    async close() {
      try {
        await log.close();
        await neighbour?.close();
      } finally {
        await close();
      }
    },
  };
}

/** The serial of an event; in the larger type the first four bytes. */
export function serialOf(
  stored:
    | { readonly type: "counted"; readonly data: { readonly serial: number } }
    | { readonly type: "padded"; readonly data: Uint8Array },
): number {
  if (stored.type === "counted") return stored.data.serial;
  const view = new DataView(stored.data.buffer, stored.data.byteOffset, stored.data.byteLength);
  const serial = view.getUint32(0);
  if (!stored.data.subarray(4).every((byte) => byte === (serial & 0xff)))
    throw new Error(`event ${serial} is a mixture`);
  return serial;
}

function padded(serial: number, size: number): Uint8Array {
  const data = new Uint8Array(4 + size).fill(serial & 0xff);
  new DataView(data.buffer).setUint32(0, serial);
  return data;
}

/** The calls of one workload. The program's own state follows what was accepted. */
export class EventsWorkload {
  readonly #options: EventsOptions;
  readonly #vfs: SimVfs;
  readonly #note: (event: EventsEvent) => void;
  #opened: OpenedEvents;
  #state: Fold = foldOf([]);
  #serial = 0;
  #nextCount = 0;

  constructor(options: EventsOptions, vfs: SimVfs, note: (event: EventsEvent) => void, opened: OpenedEvents) {
    this.#options = options;
    this.#vfs = vfs;
    this.#note = note;
    this.#opened = opened;
  }

  /** Makes the call, and one on the other event log at the same time. */
  async make(call: EventsCall): Promise<void> {
    const { neighbour } = this.#opened;
    const outcomes = await Promise.allSettled([
      this.#make(call),
      neighbour === undefined || call.call === "reopen" ? undefined : this.#disturb(neighbour),
    ]);
    for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
  }

  async #disturb(neighbour: EventLog<Types, number>): Promise<void> {
    this.#nextCount += 1;
    const count = this.#nextCount;
    this.#note({ kind: "next", count, acked: false });
    neighbour.enqueue("counted", { serial: count });
    if (count % 2 === 0) await neighbour.checkpoint({ state: count });
    else await neighbour.flush();
    this.#note({ kind: "next", count, acked: true });
  }

  async #make(call: EventsCall): Promise<void> {
    switch (call.call) {
      case "append":
        await this.#append(call.bytes);
        break;
      case "batch": {
        const firstLsn = this.log.lastLsn + 1;
        const serials = Array.from({ length: call.count }, () => this.#next());
        this.#note({ kind: "issued", lsn: firstLsn, serials });
        for (const serial of serials) this.#state = foldOf([serial], this.#state);
        const { lastLsn } = await this.log.appendAll(
          serials.map((serial) => ({ type: "counted", data: { serial } }) as const),
        );
        this.#acknowledge(lastLsn);
        break;
      }
      case "enqueue":
        this.#enqueue(call.count);
        if (call.flush) this.#note({ kind: "acked", lsn: await this.log.flush() });
        break;
      case "checkpoint":
        await this.#checkpoint(call);
        break;
      case "reopen":
        await this.close();
        this.#opened = await openEvents(this.#options, this.#vfs);
    }
  }

  get log(): EventLog<Types, Fold> {
    return this.#opened.log;
  }

  async close(): Promise<void> {
    const { lastLsn } = this.log;
    await this.#opened.close();
    this.#note({ kind: "acked", lsn: lastLsn });
  }

  /** An append resolved, which promises as much as the log's mode of durability says. */
  #acknowledge(lsn: number): void {
    if (this.#options.log.durability !== "os") this.#note({ kind: "acked", lsn });
  }

  #next(): number {
    this.#serial += 1;
    return this.#serial;
  }

  async #append(size: number): Promise<void> {
    const serial = this.#next();
    this.#note({ kind: "issued", lsn: this.log.lastLsn + 1, serials: [serial] });
    this.#state = foldOf([serial], this.#state);
    this.#acknowledge(await this.log.append("padded", padded(serial, size)));
  }

  /** What stays in the buffer may be lost in part only at the buffer's own borders, every `batchSize` events. */
  #enqueue(count: number): void {
    for (let index = 0; index < count; index++) {
      const serial = this.#next();
      this.#note({
        kind: "issued",
        lsn: this.log.lastLsn + 1,
        serials: [serial],
        joins: this.log.stats().enqueued > 0,
      });
      this.#state = foldOf([serial], this.#state);
      this.log.enqueue("counted", { serial });
    }
  }

  async #checkpoint(call: Extract<EventsCall, { call: "checkpoint" }>): Promise<void> {
    const { lastLsn } = this.log;
    const state = { ...this.#state, padding: "p".repeat(call.padding) };
    const taking = this.log.checkpoint(call.state ? { state } : {}).then((taken) => {
      if (taken.through !== lastLsn) throw new Error(`a checkpoint covers ${taken.through}, not ${lastLsn}`);
      this.#note({ kind: "checkpointed", lsn: taken.lsn, through: taken.through, state: call.state });
    });
    const outcomes = await Promise.allSettled([taking, this.#beside(call.beside)]);
    for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
  }

  /** Events one after the other: the first in front of a checkpoint's parts, those that follow among them or behind it. */
  async #beside(count: number): Promise<void> {
    for (let index = 0; index < count; index++) {
      const serial = this.#next();
      const appending = this.log.append("counted", { serial });
      // Which LSN that is depends on how far the checkpoint has got.
      const lsn = this.log.lastLsn;
      this.#note({ kind: "issued", lsn, serials: [serial] });
      this.#state = foldOf([serial], this.#state);
      this.#acknowledge(expectLsn(await appending, lsn));
    }
  }
}

function expectLsn(got: number, expected: number): number {
  if (got !== expected) throw new Error(`an event got LSN ${got}, not ${expected}`);
  return got;
}
