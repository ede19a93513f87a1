/** The `crash` command on a small budget: what it prints, replays, and refuses. */
import { readFile, readdir } from "node:fs/promises";
import path from "node:path";
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

it("CI runs whole what `npm test` samples", async () => {
  const root = new URL("../../", import.meta.url);
  const script = await readFile(new URL(".ci/run", root), "utf8");
  const stage = /HOLDFAST_EFFORT=full npx vitest run ((?:.*\\\n)*.*)\n/.exec(script)?.[1] ?? "";
  const named = stage.split(/[\s\\]+/).filter((word) => word !== "");
  const files = (
    await Promise.all(["src", "test"].map((folder) => filesBelow(new URL(`${folder}/`, root), folder)))
  ).flat();
  const sampled: string[] = [];
  for (const file of files.filter((name) => name.endsWith(".test.ts")))
    if (/HOLDFAST_EFFORT|effort\.contract/.test(await readFile(new URL(file, root), "utf8"))) sampled.push(file);
  expect(sampled.length).toBeGreaterThan(10);
  const isItself = (file: string): boolean => import.meta.url.endsWith(file);
  expect(sampled.filter((file) => !isItself(file) && !named.some((word) => file.startsWith(word)))).toEqual([]);
  expect(named.filter((word) => !files.some((file) => file.startsWith(word)))).toEqual([]);
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

async function filesBelow(directory: URL, name: string): Promise<string[]> {
  return (await readdir(directory, { recursive: true })).map((file) => path.posix.join(name, file));
}
