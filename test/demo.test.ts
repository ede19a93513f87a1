/** The demo end to end: real flights, a real process, real kills. */
import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { era1Bytes, mainnetBlock0 } from "../src/cli/demo/era1/era1.contract.js";
import { capture } from "./cli/captured-terminal.js";
import { type CompiledCli, type ProcessResult, compileCli } from "./cli/compiled-cli.js";

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

const records = 1_740;
const roundRecords = 30;
const rounds = records / roundRecords;

const words = ["demo", "--records", String(records), "--round", String(roundRecords), "--seed", "11"];
let throughKills: Promise<ProcessResult & { readonly kept: string }> | undefined;

/** The run that two tests look at. */
function runThroughKills(): Promise<ProcessResult & { readonly kept: string }> {
  const kept = path.join(directory, "kept");
  throughKills ??= cli.run([...words, "--crash", "2", "--dir", kept, "--json"]).then((result) => ({ ...result, kept }));
  return throughKills;
}

describe("holdfast demo", () => {
  it("survives kills with every round in place, and says so in one JSON document", { timeout: 240_000 }, async () => {
    const { kept, exitCode, out, err } = await runThroughKills();
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: "" });
    const summary = JSON.parse(out) as Record<string, unknown>;
    expect(summary).toMatchObject({
      ok: true,
      form: "node",
      records,
      rounds,
      roundRecords,
      recordBytes: records * 32,
      flush: "pool",
      seed: 11,
      version: rounds + 1,
      directory: path.join(kept, "node"),
      verification: { sound: true },
    });
    const crashes = summary["crashes"] as Record<string, number>[];
    expect(crashes).toHaveLength(2);
    for (const crash of crashes) {
      expect(crash["acknowledgedRounds"]).toBeGreaterThan(0);
      expect(crash["recoveredRounds"]).toBeGreaterThanOrEqual(crash["acknowledgedRounds"]!);
      expect(crash["recoveredRecords"]).toBe(Math.min(crash["recoveredRounds"]! * roundRecords, records));
      expect([crash["version"], crash["trieVersion"]]).toEqual(Array(2).fill(crash["recoveredRounds"]! + 1));
      expect(crash["root"]).toMatch(/^[0-9a-f]{64}$/);
      expect(crash["recoveryMs"]).toBeGreaterThan(0);
      expect(crash["auditMs"]).toBeGreaterThan(0);
    }
    expect(summary["checkpoints"]).toBeGreaterThan(0);
    const compared = summary["comparedSyncs"] as Record<string, number>;
    expect(compared["rounds"]).toBe(8);
    expect(compared["separate"]).toBeGreaterThan(compared["together"]!);
    expect(summary["commitLatency"]).toMatchObject({ bars: expect.stringMatching(/[▁-█]/) });
    expect(summary["durableAppendsPerSecond"]).toBeGreaterThan(0);
    const verification = summary["verification"] as Record<string, number>;
    for (const part of ["certificates", "blocks", "records", "events"]) expect(verification[part]).toBeGreaterThan(0);
    expect(summary["busiest"]).toHaveLength(10);
    const rows = (summary["verification"] as { databases: { name: string; rows: number }[] }).databases;
    expect(rows.map(({ name }) => name)).toEqual(["account", "code", "storage", "legacy"]);
    for (const database of rows) expect(database.rows).toBeGreaterThan(0);
    expect(summary["verification"]).toMatchObject({
      trie: {
        keys: rows.reduce((sum, database) => sum + database.rows, 0),
        proofs: { present: 8, absent: 2, bytes: { length: 10 } },
      },
    });

    expect(await readdir(kept)).toEqual(["node"]);
    const verified = await cli.run(["verify", path.join(kept, "node"), "--json"]);
    expect(verified.exitCode).toBe(0);
    expect(JSON.parse(verified.out)).toMatchObject({ sound: true });
  });

  it(
    "comes to the same hashes without crashes and with another flush, and prints a summary for people",
    { timeout: 240_000 },
    async () => {
      const { exitCode, out } = await cli.run([...words, "--crash", "0", "--flush", "inline"]);
      expect(exitCode).toBe(0);
      expect(out).toContain("once, in order, byte for byte");
      expect(out).toMatch(/proved +10 of [\d,]+ keys/);
      expect(out).not.toContain("\u001b[");
      const found = /state +version (\d+), LtHash ([0-9a-f]{64});\n +Merkle root ([0-9a-f]{64})/.exec(out);
      const { version, hashes, root } = JSON.parse((await runThroughKills()).out) as {
        readonly version: number;
        readonly hashes: { readonly global: string };
        readonly root: string;
      };
      expect(root).toMatch(/^[0-9a-f]{64}$/);
      expect(found?.slice(1)).toEqual([String(version), hashes.global, root]);
    },
  );

  it("runs with the genesis alone", { timeout: 240_000 }, async () => {
    const { exitCode, out, err } = await cli.run(["demo", "--genesis", "--crash", "1", "--seed", "2", "--json"]);
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: "" });
    const summary = JSON.parse(out) as Record<string, unknown>;
    expect(summary).toMatchObject({ rounds: 0, version: 1, comparedSyncs: null, verification: { sound: true } });
    expect(summary["crashes"]).toMatchObject([{ recoveredRounds: 0, version: 1, trieVersion: 1 }]);
    const mixed = await cli.run(["demo", "--genesis", "--records", "10"]);
    expect(mixed.exitCode).toBe(2);
  });

  it("runs as a plain log, where every flight is one durable record", { timeout: 240_000 }, async () => {
    const kept = path.join(directory, "plain");
    const words = ["demo", "--plain", "--records", "6000", "--crash", "1", "--seed", "11", "--dir", kept, "--json"];
    const { exitCode, out, err } = await cli.run(words);
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: "" });
    const summary = JSON.parse(out) as Record<string, unknown>;
    expect(summary).toMatchObject({
      ok: true,
      form: "plain",
      records: 6_000,
      payloadBytes: 6_000 * 32,
      lastLsn: 6_000,
      writers: 64,
      directory: kept,
      verification: { records: 6_000, bytes: 6_000 * 32, sound: true },
    });
    const crashes = summary["crashes"] as { acknowledged: number; recoveredLsn: number; recoveryMs: number }[];
    expect(crashes).toHaveLength(1);
    for (const crash of crashes) {
      expect(crash.acknowledged).toBeGreaterThan(0);
      expect(crash.recoveredLsn).toBeGreaterThanOrEqual(crash.acknowledged);
    }
    expect(summary["busiest"]).toHaveLength(10);
    const verified = await cli.run(["verify", kept, "--json"]);
    expect(JSON.parse(verified.out)).toMatchObject({ sound: true, records: 6_000, firstLsn: 1, lastLsn: 6_000 });
  });

  it(
    "takes an era1 file in through kills, with the hashes of a run without crashes",
    { timeout: 240_000 },
    async () => {
      const file = path.join(directory, "blocks.era1");
      const blocks = Array.from({ length: 149 }, (_, block) => ({ coinbase: 1 + (block % 5) }));
      await writeFile(file, era1Bytes([mainnetBlock0, ...blocks]));
      const kept = path.join(directory, "replayed");
      const words = ["demo", "--era1", file, "--crash", "2", "--seed", "5"];
      const { exitCode, out, err } = await cli.run([...words, "--dir", kept, "--json"]);
      expect({ exitCode, err }).toEqual({ exitCode: 0, err: "" });
      const summary = JSON.parse(out) as Record<string, unknown>;
      expect(summary).toMatchObject({
        ok: true,
        form: "era1",
        records: 149,
        rounds: 149,
        roundRecords: 1,
        fileBlocks: 150,
        stoppedAtBlock: null,
        version: 150,
        directory: path.join(kept, "node"),
        verification: {
          databases: [{ name: "account", rows: 8_893 + 5 }, {}, {}, {}],
          trie: { keys: 8_893 + 5, proofs: { present: 8, absent: 2 } },
          sound: true,
        },
      });
      const crashes = summary["crashes"] as Record<string, number>[];
      expect(crashes).toHaveLength(2);
      for (const crash of crashes)
        expect(crash["recoveredRounds"]).toBeGreaterThanOrEqual(crash["acknowledgedRounds"]!);
      expect(await readdir(kept)).toEqual(["node"]);
      const verified = await cli.run(["verify", path.join(kept, "node"), "--json"]);
      expect(JSON.parse(verified.out)).toMatchObject({ sound: true });
      const plain = await cli.run(["demo", "--era1", file, "--crash", "0", "--json"]);
      const { hashes, root } = JSON.parse(plain.out) as Record<string, unknown>;
      expect({ hashes, root }).toEqual({ hashes: summary["hashes"], root: summary["root"] });
    },
  );

  it("ends before a block with transactions, and verifies what comes before", { timeout: 240_000 }, async () => {
    const file = path.join(directory, "transactions.era1");
    const transactions = [new Uint8Array([1])];
    await writeFile(file, era1Bytes([mainnetBlock0, {}, {}, { transactions }, {}]));
    const { exitCode, out } = await cli.run(["demo", "--era1", file, "--crash", "1", "--seed", "5"]);
    expect(exitCode).toBe(0);
    expect(out).toContain("Block 3 has a transaction");
    expect(out).toContain("all 2 blocks after it are verified.");
  });

  it.each([
    ["the node", "node", ["--round", "70"]],
    ["the plain log", "", ["--plain"]],
  ])("finds what was damaged under %s, keeps it, and exits with 1", { timeout: 240_000 }, async (_form, log, form) => {
    const kept = path.join(directory, `damaged-${log}`);
    let damaged = false;
    const all = ["demo", "--records", "1500", "--crash", "1", "--seed", "11", "--dir", kept, ...form];
    const { exitCode, err } = await cli.run(all, {
      onOutput: (_out, errSoFar) => {
        if (!damaged && errSoFar.includes("crash 1 ")) {
          damaged = true;
          damage(path.join(kept, log, "0000000000000001.seg"));
        }
        return undefined;
      },
    });
    expect({ damaged, exitCode, told: err.includes(kept) }).toEqual({ damaged: true, exitCode: 1, told: true });
    expect(await readdir(kept)).not.toEqual([]);
  });

  it.each([
    ["the node", ["--round", "64"]],
    ["the plain log", ["--plain", "--writers", "2"]],
  ])("leaves nothing of %s behind when it is interrupted", { timeout: 240_000 }, async (_form, words) => {
    const before = await demoDirectories();
    let sent = false;
    const { exitCode, err } = await cli.run(["demo", "--crash", "0", ...words], {
      onOutput: (out) => {
        if (sent || !out.includes("holdfast-demo-")) return undefined;
        sent = true;
        return "SIGINT";
      },
    });
    expect({ exitCode, stopped: err.includes("HF_INTERRUPTED") }).toEqual({ exitCode: 130, stopped: true });
    expect(await demoDirectories()).toEqual(before);
  });

  it("says where its files are when it is interrupted and they are kept", { timeout: 240_000 }, async () => {
    const kept = path.join(directory, "interrupted");
    let sent = false;
    const { exitCode, err } = await cli.run(["demo", "--dir", kept, "--crash", "0", "--round", "64"], {
      onOutput: (out) => {
        if (sent || !out.includes(kept)) return undefined;
        sent = true;
        return "SIGINT";
      },
    });
    expect({ exitCode, told: err.includes(kept) }).toEqual({ exitCode: 130, told: true });
  });

  it.each([
    ["writers without the plain log", ["--writers", "2"]],
    ["rounds in the plain log", ["--plain", "--round", "64"]],
    ["flights with an era1 file", ["--era1", "blocks.era1", "--records", "5"]],
    ["rounds with an era1 file", ["--era1", "blocks.era1", "--round", "5"]],
    ["a plain log with an era1 file", ["--era1", "blocks.era1", "--plain"]],
    ["more flights than there are", ["--records", "3000001"]],
    ["a round of no flights", ["--round", "0"]],
  ])("refuses %s, and makes nothing", async (_what, words) => {
    const { exitCode, json } = await capture(["demo", "--dir", path.join(directory, "refused"), "--json", ...words]);
    expect(exitCode).toBe(2);
    expect(json()).toMatchObject({ error: { code: "HF_USAGE" } });
    expect(await readdir(directory)).not.toContain("refused");
  });

  it("refuses a directory that is not empty", async () => {
    const { exitCode, json } = await capture(["demo", "--dir", path.resolve("src"), "--json"]);
    expect(exitCode).toBe(2);
    expect(json()).toMatchObject({ error: { code: "HF_USAGE" } });
  });
});

/** Flips a bit in the first groups of a segment, which were acknowledged long ago. */
function damage(file: string): void {
  const handle = openSync(file, "r+");
  try {
    const bytes = Buffer.alloc(1);
    for (let block = 1; block < 9; block++) {
      readSync(handle, bytes, 0, 1, block * 4096 + 80);
      bytes[0]! ^= 1;
      writeSync(handle, bytes, 0, 1, block * 4096 + 80);
    }
  } finally {
    closeSync(handle);
  }
}

async function demoDirectories(): Promise<string[]> {
  return (await readdir(tmpdir())).filter((name) => /^holdfast-demo-\w{6}$/.test(name)).sort();
}
