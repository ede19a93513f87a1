/** What only a process of its own shows: signals, pipes, staying alive while nothing happens. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Log } from "../../src/log/index.js";
import { type CompiledCli, compileCli } from "./compiled-cli.js";

let cli: CompiledCli;
let root: string;
let directory: string;

beforeAll(async () => {
  cli = await compileCli();
  root = await mkdtemp(path.join(tmpdir(), "holdfast-cli-test-"));
  directory = path.join(root, "log");
  const log = await Log.open(directory, { segmentBytes: 1024 * 1024 });
  await log.append(new TextEncoder().encode("first"));
  await log.close();
});

afterAll(async () => {
  await cli.remove();
  await rm(root, { recursive: true, force: true });
});

describe("the process", () => {
  it("waits for new records with tail --follow, and Ctrl-C is its end and not an error", async () => {
    const log = await Log.open(directory);
    let appended: Promise<number> | undefined;
    const { exitCode, out, err } = await cli.run(["tail", directory, "-n", "1", "-f"], {
      onOutput: (soFar) => {
        // The second record is appended only when the first is out: the process had nothing to do in between.
        if (soFar.includes("first")) appended ??= log.append(new TextEncoder().encode("second"));
        return soFar.includes("second") ? "SIGINT" : undefined;
      },
    });
    await appended;
    await log.close();
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: "" });
    expect(out.trimEnd().split("\n")).toHaveLength(2);
  });

  it("gives the exit code and keeps stdout for results", async () => {
    const { exitCode, out, err } = await cli.run(["verify", path.join(root, "missing")]);
    expect({ exitCode, out }).toEqual({ exitCode: 2, out: "" });
    expect(err).toContain("[HF_INVALID_ARGUMENT]");
  });

  it("crashes the scenarios that it is told, on threads", async () => {
    const words = ["crash", "--scenario", "anchor,double-write", "--states", "60", "--seed", "3", "--json"];
    const { exitCode, out } = await cli.run(words);
    expect(exitCode).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ seed: 3, suites: { anchor: {}, "double-write": {} }, failures: [] });
    expect(Object.keys((JSON.parse(out) as { suites: object }).suites)).toHaveLength(2);
    expect((await cli.run(["crash", "--scenario", "anchor,ankor"])).exitCode).toBe(2);
  });

  it("prints the package's version", async () => {
    const { exitCode, out } = await cli.run(["--version"]);
    expect(exitCode).toBe(0);
    expect(out).toMatch(/^\d+\.\d+\.\d+\S*\n$/);
  });
});
