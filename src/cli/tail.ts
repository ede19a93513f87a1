/** `holdfast tail`: the newest records, also while another process writes. */
import { LogReader, type LogRecord } from "../log/index.js";
import type { Command, CommandContext } from "./command.js";
import { type ExitCode, exitCodes } from "./exit-code.js";
import { refuseNoLog } from "./no-log.js";
import { type PayloadFormat, payloadFormats, payloadLine, showPayload } from "./payload.js";
import { type Terminal, writeLine } from "./terminal.js";

/** The command. */
export const tailCommand: Command = {
  description:
    "Reads beside a writer in another process and never writes. With --follow it prints each record when it is durable, until Ctrl-C " +
    "(which then ends it with exit code 0).",
  json: "one document per record and line: { lsn, type, bytes, encoding, payload }",
  args: {
    dir: { type: "positional", description: "The log's directory" },
    lines: {
      type: "string",
      alias: "n",
      valueHint: "N",
      description: "How many of the newest records (default 10, or all with --from)",
    },
    from: { type: "string", valueHint: "LSN", description: "Start at this LSN instead" },
    follow: { type: "boolean", alias: "f", description: "Go on with what is appended" },
    format: {
      type: "string",
      valueHint: "FORMAT",
      default: "auto",
      description: `${payloadFormats.join(", ")}; auto takes JSON as JSON, other UTF-8 as text, the rest as hex, and so does what does not fit the format`,
    },
  },
  examples: [
    ["holdfast tail ./data", "The last ten records"],
    ["holdfast tail ./data -n 1 --format hex", "The last one, as hex"],
    ["holdfast tail ./data --from 5000 --follow --json | jq .payload", "Everything from LSN 5000 on, and what comes"],
  ],
  run,
};

async function run({ args, terminal, signal, json }: CommandContext): Promise<ExitCode> {
  const format = args.choice("format", payloadFormats);
  const from = args.wholeNumber("from", { min: 1, max: Number.MAX_SAFE_INTEGER });
  const lines =
    args.wholeNumber("lines", { min: 0, max: Number.MAX_SAFE_INTEGER }) ??
    (from === undefined ? 10 : Number.POSITIVE_INFINITY);
  const follow = args.flag("follow");
  const directory = args.requiredText("dir");
  await refuseNoLog(directory);
  const reader = await LogReader.open(directory);
  try {
    const { firstLsn, lastLsn } = reader;
    const first = from ?? Math.max(firstLsn, lastLsn - lines + 1);
    const last = Math.min(lastLsn, first + lines - 1);
    const print = printer(terminal, { json, format, lsnWidth: String(lastLsn).length });
    if (first <= last) for await (const record of reader.read({ from: first, to: last, signal })) await print(record);
    if (follow) await followFrom(reader, Math.max(first, last + 1), signal, print);
    return exitCodes.ok;
  } finally {
    await reader.close();
  }
}

async function followFrom(
  reader: LogReader,
  from: number,
  signal: AbortSignal,
  print: (record: LogRecord) => Promise<void>,
): Promise<void> {
  try {
    for await (const record of reader.follow({ from, signal })) await print(record);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** A function that prints one record. */
function printer(
  terminal: Terminal,
  how: { readonly json: boolean; readonly format: PayloadFormat; readonly lsnWidth: number },
): (record: LogRecord) => Promise<void> {
  return async ({ lsn, type, payload }) => {
    const shown = showPayload(payload, how.format);
    if (how.json) {
      await writeLine(terminal.out, JSON.stringify({ lsn, type, bytes: payload.length, ...shown }));
      return;
    }
    const head = `${String(lsn).padStart(how.lsnWidth)}  type ${String(type).padEnd(3)}  ${String(payload.length).padStart(6)} B  `;
    const line = payloadLine(shown);
    const room = terminal.out.columns - head.length;
    const fits = !terminal.out.isTty || line.length <= room;
    await writeLine(terminal.out, head + (fits ? line : `${line.slice(0, Math.max(0, room - 1))}…`));
  };
}
