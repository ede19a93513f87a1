import fc from "fast-check";
import { expect, it } from "vitest";
import { eventLogProperty } from "./event-log-model.contract.js";

const seed = Number(process.env["HOLDFAST_SEED"] ?? 1);
const numRuns = process.env["HOLDFAST_EFFORT"] === "full" ? 500 : 60;

it("an event log does what its model does, whatever is called in whatever order", { timeout: 120_000 }, async () => {
  const details = await fc.check(eventLogProperty(), { numRuns, seed });
  expect(details.failed ? fc.defaultReportMessage(details) : "").toBe("");
});
