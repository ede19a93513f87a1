/** What every command line has in common: help, usage errors, exit codes, JSON errors. */
import path from "node:path";
import { describe, expect, it } from "vitest";
import { commands } from "../../src/cli/commands.js";
import { capture } from "./captured-terminal.js";

const listed = commands.filter((command) => command.hidden !== true);

describe("help", () => {
  it("lists every command and every exit code", async () => {
    const { exitCode, out, err } = await capture(["--help"]);
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: "" });
    const unwrapped = out.replaceAll(/\s+/g, " ");
    for (const command of listed) expect(unwrapped).toContain(command.summary);
    expect(out).not.toContain("demo-writer");
    expect(out).toMatch(/130 .*Ctrl-C/);
  });

  it.each(listed.map((command) => [command.name, command] as const))(
    "of %s has a description, examples and its options",
    async (name, { load }) => {
      const command = await load();
      for (const words of [
        [name, "--help"],
        ["help", name],
      ]) {
        const { exitCode, out } = await capture(words);
        expect(exitCode).toBe(0);
        expect(command.description.length).toBeGreaterThan(30);
        expect(command.examples.length).toBeGreaterThan(0);
        for (const [commandLine] of command.examples) expect(out).toContain(commandLine);
        for (const argument of Object.keys(command.args)) expect(out).toContain(argument);
        expect(out).toContain("Exit codes");
        for (const line of out.split("\n")) expect(line.length).toBeLessThanOrEqual(120);
      }
    },
  );

  it("goes to stderr with exit code 2 when no command is given", async () => {
    const { exitCode, out, err } = await capture([]);
    expect({ exitCode, out }).toEqual({ exitCode: 2, out: "" });
    expect(err).toContain("Usage");
  });
});

describe("usage errors", () => {
  const missing = path.join("no", "such", "directory");

  it.each([
    ["an unknown command", ["nope"]],
    ["an unknown option", ["verify", missing, "--nope"]],
    ["a missing argument", ["verify"]],
    ["an argument too many", ["verify", "a", "b"]],
    ["a number that is none", ["tail", missing, "-n", "ten"]],
    ["a number out of range", ["demo", "--crash", "1001"]],
    ["a word that is no choice", ["tail", missing, "--format", "xml"]],
    ["an option before the command", ["--json", "verify"]],
  ])("%s ends with 2, a message on stderr, and nothing on stdout", async (_what, words) => {
    const { exitCode, out, err } = await capture(words);
    expect({ exitCode, out }).toEqual({ exitCode: 2, out: "" });
    expect(err).toContain("[HF_USAGE]");
    expect(err).not.toContain("    at ");
  });

  it("with --json prints one document that carries the code", async () => {
    const { exitCode, err, json } = await capture(["verify", "a", "b", "--json"]);
    expect({ exitCode, err }).toEqual({ exitCode: 2, err: "" });
    expect(json()).toMatchObject({ error: { name: "UsageError", code: "HF_USAGE" } });
  });

  it("with --debug prints the stack", async () => {
    const { err } = await capture(["verify", "a", "b", "--debug"]);
    expect(err).toContain("    at ");
  });
});
