/** Every operation of a commit store fails once, in every way. `npm test` tries a share of them, `HOLDFAST_EFFORT=full` (as in CI) all. */
import { expect, it } from "vitest";
import { exploreFaults } from "holdfast/testing";
import { FLAT_ERRNOS, flatFaults } from "./flatkv-faults.contract.js";

const seed = Number(process.env["HOLDFAST_SEED"] ?? 1);
const isFull = process.env["HOLDFAST_EFFORT"] === "full";
for (const journal of isFull ? (["own", "log", "stream"] as const) : (["own"] as const)) {
  it(
    `a commit store keeps what it acknowledged, takes nothing more after a failure, and opens again (${journal})`,
    { timeout: 600_000 },
    async () => {
      const report = await exploreFaults({
        ...flatFaults(`flatkv faults, ${journal}`, { journal, databases: 2 }, seed),
        samples: 1,
        recoveryPoints: isFull ? 2 : 1,
        ...(isFull ? {} : { errnos: FLAT_ERRNOS, runsShare: 1 / 16 }),
      });
      expect(report.runs).toBeGreaterThan(isFull ? 400 : 15);
      expect(report.failedSyncStates).toBeGreaterThan(20);
    },
  );
}
