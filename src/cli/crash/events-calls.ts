/** The calls that workloads on event logs are made of, and how each is made and noted. */
import {
  type EventDefinitions,
  EventLog,
  type EventType,
  bytes,
  defineEvents,
  event,
  json,
  snapshot,
} from "../../events/index.js";
import { Log, type LogOptions } from "../../log/index.js";
import type { SimVfs } from "../../vfs/index.js";
import { type EventsEvent, type Fold, foldOf } from "./events-model.js";

export type Types = {
  readonly counted: EventType<{ readonly serial: number }>;
  readonly padded: EventType<Uint8Array>;
};

/** Two types: one small, one as large as it is asked to be. */
const events: EventDefinitions<Types> = defineEvents({
  counted: event({ id: 3, codec: json<{ readonly serial: number }>() }),
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
  readonly batchSize: number;
  readonly checkpointsMax: number;
}

const PATH = "/data/events";
/** So small that states have several parts. */
const PART_BYTES = 200;

/** Opens the log of an event log by itself. */
export async function openJournal(options: EventsOptions, vfs: SimVfs): Promise<Log> {
  return await Log.open(PATH, { ...options.log, vfs });
}

/** An event log on a journal. With `doubtful`, the first snapshot that it reads can't be decoded. */
export async function eventsOn(options: EventsOptions, journal: Log, doubtful = false): Promise<EventLog<Types, Fold>> {
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

export async function openEvents(options: EventsOptions, vfs: SimVfs): Promise<EventLog<Types, Fold>> {
  const { batchSize, checkpointsMax } = options;
  const log = { ...options.log, vfs };
  return await EventLog.open<Types, Fold>(PATH, { events, batchSize, checkpointsMax, partBytes: PART_BYTES, log });
}

/** The serial of an event: in the small type as JSON, in the other as the first four bytes. */
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
  #log: EventLog<Types, Fold>;
  #state: Fold = foldOf([]);
  #serial = 0;

  constructor(options: EventsOptions, vfs: SimVfs, note: (event: EventsEvent) => void, log: EventLog<Types, Fold>) {
    this.#options = options;
    this.#vfs = vfs;
    this.#note = note;
    this.#log = log;
  }

  async make(call: EventsCall): Promise<void> {
    switch (call.call) {
      case "append":
        await this.#append(call.bytes);
        break;
      case "batch": {
        const firstLsn = this.#log.lastLsn + 1;
        const serials = Array.from({ length: call.count }, () => this.#next());
        this.#note({ kind: "issued", lsn: firstLsn, serials });
        for (const serial of serials) this.#state = foldOf([serial], this.#state);
        const { lastLsn } = await this.#log.appendAll(
          serials.map((serial) => ({ type: "counted", data: { serial } }) as const),
        );
        this.#note({ kind: "acked", lsn: lastLsn });
        break;
      }
      case "enqueue":
        this.#enqueue(call.count);
        if (call.flush) this.#note({ kind: "acked", lsn: await this.#log.flush() });
        break;
      case "checkpoint":
        await this.#checkpoint(call);
        break;
      case "reopen": {
        const { lastLsn } = this.#log;
        await this.#log.close();
        this.#note({ kind: "acked", lsn: lastLsn });
        this.#log = await openEvents(this.#options, this.#vfs);
      }
    }
  }

  get log(): EventLog<Types, Fold> {
    return this.#log;
  }

  async close(): Promise<void> {
    const { lastLsn } = this.#log;
    await this.#log.close();
    this.#note({ kind: "acked", lsn: lastLsn });
  }

  #next(): number {
    this.#serial += 1;
    return this.#serial;
  }

  async #append(size: number): Promise<void> {
    const serial = this.#next();
    this.#note({ kind: "issued", lsn: this.#log.lastLsn + 1, serials: [serial] });
    this.#state = foldOf([serial], this.#state);
    const lsn = await this.#log.append("padded", padded(serial, size));
    this.#note({ kind: "acked", lsn });
  }

  /** What stays in the buffer may be lost in part only at the buffer's own borders, every `batchSize` events. */
  #enqueue(count: number): void {
    for (let index = 0; index < count; index++) {
      const serial = this.#next();
      this.#note({
        kind: "issued",
        lsn: this.#log.lastLsn + 1,
        serials: [serial],
        joins: this.#log.stats().enqueued > 0,
      });
      this.#state = foldOf([serial], this.#state);
      this.#log.enqueue("counted", { serial });
    }
  }

  async #checkpoint(call: Extract<EventsCall, { call: "checkpoint" }>): Promise<void> {
    const { lastLsn } = this.#log;
    const state = { ...this.#state, padding: "p".repeat(call.padding) };
    const taking = this.#log.checkpoint(call.state ? { state } : {}).then((taken) => {
      if (taken.through !== lastLsn) throw new Error(`a checkpoint covers ${taken.through}, not ${lastLsn}`);
      this.#note({ kind: "checkpointed", lsn: taken.lsn, through: taken.through, state: call.state });
    });
    const all = [taking];
    for (let index = 0; index < call.beside; index++) {
      const serial = this.#next();
      // Between the parts, or behind the checkpoint: whichever comes first, so the LSN is known only when it is given.
      const appending = this.#log.append("counted", { serial });
      const lsn = this.#log.lastLsn;
      this.#note({ kind: "issued", lsn, serials: [serial] });
      this.#state = foldOf([serial], this.#state);
      all.push(appending.then((got) => this.#note({ kind: "acked", lsn: expectLsn(got, lsn) })));
    }
    for (const outcome of await Promise.allSettled(all)) if (outcome.status === "rejected") throw outcome.reason;
  }
}

function expectLsn(got: number, expected: number): number {
  if (got !== expected) throw new Error(`an event got LSN ${got}, not ${expected}`);
  return got;
}
