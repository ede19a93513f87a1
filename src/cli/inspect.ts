/** `holdfast inspect`: what a log, a commit store or a Merkle store looks like from outside. */
import { HoldfastError } from "../base/index.js";
import { inspectFlatKv } from "../flatkv/index.js";
import { type LogInspection, LogReader, inspectLog } from "../log/index.js";
import { inspectMerkle } from "../trie/index.js";
import type { Command, CommandContext } from "./command.js";
import { type ExitCode, exitCodes } from "./exit-code.js";
import { showFlatKv } from "./flatkv/inspect.js";
import { showMerkle } from "./merkle/inspect.js";
import { refuseNoLog } from "./no-log.js";
import { problemLines } from "./problem.js";
import { fieldLines, tableLines } from "./table.js";
import { type Colors, writeLine } from "./terminal.js";
import { formatBytes, formatCount, formatPlural } from "./units.js";

/** The command. */
export const inspectCommand: Command = {
  description:
    "Reads the anchor and the segments' headers, not the records, so it is quick however large the log is; holdfast verify reads " +
    "everything. Of a commit store (flatkv) it shows versions, databases with their hashes, snapshots and the log's bounds, and opens no database; of a Merkle store what it was made with, and its newest checkpoint. Changes nothing, and works " +
    "while another process writes. Exits with 1 when it finds a problem.",
  json:
    'one document: of a log { kind: "log", directory, logId, torn, blockBytes, segmentBytes, epoch, clean, firstLsn, anchoredLsn, anchorSlots, segments, spares, foreign, totalBytes, problems, lastLsn }, ' +
    'of a commit store { kind: "flatkv", … }, of a Merkle store { kind: "merkle", … }; all of it in docs/cli.md',
  args: { dir: { type: "positional", description: "The directory of the log or store" } },
  examples: [
    ["holdfast inspect ./data", "Look at a log"],
    ["holdfast inspect ./data --json | jq .totalBytes", "One fact, for a script"],
  ],
  run,
};

/** What a reader beside the writer sees; undefined where the log can't be opened for reading. */
interface LiveBounds {
  readonly firstLsn: number;
  readonly lastLsn: number;
}

async function run({ args, terminal, json }: CommandContext): Promise<ExitCode> {
  const directory = args.requiredText("dir");
  const store = await inspectFlatKv(directory);
  if (store !== undefined) return await showFlatKv(store, { terminal, json });
  const merkle = await inspectMerkle(directory);
  if (merkle !== undefined) return await showMerkle(merkle, { terminal, json });
  await refuseNoLog(directory);
  const inspection = await inspectLog(directory);
  const bounds = await liveBounds(directory);
  if (json) {
    await writeLine(terminal.out, JSON.stringify({ kind: "log", ...inspection, lastLsn: bounds?.lastLsn ?? null }));
  } else {
    await terminal.out.write(`${inspectionLines(inspection, bounds, terminal.colors).join("\n")}\n`);
  }
  return inspection.problems.every((problem) => problem.harmless) ? exitCodes.ok : exitCodes.problem;
}

/** Where the log is damaged there are no bounds to tell; the inspection lists why. */
async function liveBounds(directory: string): Promise<LiveBounds | undefined> {
  try {
    const reader = await LogReader.open(directory);
    const { firstLsn, lastLsn } = reader;
    await reader.close();
    return { firstLsn, lastLsn };
  } catch (error) {
    if (error instanceof HoldfastError) return undefined;
    throw error;
  }
}

function inspectionLines(inspection: LogInspection, bounds: LiveBounds | undefined, colors: Colors): string[] {
  const { segments, spares } = inspection;
  const known = <T>(value: T | undefined, show: (value: T) => string): string =>
    value === undefined ? "unknown" : show(value);
  const sum = (files: readonly { readonly fileBytes: number }[]): number =>
    files.reduce((total, { fileBytes }) => total + fileBytes, 0);
  const lines = [
    colors.bold(inspection.directory),
    ...fieldLines([
      ["records", known(bounds, recordsText)],
      [
        "closed",
        known(inspection.clean, (clean) =>
          clean ? "cleanly" : "no: a writer has it open, or it stopped without closing",
        ),
      ],
      ["epoch", known(inspection.epoch, formatCount)],
      [
        "options",
        known(
          inspection.segmentBytes,
          (segmentBytes) =>
            `torn ${inspection.torn}, blocks of ${formatBytes(inspection.blockBytes ?? 0)}, segments of ${formatBytes(segmentBytes)}`,
        ),
      ],
      ["log id", known(inspection.logId, (id) => id)],
      ["anchor", inspection.anchorSlots.map(slotText).join("\n") || "none"],
      [
        "space",
        `${formatBytes(inspection.totalBytes)} in all: ${formatPlural(segments.length, "segment")} of ${formatBytes(sum(segments))}, ` +
          `${formatPlural(spares.length, "spare")} of ${formatBytes(sum(spares))}`,
      ],
    ]),
  ];
  if (segments.length > 0) lines.push("", ...segmentLines(segments, bounds));
  if (inspection.foreign.length > 0) lines.push("", `Files that are not the log's: ${inspection.foreign.join(", ")}`);
  if (inspection.problems.length > 0) lines.push("", ...problemLines(inspection.problems, colors));
  return lines;
}

function recordsText({ firstLsn, lastLsn }: LiveBounds): string {
  if (lastLsn < firstLsn) return `none; the next one gets LSN ${formatCount(lastLsn + 1)}`;
  return `${formatCount(lastLsn - firstLsn + 1)}, LSN ${formatCount(firstLsn)} to ${formatCount(lastLsn)}`;
}

function slotText(slot: LogInspection["anchorSlots"][number]): string {
  return `byte ${slot.offset}: ${slot.status}${slot.sequence === undefined ? "" : `, sequence ${slot.sequence}`}`;
}

function segmentLines(segments: LogInspection["segments"], bounds: LiveBounds | undefined): string[] {
  return tableLines(
    [
      { head: "segment", align: "end" },
      { head: "first LSN", align: "end" },
      { head: "last LSN", align: "end" },
      { head: "file", align: "end" },
      { head: "", align: "start" },
    ],
    segments.map(({ number, firstLsn, fileBytes, active }, index) => {
      const last = segments[index + 1] === undefined ? bounds?.lastLsn : (segments[index + 1]?.firstLsn ?? 0) - 1;
      return [
        String(number),
        formatCount(firstLsn),
        last === undefined ? "?" : last < firstLsn ? "-" : formatCount(last),
        formatBytes(fileBytes),
        active ? "active" : "",
      ];
    }),
  );
}
