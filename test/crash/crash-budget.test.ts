/** A bounded run of all crash suites. The seed comes from the commit; `holdfast crash` runs them for as long as you like. */
import { expect, it } from "vitest";
import { runCrashBudget } from "../../src/cli/crash/crash-budget.js";

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
