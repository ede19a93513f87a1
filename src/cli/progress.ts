/**
 * Progress of long work on stderr: a few live lines on a terminal, a plain line every few seconds elsewhere, nothing with
 * `--json`.
 *
 * The live lines are drawn here and not by a prompt library because those put the keyboard into raw mode and turn Ctrl-C into
 * an immediate exit; here Ctrl-C stays a signal, which aborts the work in order.
 */
import pc from "picocolors";
import { type Output, type Terminal, cutVisible } from "./terminal.js";
import { formatPercent } from "./units.js";

/** Shows how far some work is. */
export interface Progress {
  /** Says where the work stands; draws at most every so often. `detail` is made only when it is drawn; its further lines stand below the first. */
  update(done: number, total: number, detail: () => string): void;
  /** A line that stays, above the live ones. */
  note(line: string): void;
  /** Removes the live lines. Call it before printing a result. Idempotent. */
  stop(): void;
}

const drawEveryMs = 100;
const plainEveryMs = 2_000;
const barWidth = 24;

/** The progress that fits the terminal: silent with `--json`. */
export function createProgress(terminal: Terminal, label: string, options: { readonly json: boolean }): Progress {
  if (options.json) return { update: () => undefined, note: () => undefined, stop: () => undefined };
  return terminal.err.isTty ? new LiveProgress(terminal.err, label) : new PlainProgress(terminal.err, label);
}

class LiveProgress implements Progress {
  readonly #output: Output;
  readonly #label: string;
  #drawnAtMs = Number.NEGATIVE_INFINITY;
  /** What stands on the terminal now. */
  #lines: readonly string[] = [];

  constructor(output: Output, label: string) {
    this.#output = output;
    this.#label = label;
  }

  update(done: number, total: number, detail: () => string): void {
    const nowMs = performance.now();
    if (nowMs - this.#drawnAtMs < drawEveryMs) return;
    this.#drawnAtMs = nowMs;
    const filled = total > 0 ? Math.min(barWidth, Math.floor((done / total) * barWidth)) : 0;
    const bar = pc.cyan("━".repeat(filled)) + pc.dim("━".repeat(barWidth - filled));
    const percent = formatPercent(done, total).padStart(5);
    const lines = `${this.#label} ${bar} ${percent}  ${detail()}`.split("\n");
    // A line that wraps would be two to go back over.
    this.#draw(lines.map((line) => cutVisible(line, this.#output.columns - 1)));
  }

  note(line: string): void {
    this.#draw(this.#lines, `${line}\n`);
  }

  stop(): void {
    if (this.#lines.length > 0) this.#draw([]);
  }

  /** Puts these lines in the place of those that are there, below what is to stay. */
  #draw(lines: readonly string[], staying: string = ""): void {
    const erased = this.#lines.map(() => "\r\x1b[2K").join("\x1b[1A");
    this.#lines = lines;
    void this.#output.write(erased + staying + lines.join("\n"));
  }
}

class PlainProgress implements Progress {
  readonly #output: Output;
  readonly #label: string;
  #printedAtMs: number = performance.now();

  constructor(output: Output, label: string) {
    this.#output = output;
    this.#label = label;
  }

  update(done: number, total: number, detail: () => string): void {
    const nowMs = performance.now();
    if (nowMs - this.#printedAtMs < plainEveryMs) return;
    this.#printedAtMs = nowMs;
    const said = detail()
      .split("\n")
      .map((line) => line.trim());
    this.note(`${this.#label} ${formatPercent(done, total)}  ${said.join("  ")}`);
  }

  note(line: string): void {
    void this.#output.write(`${line}\n`);
  }

  stop(): void {
    // Nothing is drawn that would have to go.
  }
}
