/** Every operation of a shared log fails once, in every way. `npm test` tries a share of them, `HOLDFAST_EFFORT=full` (as in CI) all. */
import { expect, it } from "vitest";
import { exploreFaults } from "holdfast/testing";
import { sharedFaults } from "./shared-faults.contract.js";

const seed = Number(process.env["HOLDFAST_SEED"] ?? 1);
const small = { blockBytes: 512, segmentBytes: 2048, checkpointBytes: 512 } as const;
const isFull = process.env["HOLDFAST_EFFORT"] === "full";

for (const durability of ["sync", "os"] as const) {
  it(
    `a shared log keeps what it acknowledged and takes nothing more, and opens again (${durability})`,
    { timeout: 240_000 },
    async () => {
      const report = await exploreFaults({
        ...sharedFaults(`shared log, ${durability}`, { ...small, durability }, seed),
        samples: 1,
        recoveryPoints: 2,
        ...(isFull ? {} : { runsMax: 120 }),
      });
      expect(report.runs).toBeGreaterThanOrEqual(120);
      expect(report.failedSyncStates).toBeGreaterThan(20);
    },
  );
}
