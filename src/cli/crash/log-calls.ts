/** The calls that workloads are made of, and how each is made and noted. */
import type { SeededRandom } from "../../base/index.js";
import { Log, type LogInput, type LogOptions, LogReader } from "../../log/index.js";
import type { SimVfs } from "../../vfs/index.js";
import type { LogEvent } from "./log-events.js";
import { type Filling, type PayloadBook, makePayload, typeOf } from "./payload-book.js";

/** Where every scenario keeps its log. Two levels, so that names of directories are at stake too. */
export const LOG_PATH = "/data/log";

/** One call, or a few at once. Sizes are payload bytes. */
export type LogCall =
  | { readonly call: "append"; readonly bytes: number; readonly filling?: Filling }
  /** One atomic batch. */
  | { readonly call: "batch"; readonly sizes: readonly number[] }
  /** Several appends and batches at once; with `beside`, a prune in the middle. */
  | { readonly call: "together"; readonly sizes: readonly (number | readonly number[])[]; readonly prune?: boolean }
  /** Accepted without waiting, then a `sync`. */
  | { readonly call: "enqueue"; readonly sizes: readonly number[] }
  | { readonly call: "sync" }
  /** A record that holds the bytes of the newest segment file, so whole groups of this log. */
  | { readonly call: "echo" }
  /** Drops all but the newest `keep` records. */
  | { readonly call: "truncate-before"; readonly keep: number }
  /** Drops the newest `drop` records. */
  | { readonly call: "truncate-after"; readonly drop: number }
  | { readonly call: "truncate-all" }
  | { readonly call: "reopen" }
  /** Virtual time passes. */
  | { readonly call: "wait"; readonly ms: number }
  /** A reader in another process looks. */
  | { readonly call: "look" };

/** What the calls of one workload share. */
export interface CallContext {
  readonly vfs: SimVfs;
  readonly options: LogOptions;
  readonly book: PayloadBook;
  note(event: LogEvent): void;
}

/**
 * Makes the calls one after the other on a new log, and closes it. When one fails, `onFailure` gets the log as it is then, before the error
 * is thrown on.
 */
export async function makeCalls(
  context: CallContext,
  calls: readonly LogCall[],
  onFailure?: (log: Log) => Promise<void>,
): Promise<void> {
  let log = await Log.open(LOG_PATH, context.options);
  try {
    for (const call of calls) {
      if (call.call === "reopen") {
        await close(context, log);
        log = await Log.open(LOG_PATH, context.options);
      } else {
        await makeCall(context, log, call);
        noteDurable(context, log);
      }
    }
    await close(context, log);
  } catch (error) {
    await onFailure?.(log);
    throw error;
  }
}

async function close(context: CallContext, log: Log): Promise<void> {
  const { lastLsn } = log;
  await log.close();
  context.note({ kind: "durable", lsn: lastLsn });
}

function noteDurable({ note }: CallContext, log: Log): void {
  note({ kind: "durable", lsn: log.durableLsn });
}

async function makeCall(context: CallContext, log: Log, call: Exclude<LogCall, { call: "reopen" }>): Promise<void> {
  const { vfs, book, note } = context;
  switch (call.call) {
    case "append":
      await append(context, log, [makePayload(book.nextSerial, call.bytes, call.filling ?? "random")], "append");
      return;
    case "batch":
      await append(context, log, payloads(book, call.sizes), "batch");
      return;
    case "together":
      await together(context, log, call);
      return;
    case "enqueue": {
      for (const payload of payloads(book, call.sizes)) {
        const serial = book.add(payload);
        note({ kind: "issued", lsn: log.nextLsn, count: 1, serial });
        log.enqueue(payload, typeOf(serial));
      }
      const lsn = await log.sync();
      note({ kind: "acked", lsn });
      return;
    }
    case "sync":
      note({ kind: "acked", lsn: await log.sync() });
      return;
    case "echo":
      await append(context, log, [await newestSegment(vfs)], "append");
      return;
    case "truncate-before":
      await prune(context, log, Math.max(log.firstLsn, log.lastLsn + 1 - call.keep));
      return;
    case "truncate-after": {
      const lsn = Math.max(log.firstLsn - 1, log.lastLsn - call.drop);
      note({ kind: "cut", lsn });
      await log.truncateAfter(lsn);
      note({ kind: "cut-done", lsn });
      return;
    }
    case "truncate-all": {
      const lsn = log.nextLsn;
      note({ kind: "prune", lsn });
      await log.truncateAll();
      note({ kind: "pruned", lsn });
      return;
    }
    case "wait":
      await vfs.delay(call.ms);
      return;
    case "look":
      await look(context);
  }
}

function payloads(book: PayloadBook, sizes: readonly number[]): Uint8Array[] {
  return sizes.map((bytes, index) => makePayload(book.nextSerial + index, bytes, "random"));
}

/** Appends one record or one batch; resolves when it is acknowledged. */
export async function append(
  { book, note }: CallContext,
  log: Log,
  batch: readonly Uint8Array[],
  how: "append" | "batch",
  lsn: number = log.nextLsn,
): Promise<void> {
  const serials = batch.map((payload) => book.add(payload));
  const serial = serials[0] ?? 0;
  const records: LogInput[] = batch.map((payload, index) => ({ payload, type: typeOf(serial + index) }));
  note({ kind: "issued", lsn, count: batch.length, serial });
  const got =
    how === "append"
      ? await log.append(batch[0] ?? new Uint8Array(0), typeOf(serial))
      : (await log.appendAll(records)).firstLsn;
  if (got !== lsn) throw new Error(`a batch got LSN ${got}, not ${lsn}`);
  note({ kind: "acked", lsn: lsn + batch.length - 1 });
  note({ kind: "durable", lsn: log.durableLsn });
}

async function together(context: CallContext, log: Log, call: Extract<LogCall, { call: "together" }>): Promise<void> {
  const start = log.nextLsn;
  let next = start;
  const done: Promise<void>[] = [];
  for (const [index, size] of call.sizes.entries()) {
    const batch = payloads(context.book, typeof size === "number" ? [size] : size);
    // LSNs go by the order of the calls, also where one must wait for room.
    done.push(append(context, log, batch, typeof size === "number" ? "append" : "batch", next));
    next += batch.length;
    if (call.prune === true && index === 0 && start > log.firstLsn) done.push(prune(context, log, start));
  }
  await Promise.all(done);
}

async function prune({ note }: CallContext, log: Log, lsn: number): Promise<void> {
  note({ kind: "prune", lsn });
  await log.truncateBefore(lsn);
  note({ kind: "pruned", lsn });
}

async function newestSegment(vfs: SimVfs): Promise<Uint8Array> {
  const names = (await vfs.list(LOG_PATH)).filter((name) => name.endsWith(".seg")).sort();
  const file = await vfs.open(vfs.join(LOG_PATH, names.at(-1) ?? ""), { access: "read" });
  const bytes = new Uint8Array(1200);
  const length = await file.read(bytes, 0);
  await file.close();
  return bytes.subarray(0, length);
}

async function look({ vfs, note }: CallContext): Promise<void> {
  const reader = await LogReader.open(LOG_PATH, { vfs: vfs.otherProcess() });
  let last = reader.firstLsn - 1;
  for await (const record of reader.read()) last = record.lsn;
  note({ kind: "seen", lsn: last });
  await reader.close();
}

const CALLS_BY_NAME = {
  append: (random: SeededRandom): LogCall => ({
    call: "append",
    bytes: size(random),
    filling: pick(random, ["random", "sealed", "zeros", "counter"] as const),
  }),
  batch: (random: SeededRandom): LogCall => ({ call: "batch", sizes: sizes(random, 2 + random.below(3)) }),
  together: (random: SeededRandom): LogCall => ({
    call: "together",
    sizes: sizes(random, 2 + random.below(4)).map((bytes) => (random.chance(0.25) ? [bytes, 3] : bytes)),
    prune: random.chance(0.2),
  }),
  enqueue: (random: SeededRandom): LogCall => ({ call: "enqueue", sizes: [random.below(60), random.below(60)] }),
  sync: (): LogCall => ({ call: "sync" }),
  echo: (): LogCall => ({ call: "echo" }),
  "truncate-before": (random: SeededRandom): LogCall => ({ call: "truncate-before", keep: random.below(4) }),
  "truncate-after": (random: SeededRandom): LogCall => ({ call: "truncate-after", drop: random.below(4) }),
  "truncate-all": (): LogCall => ({ call: "truncate-all" }),
  reopen: (): LogCall => ({ call: "reopen" }),
  wait: (random: SeededRandom): LogCall => ({ call: "wait", ms: 1 + random.below(20) }),
  look: (): LogCall => ({ call: "look" }),
} as const satisfies Record<LogCall["call"], (random: SeededRandom) => LogCall>;

/** `count` calls at random; which kinds occur at all is drawn first, so that some runs have long rows of the same. */
export function randomCalls(random: SeededRandom, count: number): LogCall[] {
  const names = Object.keys(CALLS_BY_NAME) as LogCall["call"][];
  const chosen = names.filter(() => random.chance(0.5));
  // Half of all calls put something in.
  const appending = ["append", "batch", "together"] as const;
  return Array.from({ length: count }, () => {
    const name = chosen.length === 0 || random.chance(0.5) ? pick(random, appending) : pick(random, chosen);
    return CALLS_BY_NAME[name](random);
  });
}

/** Payload sizes: nothing, less than a sector, about one, several. */
function size(random: SeededRandom): number {
  return pick(random, [0, 7, 40, 200, 459, 512, 700, 1300]);
}

/** What a batch may add up to, so that it fits into the smallest segment. */
const BATCH_BYTES_MAX = 1400;

function sizes(random: SeededRandom, count: number): number[] {
  let left = BATCH_BYTES_MAX - count * 5;
  return Array.from({ length: count }, () => {
    const bytes = Math.min(left, size(random));
    left -= bytes;
    return bytes;
  });
}

export function pick<T>(random: SeededRandom, items: readonly T[]): T {
  return items[random.below(items.length)] as T;
}
