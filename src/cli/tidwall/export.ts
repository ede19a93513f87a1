/** `holdfast export tidwall`: write a log of ours as another system's. */
import { LogReader } from "../../log/index.js";
import {
  type TidwallExportSummary,
  TidwallLog,
  type TidwallWriterOptions,
  exportTidwall,
} from "../../tidwall/index.js";
import { type Arguments, UsageError } from "../arguments.js";
import type { ArgsDef } from "citty";
import type { CommandContext } from "../command.js";
import { type ExitCode, exitCodes } from "../exit-code.js";
import { createProgress } from "../progress.js";
import { fieldLines } from "../table.js";
import { type Colors, writeLine } from "../terminal.js";
import { formatBytes, formatCount, formatDuration, formatPlural, formatRate } from "../units.js";
import { EventJournal } from "./event-journal.js";

/** The options of this kind. */
export const tidwallExportArgs: ArgsDef = {
  format: { type: "string", valueHint: "F", description: "binary or json (default binary)" },
  "segment-bytes": {
    type: "string",
    valueHint: "N",
    description: "The library's SegmentSize (default 20971520, as there)",
  },
  "first-index": { type: "string", valueHint: "N", description: "Index of the first entry (default its LSN)" },
  like: {
    type: "string",
    valueHint: "DIR",
    description: "Take format, first index and the cuts between segments from this directory, which an import read",
  },
  type: {
    type: "string",
    valueHint: "N",
    description: "The type that every record must have (default that of the first)",
  },
  event: {
    type: "string",
    valueHint: "ID",
    description:
      "It is an event log, and each event has the type with this id, 1 to 239; needs the lock, and refuses checkpoints",
  },
  "event-version": { type: "string", valueHint: "N", description: "The newest version of these events (default 1)" },
  "any-type": { type: "boolean", description: "Export records of any type and forget the types" },
  escapes: {
    type: "string",
    valueHint: "HOW",
    default: "short",
    description: "In JSON, a backspace is \\b: short, as Go writes it since 1.22; or \\u0008: long, as before",
  },
};

/** Does it. */
export async function runExportTidwall({ args, terminal, signal, json }: CommandContext): Promise<ExitCode> {
  const source = args.requiredText("source");
  const target = args.requiredText("target");
  const type = args.wholeNumber("type", { min: 0, max: 255 });
  const eventId = args.wholeNumber("event", { min: 1, max: 239 });
  const version = args.wholeNumber("event-version", { min: 1, max: 65_535 });
  if (eventId !== undefined && (type !== undefined || args.flag("any-type")))
    throw new UsageError("--event says the type of the events; leave out --type and --any-type.");
  if (eventId === undefined && version !== undefined) throw new UsageError("--event-version needs --event.");
  const writing = await writingOptions(args);
  const progress = createProgress(terminal, "export", { json });
  const startMs = performance.now();
  const log =
    eventId === undefined
      ? await LogReader.open(source)
      : await EventJournal.open(source, { id: eventId, version: version ?? 1 }, { createIfMissing: false });
  try {
    const summary = await exportTidwall(log, target, {
      ...writing,
      ...(type === undefined ? {} : { type }),
      anyType: args.flag("any-type"),
      signal,
      onProgress({ entries, entriesTotal, bytes }) {
        progress.update(
          entries,
          entriesTotal,
          () => `${formatPlural(entries, "entry", "entries")}, ${formatBytes(bytes)}`,
        );
      },
    });
    progress.stop();
    await (json
      ? writeLine(terminal.out, JSON.stringify({ source, ...summary }))
      : writeLine(terminal.out, summaryLines(summary, performance.now() - startMs, terminal.colors).join("\n")));
    return exitCodes.ok;
  } finally {
    progress.stop();
    await log.close();
  }
}

async function writingOptions(args: Arguments): Promise<TidwallWriterOptions> {
  const segmentBytes = args.wholeNumber("segment-bytes", { min: 1, max: Number.MAX_SAFE_INTEGER });
  const firstIndex = args.wholeNumber("first-index", { min: 1, max: Number.MAX_SAFE_INTEGER });
  const format = args.text("format") === undefined ? undefined : args.choice("format", ["binary", "json"]);
  const escapes = args.choice("escapes", ["short", "long"]);
  const like = args.text("like");
  if (like === undefined) {
    return {
      escapes,
      ...(format === undefined ? {} : { format }),
      ...(segmentBytes === undefined ? {} : { segmentBytes }),
      ...(firstIndex === undefined ? {} : { firstIndex }),
    };
  }
  if (segmentBytes !== undefined || firstIndex !== undefined)
    throw new UsageError("--like brings the first index and the cuts; leave out --first-index and --segment-bytes.");
  // Only names and format matter here, so nothing is refused that an import refuses.
  const model = await TidwallLog.open(like, { emptyEntries: "keep", ...(format === undefined ? {} : { format }) });
  return { escapes, format: model.format, segmentStarts: model.segments.map(({ firstIndex: start }) => start) };
}

function summaryLines(summary: TidwallExportSummary, elapsedMs: number, colors: Colors): string[] {
  const { entries, segments, indexOffset } = summary;
  return [
    `${colors.green(`${formatPlural(entries, "entry", "entries")} in ${summary.target}`)}, all durable`,
    ...fieldLines([
      [
        "wrote",
        `${formatPlural(segments, "segment")}, ${formatBytes(summary.bytes)}, ${formatDuration(elapsedMs)}, ${formatRate((entries / elapsedMs) * 1000)}`,
      ],
      ["format", summary.format],
      [
        "numbers",
        entries === 0
          ? "no entries"
          : `${indexOffset === 0 ? "index = LSN" : `index = LSN ${indexOffset < 0 ? "-" : "+"} ${formatCount(Math.abs(indexOffset))}`}, ${formatCount(summary.firstIndex)} to ${formatCount(summary.lastIndex)}`,
      ],
    ]),
  ];
}
