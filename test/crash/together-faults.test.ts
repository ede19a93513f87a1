/** Every operation fails once, and for good, while stores commit together. `npm test` tries a share of them, `HOLDFAST_EFFORT=full` (as in CI) all. */
import { expect, it } from "vitest";
import { exploreFaults } from "holdfast/testing";
import { FLAT_ERRNOS } from "./flatkv-faults.contract.js";
import { togetherFaults } from "./together-faults.contract.js";

const seed = Number(process.env["HOLDFAST_SEED"] ?? 1);
const isFull = process.env["HOLDFAST_EFFORT"] === "full";

it.each([
  ["alone", false],
  ["in a cycle", true],
])(
  "stores that commit together keep every acknowledged block, have a block all or none, and open again (%s)",
  { timeout: 600_000 },
  async (how, withPipeline) => {
    const report = await exploreFaults({
      ...togetherFaults(`together, ${how}`, withPipeline, seed),
      samples: 1,
      recoveryPoints: 1,
      errnos: FLAT_ERRNOS,
      ...(isFull ? {} : { runsMax: 150 }),
    });
    expect(report.runs).toBeGreaterThanOrEqual(150);
    expect(report.failedSyncStates).toBeGreaterThan(20);
  },
);
