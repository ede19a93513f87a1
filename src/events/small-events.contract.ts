/** What the event log's tests share: a handful of event types, and logs with tiny blocks and segments on a simulated disk. */
import { HoldfastError } from "../base/index.js";
import { type Journal, Log, type LogOptions } from "../log/index.js";
import type { Vfs } from "../vfs/index.js";
import { bytes, json } from "./codec.js";
import { EventLog } from "./event-log.js";
import { type EventDefinitions, type EventOf, type EventType, defineEvents, event } from "./event-type.js";
import type { EventLogOptions } from "./options.js";

export interface Move {
  readonly account: string;
  readonly cents: number;
}

export type Types = {
  readonly deposited: EventType<Move>;
  readonly withdrawn: EventType<Move>;
  readonly sealed: EventType<Uint8Array>;
};

export const events: EventDefinitions<Types> = defineEvents({
  deposited: event({ id: 1, codec: json<Move>() }),
  withdrawn: event({ id: 2, codec: json<Move>() }),
  sealed: event({ id: 7, codec: bytes() }),
});

export type SmallLog = EventLog<Types>;
export type SmallEvent = EventOf<Types>;

export const SMALL: { readonly blockBytes: 512; readonly segmentBytes: 4096 } = { blockBytes: 512, segmentBytes: 4096 };

export async function openSmall(
  vfs: Vfs,
  options: Partial<EventLogOptions<Types>> = {},
  log: LogOptions = {},
): Promise<SmallLog> {
  return await EventLog.open("/events", { events, ...options, log: { ...SMALL, vfs, ...log } });
}

export async function openLog(vfs: Vfs, options: LogOptions = {}): Promise<Log> {
  return await Log.open("/events", { ...SMALL, vfs, ...options });
}

/** What was deposited less what was withdrawn. */
export const balance: { initial: number; apply(sum: number, event: SmallEvent): number } = {
  initial: 0,
  apply: (sum, { type, data }) =>
    type === "deposited" ? sum + data.cents : type === "withdrawn" ? sum - data.cents : sum,
};

export async function collect<T>(events: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const event of events) all.push(event);
  return all;
}

/** The error of a promise or of a function that throws; `undefined` where there is none. */
export async function errorOf(act: Promise<unknown> | (() => unknown)): Promise<HoldfastError | undefined> {
  try {
    await (typeof act === "function" ? act() : act);
    return undefined;
  } catch (error) {
    if (error instanceof HoldfastError) return error;
    throw error;
  }
}

export async function codeOf(act: Promise<unknown> | (() => unknown)): Promise<string | undefined> {
  return (await errorOf(act))?.code;
}

/** A journal that has nothing but what the interface asks for: no reading by the group. */
export function plainJournal(log: Log): Journal {
  return {
    get limits() {
      return log.limits;
    },
    get firstLsn() {
      return log.firstLsn;
    },
    get lastLsn() {
      return log.lastLsn;
    },
    get durableLsn() {
      return log.durableLsn;
    },
    get nextLsn() {
      return log.nextLsn;
    },
    append: (payload, type) => log.append(payload, type),
    appendAll: (records) => log.appendAll(records),
    enqueue: (payload, type) => log.enqueue(payload, type),
    sync: () => log.sync(),
    get: (lsn) => log.get(lsn),
    read: (options) => log.read(options),
    follow: (options) => log.follow(options),
    truncateBefore: (lsn) => log.truncateBefore(lsn),
    truncateAfter: (lsn) => log.truncateAfter(lsn),
    truncateAll: () => log.truncateAll(),
  };
}
