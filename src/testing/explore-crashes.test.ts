import { describe, expect, it } from "vitest";
import { CrashFoundError } from "./crash-found-error.js";
import { exploreCrashes, replayCrash } from "./explore-crashes.js";
import type { ToyMutant } from "./toy-log.contract.js";
import { toyScenario } from "./toy-log.contract.js";

async function failureOf(run: Promise<unknown>): Promise<CrashFoundError> {
  try {
    await run;
  } catch (error) {
    if (error instanceof CrashFoundError) return error;
    throw error;
  }
  throw new Error("nothing was found");
}

describe("exploreCrashes", () => {
  it("finds nothing in a log that does everything right", async () => {
    const report = await exploreCrashes(toyScenario());
    expect(report.exhaustedPoints).toBe(report.points);
    expect(report.distinct).toBeGreaterThan(300);
    expect(report.inRecoveryDistinct).toBeGreaterThan(100);
  });

  for (const mutant of ["ack-early", "no-sync", "no-directory-sync", "no-checksum", "no-truncate", "no-recovery-sync"] as const satisfies readonly ToyMutant[]) {
    it(`finds the toy log without: ${mutant}`, async () => {
      const error = await failureOf(exploreCrashes(toyScenario(mutant)));
      expect(error.finding.id).toMatch(/^1(\/\d+)?:[a-z-]+:[\d:]+:[\d.]+$/);
      const again = await replayCrash(toyScenario(mutant), error.finding.id);
      expect(again.failure?.finding).toEqual(error.finding);
      expect((await replayCrash(toyScenario(), error.finding.id).catch(() => undefined))?.failure).toBeUndefined();
    });
  }
});
