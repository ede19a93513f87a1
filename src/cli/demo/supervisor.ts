/**
 * Starts the writer process, hears its acknowledgements, kills it with SIGKILL when the plan says so, and starts it again until
 * every flight is durable.
 *
 * What is checked after each kill: the log that comes back holds at least every flight that the supervisor had heard
 * acknowledged, and no more than were to be appended. What they contain is checked at the end, against the file.
 */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { ExitCodeError } from "../exit-code.js";
import type { PlannedKill } from "./kill-plan.js";
import { MessageDecoder, type ReopenReport, type WriterCounters, type WriterMessage, closeRequest } from "./message.js";
import { DemoMismatchError } from "./mismatch.js";

/** What the supervisor is to do. */
export interface SuperviseOptions {
  readonly data: string;
  readonly directory: string;
  readonly records: number;
  readonly writers: number;
  readonly flush: "pool" | "inline";
  readonly kills: readonly PlannedKill[];
  readonly signal: AbortSignal;
  /** Called at each acknowledgement and each crash. */
  readonly onState?: (state: SuperviseState) => void;
  readonly onCrash?: (crash: Crash, index: number) => void;
}

/** Where the run stands. */
export interface SuperviseState {
  /** Flights acknowledged to the supervisor. */
  readonly acknowledged: number;
  readonly crashes: number;
  readonly phase: "starting" | "appending" | "closing";
}

/** One kill and what came back. */
export interface Crash {
  /** Flights that the supervisor had heard acknowledged when the process was gone. */
  readonly acknowledged: number;
  /** What the next process found. */
  readonly reopened: ReopenReport;
  /** From the death of one process to the open log in the next: process start, loading of code, recovery. */
  readonly backAfterMs: number;
}

/** What the run amounts to. */
export interface SuperviseResult {
  readonly crashes: readonly Crash[];
  /** Flights acknowledged to the supervisor while it listened. */
  readonly acknowledged: number;
  /** Summed over all writer processes. */
  readonly counters: WriterCounters;
  /** Wall time, restarts included. */
  readonly elapsedMs: number;
}

/** Runs writers until all flights are durable and the log is closed. */
export async function supervise(options: SuperviseOptions): Promise<SuperviseResult> {
  const startMs = performance.now();
  const crashes: Crash[] = [];
  let counters: WriterCounters = { groups: 0, syncs: 0, appendMs: 0, sourceWaitMs: 0 };
  let acknowledged = 0;
  let diedAtMs: number | undefined;
  for (let life = 0; ; life++) {
    options.signal.throwIfAborted();
    const kill = options.kills[life];
    const acknowledgedBefore = acknowledged;
    const run = await runWriter(options, {
      kill,
      onOpened(report) {
        checkReopened(report, acknowledgedBefore, options.records);
        if (diedAtMs === undefined) return;
        const crash = { acknowledged: acknowledgedBefore, reopened: report, backAfterMs: performance.now() - diedAtMs };
        crashes.push(crash);
        options.onCrash?.(crash, crashes.length);
      },
      onAcknowledged(lsn, phase) {
        acknowledged = Math.max(acknowledged, lsn);
        options.onState?.({ acknowledged, crashes: crashes.length, phase });
      },
    });
    counters = addCounters(counters, run.counters);
    if (!run.killed) return { crashes, acknowledged, counters, elapsedMs: performance.now() - startMs };
    diedAtMs = performance.now();
  }
}

function checkReopened(report: ReopenReport, acknowledged: number, records: number): void {
  if (report.lastLsn < acknowledged) {
    throw new DemoMismatchError(
      `${acknowledged} flights were acknowledged, and the reopened log ends at LSN ${report.lastLsn}.`,
    );
  }
  if (report.lastLsn > records) {
    throw new DemoMismatchError(
      `${records} flights were to be appended, and the reopened log ends at LSN ${report.lastLsn}.`,
    );
  }
}

interface WriterRun {
  readonly kill: PlannedKill | undefined;
  readonly onOpened: (report: ReopenReport) => void;
  readonly onAcknowledged: (lsn: number, phase: SuperviseState["phase"]) => void;
}

/** One life of the writer process. Rejects when it fails by itself; resolves when it was killed as planned, or closed the log. */
function runWriter(
  options: SuperviseOptions,
  run: WriterRun,
): Promise<{ readonly killed: boolean; readonly counters: WriterCounters }> {
  return new Promise((resolve, reject) => {
    const words = ["demo-writer", options.directory, "--data", options.data, "--records", String(options.records)];
    words.push("--writers", String(options.writers), "--flush", options.flush);
    const child = spawn(process.execPath, [fileURLToPath(new URL("../main.js", import.meta.url)), ...words], {
      stdio: ["pipe", "pipe", "pipe"],
      // Ctrl-C reaches the supervisor alone, which then decides about the writer.
      detached: true,
    });
    const decoder = new MessageDecoder();
    let counters: WriterCounters = { groups: 0, syncs: 0, appendMs: 0, sourceWaitMs: 0 };
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

    const armKill = (lsn: number): void => {
      if (run.kill === undefined || timer !== undefined || lsn < run.kill.acknowledged) return;
      timer = setTimeout(() => {
        killed = true;
        child.kill("SIGKILL");
      }, run.kill.delayMs);
    };
    const receive = (message: WriterMessage): void => {
      switch (message.kind) {
        case "opened":
          run.onOpened(message.report);
          run.onAcknowledged(0, "appending");
          armKill(message.report.lastLsn);
          return;
        case "acknowledged":
          counters = message.counters;
          run.onAcknowledged(message.lsn, "appending");
          armKill(message.lsn);
          return;
        case "finished":
          if (run.kill === undefined) child.stdin.write(`${closeRequest}\n`);
          run.onAcknowledged(0, "closing");
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
      if (failure === undefined) resolve({ killed, counters });
      else reject(failure);
    });
  });
}

function addCounters(a: WriterCounters, b: WriterCounters): WriterCounters {
  return {
    groups: a.groups + b.groups,
    syncs: a.syncs + b.syncs,
    appendMs: a.appendMs + b.appendMs,
    sourceWaitMs: a.sourceWaitMs + b.sourceWaitMs,
  };
}
