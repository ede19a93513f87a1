/** The memory engine's crash model is what stores on it are explored with, so it is explored itself, and every operation of it fails once. */
import { describe, expect, it } from "vitest";
import type { ExploreFaultsOptions } from "holdfast/testing";
import { exploreCrashes, exploreFaults } from "holdfast/testing";
import { memoryEngine } from "holdfast/engine";
import type { EngineCall, EngineEvent, RecoveredEngine } from "../../src/cli/crash/engine-case.js";
import { engineExploration, makeEngineCalls } from "../../src/cli/crash/engine-case.js";
import { engineSuite } from "../../src/cli/crash/engine-suite.js";

const seed = Number(process.env["HOLDFAST_SEED"] ?? 1);
const isFull = process.env["HOLDFAST_EFFORT"] === "full";

/** Every way in which the engine writes, in a few calls. */
const CALLS: readonly EngineCall[] = [
  { call: "batches", count: 2, sync: false },
  { call: "sync" },
  { call: "batches", count: 1, sync: false },
  { call: "reopen" },
  { call: "copy" },
  { call: "batches", count: 1, sync: true },
  { call: "batches", count: 1, sync: false },
  { call: "copy" },
];

const base = { title: "engine", seed, calls: CALLS, stale: true } as const;

describe("the memory engine", () => {
  it(
    "keeps synced batches and loses others only as wholes, in every crash of a run through all its calls",
    { timeout: 600_000 },
    async () => {
      const effort = { depth: 2, kill: true, nestedShare: 1 / 16, nestedCap: 16, followUps: [1], followUpShare: 1 / 8 };
      const report = await exploreCrashes({
        ...engineExploration({ ...base, effort }),
        statesMax: isFull ? 2500 : 1000,
      });
      expect(report.distinct).toBeGreaterThan(300);
    },
  );

  it("does so in random runs", { timeout: 600_000 }, async () => {
    let distinct = 0;
    for (let index = 0; index < (isFull ? 8 : 4); index++)
      distinct += (await engineSuite.makeCase(index, seed).explore({ statesMax: 300 })).distinct;
    expect(distinct).toBeGreaterThan(isFull ? 500 : 250);
  });

  it("keeps its word when any of its operations fails, and after that", { timeout: 600_000 }, async () => {
    const effort = { depth: 1, kill: true, nestedShare: 0, nestedCap: 1 };
    const { recover, check } = engineExploration({ ...base, effort });
    const options: ExploreFaultsOptions<RecoveredEngine, EngineEvent> = {
      name: "engine",
      seed,
      recover,
      check,
      async workload({ vfs, note }) {
        await vfs.makeDirectory("/data");
        await vfs.syncDirectory("/");
        await makeEngineCalls({ engine: memoryEngine({ vfs }), vfs, seed, note }, CALLS);
      },
    };
    const report = await exploreFaults({
      ...options,
      samples: isFull ? 2 : 1,
      recoveryPoints: isFull ? 12 : 2,
      runsShare: isFull ? 1 : 1 / 4,
    });
    expect(report.runs).toBeGreaterThan(isFull ? 100 : 30);
    expect(report.failedSyncStates).toBeGreaterThan(isFull ? 50 : 15);
  });
});
