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

  for (const mutant of [
    "ack-early",
    "no-sync",
    "no-directory-sync",
    "no-checksum",
    "no-truncate",
    "no-recovery-sync",
  ] as const satisfies readonly ToyMutant[]) {
    it(`finds the toy log without: ${mutant}`, async () => {
      const error = await failureOf(exploreCrashes(toyScenario(mutant)));
      expect(error.finding.id).toMatch(/^1(\/\d+)?:[a-z-]+:[\d:]+:[\d.]+$/);
      const again = await replayCrash(toyScenario(mutant), error.finding.id);
      expect(again.failure?.finding).toEqual(error.finding);
      expect((await replayCrash(toyScenario(), error.finding.id).catch(() => undefined))?.failure).toBeUndefined();
    });
  }

  it("must fail: a store that never reads what it wrote", async () => {
    // The canary: if this passes, the explorer looks at nothing.
    const error = await failureOf(
      exploreCrashes<number, number>({
        name: "canary",
        async workload({ vfs, note }) {
          const file = await vfs.open("/canary", { access: "read-write", create: "if-missing" });
          await file.write(new Uint8Array([1]), 0);
          note(1);
        },
        recover: async ({ vfs }) => ((await vfs.stat("/canary")) === undefined ? 0 : 1),
        check(state, events) {
          if (state < events.length) throw new Error("lost");
        },
      }),
    );
    expect(error.finding.scenario).toBe("cut");
  });

  it("gives the same report for the same seed", async () => {
    const counts = async (): Promise<unknown> => {
      const {
        durationMs: _duration,
        statesPerSecond: _rate,
        ...rest
      } = await exploreCrashes({ ...toyScenario(), statesMax: 300, seed: 5 });
      return rest;
    };
    expect(await counts()).toEqual(await counts());
  });

  it("stops at its budgets and says what it left out", async () => {
    const few = await exploreCrashes({ ...toyScenario(), statesMax: 50 });
    expect(few.raw).toBe(50);
    expect(few.skippedPoints).toBeGreaterThan(0);
    expect(few.points + few.skippedPoints).toBe(29);
    let nowMs = 0;
    const late = await exploreCrashes({ ...toyScenario(), timeMsMax: 100, clock: () => (nowMs += 1) });
    expect(late.skippedPoints).toBeGreaterThan(0);
    const abort = new AbortController();
    const stopped = await exploreCrashes({ ...toyScenario(), signal: abort.signal, onProgress: () => abort.abort() });
    expect(stopped.skippedPoints).toBeGreaterThan(0);
  });

  it("samples moments that have more states than the cap, and still finds the missing checksum", async () => {
    const report = await exploreCrashes({ ...toyScenario(), capPerPoint: 8, depth: 1, kill: false });
    expect(report.cappedPoints).toBeGreaterThan(0);
    await failureOf(exploreCrashes({ ...toyScenario("no-checksum"), capPerPoint: 4, depth: 1, kill: false }));
  });

  it("crashes three times in a row when asked to", async () => {
    const report = await exploreCrashes({ ...toyScenario(), steps: 2, depth: 3, nestedShare: 1 });
    expect(Object.keys(report.scenarios)).toEqual([
      "cut",
      "cut-cut",
      "cut-cut-cut",
      "kill",
      "kill-cut",
      "kill-cut-cut",
    ]);
  });

  it("tries what follows a recovery in the share of the states that it is told", async () => {
    let resumed = 0;
    const scenario = toyScenario();
    const counting = {
      ...scenario,
      resume: async (...given: Parameters<NonNullable<typeof scenario.resume>>) => {
        resumed++;
        await scenario.resume?.(...given);
      },
    };
    const { distinct } = await exploreCrashes(counting);
    expect(resumed).toBe(distinct);
    resumed = 0;
    await exploreCrashes({ ...counting, followUpShare: 1 / 4 });
    expect(resumed / distinct).toBeGreaterThan(0.1);
    expect(resumed / distinct).toBeLessThan(0.4);
    resumed = 0;
    await exploreCrashes({ ...counting, followUpShare: 0 });
    expect(resumed).toBe(0);
    await expect(exploreCrashes({ ...counting, followUpShare: 2 })).rejects.toMatchObject({
      code: "HF_INVALID_ARGUMENT",
    });
  });

  it("finds nothing in the right log on disks that keep some order, or show stale blocks", async () => {
    for (const disk of [{ profile: "ordered" }, { profile: "prefix" }, { stale: true, garbage: "none" }] as const) {
      // A disk that keeps some order has far fewer states.
      expect((await exploreCrashes({ ...toyScenario(), disk, statesMax: 300 })).raw).toBeGreaterThan(100);
    }
  });

  it("refuses options that do not exist or are out of range, and ids that are none", async () => {
    await expect(exploreCrashes({ ...toyScenario(), statesMin: 1 } as never)).rejects.toMatchObject({
      code: "HF_UNKNOWN_OPTION",
    });
    await expect(exploreCrashes({ ...toyScenario(), depth: 4 })).rejects.toMatchObject({ code: "HF_INVALID_ARGUMENT" });
    for (const id of ["", "1:cut:2", "1:boom:2:0", "1:cut:x:0", "1:cut:99999:0", "1:cut-cut:1:0"]) {
      await expect(replayCrash(toyScenario(), id)).rejects.toMatchObject({ code: "HF_INVALID_ARGUMENT" });
    }
  });
});

describe("exploreCrashes takes for a failure", () => {
  const scenario = toyScenario();
  const explored = async (change: Partial<typeof scenario>): Promise<string> =>
    (await failureOf(exploreCrashes({ ...scenario, ...change }))).finding.problem;

  it("a workload that rejects, or never settles", async () => {
    expect(await explored({ workload: () => Promise.reject(new Error("no")) })).toBe("workload-rejected");
    expect(await explored({ workload: () => new Promise(() => undefined) })).toBe("workload-hangs");
  });

  it("a recovery that rejects, never settles, or never ends", async () => {
    expect(await explored({ recover: () => Promise.reject(new Error("no")) })).toBe("recover-rejected");
    expect(await explored({ recover: () => new Promise(() => undefined) })).toBe("recover-hangs");
    const endless = async ({ vfs }: Parameters<typeof scenario.recover>[0]): Promise<never> => {
      for (;;) await vfs.stat("/");
    };
    expect(await explored({ recover: endless, operationsMax: 1000 })).toBe("recover-runs-away");
    const waiting = async ({ vfs }: Parameters<typeof scenario.recover>[0]): Promise<never> => {
      for (;;) await vfs.delay(60_000);
    };
    expect(await explored({ recover: waiting })).toBe("recover-hangs");
  });

  it("a check that rejects, or never settles", async () => {
    expect(await explored({ check: () => Promise.reject(new Error("no")) })).toBe("check");
    expect(await explored({ check: () => new Promise(() => undefined) })).toBe("check-hangs");
  });

  it("a rejection that nobody handles", async () => {
    const recover = async (context: Parameters<typeof scenario.recover>[0]): ReturnType<typeof scenario.recover> => {
      void Promise.reject(new Error("forgotten"));
      return scenario.recover(context);
    };
    expect(await explored({ recover })).toBe("unhandled-rejection");
  });

  it("files that are open after close", async () => {
    expect(await explored({ close: async () => undefined })).toBe("handles-left-open");
  });

  it("a second recovery that differs from the first", async () => {
    let runs = 0;
    expect(await explored({ describe: () => `${runs++}` })).toBe("not-idempotent");
    const counting = async (context: Parameters<typeof scenario.recover>[0]): ReturnType<typeof scenario.recover> => {
      const file = await context.vfs.open("/opened", { access: "read-write", create: "if-missing" });
      await file.write(new Uint8Array([1]), await file.size());
      await file.close();
      return scenario.recover(context);
    };
    expect(
      await explored({
        recover: counting,
        workload: async () => undefined,
        resume: async () => undefined,
        checkResumed: () => undefined,
      }),
    ).toBe("not-idempotent");
  });

  it("recoveries of one state that differ", async () => {
    let runs = 0;
    const recover = async (context: Parameters<typeof scenario.recover>[0]): ReturnType<typeof scenario.recover> => {
      if (runs++ % 2 === 0) await context.vfs.stat("/");
      return scenario.recover(context);
    };
    const { resume: _resume, checkResumed: _check, idempotent: _idempotent, ...rest } = scenario;
    expect((await failureOf(exploreCrashes({ ...rest, recover }))).finding.problem).toBe("not-deterministic");
  });
});
