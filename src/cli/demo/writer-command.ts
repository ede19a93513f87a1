/** `holdfast demo-writer`: the process that the demo kills. Started by the demo alone; speaks `message.ts` on stdout. */
import { Log } from "../../log/index.js";
import { HoldfastError } from "../../base/index.js";
import type { Command, CommandContext } from "../command.js";
import { type ExitCode, exitCodeOf, exitCodes } from "../exit-code.js";
import { appendFlights } from "./append-flights.js";
import { readFlightsAhead } from "./flight-source.js";
import { type WriterMessage, closeRequest } from "./message.js";

const reportEveryMs = 2;

/** The hidden command. */
export const demoWriterCommand: Command = {
  name: "demo-writer",
  hidden: true,
  summary: "The writer process of the demo.",
  description: "Started by the demo, not by people.",
  args: {
    dir: { type: "positional", description: "The log's directory" },
    data: { type: "string", description: "The flight file" },
    records: { type: "string", description: "Flights to append in all" },
    writers: { type: "string", description: "Concurrent appends" },
    flush: { type: "string", description: "pool or inline" },
  },
  examples: [],
  async run(context) {
    try {
      return await write(context);
    } catch (error) {
      const exitCode = exitCodeOf(error);
      const code = error instanceof HoldfastError ? error.code : "HF_UNEXPECTED";
      const message =
        error instanceof Error
          ? error instanceof HoldfastError
            ? error.message
            : (error.stack ?? error.message)
          : String(error);
      await send(context, { kind: "failed", code, message, exitCode });
      return exitCode;
    } finally {
      // An open pipe would keep the process alive.
      process.stdin.destroy();
    }
  },
};

async function write(context: CommandContext): Promise<ExitCode> {
  const { args } = context;
  const records = args.requiredNumber("records", { min: 1, max: Number.MAX_SAFE_INTEGER });
  const closing = closeRequested(context.signal);
  const openStartMs = performance.now();
  const log = await Log.open(args.requiredText("dir"), { flush: args.choice("flush", ["pool", "inline"] as const) });
  const recoveryMs = performance.now() - openStartMs;
  const { recovery } = log;
  await send(context, {
    kind: "opened",
    report: {
      lastLsn: log.lastLsn,
      clean: recovery.clean,
      epoch: recovery.epoch,
      keptRecords: recovery.keptRecords,
      cutBytes: recovery.cutBytes,
      cutReason: recovery.cut?.reason,
      recoveryMs,
    },
  });

  const chunks = readFlightsAhead({ path: args.requiredText("data"), first: log.lastLsn + 1, last: records });
  const firstChunk = await chunks.next();
  const startMs = performance.now();
  let sourceWaitMs = 0;
  let acknowledgedLsn = log.lastLsn;
  let reportedLsn = log.lastLsn;
  let reportedMs = startMs;
  let scheduled = false;
  const report = (): void => {
    scheduled = false;
    const nowMs = performance.now();
    if (acknowledgedLsn === reportedLsn || (nowMs - reportedMs < reportEveryMs && acknowledgedLsn < records)) return;
    reportedLsn = acknowledgedLsn;
    reportedMs = nowMs;
    const { groups, syncs } = log.stats();
    const counters = { groups, syncs, appendMs: nowMs - startMs, sourceWaitMs };
    void send(context, { kind: "acknowledged", lsn: acknowledgedLsn, counters });
  };

  await appendFlights({
    log,
    chunks: startingWith(firstChunk, chunks),
    writers: args.requiredNumber("writers", { min: 1, max: 1_000_000 }),
    signal: context.signal,
    onAcknowledged(lsn) {
      acknowledgedLsn = lsn;
      if (scheduled) return;
      scheduled = true;
      setImmediate(report);
    },
    onSourceWait(ms) {
      sourceWaitMs += ms;
    },
  });
  report();
  await chunks.return();
  await send(context, { kind: "finished" });
  // A kill that is still due comes here: every flight is durable, and the log is not closed.
  await closing;
  await log.close();
  return exitCodes.ok;
}

/** An iterator that gives `first` and then the rest. */
function startingWith<T>(
  first: IteratorResult<T, void>,
  rest: AsyncIterator<T, void, undefined>,
): AsyncIterator<T, void, undefined> {
  let held: IteratorResult<T, void> | undefined = first;
  return {
    next() {
      if (held === undefined) return rest.next();
      const result = held;
      held = undefined;
      return Promise.resolve(result);
    },
  };
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
    // An append may be under way for long; without a supervisor there is nobody to wait for it.
    process.stdin.on("end", () => process.exit(exitCodes.interrupted));
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });
  // The rejection is seen where `closing` is awaited; before that it must not count as unhandled.
  asked.catch(() => undefined);
  return asked;
}

function send(context: CommandContext, message: WriterMessage): Promise<void> {
  return context.terminal.out.write(`${JSON.stringify(message)}\n`);
}
