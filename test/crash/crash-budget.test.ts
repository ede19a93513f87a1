/** A bounded run of all crash suites. The seed comes from the commit; `holdfast crash` runs them for as long as you like. */
import { expect, it } from "vitest";
import { runCrashBudget, runShare } from "../../src/cli/crash/crash-budget.js";

const seed = Number(process.env["HOLDFAST_SEED"] ?? 1);

it("no crash loses what was acknowledged, or brings back what was dropped", { timeout: 120_000 }, async () => {
  const report = await runCrashBudget({ seed, statesMax: 1_000, timeMsMax: 60_000, threads: 0 });
  const { distinct, inRecovery, points, exhaustedPoints } = report.total;
  console.log(
    `seed ${seed}: ${distinct} distinct states, ${inRecovery} in recovery, ${exhaustedPoints} of ${points} crash points exhausted`,
  );
  expect(report.failures.map(({ message, replay }) => `${message}\nholdfast crash --replay ${replay}`)).toEqual([]);
  expect(distinct).toBeGreaterThan(200);
});

it("threads share out all cases, and each has some of every suite", { timeout: 60_000 }, async () => {
  const suites = ["anchor", "double-write"];
  const titlesOf = async (thread: number, threads: number, cases: number): Promise<string[]> => {
    const titles: string[] = [];
    const limits = { statesMax: 1_000_000, caseStatesMax: 5, timeMsMax: 60_000 };
    await runShare({ seed: 1, suites, ...limits, thread, threads }, (outcome) => {
      if (outcome.kind === "report") titles.push(outcome.report.name);
      return titles.length < cases;
    });
    return titles;
  };
  const [one, other] = [await titlesOf(0, 2, 6), await titlesOf(1, 2, 6)];
  for (const titles of [one, other])
    for (const suite of suites) expect(titles.some((title) => title.startsWith(`${suite}/`))).toBe(true);
  const both = [...one, ...other].toSorted();
  expect(new Set(both).size).toBe(12);
  expect(both).toEqual((await titlesOf(0, 1, 12)).toSorted());
});
