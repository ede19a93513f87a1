/** `holdfast import tidwall`: copy another system's log into one of ours. */
import { Log } from "../../log/index.js";
import { type TidwallImportSummary, type TidwallProgress, TidwallLog, importTidwall } from "../../tidwall/index.js";
import { UsageError } from "../arguments.js";
import type { ArgsDef } from "citty";
import type { CommandContext } from "../command.js";
import { type ExitCode, exitCodes } from "../exit-code.js";
import { createProgress } from "../progress.js";
import { fieldLines } from "../table.js";
import { type Colors, writeLine } from "../terminal.js";
import { formatBytes, formatCount, formatDuration, formatPlural, formatRate } from "../units.js";
import { EventJournal } from "./event-journal.js";

/** The options of this kind. */
export const tidwallImportArgs: ArgsDef = {
  type: { type: "string", valueHint: "N", description: "The type that the records get, 0 to 255 (default 0)" },
  event: {
    type: "string",
    valueHint: "ID",
    description: "Make it an event log: each entry becomes an event of the type with this id, 1 to 239",
  },
  "event-version": { type: "string", valueHint: "N", description: "The version that the events get (default 1)" },
  format: { type: "string", valueHint: "F", default: "auto", description: "binary, json, or auto" },
  "empty-entries": {
    type: "string",
    valueHint: "HOW",
    default: "refuse",
    description:
      "Binary entries without bytes, which look like the zeros that a crash leaves: refuse, keep, or cut (zeros at the very end are a torn tail)",
  },
  "accept-torn-tail": { type: "boolean", description: "A torn tail is no reason for exit code 1" },
  "segment-bytes": { type: "string", valueHint: "N", description: "Segment size of a new log" },
  "record-bytes-max": {
    type: "string",
    valueHint: "N",
    description: "The largest entry that the log takes (default 16 MiB, or what a segment holds)",
  },
};

/** Does it. */
export async function runImportTidwall({ args, terminal, signal, json }: CommandContext): Promise<ExitCode> {
  const target = args.requiredText("target");
  const type = args.wholeNumber("type", { min: 0, max: 255 });
  const eventId = args.wholeNumber("event", { min: 1, max: 239 });
  const version = args.wholeNumber("event-version", { min: 1, max: 65_535 });
  if (eventId !== undefined && type !== undefined)
    throw new UsageError("--event says the type of the events; leave out --type.");
  if (eventId === undefined && version !== undefined) throw new UsageError("--event-version needs --event.");
  const segmentBytes = args.wholeNumber("segment-bytes", { min: 1, max: 2 ** 30 });
  const recordBytesMax = args.wholeNumber("record-bytes-max", { min: 1, max: 2 ** 30 });
  const source = await openSource({ args });
  const progress = createProgress(terminal, "import", { json });
  const startMs = performance.now();
  const onProgress = ({ phase, entries, entriesTotal, bytes }: TidwallProgress): void => {
    progress.update(
      entries,
      entriesTotal,
      () => `${phase}: ${formatPlural(entries, "entry", "entries")}, ${formatBytes(bytes)}`,
    );
  };
  try {
    // Before the log is made: a source that is refused leaves no trace.
    await source.check({ signal, onProgress });
    const options = {
      ...(segmentBytes === undefined ? {} : { segmentBytes }),
      ...(recordBytesMax === undefined ? {} : { recordBytesMax }),
    };
    const log =
      eventId === undefined
        ? await Log.open(target, options)
        : await EventJournal.open(target, { id: eventId, version: version ?? 1 }, options);
    let summary: TidwallImportSummary;
    try {
      summary = await importTidwall(source, log, { type: eventId ?? type ?? 0, signal, onProgress });
    } finally {
      await log.close();
    }
    progress.stop();
    await (json
      ? writeLine(terminal.out, JSON.stringify({ ...summary, target }))
      : writeLine(
          terminal.out,
          summaryLines(summary, target, performance.now() - startMs, terminal.colors).join("\n"),
        ));
    return summary.tornTail === null || args.flag("accept-torn-tail") ? exitCodes.ok : exitCodes.problem;
  } finally {
    progress.stop();
  }
}

/** Opens a directory of tidwall/wal as the options say. */
function openSource({ args }: Pick<CommandContext, "args">): Promise<TidwallLog> {
  return TidwallLog.open(args.requiredText("source"), {
    format: args.choice("format", ["auto", "binary", "json"]),
    emptyEntries: args.choice("empty-entries", ["refuse", "keep", "cut"]),
  });
}

function summaryLines(summary: TidwallImportSummary, target: string, elapsedMs: number, colors: Colors): string[] {
  const { entries, imported, alreadyThere, tornTail, indexOffset } = summary;
  const lines = [
    `${colors.green(`${formatPlural(entries, "entry", "entries")} in ${target}`)}, all durable`,
    ...fieldLines([
      [
        "copied",
        `${formatCount(imported)}, ${formatBytes(summary.bytes)}, ${formatDuration(elapsedMs)}, ${formatRate((imported / elapsedMs) * 1000)}`,
      ],
      ...(alreadyThere === 0 ? [] : [["there before", `${formatCount(alreadyThere)}, and equal`] as const]),
      ["format", summary.format],
      [
        "numbers",
        entries === 0
          ? "no entries"
          : indexOffset === 0
            ? `LSN = index, ${formatCount(summary.firstLsn)} to ${formatCount(summary.lastLsn)}`
            : `LSN = index - ${formatCount(indexOffset)}: entries ${formatCount(summary.firstIndex)} to ${formatCount(summary.lastIndex)} are LSN ${formatCount(summary.firstLsn)} to ${formatCount(summary.lastLsn)}`,
      ],
      ...(summary.unfinished === null
        ? []
        : [["unfinished", `a truncation of the ${summary.unfinished}, taken as done, as the library would`] as const]),
      ...(summary.ignored.length === 0
        ? []
        : [["passed over", formatPlural(summary.ignored.length, "other name")] as const]),
    ]),
  ];
  if (tornTail !== null) {
    lines.push(
      `${colors.yellow("torn tail")}: ${tornTail.path}, ${formatPlural(tornTail.bytes, "byte")} from byte ${tornTail.offset} on are ${
        tornTail.kind === "zeros" ? "zeros" : "no whole entry"
      } and were not copied.`,
      "  A write that a crash stopped looks like this, and so does a damaged length. If the number of entries is right, say --accept-torn-tail.",
    );
  }
  return lines;
}
