/** The states that commit stores are explored in are the ones that they are made for: databases at different versions, with holes. */
import { expect, it } from "vitest";
import { memoryEngine } from "holdfast/engine";
import { exploreCrashes } from "holdfast/testing";
import { flatExploration } from "../../src/cli/crash/flatkv-suite.js";

const seed = Number(process.env["HOLDFAST_SEED"] ?? 1);
const isFull = process.env["HOLDFAST_EFFORT"] === "full";

it("crashes leave databases at different versions, also with later versions but not earlier ones, and opening brings all of them on", async () => {
  const exploration = flatExploration({
    title: "skew",
    seed,
    databases: 2,
    journal: "own",
    log: { blockBytes: 512, segmentBytes: 32_768 },
    options: { syncEveryCommits: 1000, snapshots: { everyCommits: 0, keep: 1 } },
    calls: [{ call: "commits", count: 5 }],
    effort: { depth: 1, kill: false, nestedShare: 0, nestedCap: 1 },
  });
  const { steps: _, ...rest } = exploration;
  let skewed = 0;
  let holes = 0;
  let skewedHoles = 0;
  const report = await exploreCrashes({
    ...rest,
    capPerPoint: 16,
    samplesPerPoint: 32,
    statesMax: isFull ? 1200 : 500,
    async recover(context) {
      const found: (readonly number[])[] = [];
      for (const number of [1, 2]) {
        const versions = await versionsIn(context.vfs, `/data/store/db-${String(number).padStart(16, "0")}`);
        if (versions !== undefined) found.push(versions);
      }
      const state = await rest.recover(context);
      const { redone } = state.open.store.recovery;
      const newest = found.map((versions) => versions.at(-1) ?? 0);
      const isSkewed = newest.length === 2 && newest[0] !== newest[1];
      const hasHole = found.some((versions) => versions.length < (versions.at(-1) ?? 0));
      if (redone["a"] !== redone["b"]) skewed++;
      if (hasHole) holes++;
      if (isSkewed && hasHole) skewedHoles++;
      return state;
    },
  });
  console.log(`${report.distinct} states: ${skewed} skewed, ${holes} with holes, ${skewedHoles} with both`);
  const wanted = isFull ? 20 : 2;
  expect(skewed).toBeGreaterThan(2 * wanted);
  expect(holes).toBeGreaterThan(wanted);
  expect(skewedHoles).toBeGreaterThan(wanted);
}, 120_000);

/** The versions whose batches are in a database, oldest first; `undefined` where none can be opened. */
async function versionsIn(
  vfs: NonNullable<Parameters<typeof memoryEngine>[0]>["vfs"],
  directory: string,
): Promise<readonly number[] | undefined> {
  const database = await memoryEngine(vfs === undefined ? {} : { vfs })
    .open(directory)
    .catch(() => undefined);
  if (database === undefined) return undefined;
  const versions: number[] = [];
  for await (const rows of database.iterate({ gt: Uint8Array.of(0, 1, 0, 0), lt: Uint8Array.of(0, 2) }))
    for (const [key] of rows) versions.push(key[2]! * 256 + key[3]!);
  await database.close();
  return versions;
}
