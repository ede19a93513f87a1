import { readFile, readdir, realpath } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { crashTestSettings } from "../examples/crash-test-your-own.js";

describe("examples/node", () => {
  it("is the node that the demo runs, in 300 lines or fewer", async () => {
    const folder = await realpath("examples/node");
    expect(folder).toBe(path.resolve("src/cli/node"));
    const files = (await readdir(folder)).filter((name) => name.endsWith(".ts"));
    const texts = await Promise.all(files.map((name) => readFile(path.join(folder, name), "utf8")));
    expect(texts.join("").split("\n").length).toBeLessThanOrEqual(300);
  });
});

describe("examples/crash-test-your-own.ts", () => {
  it("finds the careless way to save, replays it, and finds nothing in the careful one", async () => {
    const lines: string[] = [];
    const { found, states } = await crashTestSettings((line) => lines.push(line));
    expect(found.finding.scenario).toBe("cut");
    expect(lines[1]).toBe(`Replayed: ${found.finding.problem}.`);
    expect(states).toBeGreaterThan(20);
  });
});
