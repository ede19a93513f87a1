/**
 * Starts the process that works, hears its acknowledgements, kills it with SIGKILL when the plan says so, and starts it again until everything is
 * durable and its files are closed.
 */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { ExitCodeError } from "../exit-code.js";
import type { PlannedKill } from "./kill-plan.js";
import { MessageDecoder, type WriterMessage, closeRequest } from "./message.js";

/** What the supervisor is to do. */
export interface SuperviseOptions<O, A> {
  /** The command line of the process. */
  readonly words: readonly string[];
  /** One for each life but the last. */
  readonly kills: readonly PlannedKill[];
  readonly signal: AbortSignal;
  /** A process opened its files, so long after it was started: start of Node, loading of code, recovery. What this throws ends everything. */
  readonly onOpened: (opening: O, startMs: number) => void;
  /** What this throws ends everything. */
  readonly onAcknowledged: (acknowledged: A) => void;
  /** A process was killed, and the next one is not started before this resolves. Not called after the last one. */
  readonly onKilled: () => Promise<void>;
}

/** Runs processes until one closes its files. Resolves with the wall time of it all. */
export async function supervise<O, A>(options: SuperviseOptions<O, A>): Promise<{ readonly elapsedMs: number }> {
  const startMs = performance.now();
  for (let life = 0; ; life++) {
    options.signal.throwIfAborted();
    const { killed } = await runWriter(options, options.kills[life]);
    if (!killed) return { elapsedMs: performance.now() - startMs };
    await options.onKilled();
  }
}

/** One life of the process. Rejects when it fails by itself; resolves when it was killed as planned, or closed its files. */
function runWriter<O, A>(
  options: SuperviseOptions<O, A>,
  kill: PlannedKill | undefined,
): Promise<{ readonly killed: boolean }> {
  return new Promise((resolve, reject) => {
    const startedMs = performance.now();
    const main = fileURLToPath(new URL("../main.js", import.meta.url));
    const child = spawn(process.execPath, [main, ...options.words], {
      stdio: ["pipe", "pipe", "pipe"],
      // Ctrl-C reaches the supervisor alone, which then decides about the writer.
      detached: true,
    });
    const decoder = new MessageDecoder<O, A>();
    let killed = false;
    let failure: Error | undefined;
    let timer: NodeJS.Timeout | undefined;
    let stderr = "";

    const stop = (error: unknown): void => {
      failure ??= error instanceof Error ? error : new Error(String(error));
      child.kill("SIGKILL");
    };
    const abort = (): void => {
      stop(options.signal.reason);
    };
    options.signal.addEventListener("abort", abort, { once: true });

    const armKill = (done: number): void => {
      if (kill === undefined || timer !== undefined || done < kill.acknowledged) return;
      timer = setTimeout(() => {
        killed = true;
        child.kill("SIGKILL");
      }, kill.delayMs);
    };
    const receive = (message: WriterMessage<O, A>): void => {
      switch (message.kind) {
        case "opened":
          options.onOpened(message.opening, performance.now() - startedMs);
          armKill(message.done);
          return;
        case "acknowledged":
          options.onAcknowledged(message.acknowledged);
          armKill(message.done);
          return;
        case "finished":
          if (kill === undefined) child.stdin.write(`${closeRequest}\n`);
          return;
        case "failed":
          failure ??= new ExitCodeError(message.code, message.message, message.exitCode);
      }
    };

    child.stdin.on("error", () => undefined); // The process may be gone; its exit says so.
    child.stdout.setEncoding("utf8");
    child.stdout.on("data", (text: string) => {
      try {
        for (const message of decoder.push(text)) receive(message);
      } catch (error) {
        stop(error);
      }
    });
    child.stderr.setEncoding("utf8");
    child.stderr.on("data", (text: string) => {
      stderr = (stderr + text).slice(-4_000);
    });
    child.on("error", stop);
    // "close" comes after the last byte of stdout: acknowledgements sent before the kill count.
    child.on("close", (code, signalName) => {
      clearTimeout(timer);
      options.signal.removeEventListener("abort", abort);
      if (failure === undefined && !killed && code !== 0) {
        failure = new Error(`the writer process ended with ${signalName ?? `exit code ${code}`}: ${stderr.trim()}`);
      }
      if (failure === undefined) resolve({ killed });
      else reject(failure);
    });
  });
}
