/** `holdfast import`: copy another system's log into one of ours. */
import { Log } from "../../log/index.js";
import { type TidwallImportSummary, type TidwallProgress, TidwallLog, importTidwall } from "../../tidwall/index.js";
import { UsageError } from "../arguments.js";
import type { Command, CommandContext } from "../command.js";
import { type ExitCode, exitCodes } from "../exit-code.js";
import { createProgress } from "../progress.js";
import { fieldLines } from "../table.js";
import { type Colors, writeLine } from "../terminal.js";
import { formatBytes, formatCount, formatDuration, formatPlural, formatRate } from "../units.js";
import { EventJournal } from "./event-journal.js";

/** The command. */
export const importCommand: Command = {
  name: "import",
  summary: "Copy a log of another system into a log of holdfast.",
  description:
    "Reads a directory of the Go library tidwall/wal, in its binary or JSON format, and appends every entry to a new log. The source is only read; its program must " +
    "not run meanwhile. The whole source is checked first: where anything is damaged or missing, also where the library would not notice, nothing is " +
    "written and the exit code is 1.\n" +
    "With --event the target is an event log: open it with EventLog.open, with a type of that id whose codec reads what the Go program wrote.\n" +
    "Entry N gets LSN N where the source starts at 1; otherwise LSN 1 is its first entry, and the distance is printed. Stopped or killed, run it again: it " +
    "compares what is there and goes on.\n" +
    "What a crash left behind the last whole entry is not copied. It is reported, and the exit code is 1 unless --accept-torn-tail is given.",
  json:
    "one JSON document: { source, target, format, firstIndex, lastIndex, entries, imported, alreadyThere, bytes, firstLsn, lastLsn, indexOffset, tornTail: null | " +
    "{ path, offset, bytes, kind }, unfinished, ignored }",
  args: {
    kind: { type: "positional", description: "What the source is: tidwall" },
    source: { type: "positional", description: "The directory to read" },
    target: { type: "positional", description: "The log's directory, made if missing" },
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
  ],
  run,
};

const kinds = ["tidwall"] as const;

async function run({ args, terminal, signal, json }: CommandContext): Promise<ExitCode> {
  args.choice("kind", kinds);
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
