/** `holdfast repair`: cut a damaged log before the damage, after copying away what goes; make damaged databases of a commit store anew. */
import { inspectFlatKv } from "../flatkv/index.js";
import { type RepairReport, repairLog } from "../log/index.js";
import { inspectMerkle } from "../trie/index.js";
import { UsageError } from "./arguments.js";
import type { Command, CommandContext } from "./command.js";
import { type ExitCode, exitCodes } from "./exit-code.js";
import { repairFlatKv } from "./flatkv/repair.js";
import { refuseNoLog } from "./no-log.js";
import { problemLines } from "./problem.js";
import { createProgress } from "./progress.js";
import { fieldLines } from "./table.js";
import { type Colors, writeLine } from "./terminal.js";
import { formatBytes, formatCount } from "./units.js";

/** The command. */
export const repairCommand: Command = {
  description:
    "A log: without --yes nothing is changed: it checks the whole log and tells what would be lost and where the copies would go; it then exits " +
    "with 1 if there is damage. With --yes it keeps every record before the first damage, copies the files that hold the rest to a " +
    "directory removed-N inside the log's, cuts the log, and exits with 0. The log must not be open. A log that is sound is left alone; " +
    "a torn tail that a crash left is no damage, and the next opening cuts it. Where you have a replica or a backup, restore that instead.\n" +
    "A commit store (flatkv) is opened, which needs its lock and recovers what a crash left, and every row is checked. Without --yes that is all, and the exit code is " +
    "1 if there is damage. With --yes the damaged databases, and only those, are made anew from the newest snapshot and the log, and put in the place of the old " +
    "ones in one step; nothing that was committed is lost. Damage to the store's log is told by opening, and not repaired.",
  json:
    'one document: of a log { kind: "log", directory, dryRun, needless, before, restoredHeaders, anchorRebuilt, copies, and where it is not needless keptLastLsn, lostRecords }, ' +
    'of a commit store { kind: "flatkv", directory, dryRun, needless, found, rebuilt, recovery }',
  args: {
    dir: { type: "positional", description: "The directory of the log or store" },
    yes: { type: "boolean", description: "Do it. Without this, only tell what would be done" },
  },
  examples: [
    ["holdfast repair ./data", "Tell what would be removed and where the copies would go"],
    ["holdfast repair ./data --yes", "Do it"],
  ],
  run,
};

async function run(context: CommandContext): Promise<ExitCode> {
  const { args, terminal, signal, json } = context;
  const store = await inspectFlatKv(args.requiredText("dir"));
  if (store !== undefined) return await repairFlatKv(store, context);
  const directory = args.requiredText("dir");
  if ((await inspectMerkle(directory)) !== undefined)
    throw new UsageError(
      `${directory} holds a Merkle store, which can't be repaired: its root speaks of every value. See what is wrong with holdfast verify, and restore a copy.`,
    );
  await refuseNoLog(directory);
  const progress = createProgress(terminal, "check", { json });
  try {
    const report = await repairLog(args.requiredText("dir"), {
      dryRun: !args.flag("yes"),
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
    await (json
      ? writeLine(terminal.out, JSON.stringify({ kind: "log", ...report }))
      : terminal.out.write(`${reportLines(report, terminal.colors).join("\n")}\n`));
    return report.needless || !report.dryRun ? exitCodes.ok : exitCodes.problem;
  } finally {
    progress.stop();
  }
}

function reportLines(report: RepairReport, colors: Colors): string[] {
  const { before, dryRun } = report;
  if (report.needless) return [`${colors.green("sound")}: nothing to repair, nothing was changed.`];
  const kept = report.keptLastLsn ?? 0;
  return [
    dryRun ? colors.yellow("This would be done; nothing was changed.") : colors.green("The log is repaired."),
    "",
    ...problemLines(before.problems, colors),
    "",
    ...fieldLines([
      [
        dryRun ? "would keep" : "kept",
        kept < before.firstLsn ? "no record" : `LSN ${formatCount(before.firstLsn)} to ${formatCount(kept)}`,
      ],
      [
        dryRun ? "would be lost" : "lost",
        report.lostRecords === undefined
          ? `everything from LSN ${formatCount(kept + 1)} on; how much that is can't be told`
          : `at least ${formatCount(report.lostRecords)} records, from LSN ${formatCount(kept + 1)} on`,
      ],
      [
        "anchor",
        report.anchorRebuilt
          ? `${dryRun ? "would be" : "was"} made anew from the segments; what had been pruned may be back`
          : "unharmed",
      ],
      [dryRun ? "copies would go to" : "copies are in", report.copies.join("\n") || "nothing to copy"],
    ]),
    "",
    dryRun
      ? `Do it with: holdfast repair ${report.directory} --yes`
      : "New records go on from there. Keep the copies until you know that you do not need them.",
  ];
}
