/** Every operation of a page store fails once, in every way. `npm test` tries a share of them, `HOLDFAST_EFFORT=full` (as in CI) all. */
import { expect, it } from "vitest";
import { exploreFaults } from "holdfast/testing";
import { FLAT_ERRNOS } from "./flatkv-faults.contract.js";
import { pagesFaults } from "./pages-faults.contract.js";

const seed = Number(process.env["HOLDFAST_SEED"] ?? 1);
const isFull = process.env["HOLDFAST_EFFORT"] === "full";
for (const journal of isFull ? (["own", "log", "stream"] as const) : (["own"] as const)) {
  it(
    `a page store keeps what it acknowledged, takes nothing more after a failure, and opens again (${journal})`,
    { timeout: 600_000 },
    async () => {
      const report = await exploreFaults({
        ...pagesFaults(`page faults, ${journal}`, { journal }, seed),
        samples: 1,
        recoveryPoints: isFull ? 2 : 1,
        ...(isFull ? {} : { errnos: FLAT_ERRNOS, runsShare: 1 / 12 }),
      });
      expect(report.runs).toBeGreaterThan(isFull ? 400 : 40);
      expect(report.failedSyncStates).toBeGreaterThan(20);
    },
  );
}
