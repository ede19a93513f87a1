/** `holdfast export`: write what a store holds in another form. */
import type { Command, CommandContext } from "./command.js";
import type { ExitCode } from "./exit-code.js";
import { runExportFlatKv } from "./flatkv/export.js";
import { refuseOptions } from "./refuse-options.js";
import { runExportTidwall, tidwallExportArgs } from "./tidwall/export.js";

/** The command. */
export const exportCommand: Command = {
  description:
    "tidwall: writes a new directory that the Go library tidwall/wal opens, byte for byte as the library itself would have written the same entries. The log is only " +
    "read, also beside a writer: then what it holds at that moment is exported. The directory must be empty or missing; until the command has ended it holds " +
    "no file that the library takes for a segment. Records of more than one type are refused, because the library has no place for types.\n" +
    "flatkv: writes all rows of a commit store, at its newest version, to a new file, which holdfast import flatkv reads. Rows are checked against the " +
    "store's hashes on the way. The store must not be open elsewhere; it is opened, so what a crash left is recovered first. The file is durable when the command has " +
    "ended, and has its name only then: until that it is called FILE.partial, which is removed where the command fails. The options are those of tidwall.",
  json:
    "one document: for tidwall { source, target, format, segments, entries, bytes, firstIndex, lastIndex, firstLsn, lastLsn, indexOffset }, " +
    "for flatkv { source, target, version, rows, bytes }",
  args: {
    kind: { type: "positional", description: "What to write: tidwall or flatkv" },
    source: { type: "positional", description: "The directory of the log or store" },
    target: {
      type: "positional",
      description: "The directory to write, empty or missing; for flatkv the file, missing",
    },
    ...tidwallExportArgs,
  },
  examples: [
    ["holdfast export tidwall ./data ./wal", "Write a directory for Go"],
    [
      "holdfast export tidwall ./data ./wal --format json --segment-bytes 1048576",
      "As JSON lines, in segments of 1 MiB",
    ],
    [
      "holdfast export tidwall ./data ./again --like ./wal",
      "Write back what was imported from ./wal, and compare with diff -r",
    ],
    ["holdfast export flatkv ./state ./state.hfx", "Write a commit store to one file"],
  ],
  run,
};

async function run(context: CommandContext): Promise<ExitCode> {
  const kind = context.args.choice("kind", ["tidwall", "flatkv"]);
  if (kind === "tidwall") return await runExportTidwall(context);
  refuseOptions(context.args, tidwallExportArgs, "tidwall");
  return await runExportFlatKv(context);
}
