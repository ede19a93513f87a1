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
