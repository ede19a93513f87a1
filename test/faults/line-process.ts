import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";

/** An error as a child process reports it. */
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

/** A child process that says in lines, each a word and its facts, what it does; and that is stopped at any moment. */
export abstract class LineProcess {
  refused: ReportedError | undefined;
  stderr = "";

  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #partial = "";
  #waiting: { readonly until: () => boolean; readonly resolve: () => void }[] = [];

  /** `wrap` puts another program in front, such as `["strace", …]`. */
  constructor(program: string, task: unknown, wrap: readonly string[], env: Readonly<Record<string, string>>) {
    const words = [...wrap, process.execPath, program, JSON.stringify(task)];
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

  /** Takes one line. */
  protected abstract hear(word: string, facts: string): void;
  /** What it has said, for messages. */
  protected abstract said(): unknown;

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
    if (!until()) throw new Error(`the child never came to "${what}". ${this.#story()}`);
  }

  /** Resolves when the process has ended by itself and all it said is read; throws if it crashed. */
  async end(limitMs = 60_000): Promise<void> {
    const waited = new AbortController();
    const late = delay(limitMs, "late", { signal: waited.signal }).catch(() => "ended");
    const outcome = await Promise.race([this.#ended, late]);
    waited.abort();
    if (outcome === "late") {
      await this.kill();
      throw new Error(`the child did not end in ${limitMs} ms. ${this.#story()}`);
    }
    if (this.#child.exitCode !== 0) throw new Error(`the child crashed. ${this.#story()}`);
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
      throw new Error(`the child crashed before it was killed. ${this.#story()}`);
    }
  }

  #read(text: string): void {
    const lines = (this.#partial + text).split("\n");
    this.#partial = lines.pop() ?? "";
    for (const line of lines) {
      const space = line.indexOf(" ");
      this.hear(line.slice(0, space), line.slice(space + 1));
    }
    this.#wake(false);
  }

  #wake(all: boolean): void {
    const waiting = this.#waiting;
    this.#waiting = waiting.filter(({ until }) => !all && !until());
    for (const { until, resolve } of waiting) if (all || until()) resolve();
  }

  #story(): string {
    const { exitCode, signalCode } = this.#child;
    const end = exitCode ?? signalCode ?? "none";
    return `exit ${end}, said ${JSON.stringify(this.said())}, stderr: ${this.stderr.slice(0, 4000)}`;
  }
}
