import { describe, expect, it } from "vitest";
import { crashTestSettings } from "../examples/crash-test-your-own.js";

describe("examples/crash-test-your-own.ts", () => {
  it("finds the careless way to save, replays it, and finds nothing in the careful one", async () => {
    const lines: string[] = [];
    const { found, states } = await crashTestSettings((line) => lines.push(line));
    expect(found.finding.scenario).toBe("cut");
    expect(lines[1]).toBe(`Replayed: ${found.finding.problem}.`);
    expect(states).toBeGreaterThan(20);
  });
});
