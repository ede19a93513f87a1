/** `holdfast export flatkv`: all rows of a commit store, as one file. */
import type { CommandContext } from "../command.js";
import { type ExitCode, exitCodes } from "../exit-code.js";
import { createProgress } from "../progress.js";
import { writeLine } from "../terminal.js";
import { formatBytes, formatCount, formatDuration, formatPlural, formatRate } from "../units.js";
import { refuseExisting, writeDurably } from "./durable-file.js";
import { openFlatKv, recoveryLines, requireFlatKv } from "./store.js";

/** Does it. */
export async function runExportFlatKv({ args, terminal, signal, json }: CommandContext): Promise<ExitCode> {
  const source = args.requiredText("source");
  const target = args.requiredText("target");
  await refuseExisting(target);
  const found = await requireFlatKv(source);
  const progress = createProgress(terminal, "export", { json });
  const startMs = performance.now();
  const store = await openFlatKv(found);
  try {
    let rows = 0;
    const names = store.databases;
    const onProgress = (made: { readonly database: string; readonly rows: number }): void => {
      rows = made.rows;
      progress.update(
        names.indexOf(made.database),
        names.length,
        () => `${made.database}: ${formatPlural(made.rows, "row")}`,
      );
    };
    const { version } = store;
    const bytes = await writeDurably(target, store.export({ signal, onProgress }));
    progress.stop();
    const elapsedMs = performance.now() - startMs;
    await (json
      ? writeLine(terminal.out, JSON.stringify({ source, target, version, rows, bytes }))
      : writeLine(
          terminal.out,
          [
            `${terminal.colors.green(`${formatPlural(rows, "row")} in ${target}`)}, durable`,
            `  version ${formatCount(version)}, ${formatBytes(bytes)}, ${formatDuration(elapsedMs)}, ${formatRate((rows / elapsedMs) * 1000)}`,
            ...recoveryLines(store.recovery),
          ].join("\n"),
        ));
    return exitCodes.ok;
  } finally {
    progress.stop();
    await store.close();
  }
}
