/** `holdfast demo`: a small node on three million real flights, or a plain log, whose process is killed again and again. */
import type { Command, CommandContext } from "../command.js";
import { type ExitCode, exitCodes } from "../exit-code.js";
import { writeLine } from "../terminal.js";
import { defaultRound, defaultWriters, formOf } from "./forms.js";
import { planKills } from "./kill-plan.js";
import { preparePlace } from "./place.js";

/** The command. */
export const demoCommand: Command = {
  description:
    "Reads the 3,000,000 US flights of the package vega-datasets in order, in rounds. Each round becomes a block for every airport that flights leave " +
    "from, in a lane of that airport; a certificate in a chain; an anchor that moves on and lets go of old rounds; events in an event log with " +
    "checkpoints; and a change set that is committed to a FlatKv store and to a Merkle store, which begin with the 8,893 accounts of Ethereum's mainnet genesis. All of a round is one atomic batch of one shared log, with one durable write. The node runs in a process of its own, which is killed with SIGKILL at random moments " +
    "and started again. Each time a copy of what it left is audited, and so is the node at the end: no acknowledged round is missing, every hash is the one " +
    "that the file gives, the flights of the rounds that are kept are those of the file byte for byte, and events, state and anchor agree with lanes and chain. " +
    "The lattice hashes and the Merkle root are held against those of a run without crashes, and at the end all rows and pages against them; then ten keys are " +
    "proved, and the proofs verified. " +
    "At the end the same few rounds are committed once more, to the node and to stores with a log each, and the waits for the disk counted.\n" +
    "With --plain there is no node but a plain log: each flight is one durable record, appended from many concurrent writers, and at the end every one of them " +
    "is read back and compared with the file: once, in order, byte for byte.\n" +
    "With --era1 the node takes in the blocks of a file instead of flights: block 0 is the genesis, and each block after it a round of its own, in the lane of the first " +
    "byte of its miner's address, which pays the rewards of its miner and of its uncles' miners. The first block with transactions ends the run, since nothing here carries them out.\n" +
    "Any difference ends the demo with exit code 1, and its files are kept. A kill -9 ends the process and not the machine: what a power cut does is " +
    "tested by holdfast crash.",
  json:
    "one document (the summary: form, records, appends or groups, bytes, durableAppendsPerSecond, recordsPerSecond, syncs, comparedSyncs, commitLatency, crashes with what was " +
    "acknowledged, recovered and cut and with recoveryMs, version, hashes and Merkle root of the state, verification with the proofs' sizes, busiest, directory; with --era1 fileBlocks and stoppedAtBlock too)",
  args: {
    records: { type: "string", valueHint: "N", description: "Flights to make durable (default all of the file)" },
    crash: { type: "string", valueHint: "N", default: "5", description: "How often to kill the process" },
    seed: {
      type: "string",
      valueHint: "N",
      description: "Decides the moments of the kills (default: a random one, which is printed)",
    },
    round: { type: "string", valueHint: "N", description: `Flights in a round of the node (default ${defaultRound})` },
    era1: {
      type: "string",
      valueHint: "FILE",
      description: "The blocks of an era1 file instead of flights: the first file of mainnet",
    },
    genesis: { type: "boolean", description: "The node with Ethereum's genesis alone, and no flights" },
    plain: { type: "boolean", description: "A plain log instead of the node, each flight one durable record" },
    writers: {
      type: "string",
      valueHint: "N",
      description: `With --plain: concurrent writers, each with one append under way (default ${defaultWriters})`,
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
        "Where to put the files: a new or empty directory, kept at the end (default: a temporary one, removed at the end)",
    },
    keep: { type: "boolean", description: "Keep the temporary directory" },
    data: {
      type: "string",
      valueHint: "FILE",
      description: "The flights as a Parquet file (default: found in node_modules)",
    },
  },
  examples: [
    ["holdfast demo", "The node with all 3,000,000 flights and five crashes"],
    [
      "holdfast demo --records 200000 --crash 20 --seed 7",
      "Fewer flights, more crashes, at the same moments each time",
    ],
    ["holdfast demo --plain", "Every flight as one durable record of a plain log, from 64 writers"],
    [
      "holdfast demo --dir /mnt/disk/flights --crash 0",
      "On a certain disk, without crashes; look at the log afterwards with holdfast inspect",
    ],
    ["holdfast demo --genesis --crash 3", "The node with Ethereum's genesis as its state, and nothing more"],
    ["holdfast demo --era1 mainnet-00000-5ec1ffb8.era1 --crash 3", "Ethereum's first blocks, one round each"],
  ],
  run,
};

async function run({ args, terminal, signal, json }: CommandContext): Promise<ExitCode> {
  const crashes = args.requiredNumber("crash", { min: 0, max: 1_000 });
  const seed =
    args.wholeNumber("seed", { min: 0, max: Number.MAX_SAFE_INTEGER }) ?? Math.floor(Math.random() * 1_000_000);
  const form = await formOf(args, signal);

  const place = await preparePlace(args.text("dir"), args.flag("keep"));
  const say = async (line = ""): Promise<void> => {
    if (!json) await writeLine(terminal.out, line);
  };
  const kills = planKills(crashes, form.total, seed);
  try {
    const report = await form.run({ terminal, signal, json, kills, seed, place, say });
    if (json) {
      await writeLine(terminal.out, JSON.stringify(report.summary));
    } else {
      await say();
      for (const line of report.lines) await say(line);
      await say();
      await say(terminal.colors.green(report.verdict));
      if (report.kept !== undefined) await say(report.kept);
    }
  } catch (error) {
    // What a difference was found in stays to be looked at; what the user stopped does not.
    if (signal.aborted) await place.release();
    if (place.kept || !signal.aborted) await writeLine(terminal.err, `What was written is in ${place.directory}.`);
    throw error;
  }
  await place.release();
  return exitCodes.ok;
}
