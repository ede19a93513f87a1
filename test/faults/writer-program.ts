/**
 * A process that opens a log, checks what it finds there, and appends until it is stopped or fails. It speaks in lines on
 * standard output, each written with one system call before anything else happens:
 *
 *     open {…}            the log is open; bounds and recovery report
 *     verified {…}        every record asked for was read and is right
 *     a <lsn>             the append of every LSN up to this one of a batch was acknowledged
 *     T <lsn>, t <lsn>    truncateBefore is called, has resolved
 *     failed {…}          an append was refused: the first error, and what the calls after it said
 *     refused {…}         the log did not open
 *     done {…}            every append asked for was acknowledged, and the log is closed
 */
import { writeSync } from "node:fs";
import { HoldfastError, Log } from "holdfast";
import type { WriterTask } from "./writer-task.js";
import { batchCountAt, checkRecord, generationOf, recordPayload, recordType } from "./records.js";

const task = JSON.parse(process.argv[2] ?? "{}") as WriterTask;

function say(word: string, facts: unknown): void {
  writeSync(1, `${word} ${typeof facts === "number" ? facts : JSON.stringify(facts)}\n`);
}

function factsOf(error: unknown): Record<string, unknown> {
  if (!(error instanceof HoldfastError)) return { code: "none", message: String(error) };
  return { ...error.toJSON(), cause: error.cause instanceof HoldfastError ? error.cause.toJSON() : undefined };
}

async function verify(log: Log, from: number): Promise<void> {
  let next = Math.max(from, log.firstLsn);
  const first = next;
  let endsBatch = true;
  for await (const record of log.read({ from: next })) {
    if (record.lsn !== next) throw new Error(`LSN ${record.lsn} was read where ${next} follows`);
    ({ endsBatch } = checkRecord(task.seed, generationOf(task.starts, record.lsn), record));
    next++;
  }
  if (next !== log.lastLsn + 1) throw new Error(`reading ended before LSN ${next}, and the log says ${log.lastLsn}`);
  if (!endsBatch) throw new Error(`LSN ${next - 1} is the last one, and its batch is not whole`);
  say("verified", { firstLsn: first, lastLsn: next - 1 });
}

async function write(log: Log): Promise<void> {
  let issued = log.lastLsn;
  let acknowledged = 0;
  let isTruncating = false;
  let first: unknown;
  const failures: unknown[] = [];

  const writer = async (): Promise<void> => {
    while (first === undefined && acknowledged < task.records) {
      const start = issued + 1;
      const batchCount = batchCountAt(task.seed, task.generation, start);
      issued += batchCount;
      const records = Array.from({ length: batchCount }, (_, batchIndex) => {
        const lsn = start + batchIndex;
        const payload = recordPayload(task.seed, { generation: task.generation, lsn, batchIndex, batchCount });
        return { payload, type: recordType(lsn) };
      });
      const [only] = records;
      const last =
        records.length === 1 && only !== undefined
          ? await log.append(only.payload, only.type)
          : (await log.appendAll(records)).lastLsn;
      if (last !== start + batchCount - 1)
        throw new Error(`LSN ${last} was given where ${start + batchCount - 1} follows`);
      say("a", last);
      acknowledged += batchCount;
      const { truncateAbove } = task;
      if (truncateAbove > 0 && !isTruncating && last - log.firstLsn > truncateAbove) {
        isTruncating = true;
        const before = last - Math.floor(truncateAbove / 2);
        say("T", before);
        await log.truncateBefore(before);
        say("t", before);
        isTruncating = false;
      }
    }
  };
  const guarded = async (): Promise<void> => {
    try {
      await writer();
    } catch (error) {
      if (first === undefined) first = error;
      else failures.push(error);
    }
  };
  await Promise.all(Array.from({ length: task.writers }, guarded));
  if (first === undefined) {
    await log.close();
    say("done", { records: acknowledged });
    return;
  }

  // A poisoned log refuses everything after the first failure, and closing it still releases the lock.
  const later: Record<string, unknown> = {};
  for (const [name, call] of Object.entries({
    append: () => log.append(recordPayload(task.seed, { generation: 0, lsn: 0, batchIndex: 0, batchCount: 1 })),
    sync: () => log.sync(),
    truncateBefore: () => log.truncateBefore(log.firstLsn + 1),
  })) {
    try {
      await call();
      later[name] = { code: "resolved" };
    } catch (error) {
      later[name] = factsOf(error);
    }
  }
  say("failed", { first: factsOf(first), others: failures.map(factsOf), later });
  try {
    await log.close();
  } catch (error) {
    say("close", factsOf(error));
  }
}

async function main(): Promise<void> {
  let log: Log;
  try {
    log = await Log.open(task.directory, task.options);
  } catch (error) {
    say("refused", factsOf(error));
    return;
  }
  say("open", { firstLsn: log.firstLsn, lastLsn: log.lastLsn, recovery: log.recovery });
  if (task.verifyFrom !== undefined) await verify(log, task.verifyFrom);
  if (task.afterwards === "hold") setInterval(() => undefined, 60_000);
  else if (task.afterwards === "close") await log.close();
  else await write(log);
}

await main();
