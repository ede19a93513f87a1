import { describe, expect, it } from "vitest";
import { parseArguments, suggestion } from "./arguments.js";

const definitions = {
  dir: { type: "positional", required: false },
  lines: { type: "string", alias: "n", default: "10" },
  format: { type: "string" },
  follow: { type: "boolean", alias: "f" },
} as const;

const bounds = { min: 0, max: 1_000 };

describe("arguments", () => {
  it("reads positionals, options by name and alias, and flags", () => {
    const args = parseArguments(["./data", "-n", "5", "--format=hex", "-f"], definitions);
    expect(args.text("dir")).toBe("./data");
    expect(args.wholeNumber("lines", bounds)).toBe(5);
    expect(args.text("format")).toBe("hex");
    expect(args.flag("follow")).toBe(true);
  });

  it("fills in defaults and leaves the rest undefined", () => {
    const args = parseArguments([], definitions);
    expect(args.wholeNumber("lines", bounds)).toBe(10);
    expect(args.text("format")).toBeUndefined();
    expect(args.flag("follow")).toBe(false);
  });

  it("takes digits in groups", () => {
    expect(parseArguments(["-n", "1_000"], definitions).wholeNumber("lines", bounds)).toBe(1_000);
    expect(parseArguments(["-n", "1,000"], definitions).wholeNumber("lines", bounds)).toBe(1_000);
  });

  it.each([
    ["an unknown option", ["--nope"]],
    ["an unknown letter", ["-x"]],
    ["a missing value at the end", ["--format"]],
    ["a missing value before an option", ["--format", "--follow"]],
    ["a value for a flag", ["--follow=yes"]],
    ["an argument too many", ["a", "b"]],
  ])("refuses %s", (_what, words) => {
    expect(() => parseArguments(words, definitions)).toThrowError(expect.objectContaining({ code: "HF_USAGE" }));
  });

  it.each(["-1", "1001", "1.5", "ten", "0x10", "1e2", ""])("refuses the number %j", (text) => {
    const args = parseArguments([`--lines=${text}`], definitions);
    expect(() => args.wholeNumber("lines", bounds)).toThrowError(expect.objectContaining({ code: "HF_USAGE" }));
  });

  it("suggests an option that is nearly the one given, and none for anything else", () => {
    expect(suggestion("folow", ["follow", "format"])).toContain("--follow");
    expect(suggestion("xyz", ["follow", "format"])).toBe("");
  });
});
