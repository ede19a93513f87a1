/** `holdfast demo-writer`: the process that the demo kills. Started by the demo alone; speaks `message.ts` on stdout. */
import { HoldfastError } from "../../base/index.js";
import type { Arguments } from "../arguments.js";
import type { Command, CommandContext } from "../command.js";
import { type ExitCode, exitCodeOf, exitCodes } from "../exit-code.js";
import { type WriterMessage, closeRequest } from "./message.js";
import { feedOfBlocks } from "./node/block-feed.js";
import { feedOfFlights } from "./node/flight-feed.js";
import { blockSettings, demoSettings } from "./node/node-settings.js";
import { writeNode } from "./node/write.js";
import { readFlightsAhead } from "./flight-source.js";
import { writePlain } from "./plain/write.js";
import type { WriterRequest, Written } from "./writer-request.js";

/** The hidden command. */
export const demoWriterCommand: Command = {
  description: "Started by the demo, not by people.",
  args: {
    dir: { type: "positional", description: "The directory of the node or the log" },
    data: { type: "string", description: "The flight file" },
    records: { type: "string", description: "Flights or blocks to make durable in all" },
    round: { type: "string", description: "Flights in a round of the node" },
    plain: { type: "boolean", description: "A log instead of a node" },
    writers: { type: "string", description: "Concurrent appends to the log" },
    flush: { type: "string", description: "pool or inline" },
    era1: { type: "string", description: "The era1 file, in place of flights" },
  },
  examples: [],
  async run(context) {
    const send = (message: WriterMessage<unknown, unknown>): Promise<void> =>
      context.terminal.out.write(`${JSON.stringify(message)}\n`);
    try {
      return await write(context, send);
    } catch (error) {
      const exitCode = exitCodeOf(error);
      const code = error instanceof HoldfastError ? error.code : "HF_UNEXPECTED";
      const message =
        error instanceof Error
          ? error instanceof HoldfastError
            ? error.message
            : (error.stack ?? error.message)
          : String(error);
      await send({ kind: "failed", code, message, exitCode });
      return exitCode;
    } finally {
      // An open pipe would keep the process alive.
      process.stdin.destroy();
    }
  },
};

async function write(
  { args, signal }: CommandContext,
  send: (message: WriterMessage<unknown, unknown>) => Promise<void>,
): Promise<ExitCode> {
  const closing = closeRequested(signal);
  const written = await writeForm(args, { directory: args.requiredText("dir"), signal, send });
  await send({ kind: "finished" });
  // A kill that is still due comes here: everything is durable, and nothing is closed.
  await closing;
  await written.close();
  return exitCodes.ok;
}

async function writeForm(args: Arguments, common: WriterRequest<unknown, unknown>): Promise<Written> {
  const records = args.requiredNumber("records", { min: 0, max: Number.MAX_SAFE_INTEGER });
  const flush = args.choice("flush", ["pool", "inline"] as const);
  const many = { min: 1, max: Number.MAX_SAFE_INTEGER };
  const era1 = args.text("era1");
  if (era1 !== undefined)
    return await writeNode({ ...common, feed: { ...feedOfBlocks(era1, records), settings: blockSettings }, flush });
  const data = args.requiredText("data");
  if (args.flag("plain"))
    return await writePlain({ ...common, data, records, flush, writers: args.requiredNumber("writers", many) });
  const round = args.requiredNumber("round", many);
  const flights = feedOfFlights((first) => readFlightsAhead({ path: data, first, last: records }), round);
  return await writeNode({ ...common, feed: { ...flights, settings: demoSettings }, flush });
}

/** Resolves when the supervisor asks to close; ends the process when the supervisor is gone. */
function closeRequested(signal: AbortSignal): Promise<void> {
  const asked = new Promise<void>((resolve, reject) => {
    process.stdin.setEncoding("utf8");
    process.stdin.on("data", (text: string) => {
      if (text.includes(closeRequest)) {
        resolve();
      }
    });
    // A write may be under way for long; without a supervisor there is nobody to wait for it.
    process.stdin.on("end", () => process.exit(exitCodes.interrupted));
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });
  // The rejection is seen where `closing` is awaited; before that it must not count as unhandled.
  asked.catch(() => undefined);
  return asked;
}
