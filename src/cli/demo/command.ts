/** `holdfast demo`: three million real flights through the log while its process is killed again and again. */
import { mkdir, mkdtemp, readdir, rm, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { verifyLog } from "../../log/index.js";
import { IoError, errnoOf } from "../../base/index.js";
import { type Arguments, UsageError } from "../arguments.js";
import type { Command, CommandContext } from "../command.js";
import { type ExitCode, exitCodes } from "../exit-code.js";
import { type Progress, createProgress } from "../progress.js";
import { writeLine } from "../terminal.js";
import { formatBytes, formatCount, formatDuration, formatPlural, formatRate } from "../units.js";
import { findFlightFile, openFlightFile } from "./flight-file.js";
import { planKills } from "./kill-plan.js";
import { RateMeter } from "./rate-meter.js";
import { summarize, summaryLines } from "./summary.js";
import { DemoMismatchError } from "./mismatch.js";
import { type Crash, supervise } from "./supervisor.js";
import { verifyFlights } from "./verification.js";

const tmpfsMagic = 0x0102_1994;

/** The command. */
export const demoCommand: Command = {
  name: "demo",
  summary: "Append 3,000,000 real flights, kill the process again and again, verify all.",
  description:
    "Reads the 3,000,000 US flights of the package vega-datasets in order and appends each as one durable record of 32 bytes, from " +
    "many concurrent writers in a process of their own. That process is killed with SIGKILL at random moments and started again; " +
    "each time the log must come back with at least every flight that was acknowledged. At the end every flight is read back and " +
    "compared with the file: once, in order, byte for byte.\n" +
    "A kill -9 ends the process and not the machine: what a power cut does is tested by holdfast crash.",
  json: "one JSON document (the summary)",
  args: {
    records: { type: "string", valueHint: "N", description: "Flights to append (default all of the file)" },
    crash: { type: "string", valueHint: "N", default: "5", description: "How often to kill the process" },
    seed: {
      type: "string",
      valueHint: "N",
      description: "Decides the moments of the kills (default: a random one, which is printed)",
    },
    writers: {
      type: "string",
      valueHint: "N",
      default: "64",
      description: "Concurrent writers, each with one append under way",
    },
    flush: {
      type: "string",
      valueHint: "MODE",
      default: "pool",
      description: "pool: groups are written on the thread pool; inline: on the caller's thread",
    },
    dir: {
      type: "string",
      valueHint: "DIR",
      description:
        "Where to put the log: a new or empty directory, kept at the end (default: a temporary one, removed at the end)",
    },
    keep: { type: "boolean", description: "Keep the temporary directory" },
    data: {
      type: "string",
      valueHint: "FILE",
      description: "The flights as a Parquet file (default: found in node_modules)",
    },
  },
  examples: [
    ["holdfast demo", "All 3,000,000 flights and five crashes"],
    [
      "holdfast demo --records 200000 --crash 20 --seed 7",
      "Fewer flights, more crashes, at the same moments each time",
    ],
    [
      "holdfast demo --dir /mnt/disk/flights --crash 0",
      "On a certain disk, without crashes; look at the log afterwards with holdfast inspect",
    ],
  ],
  run,
};

async function run(context: CommandContext): Promise<ExitCode> {
  const { args, terminal, signal, json } = context;
  const { colors } = terminal;
  const crashes = args.requiredNumber("crash", { min: 0, max: 1_000 });
  const writers = args.requiredNumber("writers", { min: 1, max: 100_000 });
  const flush = args.choice("flush", ["pool", "inline"] as const);
  const seed =
    args.wholeNumber("seed", { min: 0, max: Number.MAX_SAFE_INTEGER }) ?? Math.floor(Math.random() * 1_000_000);
  const wanted = args.wholeNumber("records", { min: 1, max: Number.MAX_SAFE_INTEGER });
  const file = await openFlightFile(args.text("data") ?? findFlightFile());
  if (wanted !== undefined && wanted > file.flights)
    throw new UsageError(`--records is ${wanted}, and ${file.path} has ${file.flights} flights.`);
  const records = wanted ?? file.flights;

  const place = await prepareDirectory(args);
  const say = async (line = ""): Promise<void> => {
    if (!json) await writeLine(terminal.out, line);
  };
  let progress: Progress | undefined;
  try {
    await say(
      `${colors.bold("holdfast demo")}  ${formatCount(records)} flights, ${formatPlural(writers, "writer")}, ${formatPlural(crashes, "crash", "crashes")}, seed ${seed}`,
    );
    await say(
      `  ${colors.dim(place.directory)}${(await isInMemory(place.directory)) ? "  (in memory: give --dir on a disk to see what the disk does)" : ""}`,
    );
    await say();

    const appendProgress = createProgress(terminal, "append", { json });
    progress = appendProgress;
    const meter = new RateMeter();
    const result = await supervise({
      data: file.path,
      directory: place.directory,
      records,
      writers,
      flush,
      kills: planKills(crashes, records, seed),
      signal,
      onState({ acknowledged, crashes: survived }) {
        meter.add(acknowledged, performance.now());
        appendProgress.update(acknowledged, records, () => {
          const counts = `LSN ${formatCount(acknowledged)}  ${formatRate(meter.perSecond).padStart(9)}`;
          return crashes === 0 ? counts : `${counts}  crashes survived ${survived}/${crashes}`;
        });
      },
      onCrash(crash, index) {
        if (!json) appendProgress.note(crashLine(crash, index));
      },
    });
    appendProgress.stop();

    const verifyProgress = createProgress(terminal, "verify", { json });
    progress = verifyProgress;
    const flights = await verifyFlights({
      data: file.path,
      directory: place.directory,
      records,
      signal,
      onProgress(verified) {
        verifyProgress.update(verified, records, () => `${formatCount(verified)} flights equal to the file`);
      },
    });
    const structure = await verifyLog(place.directory, { signal });
    verifyProgress.stop();
    if (!structure.sound) {
      throw new DemoMismatchError(`the log's structure has a problem: ${structure.problems[0]?.message ?? "unknown"}`);
    }

    const summary = summarize(
      { writers, flush, seed, directory: place.temporary ? undefined : place.directory },
      result,
      flights,
      structure,
    );
    if (json) {
      await writeLine(terminal.out, JSON.stringify(summary));
    } else {
      await say();
      for (const line of summaryLines(summary, colors)) await say(line);
      await say();
      await say(
        colors.green(
          `No flight was lost, invented, repeated or changed in ${formatPlural(result.crashes.length, "crash", "crashes")}.`,
        ),
      );
      if (!place.temporary) await say(`The log is in ${place.directory}: try holdfast inspect, verify and tail on it.`);
    }
    return exitCodes.ok;
  } finally {
    progress?.stop();
    if (place.temporary) await rm(place.directory, { recursive: true, force: true });
  }
}

function crashLine({ acknowledged, reopened, backAfterMs }: Crash, index: number): string {
  const cut = reopened.cutBytes > 0 ? `, cut ${formatBytes(reopened.cutBytes)} of torn tail` : "";
  return (
    `  crash ${index}  killed at ${formatCount(acknowledged)} acknowledged; back at LSN ${formatCount(reopened.lastLsn)} ` +
    `in ${formatDuration(backAfterMs)} (recovery ${formatDuration(reopened.recoveryMs)}${cut})`
  );
}

interface Place {
  readonly directory: string;
  /** Removed at the end. */
  readonly temporary: boolean;
}

async function prepareDirectory(args: Arguments): Promise<Place> {
  const given = args.text("dir");
  if (given === undefined) {
    return { directory: await mkdtemp(join(tmpdir(), "holdfast-demo-")), temporary: !args.flag("keep") };
  }
  const directory = resolve(given);
  try {
    await mkdir(directory);
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw new IoError("make directory", directory, error);
  }
  let names: string[];
  try {
    names = await readdir(directory);
  } catch (error) {
    if (errnoOf(error) === "ENOTDIR") throw new UsageError(`${directory} is not a directory. Give a new one.`);
    throw new IoError("list", directory, error);
  }
  if (names.length > 0) {
    throw new UsageError(`${directory} is not empty, and the demo starts with an empty log. Give a new directory.`);
  }
  return { directory, temporary: false };
}

/** On Linux, whether the directory is on tmpfs, where a durable write touches no disk. */
async function isInMemory(directory: string): Promise<boolean> {
  return process.platform === "linux" && (await statfs(directory)).type === tmpfsMagic;
}
