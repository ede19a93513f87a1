/**
 * Progress of long work on stderr: one live line on a terminal, a plain line every few seconds elsewhere, nothing with
 * `--json`.
 *
 * The live line is drawn here and not by a prompt library because those put the keyboard into raw mode and turn Ctrl-C into
 * an immediate exit; here Ctrl-C stays a signal, which aborts the work in order.
 */
import pc from "picocolors";
import { type Output, type Terminal, visibleLength } from "./terminal.js";
import { formatPercent } from "./units.js";

/** Shows how far some work is. */
export interface Progress {
  /** Says where the work stands; draws at most every so often. `detail` is made only when it is drawn. */
  update(done: number, total: number, detail: () => string): void;
  /** A line that stays, above the live one. */
  note(line: string): void;
  /** Removes the live line. Call it before printing a result. Idempotent. */
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
  #shown = "";

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
    const head = `${this.#label} ${bar} ${percent}  `;
    const room = Math.max(0, this.#output.columns - 1 - visibleLength(head));
    this.#shown = head + detail().slice(0, room);
    this.#print(`\r\x1b[2K${this.#shown}`);
  }

  note(line: string): void {
    this.#print(this.#shown === "" ? `${line}\n` : `\r\x1b[2K${line}\n${this.#shown}`);
  }

  stop(): void {
    if (this.#shown !== "") this.#print("\r\x1b[2K");
    this.#shown = "";
  }

  #print(text: string): void {
    void this.#output.write(text);
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
    this.note(`${this.#label} ${formatPercent(done, total)}  ${detail()}`);
  }

  note(line: string): void {
    void this.#output.write(`${line}\n`);
  }

  stop(): void {
    // Nothing is drawn that would have to go.
  }
}
