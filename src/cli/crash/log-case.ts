/** A case about a log: calls on it, recovery by opening it, and the oracle. */
import { Log, type LogOptions, LogReader, type LogRecord, verifyLog } from "../../log/index.js";
import type { CheckInfo, ExploreCrashesOptions, RecoverContext } from "../../testing/index.js";
import type { SimVfs } from "../../vfs/index.js";
import { type CrashCase, crashCase } from "./crash-case.js";
import type { Effort } from "./effort.js";
import { LOG_PATH, type LogCall, makeCalls } from "./log-calls.js";
import type { LogEvent } from "./log-events.js";
import { LogModel, type LogView } from "./log-model.js";
import { makeParent } from "./parent-directory.js";
import { PayloadBook, laterSerial, typeOf } from "./payload-book.js";

/** What a log case is made of. */
export interface LogCasePlan {
  readonly title: string;
  readonly seed: number;
  readonly options: Omit<LogOptions, "vfs">;
  /** The calls; the first `steps` of them are made. */
  readonly calls: readonly LogCall[];
  readonly disk?: ExploreCrashesOptions<unknown, unknown>["disk"];
  /** Default 1. 0 where the log is told to trust the device. */
  readonly tornMax?: number;
  /** Look at the crashed log through a reader and a check first, which must change nothing. */
  readonly looksFirst?: boolean;
  readonly effort: Effort;
}

/** A recovered log. */
export interface RecoveredLog extends LogView {
  readonly log: Log;
  readonly names: readonly string[];
  /** What a reader showed of the crashed log, before recovery. */
  readonly glimpse: LogView | undefined;
  /** Operations that opening took, reads included. */
  readonly operations: number;
}

/** Operations that an opening may take at most; the logs here have a handful of small segments. */
const OPENING_OPERATIONS_MAX = 300;

/** Makes the case. */
export function logCase(plan: LogCasePlan): CrashCase {
  return crashCase(plan.title, logExploration(plan));
}

/** The exploration of a plan, for who wants to run it in another way. */
export function logExploration(
  plan: LogCasePlan,
  book: PayloadBook = new PayloadBook(),
): ExploreCrashesOptions<RecoveredLog, LogEvent> {
  const { followUps, ...limits } = plan.effort;
  const spareSegmentsMax = plan.options.spareSegmentsMax ?? 2;
  const check = (state: RecoveredLog, events: readonly LogEvent[], info: CheckInfo<RecoveredLog>): void => {
    const own = events.findLastIndex((event) => event.kind === "opened");
    const model = new LogModel(events.slice(0, own));
    if (state.glimpse !== undefined) refuse("a reader of the crashed log", model.refuseGlimpse(state.glimpse, book));
    refuse("the recovered log", model.refuse(state, info.scenario === "kill" ? "kill" : "power", book));
    checkBooks(state, spareSegmentsMax);
  };
  return {
    name: plan.title,
    seed: plan.seed,
    steps: plan.calls.length,
    tornMax: plan.tornMax ?? 1,
    ...limits,
    ...(plan.disk === undefined ? {} : { disk: plan.disk }),
    async workload({ vfs, note, steps }) {
      book.clear();
      await makeParent(vfs);
      await makeCalls({ vfs, options: { ...plan.options, vfs }, book, note }, plan.calls.slice(0, steps));
    },
    recover: (context) => recover(plan, context),
    check,
    describe: ({ firstLsn, lastLsn, records }) => `${firstLsn} to ${lastLsn}, ${records.length} records`,
    ...(followUps !== undefined
      ? {
          idempotent: true as const,
          close: ({ log }: RecoveredLog) => log.close(),
          resume: (state: RecoveredLog, context: RecoverContext<LogEvent>) => goOn(state, context, book, followUps),
          // Everything that was appended after recovery was synced: nothing less and nothing more may be there.
          checkResumed: check,
        }
      : {}),
  };
}

async function recover(plan: LogCasePlan, { vfs, note }: RecoverContext<LogEvent>): Promise<RecoveredLog> {
  const glimpse =
    plan.looksFirst === true ? await lookFirst(vfs, note, (plan.options.durability ?? "sync") === "sync") : undefined;
  const operations = vfs.operations;
  const log = await Log.open(LOG_PATH, { ...plan.options, vfs });
  const opening = vfs.operations - operations;
  const records: LogRecord[] = [];
  for await (const record of log.read()) records.push(record);
  const { firstLsn, lastLsn } = log;
  if (plan.looksFirst === true) {
    const report = await verifyLog(LOG_PATH, { vfs });
    if (!report.sound)
      throw new Error(`a check of the recovered log finds: ${report.problems.map(({ message }) => message).join(" ")}`);
  }
  const names = await vfs.list(LOG_PATH);
  note({ kind: "opened", firstLsn, lastLsn });
  return { log, firstLsn, lastLsn, records, names, glimpse, operations: opening };
}

/** Reads the crashed log without opening it for writing. Nothing of that may change the disk. */
async function lookFirst(vfs: SimVfs, note: (event: LogEvent) => void, isSync: boolean): Promise<LogView | undefined> {
  if ((await vfs.stat(vfs.join(LOG_PATH, "anchor"))) === undefined) return undefined;
  const before = vfs.disk.snapshot().facts.operationsMade;
  const reader = await LogReader.open(LOG_PATH, { vfs });
  const records: LogRecord[] = [];
  for await (const record of reader.read()) records.push(record);
  const { firstLsn, lastLsn } = reader;
  await reader.close();
  if (vfs.disk.snapshot().facts.operationsMade !== before) throw new Error("a reader changed the disk");
  note({ kind: "seen", lsn: lastLsn });
  // What a reader shows of a log that syncs every group is durable.
  if (isSync) note({ kind: "durable", lsn: lastLsn });
  const report = await verifyLog(LOG_PATH, { vfs });
  if (!report.sound)
    throw new Error(`a check of the crashed log finds: ${report.problems.map(({ message }) => message).join(" ")}`);
  return { firstLsn, lastLsn, records };
}

/** Appends batches and syncs; then looks at the log from the other side too. */
async function goOn(
  { log }: RecoveredLog,
  { note }: RecoverContext<LogEvent>,
  book: PayloadBook,
  counts: readonly number[],
): Promise<void> {
  for (const count of counts) {
    const lsn = log.nextLsn;
    const serials = Array.from({ length: count }, (_, index) => laterSerial(lsn + index));
    note({ kind: "issued", lsn, count, serial: laterSerial(lsn) });
    await log.appendAll(serials.map((serial) => ({ payload: book.get(serial), type: typeOf(serial) })));
    note({ kind: "acked", lsn: lsn + count - 1 });
  }
  note({ kind: "durable", lsn: await log.sync() });
  let lsn = log.lastLsn;
  for await (const record of log.read({ reverse: true })) {
    if (record.lsn !== lsn) throw new Error(`reading backwards gave ${record.lsn}, not ${lsn}`);
    lsn -= 1;
  }
  if (lsn !== log.firstLsn - 1) throw new Error(`reading backwards ended at ${lsn + 1}, not at ${log.firstLsn}`);
}

function checkBooks({ log, firstLsn, lastLsn, names, operations }: RecoveredLog, spareSegmentsMax: number): void {
  const { recovery } = log;
  if (recovery.firstLsn !== firstLsn || recovery.lastLsn !== lastLsn)
    refuse("the recovery report", `it says ${recovery.firstLsn} to ${recovery.lastLsn}`);
  if (operations > OPENING_OPERATIONS_MAX) refuse("opening", `it took ${operations} operations`);
  const segments = names.filter((name) => name.endsWith(".seg")).length;
  const spares = names.filter((name) => name.startsWith("spare-")).length;
  const known = ["anchor", "lock", "mark", "double-write"];
  const strays = names.filter((name) => !known.includes(name) && !name.endsWith(".seg") && !name.startsWith("spare-"));
  if (strays.length > 0) refuse("the directory", `it holds ${strays.join(", ")}`);
  if (spares > spareSegmentsMax) refuse("the directory", `it holds ${spares} spare segments`);
  if (segments !== log.stats().segments)
    refuse("the directory", `it holds ${segments} segments; the log has ${log.stats().segments}`);
}

function refuse(what: string, reason: string | undefined): void {
  if (reason !== undefined) throw new Error(`${what}: ${reason}`);
}
