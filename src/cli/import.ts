/** `holdfast import`: make a log or store of what another form holds. */
import type { Command, CommandContext } from "./command.js";
import type { ExitCode } from "./exit-code.js";
import { flatKvImportArgs, runImportFlatKv } from "./flatkv/import.js";
import { refuseOptions } from "./refuse-options.js";
import { runImportTidwall, tidwallImportArgs } from "./tidwall/import.js";

/** The command. */
export const importCommand: Command = {
  description:
    "tidwall: reads a directory of the Go library tidwall/wal, in its binary or JSON format, and appends every entry to a new log. The source is only read; its program must " +
    "not run meanwhile. The whole source is checked first: where anything is damaged or missing, also where the library would not notice, nothing is " +
    "written and the exit code is 1.\n" +
    "With --event the target is an event log: open it with EventLog.open, with a type of that id whose codec reads what the Go program wrote.\n" +
    "Entry N gets LSN N where the source starts at 1; otherwise LSN 1 is its first entry, and the distance is printed. Stopped or killed, run it again: it " +
    "compares what is there and goes on.\n" +
    "What a crash left behind the last whole entry is not copied. It is reported, and the exit code is 1 unless --accept-torn-tail is given.\n" +
    "flatkv: reads a file that holdfast export flatkv wrote, and makes a commit store of it: the same rows, version and hashes. All of it is checked. A store that is " +
    "there is replaced as a whole and in one step at the end, and only with --replace. Stopped or killed, it leaves what was there; run it again with the same " +
    "file, and it goes on where it last made rows durable. Of the options only --replace and --restart are for flatkv; all others are for tidwall.",
  json:
    "one document: for tidwall { source, target, format, firstIndex, lastIndex, entries, imported, alreadyThere, bytes, firstLsn, lastLsn, indexOffset, tornTail: null | " +
    "{ path, offset, bytes, kind }, unfinished, ignored }, for flatkv { source, target, version, rows, resumedRows, databases: [{ name, rows }] }",
  args: {
    kind: { type: "positional", description: "What the source is: tidwall or flatkv" },
    source: { type: "positional", description: "The directory to read; for flatkv the file" },
    target: { type: "positional", description: "The directory of the log or store, made if missing" },
    ...tidwallImportArgs,
    ...flatKvImportArgs,
  },
  examples: [
    ["holdfast import tidwall ./wal ./data", "Copy a log"],
    [
      "holdfast import tidwall ./wal ./data --type 7 --json",
      "Give the records type 7; print what was done for a script",
    ],
    [
      "holdfast import tidwall ./wal ./data --event 3",
      "Into an event log, whose type 3 has a codec for the entries' bytes",
    ],
    ["holdfast import tidwall ./wal ./data --empty-entries keep", "The program writes entries without bytes"],
    ["holdfast import flatkv ./state.hfx ./state", "Make a commit store of an export"],
  ],
  run,
};

async function run(context: CommandContext): Promise<ExitCode> {
  const kind = context.args.choice("kind", ["tidwall", "flatkv"]);
  if (kind === "tidwall") {
    refuseOptions(context.args, flatKvImportArgs, "flatkv");
    return await runImportTidwall(context);
  }
  refuseOptions(context.args, tidwallImportArgs, "tidwall");
  return await runImportFlatKv(context);
}
