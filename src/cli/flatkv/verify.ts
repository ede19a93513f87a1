/** `holdfast verify` of a commit store: every row against the hashes, and every commit in the log. */
import type { FlatKvInspection, FlatKvProblem, VerifyFlatKvProgress } from "../../flatkv/index.js";
import type { CommandContext } from "../command.js";
import { type ExitCode, exitCodes } from "../exit-code.js";
import { type Progress, createProgress } from "../progress.js";
import { type Colors, writeLine } from "../terminal.js";
import { formatBytes, formatCount, formatDuration, formatPlural, formatRate } from "../units.js";
import { openFlatKv, recoveryJson, recoveryLines } from "./store.js";

/** Opens it and checks it. */
export async function verifyFlatKv(
  found: FlatKvInspection,
  { args, terminal, signal, json }: CommandContext,
): Promise<ExitCode> {
  const snapshots = args.flag("snapshots");
  const progress = createProgress(terminal, "verify", { json });
  const startMs = performance.now();
  const store = await openFlatKv(found);
  try {
    const parts = found.databases.length * (1 + (snapshots ? found.snapshots.length : 0)) + 1;
    const report = await store.verify({ snapshots, signal, onProgress: partsProgress(progress, parts) });
    progress.stop();
    const { directory } = found;
    if (json) {
      const recovery = recoveryJson(store.recovery);
      await writeLine(terminal.out, JSON.stringify({ kind: "flatkv", directory, ...report, recovery }));
      return report.sound ? exitCodes.ok : exitCodes.problem;
    }
    const { colors } = terminal;
    const rows = report.databases.reduce((sum, database) => sum + database.rows, 0);
    const bytes = report.databases.reduce((sum, database) => sum + database.bytes, 0);
    const elapsedMs = performance.now() - startMs;
    const lines = [
      report.sound ? colors.green("sound") : colors.red(formatPlural(report.problems.length, "problem")),
      `  version ${formatCount(report.version)}: ${formatPlural(rows, "row")} of ${formatBytes(bytes)} in ` +
        `${formatPlural(report.databases.length, "database")}, ${formatPlural(report.commits, "commit")} in the log; ` +
        `${formatDuration(elapsedMs)}, ${formatRate((rows / elapsedMs) * 1000)}`,
      ...recoveryLines(store.recovery),
      ...flatKvProblemLines(report.problems, colors),
      ...(report.databases.every(({ sound }) => sound)
        ? []
        : [
            "",
            `Make the damaged databases anew from the newest snapshot and the log: holdfast repair ${directory} --yes`,
          ]),
    ];
    await writeLine(terminal.out, lines.join("\n"));
    return report.sound ? exitCodes.ok : exitCodes.problem;
  } finally {
    progress.stop();
    await store.close();
  }
}

/** A bar over the parts that are read one after the other. */
export function partsProgress(progress: Progress, parts: number): (made: VerifyFlatKvProgress) => void {
  const seen = new Set<string>();
  return ({ what, count }) => {
    seen.add(what);
    progress.update(seen.size - 1, parts, () => `${what}: ${formatCount(count)}`);
  };
}

/** Two lines each: where, and what. */
export function flatKvProblemLines(problems: readonly FlatKvProblem[], colors: Colors): string[] {
  return problems.flatMap(({ code, database, snapshot, message }) => [
    `  ${colors.red("problem")}  ${database === undefined ? "log" : `database ${database}`}${snapshot === undefined ? "" : ` of snapshot ${formatCount(snapshot)}`} ${colors.dim(`[${code}]`)}`,
    `    ${message}`,
  ]);
}
