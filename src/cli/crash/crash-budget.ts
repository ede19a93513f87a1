/** Runs cases until a budget is spent: on this thread, or on several that share the cases out by turns. */
import { Worker } from "node:worker_threads";
import { CrashFoundError, type CrashReport } from "../../testing/index.js";
import { type CrashSuite } from "./crash-case.js";
import { caseTurns, crashSuites } from "./suites.js";

/** A case that failed. */
export interface CaseFailure {
  readonly suite: string;
  readonly index: number;
  readonly title: string;
  /** What `--replay` takes; empty where the failure is not one of a state. */
  readonly replay: string;
  readonly message: string;
}

/** What one case gave. */
export type CaseOutcome =
  | { readonly kind: "report"; readonly suite: string; readonly report: CrashReport }
  | { readonly kind: "failure"; readonly failure: CaseFailure };

/** What to run. */
export interface CrashBudget {
  readonly seed: number;
  /** Suites by name. Default: all. */
  readonly suites?: readonly string[];
  /** Stop when this many distinct states were tried, after the case at hand. */
  readonly statesMax: number;
  /** Stop after this many milliseconds. */
  readonly timeMsMax: number;
  /** Threads beside this one; 0 runs the cases on this one. */
  readonly threads: number;
  readonly signal?: AbortSignal;
  readonly onOutcome?: (outcome: CaseOutcome, total: CrashTotals) => void;
}

/** Sums over the cases of one suite, or of all. */
export interface CrashTotals {
  cases: number;
  raw: number;
  distinct: number;
  inRecovery: number;
  points: number;
  exhaustedPoints: number;
}

/** What a run gave. */
export interface CrashBudgetReport {
  readonly seed: number;
  readonly total: CrashTotals;
  readonly suites: Readonly<Record<string, CrashTotals>>;
  readonly failures: readonly CaseFailure[];
  readonly durationMs: number;
}

/** One thread's share of a run. */
export interface CrashShare {
  readonly seed: number;
  readonly suites: readonly string[];
  readonly statesMax: number;
  readonly caseStatesMax: number;
  readonly timeMsMax: number;
  /** This thread's number, and how many there are. */
  readonly thread: number;
  readonly threads: number;
}

/** A failing run is over after this many failures. */
const FAILURES_MAX = 5;
/**
 * States of one case at most, so that no case eats the budget of the others; fewer where the whole budget is small. The longer one workload is
 * looked at, the more of its states were met before, at moments nearby; the shorter, the more begin alike.
 */
const CASE_STATES_MAX = 1000;
const CASE_STATES_MIN = 200;
/** Memory of a thread for short-lived objects. */
const YOUNG_MB = 128;

/** Runs the budget. A state that fails is no error but part of the report. */
export async function runCrashBudget(budget: CrashBudget): Promise<CrashBudgetReport> {
  const startMs = performance.now();
  const total = emptyTotals();
  const suites: Record<string, CrashTotals> = {};
  const failures: CaseFailure[] = [];
  const names = budget.suites ?? crashSuites.map(({ name }) => name);
  const take = (outcome: CaseOutcome): boolean => {
    if (outcome.kind === "failure") failures.push(outcome.failure);
    else {
      for (const totals of [total, (suites[outcome.suite] ??= emptyTotals())]) addReport(totals, outcome.report);
    }
    budget.onOutcome?.(outcome, total);
    return failures.length < FAILURES_MAX && budget.signal?.aborted !== true;
  };
  const threads = Math.max(1, budget.threads);
  const share = (thread: number): CrashShare => ({
    seed: budget.seed,
    suites: names,
    statesMax: Math.ceil(budget.statesMax / threads),
    caseStatesMax: Math.min(CASE_STATES_MAX, Math.max(CASE_STATES_MIN, Math.floor(budget.statesMax / 50))),
    timeMsMax: budget.timeMsMax,
    thread,
    threads,
  });
  if (budget.threads === 0) await runShare(share(0), take, budget.signal);
  else await Promise.all(Array.from({ length: threads }, (_, thread) => runThread(share(thread), take)));
  return { seed: budget.seed, total, suites, failures, durationMs: performance.now() - startMs };
}

/** Runs a share on this thread; `take` gets each outcome and says whether to go on. */
export async function runShare(
  share: CrashShare,
  take: (outcome: CaseOutcome) => boolean,
  signal?: AbortSignal,
): Promise<void> {
  const endMs = performance.now() + share.timeMsMax;
  let distinct = 0;
  const suites = suitesNamed(share.suites);
  for (const { suite, index } of caseTurns(suites)) {
    // Each thread has cases of every suite, slow and quick ones alike, so that all threads come to their number of states together.
    if ((index + suites.indexOf(suite)) % share.threads !== share.thread) continue;
    const timeMsMax = endMs - performance.now();
    if (distinct >= share.statesMax || timeMsMax <= 0 || signal?.aborted === true) return;
    const outcome = await runCase(suite, index, share, timeMsMax, signal);
    if (outcome.kind === "report") distinct += outcome.report.distinct;
    if (!take(outcome)) return;
  }
}

async function runCase(
  suite: CrashSuite,
  index: number,
  share: CrashShare,
  timeMsMax: number,
  signal: AbortSignal | undefined,
): Promise<CaseOutcome> {
  const crashCase = suite.makeCase(index, share.seed);
  try {
    const report = await crashCase.explore({
      statesMax: share.caseStatesMax,
      timeMsMax,
      ...(signal === undefined ? {} : { signal }),
    });
    return { kind: "report", suite: suite.name, report };
  } catch (error) {
    const { finding } = error instanceof CrashFoundError ? error : { finding: undefined };
    const message = error instanceof Error ? error.message : String(error);
    const replay = finding === undefined ? "" : `${suite.name}/${index}@${finding.id}`;
    return { kind: "failure", failure: { suite: suite.name, index, title: crashCase.title, replay, message } };
  }
}

function runThread(share: CrashShare, take: (outcome: CaseOutcome) => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./crash-thread.js", import.meta.url), {
      workerData: share,
      // Most of what a state needs lives as long as the state.
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
    });
    worker.on("message", (outcome: CaseOutcome) => {
      if (!take(outcome)) void worker.terminate();
    });
    worker.on("error", reject);
    worker.on("exit", () => resolve());
  });
}

/** The suites with these names, in the order of the list of all. */
export function suitesNamed(names: readonly string[]): CrashSuite[] {
  return crashSuites.filter(({ name }) => names.includes(name));
}

function emptyTotals(): CrashTotals {
  return { cases: 0, raw: 0, distinct: 0, inRecovery: 0, points: 0, exhaustedPoints: 0 };
}

function addReport(totals: CrashTotals, report: CrashReport): void {
  totals.cases += 1;
  totals.raw += report.raw;
  totals.distinct += report.distinct;
  totals.inRecovery += report.inRecoveryDistinct;
  totals.points += report.points;
  totals.exhaustedPoints += report.exhaustedPoints;
}
