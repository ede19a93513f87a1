import { describe, expect, it } from "vitest";
import { formatBytes, formatCount, formatDuration, formatPercent, formatPlural, formatRate } from "./units.js";

describe("units", () => {
  it.each([
    [0, "0 B"],
    [1_023, "1023 B"],
    [1_024, "1.0 KiB"],
    [1_048_575, "1.0 MiB"],
    [93 * 1_048_576, "93.0 MiB"],
    [5 * 2 ** 40, "5.0 TiB"],
  ])("%d bytes", (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  it.each([
    [950.4, "950/s"],
    [9_999.6, "10.0 k/s"],
    [312_345, "312 k/s"],
    [999_600, "1.00 M/s"],
    [2_310_000, "2.31 M/s"],
    [Number.NaN, "-"],
  ])("%d per second", (rate, text) => {
    expect(formatRate(rate)).toBe(text);
  });

  it.each([
    [0.0851, "85 µs"],
    [0.9996, "1.0 ms"],
    [12.34, "12.3 ms"],
    [412.4, "412 ms"],
    [4_210, "4.21 s"],
    [185_000, "3 min 05 s"],
  ])("%d ms", (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it("counts with separators and says 100 % at the end only", () => {
    expect(formatCount(3_000_000)).toBe("3,000,000");
    expect(formatPercent(999, 1_000)).toBe("99 %");
    expect(formatPercent(1_000, 1_000)).toBe("100 %");
    expect(formatPercent(0, 0)).toBe("100 %");
    expect(formatPlural(1, "crash", "crashes")).toBe("1 crash");
    expect(formatPlural(2, "crash", "crashes")).toBe("2 crashes");
  });
});
