/**
 * Damage anywhere in a small log: the same contents, or an error that names file and offset. Never another byte, never fewer records. `npm test`
 * looks at a sample, `HOLDFAST_EFFORT=full` (as in CI) at every byte.
 */
import { describe, expect, it } from "vitest";
import { exploreDamage } from "holdfast/testing";
import { logDamage } from "./log-damage.contract.js";

const seed = Number(process.env["HOLDFAST_SEED"] ?? 1);
const TORN = ["align", "double-write", "trust"] as const;
const whole = process.env["HOLDFAST_EFFORT"] === "full";
const sampled = whole ? 600 : 150;

describe("a damaged log", () => {
  for (const torn of TORN) {
    const options = { torn, blockBytes: 512, segmentBytes: 2048, spareSegmentsMax: 2 };
    it(
      `opens with the same contents or says what is damaged (${torn}${whole ? ", every byte" : ""})`,
      { timeout: 600_000 },
      async () => {
        const report = await exploreDamage({
          ...logDamage(torn, options, seed, "closed"),
          ...(whole ? {} : { statesMax: sampled }),
        });
        expect(report.tried).toBe(whole ? report.total : sampled);
        expect(report.recovered).toBeGreaterThan(0);
        expect(report.rejected).toBeGreaterThan(0);
      },
    );

    for (const leaving of ["died", "unmarked"] as const) {
      it(`does not take damage for a torn tail, though its writer ${leaving === "died" ? "died" : "died and the mark is lost"} (${torn})`, async () => {
        const report = await exploreDamage({
          ...logDamage(`${torn}, ${leaving}`, options, seed, leaving),
          statesMax: sampled,
        });
        expect(report.rejected).toBeGreaterThan(0);
      });
    }
  }
});
