import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { planKills } from "./kill-plan.js";

describe("the kill plan", () => {
  it("puts one kill into each equal part of the run", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1_000, max: 3_000_000 }),
        fc.nat(),
        (count, records, seed) => {
          const kills = planKills(count, records, seed);
          expect(kills).toHaveLength(count);
          for (const [part, kill] of kills.entries()) {
            expect(kill.acknowledged).toBeGreaterThanOrEqual(Math.max(1, Math.floor((part / count) * records)));
            expect(kill.acknowledged).toBeLessThanOrEqual(Math.ceil(((part + 1) / count) * records));
            expect(kill.delayMs).toBeGreaterThanOrEqual(0);
          }
        },
      ),
    );
  });

  it("is the same for the same seed and another for another", () => {
    expect(planKills(5, 3_000_000, 7)).toEqual(planKills(5, 3_000_000, 7));
    expect(planKills(5, 3_000_000, 7)).not.toEqual(planKills(5, 3_000_000, 8));
  });

  it("kills after the opening where there is no work", () => {
    expect(planKills(2, 0, 1).map(({ acknowledged }) => acknowledged)).toEqual([0, 0]);
  });

  it("is empty without crashes", () => {
    expect(planKills(0, 100, 1)).toEqual([]);
  });
});
