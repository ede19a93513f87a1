import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { WriterTask } from "./writer-task.js";

/** The compiled writer program; made by the run's global setup. */
export const WRITER_PROGRAM: string = path.resolve(".tmp", "faults", "writer-program.mjs");

/** An error as a writer process reports it. */
export interface ReportedError {
  readonly name?: string;
  readonly code: string;
  readonly message: string;
  readonly errno?: string;
  readonly operation?: string;
  readonly path?: string;
  readonly pid?: number;
  readonly cause?: ReportedError;
}

/** The operation that failed: the error itself, or what poisoned the log. */
export function rootOf(error: ReportedError | undefined): ReportedError | undefined {
  return error?.code === "HF_POISONED" ? error.cause : error;
}

export interface OpenReport {
  readonly firstLsn: number;
  readonly lastLsn: number;
  readonly recovery: Readonly<Record<string, unknown>>;
}

export interface FailureReport {
  readonly first: ReportedError;
  readonly others: readonly ReportedError[];
  readonly later: Readonly<Record<string, ReportedError>>;
}

/** What a writer process has said so far. Only what was read from it before a power cut counts as acknowledged. */
export class WriterProcess {
  opened: OpenReport | undefined;
  verified: { readonly firstLsn: number; readonly lastLsn: number } | undefined;
  refused: ReportedError | undefined;
  failed: FailureReport | undefined;
  done = false;
  /** The highest acknowledged LSN; 0 before the first. */
  acknowledgedLsn = 0;
  acknowledgements = 0;
  /** The highest LSN that `truncateBefore` was called with, and the highest with which it resolved. */
  truncationIssued = 0;
  truncationDone = 0;
  stderr = "";

  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #partial = "";
  #waiting: { readonly until: () => boolean; readonly resolve: () => void }[] = [];

  /** `wrap` puts another program in front, such as `["strace", …]`. */
  constructor(task: WriterTask, wrap: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
    const words = [...wrap, process.execPath, WRITER_PROGRAM, JSON.stringify(task)];
    this.#child = spawn(words[0] ?? "", words.slice(1), {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...env },
      // A group of its own, so that a wrapped process dies with its wrapper.
      detached: wrap.length > 0,
    });
    this.#child.stdout?.setEncoding("latin1").on("data", (text: string) => {
      this.#read(text);
    });
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.stderr += text;
    });
    this.#ended = new Promise((resolve, reject) => {
      this.#child.on("error", reject);
      this.#child.on("close", () => {
        resolve();
        this.#wake(true);
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get exitCode(): number | null {
    return this.#child.exitCode;
  }

  /** Resolves when `until` holds; throws when the process ends before, or takes longer than `limitMs`. */
  async when(what: string, until: () => boolean, limitMs = 20_000): Promise<void> {
    if (!until()) {
      const waited = new AbortController();
      await Promise.race([
        new Promise<void>((resolve) => this.#waiting.push({ until, resolve })),
        delay(limitMs, undefined, { signal: waited.signal }).catch(() => undefined),
      ]);
      waited.abort();
    }
    if (!until()) throw new Error(`the writer never came to "${what}". ${this.#story()}`);
  }

  /** Resolves when the process has ended by itself and all it said is read; throws if it crashed. */
  async end(limitMs = 60_000): Promise<void> {
    const waited = new AbortController();
    const late = delay(limitMs, "late", { signal: waited.signal }).catch(() => "ended");
    const outcome = await Promise.race([this.#ended, late]);
    waited.abort();
    if (outcome === "late") {
      await this.kill();
      throw new Error(`the writer did not end in ${limitMs} ms. ${this.#story()}`);
    }
    if (this.#child.exitCode !== 0) throw new Error(`the writer crashed. ${this.#story()}`);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** SIGKILL. Resolves when the process is gone and all it had said is read. Throws if it had crashed by itself before. */
  async kill(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      if (this.#child.spawnargs[0] === process.execPath) this.#child.kill("SIGKILL");
      else process.kill(-this.pid, "SIGKILL");
    }
    await this.#ended;
    if (this.#child.exitCode !== null && this.#child.exitCode !== 0) {
      throw new Error(`the writer crashed before it was killed. ${this.#story()}`);
    }
  }

  #read(text: string): void {
    const lines = (this.#partial + text).split("\n");
    this.#partial = lines.pop() ?? "";
    for (const line of lines) this.#hear(line);
    this.#wake(false);
  }

  #hear(line: string): void {
    const space = line.indexOf(" ");
    const word = line.slice(0, space);
    const rest = line.slice(space + 1);
    if (word === "a") {
      this.acknowledgedLsn = Math.max(this.acknowledgedLsn, Number(rest));
      this.acknowledgements++;
    } else if (word === "T") this.truncationIssued = Math.max(this.truncationIssued, Number(rest));
    else if (word === "t") this.truncationDone = Math.max(this.truncationDone, Number(rest));
    else if (word === "open") this.opened = JSON.parse(rest) as OpenReport;
    else if (word === "verified") this.verified = JSON.parse(rest) as { firstLsn: number; lastLsn: number };
    else if (word === "refused") this.refused = JSON.parse(rest) as ReportedError;
    else if (word === "failed") this.failed = JSON.parse(rest) as FailureReport;
    else if (word === "done") this.done = true;
  }

  #wake(all: boolean): void {
    const waiting = this.#waiting;
    this.#waiting = waiting.filter(({ until }) => !all && !until());
    for (const { until, resolve } of waiting) if (all || until()) resolve();
  }

  #story(): string {
    const { exitCode, signalCode } = this.#child;
    const said = {
      opened: this.opened,
      refused: this.refused,
      failed: this.failed,
      acknowledgedLsn: this.acknowledgedLsn,
    };
    return `exit ${exitCode ?? signalCode ?? "none"}, said ${JSON.stringify(said)}, stderr: ${this.stderr.slice(0, 4000)}`;
  }
}
