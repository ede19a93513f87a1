/**
 * Crashes during a repair, and during the repair after that: another one ends with every record before the damage, and nothing else. `npm test` tries a
 * sample, `HOLDFAST_EFFORT=full` (as in CI) more.
 */
import { type CrashScenario, exploreCrashes } from "holdfast/testing";
import { SimVfs, type Vfs } from "holdfast/vfs";
import { describe, expect, it } from "vitest";
import { Log, repairLog } from "../../src/log/index.js";
import {
  DIRECTORY,
  appendCount,
  closedLog,
  flipByte,
  openSmall,
  readTexts,
  recordTexts,
  segmentPath,
} from "../../src/log/small-log.contract.js";

const seed = Number(process.env["HOLDFAST_SEED"] ?? 1);
const isFull = process.env["HOLDFAST_EFFORT"] === "full";

const READY = "/ready";

type Event = { readonly kind: "damaged" } | { readonly kind: "repaired" };

/** What a repair and an opening came to. */
type Recovered = "too early" | { readonly log: Log; readonly texts: readonly string[] } | { readonly error: unknown };

/** How a log is damaged, and its last record before the damage. */
const DAMAGES: readonly (readonly [string, (vfs: SimVfs) => Promise<void>, number | undefined])[] = [
  [
    "a damaged record in a closed log",
    async (vfs) => {
      await closedLog(vfs, 8);
      await flipByte(vfs, segmentPath(2), 1024 + 55);
    },
    4,
  ],
  [
    "a damaged segment header",
    async (vfs) => {
      await closedLog(vfs, 8);
      await flipByte(vfs, segmentPath(2), 70);
    },
    8,
  ],
  [
    "a lost anchor",
    async (vfs) => {
      await closedLog(vfs, 8);
      await vfs.remove(`${DIRECTORY}/anchor`);
      await vfs.syncDirectory(DIRECTORY);
    },
    8,
  ],
  [
    "a damaged record that shared a block",
    async (vfs) => {
      const log = await openSmall(vfs, { torn: "double-write" });
      await appendCount(log, 20);
      await log.close();
      await flipByte(vfs, segmentPath(1), 1024 + 200);
    },
    undefined,
  ],
];

/** Puts the files of one disk onto another, so that few moments come before the repair. */
async function restore(from: SimVfs, to: Vfs): Promise<void> {
  await to.makeDirectory(DIRECTORY);
  await to.syncDirectory(to.parent(DIRECTORY));
  for (const { path, contents } of from.snapshotTree()) {
    if (contents === undefined || path.endsWith("/lock")) continue;
    const file = await to.open(path, { access: "read-write", create: "exclusive" });
    await file.write(contents, 0);
    await file.syncData();
    await file.close();
  }
  await to.syncDirectory(DIRECTORY);
}

function scenario(damaged: SimVfs, last: number, checked: () => void): CrashScenario<Recovered, Event> {
  return {
    name: "repair",
    async workload({ vfs, note }) {
      await restore(damaged, vfs);
      // Its name is all that a recovery looks at before there is anything to repair, so those moments cost next to nothing.
      await (await vfs.open(READY, { access: "read-write", create: "exclusive" })).close();
      await vfs.syncDirectory("/");
      note({ kind: "damaged" });
      await repairLog(DIRECTORY, { vfs });
      note({ kind: "repaired" });
    },
    async recover({ vfs }) {
      if ((await vfs.stat(READY)) === undefined) return "too early";
      try {
        await repairLog(DIRECTORY, { vfs });
        const log = await Log.open(DIRECTORY, { vfs });
        return { log, texts: await readTexts(log) };
      } catch (error) {
        return { error };
      }
    },
    check(state, events) {
      if (state === "too early") return expect(events).toEqual([]);
      if ("error" in state) throw state.error;
      expect(state.texts).toEqual(recordTexts(1, last));
      checked();
    },
  };
}

describe("a crash during a repair", () => {
  it.each(DAMAGES)("of %s leaves it repairable", { timeout: 300_000 }, async (_name, damage, known) => {
    const damaged = new SimVfs({ seed: 1 });
    await damage(damaged);
    let last = known;
    if (last === undefined) {
      // Where the cut is depends on how the records are packed: what an uninterrupted repair keeps is what any must.
      const vfs = new SimVfs({ seed: 1 });
      await restore(damaged, vfs);
      last = (await repairLog(DIRECTORY, { vfs })).keptLastLsn ?? 0;
      expect(last).toBeGreaterThan(2);
      expect(last).toBeLessThan(20);
    }
    let checks = 0;
    const report = await exploreCrashes({
      ...scenario(damaged, last, () => (checks += 1)),
      close: async (state) => {
        if (state !== "too early" && "log" in state) await state.log.close();
      },
      seed,
      followUpShare: 0.1,
      capPerPoint: 64,
      samplesPerPoint: 16,
      nestedCap: 16,
      nestedShare: isFull ? 1 / 8 : 1 / 32,
      statesMax: isFull ? 2000 : 150,
    });
    expect(report.distinct).toBeGreaterThan(isFull ? 50 : 15);
    expect(checks).toBeGreaterThan(isFull ? 50 : 15);
  });
});
