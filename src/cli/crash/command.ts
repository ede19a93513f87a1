/** `holdfast crash`: the power is cut, simulated, at every moment of many workloads. */
import { randomInt } from "node:crypto";
import { availableParallelism } from "node:os";
import { UsageError, suggestion } from "../arguments.js";
import type { Command, CommandContext } from "../command.js";
import { type ExitCode, exitCodes } from "../exit-code.js";
import { createProgress } from "../progress.js";
import { tableLines } from "../table.js";
import { writeLine } from "../terminal.js";
import { formatCount, formatDuration, formatPercent, formatPlural } from "../units.js";
import { type CrashBudgetReport, type CrashTotals, runCrashBudget } from "./crash-budget.js";
import { crashSuites } from "./suites.js";

const STATES_DEFAULT = "100000";
const SECONDS_MAX = 86_400;

/** The command. */
export const crashCommand: Command = {
  description:
    "Runs logs, anchors and double-write buffers on a simulated disk, cuts the power or kills the process at each operation, tries what the " +
    "disk may then hold, recovers, and checks that nothing acknowledged is lost and nothing comes back; and crashes the recoveries too. " +
    "Touches no file. Exits with 1 when a state fails, with a line that repeats it.\n\n" +
    `Scenarios: ${crashSuites.map(({ name, summary }) => `${name} (${summary})`).join("; ")}.`,
  json: "one document: { seed, total, suites, failures, durationMs }; with --replay { replay, failure, trace }",
  args: {
    seed: {
      type: "string",
      valueHint: "N",
      description: "Which workloads and samples (default: a random one, printed)",
    },
    states: {
      type: "string",
      valueHint: "N",
      default: STATES_DEFAULT,
      description: "Stop after this many distinct states",
    },
    seconds: { type: "string", valueHint: "N", description: "Stop after this many seconds" },
    scenario: { type: "string", valueHint: "NAMES", description: "Only these scenarios, separated by commas" },
    threads: { type: "string", valueHint: "N", description: "Threads (default: one for each processor, at most 8)" },
    replay: { type: "string", valueHint: "ID", description: "Repeat the one state that a failure printed" },
  },
  examples: [
    ["holdfast crash", "A run of a minute or so"],
    ["holdfast crash --states 1_000_000 --seed 7", "A long run that can be repeated"],
    ["holdfast crash --scenario anchor,double-write", "Some scenarios only"],
    ["holdfast crash --replay log-align/10@7/3:cut:71:1", "One state, with everything that led to it"],
  ],
  run,
};

async function run(context: CommandContext): Promise<ExitCode> {
  const { args, terminal, signal, json } = context;
  const replay = args.text("replay");
  if (replay !== undefined) return await replayState(context, replay);
  const seed = args.wholeNumber("seed", { min: 0, max: Number.MAX_SAFE_INTEGER }) ?? randomInt(2 ** 32);
  const statesMax = args.requiredNumber("states", { min: 1, max: 1e12 });
  const seconds = args.wholeNumber("seconds", { min: 1, max: SECONDS_MAX }) ?? SECONDS_MAX;
  const threads = args.wholeNumber("threads", { min: 1, max: 64 }) ?? Math.min(8, availableParallelism());
  const suites = args.text("scenario")?.split(",");
  for (const name of suites ?? []) suiteNamed(name);
  const progress = createProgress(terminal, "crash", { json });
  try {
    const report = await runCrashBudget({
      seed,
      ...(suites === undefined ? {} : { suites }),
      statesMax,
      timeMsMax: seconds * 1000,
      threads,
      signal,
      onOutcome(outcome, total) {
        if (outcome.kind === "failure") progress.note(`${outcome.failure.title}: failed`);
        progress.update(
          total.distinct,
          statesMax,
          () => `${formatCount(total.distinct)} distinct states in ${formatPlural(total.cases, "workload")}`,
        );
      },
    });
    progress.stop();
    if (json) await writeLine(terminal.out, JSON.stringify(report));
    else for (const line of reportLines(report)) await writeLine(terminal.out, line);
    return report.failures.length === 0 ? exitCodes.ok : exitCodes.problem;
  } finally {
    progress.stop();
  }
}

async function replayState({ terminal, json }: CommandContext, text: string): Promise<ExitCode> {
  const parts = /^([a-z-]+)\/(\d{1,9})@((\d{1,15})[:/].*)$/.exec(text);
  if (parts === null)
    throw new UsageError(`--replay takes what a failure printed, as in log-align/10@7/3:cut:71:1, not "${text}".`);
  const [, name = "", index = "", id = "", seed = ""] = parts;
  const crashCase = suiteNamed(name).makeCase(Number(index), Number(seed));
  const { failure, trace } = await crashCase.replay(id);
  if (json) {
    await writeLine(terminal.out, JSON.stringify({ replay: text, failure: failure?.message ?? null, trace }));
  } else {
    await writeLine(terminal.out, crashCase.title);
    await writeLine(terminal.out, trace);
    await writeLine(
      terminal.out,
      failure === undefined ? "Everything holds in this state." : `${failure.finding.problem}: ${causeOf(failure)}`,
    );
  }
  return failure === undefined ? exitCodes.ok : exitCodes.problem;
}

function suiteNamed(name: string): (typeof crashSuites)[number] {
  const found = crashSuites.find((suite) => suite.name === name);
  const names = crashSuites.map((suite) => suite.name);
  if (found === undefined)
    throw new UsageError(
      `There is no scenario "${name}". There are ${names.join(", ")}.${suggestion(name, names, "")}`,
    );
  return found;
}

function reportLines({ seed, total, suites, failures, durationMs }: CrashBudgetReport): string[] {
  const row = (name: string, totals: CrashTotals): string[] => [
    name,
    formatCount(totals.cases),
    formatCount(totals.points),
    totals.points === 0 ? "" : formatPercent(totals.exhaustedPoints, totals.points),
    formatCount(totals.raw),
    formatCount(totals.distinct),
    formatCount(totals.inRecovery),
  ];
  const lines = tableLines(
    [
      { head: "scenario", align: "start" },
      { head: "workloads", align: "end" },
      { head: "crash points", align: "end" },
      { head: "exhausted", align: "end" },
      { head: "states", align: "end" },
      { head: "distinct", align: "end" },
      { head: "in recovery", align: "end" },
    ],
    [...Object.entries(suites).map(([name, totals]) => row(name, totals)), row("all", total)],
  );
  for (const failure of failures)
    lines.push("", failure.message, ...(failure.replay === "" ? [] : [`holdfast crash --replay ${failure.replay}`]));
  const rate = formatCount(Math.round((total.distinct * 1000) / Math.max(1, durationMs)));
  const verdict =
    failures.length === 0
      ? "Nothing was lost and nothing came back."
      : `${formatPlural(failures.length, "workload")} failed.`;
  return [...lines, "", `${verdict} Seed ${seed}, ${formatDuration(durationMs)}, ${rate} distinct states a second.`];
}

function causeOf(error: Error): string {
  return error.cause instanceof Error ? error.cause.message : error.message;
}
