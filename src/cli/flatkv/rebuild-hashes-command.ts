/** `holdfast rebuild-hashes`: make a commit store of rows whose versions or hashes are missing. */
import { type RebuildHashesReport, inspectFlatKv, rebuildHashes } from "../../flatkv/index.js";
import { UsageError } from "../arguments.js";
import type { Command, CommandContext } from "../command.js";
import { type ExitCode, exitCodes } from "../exit-code.js";
import { createProgress } from "../progress.js";
import { fieldLines } from "../table.js";
import { type Colors, writeLine } from "../terminal.js";
import { formatCount, formatPlural } from "../units.js";
import { engineOf } from "./store.js";

/** The command. */
export const rebuildHashesCommand: Command = {
  description:
    "Reads every row of every database, hashes it, and puts a new store in the place of what was there, durably and in one step at the end: at the version that the " +
    "databases name, in a new timeline, with a snapshot. It takes the rows as they are to be right, so it is for databases of older layouts and for a store whose " +
    "log or metadata are lost, and for nothing else: where the store opens, use holdfast repair. What had been committed and is only in the log is lost.\n" +
    "Without books, databases are looked for in directories of their names inside the directory, which stay as they are. The store must not be open elsewhere. " +
    "A store whose commits are in a journal of its program must be rebuilt by that program.",
  json: "one document: { directory, version, databases: [{ name, rows, emptyRows, older }] }",
  args: {
    dir: { type: "positional", description: "The store's directory" },
    yes: { type: "boolean", description: "Do it. Without this it is refused" },
    version: {
      type: "string",
      valueHint: "N",
      description: "The version that the rows are at (default: the one that all databases name)",
    },
    databases: {
      type: "string",
      valueHint: "A,B",
      description: "Names of the databases, where there are no books (default account,code,storage,legacy)",
    },
    rows: {
      type: "string",
      valueHint: "HOW",
      description: "checked: rows with the checksums of this build; raw: without (default: as the metadata tell)",
    },
  },
  examples: [
    ["holdfast rebuild-hashes ./state --yes", "Make a store of databases of an older layout"],
    [
      "holdfast rebuild-hashes ./state --version 1200 --rows raw --yes",
      "Bare rows, which are known to be at version 1,200",
    ],
  ],
  run,
};

async function run({ args, terminal, signal, json }: CommandContext): Promise<ExitCode> {
  const directory = args.requiredText("dir");
  const version = args.wholeNumber("version", { min: 0, max: Number.MAX_SAFE_INTEGER });
  const databases = args.text("databases")?.split(",");
  const rows = args.text("rows") === undefined ? undefined : args.choice("rows", ["checked", "raw"]);
  const there = await inspectFlatKv(directory);
  if (!args.flag("yes"))
    throw new UsageError(
      "It takes the rows as they are to be right, and drops what is only in the log. Where that is meant: --yes.",
    );
  const progress = createProgress(terminal, "read", { json });
  const names: string[] = [];
  try {
    const report = await rebuildHashes(directory, {
      ...(there === undefined ? {} : { engine: engineOf(there) }),
      ...(version === undefined ? {} : { version }),
      ...(databases === undefined ? {} : { databases }),
      ...(rows === undefined ? {} : { rows }),
      signal,
      onProgress: (made) => {
        if (names.at(-1) !== made.database) names.push(made.database);
        const total = there?.databases.length ?? databases?.length ?? 4;
        progress.update(names.length - 1, total, () => `${made.database}: ${formatPlural(made.rows, "row")}`);
      },
    });
    progress.stop();
    await (json
      ? writeLine(terminal.out, JSON.stringify({ directory, ...report }))
      : writeLine(terminal.out, reportLines(directory, report, terminal.colors).join("\n")));
    return exitCodes.ok;
  } finally {
    progress.stop();
  }
}

function reportLines(directory: string, { version, databases }: RebuildHashesReport, colors: Colors): string[] {
  return [
    colors.green(`${directory} is a store at version ${formatCount(version)}.`),
    ...fieldLines(
      databases.map(({ name, rows, emptyRows, older }) => [
        name,
        formatPlural(rows, "row") +
          (emptyRows === 0 ? "" : `; ${formatPlural(emptyRows, "row")} without a value left out`) +
          (older === undefined ? "" : `; had metadata of an older layout (${older})`),
      ]),
    ),
  ];
}
