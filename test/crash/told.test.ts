import { expect, it } from "vitest";
import { cutAtEachTelling } from "./told.contract.js";

it("a pipeline tells of nothing that a power cut at that moment takes back", async () => {
  expect(await cutAtEachTelling()).toBeGreaterThan(40);
});
