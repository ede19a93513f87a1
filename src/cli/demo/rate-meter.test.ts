import { describe, expect, it } from "vitest";
import { RateMeter } from "./rate-meter.js";

describe("the rate meter", () => {
  it("is 0 until it knows", () => {
    const meter = new RateMeter();
    expect(meter.perSecond).toBe(0);
    meter.add(5, 0);
    expect(meter.perSecond).toBe(0);
  });

  it("forgets what is older than about a second", () => {
    const meter = new RateMeter();
    for (let ms = 0; ms <= 1_000; ms += 50) meter.add(ms, ms);
    expect(meter.perSecond).toBeCloseTo(1_000);
    for (let ms = 1_050; ms <= 3_000; ms += 50) meter.add(1_000 + (ms - 1_000) * 3, ms);
    expect(meter.perSecond).toBeCloseTo(3_000);
  });
});
