/** `holdfast verify`: every checksum of a log, every row of a commit store, every page and value of a Merkle store. */
import { inspectFlatKv } from "../flatkv/index.js";
import { verifyLog } from "../log/index.js";
import { inspectMerkle } from "../trie/index.js";
import { UsageError } from "./arguments.js";
import type { Command, CommandContext } from "./command.js";
import { type ExitCode, exitCodes } from "./exit-code.js";
import { verifyFlatKv } from "./flatkv/verify.js";
import { verifyMerkle } from "./merkle/verify.js";
import { refuseNoLog } from "./no-log.js";
import { problemLines } from "./problem.js";
import { createProgress } from "./progress.js";
import { writeLine } from "./terminal.js";
import { formatBytes, formatCount, formatDuration, formatPlural, formatRate } from "./units.js";

/** The command. */
export const verifyCommand: Command = {
  description:
    "Of a log it reads only, and changes nothing. A commit store (flatkv) is opened, which needs its lock and recovers what a crash left; then every row of " +
    "every database is read and must have the database's hash, and every commit in the log is read. A Merkle store is opened too; every value must have its " +
    "hash, and values and pages must come to the root. Exits with 1 when something is not sound.",
  json:
    'one document: of a log { kind: "log", directory, sound, problems, segments, groups, records, bytes, firstLsn, lastLsn, besideWriter, tornTailBytes }, ' +
    'of a commit store { kind: "flatkv", directory, version, sound, databases, commits, problems, recovery }, ' +
    'of a Merkle store { kind: "merkle", directory, sound, sequence, root, keys, pages, problems, problemCount, table, recovery }',
  args: {
    dir: { type: "positional", description: "The directory of the log or store" },
    snapshots: { type: "boolean", description: "Of a commit store: check its snapshots too" },
  },
  examples: [
    ["holdfast verify ./data", "Check a log"],
    ["holdfast verify ./state --snapshots", "Check a commit store and its snapshots"],
    ["holdfast verify ./accounts", "Check a Merkle store"],
    ["holdfast verify ./data --json | jq '.problems[]'", "The problems, for a script"],
  ],
  run,
};

async function run(context: CommandContext): Promise<ExitCode> {
  const { args, terminal, signal, json } = context;
  const directory = args.requiredText("dir");
  const store = await inspectFlatKv(directory);
  if (store !== undefined) return await verifyFlatKv(store, context);
  const merkle = await inspectMerkle(directory);
  if (merkle !== undefined) return await verifyMerkle(merkle, context);
  if (args.flag("snapshots")) throw new UsageError("--snapshots is for commit stores; a log has none.");
  await refuseNoLog(directory);
  const progress = createProgress(terminal, "verify", { json });
  const startMs = performance.now();
  try {
    const report = await verifyLog(directory, {
      signal,
      onProgress({ segments, segmentsTotal, bytes, records }) {
        progress.update(
          segments,
          segmentsTotal,
          () => `${formatCount(records)} records, ${formatBytes(bytes)} of groups`,
        );
      },
    });
    progress.stop();
    const elapsedMs = performance.now() - startMs;
    if (json) {
      await writeLine(terminal.out, JSON.stringify({ kind: "log", ...report }));
    } else {
      const { colors } = terminal;
      const harmless = report.problems.filter((problem) => problem.harmless).length;
      const verdict = report.sound
        ? colors.green("sound") +
          (harmless > 0 ? `, with ${formatPlural(harmless, "harmless oddity", "harmless oddities")}` : "")
        : colors.red(formatPlural(report.problems.length - harmless, "problem"));
      const range =
        report.records === 0 ? "no records" : `LSN ${formatCount(report.firstLsn)} to ${formatCount(report.lastLsn)}`;
      await writeLine(terminal.out, verdict);
      await writeLine(
        terminal.out,
        `  ${range}: ${formatPlural(report.records, "record")} in ${formatPlural(report.groups, "group")}, ` +
          `${formatPlural(report.segments, "segment")}, ${formatBytes(report.bytes)} of groups; ` +
          `${formatDuration(elapsedMs)}, ${formatRate((report.records / elapsedMs) * 1000)}`,
      );
      if (report.besideWriter)
        await writeLine(terminal.out, "  A writer has the log open: what it wrote meanwhile was not looked at.");
      if (report.tornTailBytes > 0) {
        await writeLine(
          terminal.out,
          `  ${formatBytes(report.tornTailBytes)} of an unacknowledged tail, left by a crash, will be cut at the next opening.`,
        );
      }
      for (const line of problemLines(report.problems, colors)) await writeLine(terminal.out, line);
      if (!report.sound)
        await writeLine(
          terminal.out,
          `\nNothing was changed. See what a repair would do: holdfast repair ${directory}`,
        );
    }
    return report.sound ? exitCodes.ok : exitCodes.problem;
  } finally {
    progress.stop();
  }
}
