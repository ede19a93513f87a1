/** `holdfast repair` of a commit store: make damaged databases anew. */
import type { FlatKvInspection } from "../../flatkv/index.js";
import type { CommandContext } from "../command.js";
import { type ExitCode, exitCodes } from "../exit-code.js";
import { createProgress } from "../progress.js";
import { writeLine } from "../terminal.js";
import { formatCount } from "../units.js";
import { openFlatKv, recoveryJson, recoveryLines } from "./store.js";
import { flatKvProblemLines, partsProgress } from "./verify.js";

/** Opens it, checks all rows, and with `--yes` makes anew what is damaged. */
export async function repairFlatKv(
  found: FlatKvInspection,
  { args, terminal, signal, json }: CommandContext,
): Promise<ExitCode> {
  const { directory } = found;
  const dryRun = !args.flag("yes");
  const { colors } = terminal;
  const progress = createProgress(terminal, "check", { json });
  const store = await openFlatKv(found);
  try {
    const onProgress = partsProgress(progress, found.databases.length);
    const report = dryRun
      ? { found: await store.verify({ journal: false, signal, onProgress }), rebuilt: [] }
      : await store.repair({ signal, onProgress });
    progress.stop();
    const damaged = report.found.databases.filter(({ sound }) => !sound).map(({ name }) => name);
    const needless = damaged.length === 0;
    if (json) {
      const rebuilt = report.rebuilt.map(({ database, reason, fromVersion }) => ({ database, reason, fromVersion }));
      const recovery = recoveryJson(store.recovery);
      await writeLine(
        terminal.out,
        JSON.stringify({ kind: "flatkv", directory, dryRun, needless, found: report.found, rebuilt, recovery }),
      );
    } else {
      const verdict = needless
        ? `${colors.green("sound")}: nothing to repair.`
        : dryRun
          ? colors.yellow(`This would be made anew: ${damaged.join(", ")}.`)
          : colors.green("The store is repaired.");
      const lines = [
        verdict,
        ...recoveryLines(store.recovery),
        ...flatKvProblemLines(report.found.problems, colors),
        ...report.rebuilt.map(
          ({ database, fromVersion }) =>
            `  made database ${database} anew from version ${formatCount(fromVersion)} and the log`,
        ),
        ...(dryRun && !needless ? ["", `Do it with: holdfast repair ${directory} --yes`] : []),
      ];
      await writeLine(terminal.out, lines.join("\n"));
    }
    return needless || !dryRun ? exitCodes.ok : exitCodes.problem;
  } finally {
    progress.stop();
    await store.close();
  }
}
