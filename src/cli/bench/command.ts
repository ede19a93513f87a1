/** `holdfast bench`: a quick look at what this disk gives, beside its floor. */
import { mkdtemp, rm } from "node:fs/promises";
import { cpus, release, type } from "node:os";
import { join, resolve } from "node:path";
import { IoError } from "../../base/index.js";
import type { Command, CommandContext } from "../command.js";
import { type ExitCode, exitCodes } from "../exit-code.js";
import { createProgress } from "../progress.js";
import { tableLines } from "../table.js";
import { writeLine } from "../terminal.js";
import { formatBytes, formatCount, formatDuration, formatRate } from "../units.js";
import { type Floor, measureFloor } from "./floor.js";
import { type AppendResult, type ThroughputResult, measureAppends, measureBatches, payloadBytes } from "./measure.js";

const turnCount = 5;
const appendMs = 300;
const floorMs = 150;
const batchesMs = 1_200;

/** The command. */
export const benchCommand: Command = {
  description:
    "Makes a temporary log in the directory, measures durable appends from 1, 64 and 1,024 writers, batches without durability and replay, " +
    "and removes it. Beside each it puts the floor: a synchronous loop in Node that writes groups of the same size with O_DSYNC and does " +
    "nothing else. A quick look of some ten seconds, not a benchmark: other work on the machine shows in it. The real one is npm run bench " +
    "in holdfast's repository.",
  json: "one document: { quick, machine, directory, flush, payloadBytes, appends: [{ writers, appendsPerSecond, recordsPerGroup, groupBytes, medianMs, floor, ofFloor }], osBatches, replay }",
  args: {
    dir: {
      type: "positional",
      required: false,
      description: "A directory on the disk to look at (default the current one)",
    },
    flush: {
      type: "string",
      valueHint: "MODE",
      default: "pool",
      description: "pool: groups are written on the thread pool; inline: on the caller's thread",
    },
  },
  examples: [
    ["holdfast bench", "The disk of the current directory"],
    ["holdfast bench /mnt/nvme --flush inline", "Another disk, with writes on the caller's thread"],
  ],
  run,
};

/** Appends beside the floor of the groups that they formed. */
interface AppendRow extends AppendResult {
  readonly floor: Floor;
  /** Appends a second, as a part of what the floor's writes could carry at this group size. */
  readonly ofFloor: number;
}

async function run({ args, terminal, signal, json }: CommandContext): Promise<ExitCode> {
  const flush = args.choice("flush", ["pool", "inline"] as const);
  const parent = resolve(args.text("dir") ?? ".");
  const directory = await makeTemporary(parent);
  const progress = createProgress(terminal, "bench", { json });
  const steps = 4;
  let step = 0;
  const showStep = (what: string): void => {
    progress.update(step++, steps, () => what);
  };
  try {
    const rows: AppendRow[] = [];
    for (const writers of [1, 64, 1_024]) {
      showStep(`${formatCount(writers)} ${writers === 1 ? "writer" : "writers"}`);
      const turns: AppendRow[] = [];
      // Log and floor take turns, and the middle turn counts: a disk's speed moves while one looks.
      for (let turn = 0; turn < turnCount; turn++) {
        const result = await measureAppends(join(directory, `writers-${writers}`), writers, flush, appendMs, signal);
        const floor = await measureFloor(directory, blocksOf(result.groupBytes), floorMs, signal);
        turns.push({
          ...result,
          floor,
          ofFloor: result.appendsPerSecond / (floor.writesPerSecond * result.recordsPerGroup),
        });
      }
      turns.sort((a, b) => a.ofFloor - b.ofFloor);
      rows.push(...turns.slice(turnCount >> 1, (turnCount >> 1) + 1));
    }
    showStep("batches and replay");
    const { write, replay } = await measureBatches(join(directory, "batches"), batchesMs, signal);
    progress.stop();
    if (json) await writeLine(terminal.out, JSON.stringify(document(parent, flush, rows, write, replay)));
    else await terminal.out.write(`${lines(parent, flush, rows, write, replay).join("\n")}\n`);
    return exitCodes.ok;
  } finally {
    progress.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

async function makeTemporary(parent: string): Promise<string> {
  try {
    return await mkdtemp(join(parent, "holdfast-bench-"));
  } catch (error) {
    throw new IoError("make a directory in", parent, error);
  }
}

/** Groups are written in blocks of 4 KiB. */
function blocksOf(bytes: number): number {
  return Math.max(1, Math.round(bytes / 4_096)) * 4_096;
}

function document(
  directory: string,
  flush: string,
  appends: readonly AppendRow[],
  write: ThroughputResult,
  replay: ThroughputResult,
): unknown {
  return { quick: true, machine: machine(), directory, flush, payloadBytes, appends, osBatches: write, replay };
}

function lines(
  directory: string,
  flush: string,
  appends: readonly AppendRow[],
  write: ThroughputResult,
  replay: ThroughputResult,
): string[] {
  const { node, cpu, system } = machine();
  const table = tableLines(
    [
      { head: "durable appends", align: "start" },
      { head: "rate", align: "end" },
      { head: "p50", align: "end" },
      { head: "per group", align: "end" },
      { head: "group", align: "end" },
      { head: "floor write", align: "end" },
      { head: "of floor", align: "end" },
    ],
    appends.map((row) => [
      `${formatCount(row.writers)} ${row.writers === 1 ? "writer" : "writers"}`,
      formatRate(row.appendsPerSecond),
      formatDuration(row.medianMs),
      row.recordsPerGroup.toFixed(1),
      formatBytes(row.floor.writeBytes),
      formatDuration(row.floor.medianMs),
      row.ofFloor.toFixed(2),
    ]),
  );
  const others = tableLines(
    [
      { head: "others", align: "start" },
      { head: "records", align: "end" },
      { head: "payload", align: "end" },
    ],
    [
      ["durability os, batches of 1,000", formatRate(write.recordsPerSecond), `${formatBytes(write.bytesPerSecond)}/s`],
      [
        "replay, every checksum verified",
        formatRate(replay.recordsPerSecond),
        `${formatBytes(replay.bytesPerSecond)}/s`,
      ],
    ],
  );
  return [
    `A quick look at ${directory}  (records of ${payloadBytes} B, flush ${flush})`,
    `${cpu}, ${system}, Node ${node}`,
    "",
    ...table,
    "",
    ...others,
    "",
    "The floor is a synchronous Node loop of O_DSYNC writes of the same group size to a preallocated file.",
    "This is a quick look; the real benchmark, beside other engines, is npm run bench in holdfast's repository.",
  ];
}

function machine(): { readonly node: string; readonly cpu: string; readonly system: string } {
  const all = cpus();
  return {
    node: process.versions.node,
    cpu: `${all.length} x ${all[0]?.model.trim() ?? "unknown"}`,
    system: `${type()} ${release()}`,
  };
}
