/** `holdfast import flatkv`: make a commit store of an exported file. */
import type { ArgsDef } from "citty";
import { type ImportFlatKvReport, importFlatKv, inspectFlatKv } from "../../flatkv/index.js";
import { nodeVfs } from "../../vfs/index.js";
import { UsageError } from "../arguments.js";
import type { CommandContext } from "../command.js";
import { type ExitCode, exitCodes } from "../exit-code.js";
import { createProgress } from "../progress.js";
import { fieldLines } from "../table.js";
import { type Colors, writeLine } from "../terminal.js";
import { formatCount, formatDuration, formatPlural, formatRate } from "../units.js";
import { engineOf, refuseOtherJournal } from "./store.js";

/** The options of this kind. */
export const flatKvImportArgs: ArgsDef = {
  replace: {
    type: "boolean",
    description: "flatkv: replace the store that is there, once all of the import is durable",
  },
  restart: { type: "boolean", description: "flatkv: begin from nothing, and not where an interrupted import stopped" },
};

const PIECE_BYTES: number = 1 << 20;

/** Does it. */
export async function runImportFlatKv({ args, terminal, signal, json }: CommandContext): Promise<ExitCode> {
  const source = args.requiredText("source");
  const target = args.requiredText("target");
  const there = await inspectFlatKv(target);
  if (there !== undefined) {
    if (!args.flag("replace"))
      throw new UsageError(
        `${target} holds a store at version ${there.version}. Choose another directory, or replace it with --replace.`,
      );
    refuseOtherJournal(there);
  }
  const progress = createProgress(terminal, "import", { json });
  const startMs = performance.now();
  // Before the directory is made: a source that can't be opened leaves no trace.
  const file = await nodeVfs.open(source, { access: "read" });
  try {
    const total = await file.size();
    let at = 0;
    async function* pieces(): AsyncGenerator<Uint8Array, void, undefined> {
      for (;;) {
        const piece = new Uint8Array(PIECE_BYTES);
        const count = await file.read(piece, at);
        if (count === 0) return;
        at += count;
        yield piece.subarray(0, count);
      }
    }
    const report = await importFlatKv(target, pieces(), {
      ...(there === undefined ? {} : { engine: engineOf(there) }),
      resume: !args.flag("restart"),
      signal,
      onProgress: ({ database, rows }) => {
        progress.update(at, total, () => `${database}: ${formatPlural(rows, "row")}`);
      },
    });
    progress.stop();
    await (json
      ? writeLine(terminal.out, JSON.stringify({ source, target, ...report }))
      : writeLine(terminal.out, reportLines(report, target, performance.now() - startMs, terminal.colors).join("\n")));
    return exitCodes.ok;
  } finally {
    progress.stop();
    await file.close();
  }
}

function reportLines(report: ImportFlatKvReport, target: string, elapsedMs: number, colors: Colors): string[] {
  const { version, rows, resumedRows, databases } = report;
  const taken = rows - resumedRows;
  return [
    `${colors.green(`${formatPlural(rows, "row")} in ${target}`)}, all durable`,
    ...fieldLines([
      ["version", formatCount(version)],
      ["took", `${formatDuration(elapsedMs)}, ${formatRate((taken / elapsedMs) * 1000)}`],
      ...(resumedRows === 0
        ? []
        : [["taken before", `${formatCount(resumedRows)}, by an import that was interrupted`] as const]),
      ["rows", databases.map((database) => `${database.name} ${formatCount(database.rows)}`).join(", ")],
    ]),
  ];
}
