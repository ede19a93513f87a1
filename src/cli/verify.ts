/** `holdfast verify`: every checksum of a log. */
import { verifyLog } from "../log/index.js";
import type { Command, CommandContext } from "./command.js";
import { type ExitCode, exitCodes } from "./exit-code.js";
import { problemLines } from "./problem.js";
import { createProgress } from "./progress.js";
import { writeLine } from "./terminal.js";
import { formatBytes, formatCount, formatDuration, formatPlural, formatRate } from "./units.js";

/** The command. */
export const verifyCommand: Command = {
  name: "verify",
  summary: "Read a whole log, check every checksum and the order, and list every problem.",
  description: "Reads only; changes nothing. Exits with 1 when the log is not sound.",
  json: "one JSON document: { directory, sound, problems, segments, groups, records, bytes, firstLsn, lastLsn, besideWriter, tornTailBytes }",
  args: { dir: { type: "positional", description: "The log's directory" } },
  examples: [
    ["holdfast verify ./data", "Check a log"],
    ["holdfast verify ./data --json | jq '.problems[]'", "The problems, for a script"],
  ],
  run,
};

async function run({ args, terminal, signal, json }: CommandContext): Promise<ExitCode> {
  const directory = args.requiredText("dir");
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
      await writeLine(terminal.out, JSON.stringify(report));
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
