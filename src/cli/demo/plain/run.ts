/** The demo as a plain log: every flight one durable record, from many concurrent writers whose process is killed; at the end all of it is compared. */
import { verifyLog } from "../../../log/index.js";
import { createProgress } from "../../progress.js";
import { formatBytes, formatCount, formatDuration, formatPlural, formatRate } from "../../units.js";
import { addCounters } from "../message.js";
import { DemoMismatchError } from "../mismatch.js";
import { RateMeter } from "../rate-meter.js";
import type { DemoReport, FlightsRun } from "../run.js";
import { supervise } from "../supervisor.js";
import { type PlainCrash, summarize, summaryLines } from "./summary.js";
import { verifyFlights } from "./verification.js";
import type { PlainAcknowledgement, PlainCounters, PlainOpening } from "./write.js";

const noCounters: PlainCounters = { groups: 0, syncs: 0, appendMs: 0, sourceWaitMs: 0 };

/** Runs it. A difference is a {@link DemoMismatchError}. */
export async function runPlain(run: FlightsRun & { readonly writers: number }): Promise<DemoReport> {
  const { terminal, signal, json, file, records, writers, kills, place, say } = run;
  const { colors } = terminal;
  const { directory } = place;
  await say(
    `${colors.bold("holdfast demo")}  ${formatCount(records)} flights, ${formatPlural(writers, "writer")}, ${formatPlural(kills.length, "crash", "crashes")}, seed ${run.seed}`,
  );
  await say(place.line(colors));
  await say();

  const crashes: PlainCrash[] = [];
  let counters = noCounters;
  let life = noCounters;
  let told = 0;
  let wasKilled = false;
  const appending = createProgress(terminal, "append", { json });
  const meter = new RateMeter();
  const { elapsedMs } = await supervise<PlainOpening, PlainAcknowledgement>({
    words: [
      "demo-writer",
      directory,
      "--plain",
      "--data",
      file.path,
      "--records",
      String(records),
      "--writers",
      String(writers),
      "--flush",
      run.flush,
    ],
    kills,
    signal,
    onOpened(reopened, backAfterMs) {
      checkReopened(reopened, told, records);
      if (!wasKilled) return;
      const crash = { acknowledged: told, reopened, backAfterMs };
      told = reopened.flights;
      crashes.push(crash);
      meter.reset();
      appending.note(crashLine(crash, crashes.length));
    },
    onAcknowledged(acknowledged) {
      told = acknowledged.flights;
      life = acknowledged.counters;
      meter.add(told, performance.now());
      appending.update(told, records, () => {
        const counts = `LSN ${formatCount(told)}  ${formatRate(meter.perSecond).padStart(9)}`;
        return kills.length === 0 ? counts : `${counts}  crashes survived ${crashes.length}/${kills.length}`;
      });
    },
    onKilled() {
      counters = addCounters(counters, life);
      life = noCounters;
      wasKilled = true;
      return Promise.resolve();
    },
  }).finally(() => appending.stop());
  counters = addCounters(counters, life);

  const verifying = createProgress(terminal, "verify", { json });
  try {
    const flights = await verifyFlights({
      data: file.path,
      directory,
      records,
      signal,
      onProgress(verified) {
        verifying.update(verified, records, () => `${formatCount(verified)} flights equal to the file`);
      },
    });
    const structure = await verifyLog(directory, { signal });
    if (!structure.sound)
      throw new DemoMismatchError(`the log's structure has a problem: ${structure.problems[0]?.message ?? "unknown"}`);
    const kept = place.kept ? directory : undefined;
    const summary = summarize(
      { writers, flush: run.flush, seed: run.seed, directory: kept },
      { crashes, counters, elapsedMs },
      flights,
      structure,
    );
    return {
      summary,
      lines: summaryLines(summary, colors),
      verdict: `No flight was lost, invented, repeated or changed in ${formatPlural(crashes.length, "crash", "crashes")}.`,
      kept: kept === undefined ? undefined : `The log is in ${kept}: try holdfast inspect, verify and tail on it.`,
    };
  } finally {
    verifying.stop();
  }
}

/** The log holds every flight that was acknowledged, and no more than were to be appended. What they contain is compared at the end. */
function checkReopened({ flights }: PlainOpening, acknowledged: number, records: number): void {
  if (flights < acknowledged)
    throw new DemoMismatchError(
      `${acknowledged} flights were acknowledged, and the reopened log ends at LSN ${flights}.`,
    );
  if (flights > records)
    throw new DemoMismatchError(`${records} flights were to be appended, and the reopened log ends at LSN ${flights}.`);
}

function crashLine({ acknowledged, reopened, backAfterMs }: PlainCrash, index: number): string {
  const cut = reopened.cutBytes > 0 ? `, cut ${formatBytes(reopened.cutBytes)} of torn tail` : "";
  return (
    `  crash ${index}  killed at ${formatCount(acknowledged)} acknowledged; back at LSN ${formatCount(reopened.flights)} ` +
    `in ${formatDuration(backAfterMs)} (recovery ${formatDuration(reopened.recoveryMs)}${cut})`
  );
}
