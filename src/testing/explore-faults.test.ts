import { describe, expect, it } from "vitest";
import { CrashFoundError } from "./crash-found-error.js";
import { exploreFaults, replayFault } from "./explore-faults.js";
import type { ExploreFaultsOptions } from "./explore-faults.js";
import type { ToyEvent, ToyLog, ToyMutant } from "./toy-log.contract.js";
import { toyScenario } from "./toy-log.contract.js";

function faultScenario(mutant?: ToyMutant): ExploreFaultsOptions<ToyLog, ToyEvent> {
  const { name, workload, recover, check, steps } = toyScenario(mutant);
  return { name, workload, recover, check, ...(steps === undefined ? {} : { steps }) };
}

describe("exploreFaults", () => {
  it("finds nothing in a log that stops at the first failure", async () => {
    const report = await exploreFaults(faultScenario());
    expect(report.runs).toBeGreaterThan(100);
    expect(report.recoveryRuns).toBeGreaterThan(100);
    expect(report.failedSyncStates).toBeGreaterThan(100);
  });

  it("makes a share of the runs, from all of the workload, and another one for another seed", async () => {
    const struck = async (seed: number): Promise<{ runs: number; recoveryRuns: number; operations: number[] }> => {
      const operations: number[] = [];
      const onProgress = ({ runs }: { readonly runs: number }): void => void operations.push(runs);
      const options = { ...faultScenario(), seed, runsShare: 1 / 8, onProgress };
      const { runs, recoveryRuns } = await exploreFaults(options);
      return { runs, recoveryRuns, operations };
    };
    const whole = await exploreFaults(faultScenario());
    const [one, again, other] = [await struck(1), await struck(1), await struck(2)];
    expect(one).toEqual(again);
    expect(one.operations).not.toEqual(other.operations);
    expect(one.runs + one.recoveryRuns).toBeLessThan((whole.runs + whole.recoveryRuns) / 4);
    expect(one.operations.at(-1)).toBeGreaterThan(one.operations[Math.floor(one.operations.length / 2)]!);
    expect(one.operations[Math.floor(one.operations.length / 2)]).toBeGreaterThan(0);
    for (const runsShare of [0, 1.5, Number.NaN])
      await expect(exploreFaults({ ...faultScenario(), runsShare })).rejects.toMatchObject({
        code: "HF_INVALID_ARGUMENT",
      });
  });

  for (const mutant of ["retry-sync", "ignore-sync-error"] as const satisfies readonly ToyMutant[]) {
    it(`finds the toy log that does: ${mutant}`, async () => {
      const found = await exploreFaults(faultScenario(mutant)).catch((error: unknown) => error);
      expect(found).toBeInstanceOf(CrashFoundError);
      const { finding } = found as CrashFoundError;
      expect(finding.id).toMatch(/^1\/3:fault:\d+:EIO/);
      await expect(replayFault(faultScenario(mutant), finding.id)).rejects.toMatchObject({
        finding: { id: finding.id, problem: finding.problem },
      });
      await replayFault(faultScenario(), finding.id);
    });
  }

  it("takes a rejection that is not typed for a failure", async () => {
    const scenario = faultScenario();
    const untyped = {
      ...scenario,
      workload: (context: Parameters<typeof scenario.workload>[0]) =>
        scenario.workload(context).catch(() => Promise.reject(new Error("oops"))),
    };
    await expect(exploreFaults(untyped)).rejects.toMatchObject({ finding: { problem: "workload-rejected-untyped" } });
  });

  it("takes a workload that never settles for a failure", async () => {
    const scenario = faultScenario();
    const hanging = {
      ...scenario,
      workload: (context: Parameters<typeof scenario.workload>[0]) =>
        scenario.workload(context).catch(() => new Promise(() => undefined)),
    };
    await expect(exploreFaults(hanging)).rejects.toMatchObject({ finding: { problem: "workload-hangs" } });
  });
});
