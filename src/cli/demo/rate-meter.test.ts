import { describe, expect, it } from "vitest";
import { RateMeter } from "./rate-meter.js";

describe("the rate meter", () => {
  it("is unknown until there is something to tell it from", () => {
    const meter = new RateMeter();
    expect(meter.perSecond).toBeNaN();
    meter.add(5, 0);
    expect(meter.perSecond).toBeNaN();
  });

  it("forgets what is older than about a second", () => {
    const meter = new RateMeter();
    for (let ms = 0; ms <= 1_000; ms += 50) meter.add(ms, ms);
    expect(meter.perSecond).toBeCloseTo(1_000);
    for (let ms = 1_050; ms <= 3_000; ms += 50) meter.add(1_000 + (ms - 1_000) * 3, ms);
    expect(meter.perSecond).toBeCloseTo(3_000);
  });

  it("does not count a pause that it was told of", () => {
    const meter = new RateMeter();
    meter.add(0, 0);
    meter.add(100, 100);
    meter.reset();
    expect(meter.perSecond).toBeNaN();
    meter.add(100, 5_000);
    meter.add(200, 5_100);
    expect(meter.perSecond).toBeCloseTo(1_000);
  });
});
