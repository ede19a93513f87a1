/** A terminal that remembers what was printed. */
import pc from "picocolors";
import { commands } from "../../src/cli/commands.js";
import { runCommandLine } from "../../src/cli/run.js";
import type { Output, Terminal } from "../../src/cli/terminal.js";

/** What a command line printed and how it ended. */
export interface CapturedRun {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
  /** `out` as one JSON document; throws where it is not exactly one. */
  json(): unknown;
}

/** Runs a command line in this process. */
export async function capture(
  words: readonly string[],
  signal: AbortSignal = new AbortController().signal,
): Promise<CapturedRun> {
  const text = { out: "", err: "" };
  const output = (name: "out" | "err"): Output => ({
    isTty: false,
    columns: 80,
    write(more) {
      text[name] += more;
      return Promise.resolve();
    },
  });
  const terminal: Terminal = { out: output("out"), err: output("err"), colors: pc.createColors(false) };
  const exitCode = await runCommandLine(words, commands, terminal, signal);
  return { exitCode, ...text, json: () => JSON.parse(text.out) as unknown };
}
