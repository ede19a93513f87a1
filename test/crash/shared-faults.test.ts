/** Every operation of a shared log fails once, in every way. `npm test` tries a share of them, `HOLDFAST_EFFORT=full` (as in CI) all. */
import { expect, it } from "vitest";
import { exploreFaults } from "holdfast/testing";
import { sharedFaults, sharedFaultsClosed } from "./shared-faults.contract.js";

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
        runsShare: isFull ? 1 : 1 / 50,
      });
      expect(report.runs).toBeGreaterThan(isFull ? 1000 : 20);
      expect(report.failedSyncStates).toBeGreaterThan(20);
    },
  );
}

it(
  "a shared log that failed while nobody waited does not let itself be closed as if nothing were lost",
  { timeout: 240_000 },
  async () => {
    // Found as shared log, closed, 1:fault:104:EIO:cut-nothing: the log had told the moving of entries that it failed, so close told nobody.
    const options = { ...small, durability: "os" } as const;
    const report = await exploreFaults({
      ...sharedFaultsClosed("shared log, closed", options, seed),
      samples: isFull ? 1 : 0,
      recoveryPoints: 0,
      runsShare: isFull ? 1 : 1 / 8,
    });
    expect(report.runs).toBeGreaterThan(isFull ? 250 : 30);
  },
);
