/** The demo end to end: real flights, a real process, real kills. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CompiledCli, compileCli } from "./cli/compiled-cli.js";

let cli: CompiledCli;
let directory: string;

beforeAll(async () => {
  cli = await compileCli();
  directory = await mkdtemp(path.join(tmpdir(), "holdfast-demo-test-"));
});

afterAll(async () => {
  await cli.remove();
  await rm(directory, { recursive: true, force: true });
});

const records = 20_000;

describe("holdfast demo", () => {
  it("survives kills with every flight in place, and says so in one JSON document", { timeout: 60_000 }, async () => {
    const kept = path.join(directory, "kept");
    const words = ["demo", "--records", String(records), "--crash", "2", "--seed", "11", "--dir", kept, "--json"];
    const { exitCode, out, err } = await cli.run(words);
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: "" });
    const summary = JSON.parse(out) as Record<string, unknown>;
    expect(summary).toMatchObject({
      ok: true,
      records,
      payloadBytes: records * 32,
      lastLsn: records,
      writers: 64,
      flush: "pool",
      seed: 11,
      directory: kept,
      verification: { records, bytes: records * 32, sound: true },
    });
    const crashes = summary["crashes"] as { acknowledged: number; recoveredLsn: number; recoveryMs: number }[];
    expect(crashes).toHaveLength(2);
    for (const crash of crashes) {
      expect(crash.recoveredLsn).toBeGreaterThanOrEqual(crash.acknowledged);
      expect(crash.acknowledged).toBeGreaterThan(0);
      expect(crash.recoveryMs).toBeGreaterThan(0);
    }
    expect(summary["busiestAirports"]).toHaveLength(10);

    const verified = await cli.run(["verify", kept, "--json"]);
    expect(verified.exitCode).toBe(0);
    expect(JSON.parse(verified.out)).toMatchObject({ sound: true, records, firstLsn: 1, lastLsn: records });
  });

  it("runs without crashes, with another flush, and prints a summary for people", { timeout: 60_000 }, async () => {
    const { exitCode, out } = await cli.run([
      "demo",
      "--records",
      "3000",
      "--crash",
      "0",
      "--flush",
      "inline",
      "--writers",
      "7",
    ]);
    expect(exitCode).toBe(0);
    expect(out).toContain("every flight, once, in order, byte for byte");
    expect(out).not.toContain("\u001b[");
  });

  it("leaves nothing behind when it is interrupted", { timeout: 60_000 }, async () => {
    const before = await demoDirectories();
    let sent = false;
    const { exitCode, err } = await cli.run(["demo", "--crash", "0", "--writers", "2"], {
      onOutput: (out) => {
        if (sent || !out.includes("holdfast-demo-")) return undefined;
        sent = true;
        return "SIGINT";
      },
    });
    expect({ exitCode, stopped: err.includes("HF_INTERRUPTED") }).toEqual({ exitCode: 130, stopped: true });
    expect(await demoDirectories()).toEqual(before);
  });

  it("refuses a directory that is not empty", async () => {
    const { exitCode, out } = await cli.run(["demo", "--dir", path.resolve("src"), "--json"]);
    expect(exitCode).toBe(2);
    expect(JSON.parse(out)).toMatchObject({ error: { code: "HF_USAGE" } });
  });
});

async function demoDirectories(): Promise<string[]> {
  return (await readdir(tmpdir())).filter((name) => /^holdfast-demo-\w{6}$/.test(name)).sort();
}
