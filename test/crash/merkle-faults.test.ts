/** Every operation of a Merkle store fails once, and from then on always. `npm test` tries a share of them, `HOLDFAST_EFFORT=full` (as in CI) all. */
import { expect, it } from "vitest";
import { exploreFaults } from "holdfast/testing";
import { FLAT_ERRNOS } from "./flatkv-faults.contract.js";
import { merkleFaults } from "./merkle-faults.contract.js";

const seed = Number(process.env["HOLDFAST_SEED"] ?? 1);
const isFull = process.env["HOLDFAST_EFFORT"] === "full";
for (const journal of isFull ? (["own", "log", "stream"] as const) : (["own"] as const)) {
  it(
    `a Merkle store keeps what it acknowledged, takes nothing more after a failure, and opens again (${journal})`,
    { timeout: 600_000 },
    async () => {
      const report = await exploreFaults({
        ...merkleFaults(`merkle faults, ${journal}`, { journal }, seed),
        samples: 1,
        recoveryPoints: 1,
        errnos: FLAT_ERRNOS,
        runsShare: isFull ? 1 : 1 / 20,
      });
      expect(report.runs).toBeGreaterThan(isFull ? 400 : 15);
      expect(report.failedSyncStates).toBeGreaterThan(20);
    },
  );
}
