/** Small logs for the damage sweep: three segments, some records of each kind, spares, and a mark. */
import { CorruptionError, FormatError } from "holdfast";
import { Log, type LogOptions, type LogRecord } from "holdfast/log";
import type { DamageOutcome, ExploreDamageOptions } from "holdfast/testing";
import type { LogEvent } from "../../src/cli/crash/log-events.js";
import { LOG_PATH, type LogCall, makeCalls } from "../../src/cli/crash/log-calls.js";
import { LogModel, type LogView } from "../../src/cli/crash/log-model.js";
import { PayloadBook, typeOf } from "../../src/cli/crash/payload-book.js";

/** Rolls, prunes (which makes spares), cuts in the middle of a group, and leaves three live segments. */
const CALLS: readonly LogCall[] = [
  { call: "append", bytes: 1200 },
  { call: "append", bytes: 1200 },
  { call: "truncate-before", keep: 1 },
  { call: "batch", sizes: [100, 0, 300] },
  { call: "append", bytes: 700, filling: "zeros" },
  { call: "truncate-after", drop: 1 },
  { call: "reopen" },
  { call: "append", bytes: 900 },
  { call: "together", sizes: [5, 60, 7] },
  { call: "append", bytes: 20 },
];

/** How the writer left the log: closed; died; or died with the mark lost, so that only floors tell what had been durable. */
export type Leaving = "closed" | "died" | "unmarked";

/** The damage exploration of a log. */
export function logDamage(
  name: string,
  options: Omit<LogOptions, "vfs">,
  seed: number,
  leaving: Leaving,
): ExploreDamageOptions<LogView, LogEvent> {
  const book = new PayloadBook();
  return {
    name,
    seed,
    async build({ vfs, note }) {
      book.clear();
      await vfs.makeDirectory("/data");
      const context = { vfs, options: { ...options, vfs }, book, note };
      await makeCalls(context, CALLS);
      if (leaving === "closed") return;
      const log = await Log.open(LOG_PATH, context.options);
      for (const sizes of [[30], [600], [9, 0, 2]]) {
        const serial = book.nextSerial;
        const records = sizes.map((bytes, index) => ({
          payload: new Uint8Array(bytes).fill(serial + index),
          type: typeOf(serial + index),
        }));
        for (const { payload } of records) book.add(payload);
        note({ kind: "issued", lsn: log.nextLsn, count: records.length, serial });
        const { lastLsn } = await log.appendAll(records);
        note({ kind: "durable", lsn: lastLsn });
        // The writer comes to rest and says in the mark how far it got.
        await vfs.delay(10);
      }
      if (leaving === "unmarked") await vfs.remove(vfs.join(LOG_PATH, "mark"));
    },
    async recover({ vfs }) {
      const log = await Log.open(LOG_PATH, { ...options, vfs });
      try {
        const records: LogRecord[] = [];
        for await (const record of log.read()) records.push(record);
        return { firstLsn: log.firstLsn, lastLsn: log.lastLsn, records };
      } finally {
        await log.close();
      }
    },
    check(outcome, events, damage) {
      const markless = leaving === "unmarked" || (leaving === "died" && damage.label.includes("/mark"));
      // What takes a whole sector or file may take two groups, or all that were written since the opening, and with them what tells of them.
      const losses = damage.kind === "flip" ? [3] : [3, 4, 5];
      checkOutcome(outcome, new LogModel(events), book, { label: damage.label, losses: markless ? losses : [] });
    },
  };
}

/**
 * The same contents, or an error that says where: nothing in between. But where nothing is left that tells of the newest group, its damage
 * can't be told from a torn write; in these logs it holds three, and goes as a whole. `losses` are the numbers of records that may be missing.
 */
function checkOutcome(
  outcome: DamageOutcome<LogView>,
  model: LogModel,
  book: PayloadBook,
  { label, losses }: { readonly label: string; readonly losses: readonly number[] },
): void {
  if (outcome.kind === "recovered") {
    const { lastLsn } = outcome.state;
    const reason =
      lastLsn === model.issued ? model.refuse(outcome.state, "power", book) : model.refuseGlimpse(outcome.state, book);
    if (reason !== undefined) throw new Error(`${label}: the log opened, but ${reason}`);
    if (lastLsn !== model.issued && !losses.includes(model.issued - lastLsn))
      throw new Error(`${label}: the log ends at ${lastLsn}, not at ${model.issued}`);
    return;
  }
  const { error } = outcome;
  if (!(error instanceof CorruptionError || error instanceof FormatError)) throw error;
  if (typeof error.details["path"] !== "string" || error.details["path"] === "")
    throw new Error(`${label}: the error names no file: ${error.message}`);
  if (error instanceof CorruptionError && typeof error.details["offset"] !== "number")
    throw new Error(`${label}: the error names no offset: ${error.message}`);
}
