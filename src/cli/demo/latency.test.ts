import { expect, it } from "vitest";
import { LatencyHistogram } from "./latency.js";

it("bounds what most took, and draws a bar for each power of two", () => {
  const histogram = new LatencyHistogram();
  expect([histogram.bars, histogram.boundMs(0.99)]).toEqual(["", 0]);
  for (let n = 0; n < 98; n++) histogram.add(0.9);
  histogram.add(3.5);
  histogram.add(100);
  expect(histogram.summary).toEqual({ count: 100, p50Ms: 1, p99Ms: 4, maxMs: 100 });
  expect(histogram.bars).toBe("█ ▁    ▁");
  histogram.add(0);
  histogram.add(1e9);
  expect(histogram.boundMs(1)).toBe(1e9);
});
