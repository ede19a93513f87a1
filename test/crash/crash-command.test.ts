/** The `crash` command on a small budget: what it prints, replays, and refuses. */
import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { runCrashBudget } from "../../src/cli/crash/crash-budget.js";
import { caseTurns, crashSuites } from "../../src/cli/crash/suites.js";

it("every suite has its turns, by its weight, and no case comes twice", () => {
  const seen = new Map<string, number[]>();
  const rounds = Math.max(...crashSuites.map(({ weight }) => weight));
  const perCycle = crashSuites.reduce((sum, { weight }) => sum + weight, 0);
  let turns = 0;
  for (const { suite, index } of caseTurns(crashSuites)) {
    if (turns++ === perCycle * 2) break;
    seen.set(suite.name, [...(seen.get(suite.name) ?? []), index]);
  }
  expect(rounds).toBeGreaterThan(0);
  for (const { name, weight } of crashSuites)
    expect(seen.get(name)).toEqual(Array.from({ length: weight * 2 }, (_, index) => index));
});

it("CI runs every suite, once", async () => {
  const script = await readFile(new URL("../../.ci/run", import.meta.url), "utf8");
  const named = [...script.matchAll(/--scenario \\\n *([\w,-]+)\n/g)].flatMap(([, names]) => names!.split(","));
  expect(named.toSorted()).toEqual(crashSuites.map(({ name }) => name).toSorted());
});

it("the same seed gives the same states", async () => {
  const run = async (): Promise<unknown> =>
    (
      await runCrashBudget({
        seed: 5,
        suites: ["anchor", "double-write"],
        statesMax: 800,
        timeMsMax: 60_000,
        threads: 0,
      })
    ).total;
  expect(await run()).toEqual(await run());
});
