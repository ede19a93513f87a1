/** `holdfast inspect` of a commit store: its books. */
import type { FlatKvInspection } from "../../flatkv/index.js";
import type { CommandContext } from "../command.js";
import { type ExitCode, exitCodes } from "../exit-code.js";
import { fieldLines, tableLines } from "../table.js";
import { type Colors, writeLine } from "../terminal.js";
import { formatCount } from "../units.js";

/** Prints what was found. */
export async function showFlatKv(
  found: FlatKvInspection,
  { terminal, json }: Pick<CommandContext, "terminal" | "json">,
): Promise<ExitCode> {
  await (json
    ? writeLine(terminal.out, JSON.stringify({ kind: "flatkv", ...found, log: found.log ?? null }))
    : writeLine(terminal.out, inspectionLines(found, terminal.colors).join("\n")));
  return found.problems.length === 0 ? exitCodes.ok : exitCodes.problem;
}

function inspectionLines(found: FlatKvInspection, colors: Colors): string[] {
  const { databases, snapshots, log, unnamed, foreign, problems } = found;
  const lines = [
    colors.bold(found.directory),
    ...fieldLines([
      ["store", `commit store on ${found.engine}, id ${found.storeId}`],
      ["version", `${formatCount(found.version)}${log === undefined ? ", the newest that the books know" : ""}`],
      ["durable", `version ${formatCount(found.syncedVersion)} in the databases themselves, the rest in the log`],
      ["begins at", `version ${formatCount(found.baseVersion)}`],
      ["timeline", formatCount(found.timeline)],
      ["log", logText(found)],
    ]),
    "",
    ...tableLines(
      [
        { head: "database", align: "start" },
        { head: "directory", align: "start" },
        { head: "BLAKE3 of its hash", align: "start" },
      ],
      databases.map(({ name, directory, checksum }) => [name, directory, checksum]),
    ),
  ];
  if (snapshots.length > 0) {
    lines.push(
      "",
      ...tableLines(
        [
          { head: "snapshot", align: "end" },
          { head: "timeline", align: "end" },
          { head: "LSN", align: "end" },
          { head: "directories", align: "start" },
        ],
        snapshots.map(({ version, timeline, lsn, directories }) => [
          formatCount(version),
          formatCount(timeline),
          formatCount(lsn),
          directories.join(", "),
        ]),
      ),
    );
  }
  if (unnamed.length > 0)
    lines.push("", `Not in the books, of an import on its way or left by a crash: ${unnamed.join(", ")}`);
  if (foreign.length > 0) lines.push("", `Files that are not the store's: ${foreign.join(", ")}`);
  if (problems.length > 0) lines.push("", ...problems.map((problem) => `  ${colors.red("problem")}  ${problem}`));
  return lines;
}

function logText({ log, problems }: FlatKvInspection): string {
  if (log === undefined) return problems.length > 0 ? "can't be read" : "none: the commits are in a journal elsewhere";
  if (log.lastLsn < log.firstLsn) return `empty; the next record gets LSN ${formatCount(log.lastLsn + 1)}`;
  return `LSN ${formatCount(log.firstLsn)} to ${formatCount(log.lastLsn)}`;
}
