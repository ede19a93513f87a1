/** Damage anywhere in a small log: the same contents, or an error that names file and offset. Never another byte, never fewer records. */
import { describe, expect, it } from "vitest";
import { exploreDamage } from "holdfast/testing";
import { logDamage } from "./log-damage.contract.js";

const seed = Number(process.env["HOLDFAST_SEED"] ?? 1);
const TORN = ["align", "double-write", "trust"] as const;
const sampled = 1500;

describe("a damaged log", () => {
  for (const [at, torn] of TORN.entries()) {
    const options = { torn, blockBytes: 512, segmentBytes: 2048, spareSegmentsMax: 2 };
    // Each commit sweeps one mode byte by byte, and looks at a sample of the others.
    const whole = seed % TORN.length === at;
    it(
      `opens with the same contents or says what is damaged (${torn}${whole ? ", every byte" : ""})`,
      { timeout: 180_000 },
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
