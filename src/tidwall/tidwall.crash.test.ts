/**
 * Export and import on the simulated disk: the power is cut, or the process killed, at every operation of both, and of the run that follows. A
 * directory whose export was acknowledged is whole; an import that is run again ends with the entries of the source, each once.
 */
import { describe, expect, it } from "vitest";
import { effort } from "../base/effort.contract.js";
import { Log } from "../log/index.js";
import { type CrashScenario, exploreCrashes } from "../testing/index.js";
import type { SimVfs } from "../vfs/index.js";
import { TidwallLog, TidwallWriter, importTidwall } from "./index.js";

const COUNT = 6;
const entry = (n: number): Uint8Array => new Uint8Array(300).fill(n);

interface Outcome {
  /** The directory that was exported is whole. */
  readonly exported: boolean;
  /** First byte of each record's payload, after the import was run again. */
  readonly records: readonly number[];
  /** Records that a run before this one had left. */
  readonly alreadyThere: number;
}

type Event = { readonly kind: "exported" } | { readonly kind: "imported" };

async function runImport(vfs: SimVfs): Promise<Outcome> {
  const source = await TidwallLog.open("/wal", { vfs });
  const log = await Log.open("/log", { vfs, blockBytes: 512, segmentBytes: 2048 });
  const { alreadyThere, imported } = await importTidwall(source, log, { batchBytes: 700 });
  expect(alreadyThere + imported).toBe(COUNT);
  const records: number[] = [];
  for await (const { payload } of log.read()) {
    expect(new Set(payload).size).toBe(1);
    records.push(payload[0]!);
  }
  await log.close();
  return { exported: true, records, alreadyThere };
}

const scenario: CrashScenario<Outcome, Event> = {
  name: "tidwall",
  async workload({ vfs, note }) {
    const writer = await TidwallWriter.create("/wal", { vfs, segmentBytes: 900 });
    for (let n = 1; n <= COUNT; n++) await writer.append(entry(n));
    await writer.finish();
    note({ kind: "exported" });
    await runImport(vfs);
    note({ kind: "imported" });
  },
  async recover({ vfs }) {
    let lastIndex = 0;
    try {
      const source = await TidwallLog.open("/wal", { vfs });
      await source.check();
      if (source.firstIndex === 1) ({ lastIndex } = source);
    } catch {
      // Not exported yet; `check` knows whether it had to be.
    }
    if (lastIndex < COUNT) return { exported: false, records: [], alreadyThere: 0 };
    return await runImport(vfs);
  },
  check({ exported, records, alreadyThere }, events) {
    if (events.some(({ kind }) => kind === "exported")) expect(exported).toBe(true);
    if (exported) expect(records).toEqual(Array.from({ length: COUNT }, (_, at) => at + 1));
    if (events.some(({ kind }) => kind === "imported")) expect(alreadyThere).toBe(COUNT);
  },
};

describe("export and import", () => {
  it("survive a crash at any moment, after which the import runs again", async () => {
    const report = await exploreCrashes({
      ...scenario,
      seed: 1,
      depth: 1,
      capPerPoint: effort(16, 4),
      samplesPerPoint: effort(8, 1),
    });
    expect(report.skippedPoints).toBe(0);
    expect(report.distinct).toBeGreaterThan(effort(300, 100));
  });

  it("survive another crash while the import runs again", async () => {
    const report = await exploreCrashes({ ...scenario, seed: 2, statesMax: effort(600, 200) });
    expect(report.inRecoveryDistinct).toBeGreaterThan(effort(100, 30));
  });
});
