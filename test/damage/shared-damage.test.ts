/** Damage to a closed shared log: the same contents or an error, and never an error for the hint where the checkpoint is. */
import { expect, it } from "vitest";
import { exploreDamage } from "holdfast/testing";
import { sharedDamage } from "./shared-damage.contract.js";

const seed = Number(process.env["HOLDFAST_SEED"] ?? 1);
const isFull = process.env["HOLDFAST_EFFORT"] === "full";

it("no damage changes what a shared log holds without an error", { timeout: 240_000 }, async () => {
  const options = { blockBytes: 512, segmentBytes: 2048, checkpointBytes: 512 } as const;
  const report = await exploreDamage({
    ...sharedDamage("shared log", options, seed),
    ...(isFull ? {} : { statesMax: 300 }),
  });
  expect(report.rejected).toBeGreaterThan(isFull ? 50 : 15);
  expect(report.recovered).toBeGreaterThan(isFull ? 50 : 15);
});
