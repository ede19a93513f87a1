/** What stands on the screen while something runs, and what is left of it. */
import { stripVTControlCharacters } from "node:util";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createProgress } from "./progress.js";
import type { Output, Terminal } from "./terminal.js";
import pc from "picocolors";

/** A terminal as wide as that which knows its lines: what a program writes with the few sequences that progress uses. */
class Screen implements Output {
  readonly columns: number;
  readonly isTty: boolean;
  readonly lines: string[] = [""];
  text = "";
  #row = 0;

  constructor(columns: number, isTty: boolean) {
    this.columns = columns;
    this.isTty = isTty;
  }

  write(text: string): Promise<void> {
    this.text += text;
    for (const [part] of text.matchAll(/\x1b\[2K|\x1b\[1A|\r|\n|[^\x1b\r\n]+|\x1b\[[\d;]*m/g)) {
      if (part === "\x1b[2K") this.lines[this.#row] = "";
      else if (part === "\x1b[1A") this.#row -= 1;
      else if (part === "\n") this.lines[++this.#row] ??= "";
      else if (part !== "\r" && !part.startsWith("\x1b")) this.lines[this.#row]! += part;
    }
    return Promise.resolve();
  }
}

function terminalOn(err: Screen): Terminal {
  return { out: new Screen(80, false), err, colors: pc.createColors(false) };
}

describe("progress", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("draws its lines over each other, keeps what is noted above them, and leaves none", () => {
    const screen = new Screen(60, true);
    const progress = createProgress(terminalOn(screen), "commit", { json: false });
    progress.update(1, 4, () => "a\n  second\n  third");
    expect(screen.lines).toEqual([expect.stringMatching(/^commit ━+ +25 % +a$/), "  second", "  third"]);
    vi.advanceTimersByTime(200);
    progress.note("crash 1");
    progress.update(2, 4, () => "b\n  other");
    expect(screen.lines.filter((line) => line !== "")).toEqual([
      "crash 1",
      expect.stringMatching(/^commit ━+ +50 % +b$/),
      "  other",
    ]);
    progress.stop();
    progress.stop();
    expect(screen.lines.filter((line) => line !== "")).toEqual(["crash 1"]);
  });

  it("cuts lines that are too wide, since a line that wraps could not be drawn over", () => {
    const screen = new Screen(50, true);
    const progress = createProgress(terminalOn(screen), "commit", { json: false });
    progress.update(1, 4, () => `a\n${"\x1b[36m▁▂▃\x1b[39m".repeat(40)}`);
    expect(screen.lines.map((line) => stripVTControlCharacters(line).length <= 49)).toEqual([true, true]);
  });

  it("is one plain line every few seconds where there is no terminal", () => {
    const screen = new Screen(80, false);
    const progress = createProgress(terminalOn(screen), "commit", { json: false });
    progress.update(1, 4, () => "too early");
    vi.advanceTimersByTime(2_500);
    progress.update(2, 4, () => "a\n  second");
    progress.stop();
    expect(screen.text).toBe("commit 50 %  a  second\n");
  });

  it("is silent with --json", () => {
    const screen = new Screen(80, true);
    const progress = createProgress(terminalOn(screen), "commit", { json: true });
    vi.advanceTimersByTime(2_500);
    progress.update(2, 4, () => "a");
    progress.note("crash 1");
    progress.stop();
    expect(screen.text).toBe("");
  });
});
