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
  json: "one JSON document: { sound, segments, groups, records, bytes, firstLsn, lastLsn, problems }",
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
      onProgress({ bytes, bytesTotal, records }) {
        progress.update(bytes, bytesTotal, () => `${formatBytes(bytes)} of ${formatBytes(bytesTotal)}, ${formatCount(records)} records`);
      },
    });
    progress.stop();
    const elapsedMs = performance.now() - startMs;
    if (json) {
      await writeLine(terminal.out, JSON.stringify(report));
    } else {
      const { colors } = terminal;
      const range = report.records === 0 ? "no records" : `LSN ${formatCount(report.firstLsn)} to ${formatCount(report.lastLsn)}`;
      await writeLine(terminal.out, report.sound ? colors.green("sound") : colors.red(formatPlural(report.problems.length, "problem")));
      await writeLine(
        terminal.out,
        `  ${range}: ${formatPlural(report.records, "record")} in ${formatPlural(report.groups, "group")}, ` +
          `${formatPlural(report.segments, "segment")}, ${formatBytes(report.bytes)} of payload; ` +
          `${formatDuration(elapsedMs)}, ${formatRate((report.records / elapsedMs) * 1000)}`,
      );
      for (const line of problemLines(report.problems, colors)) await writeLine(terminal.out, line);
      if (!report.sound) await writeLine(terminal.out, `\nNothing was changed. See what a repair would do: holdfast repair ${directory}`);
    }
    return report.sound ? exitCodes.ok : exitCodes.problem;
  } finally {
    progress.stop();
  }
}
