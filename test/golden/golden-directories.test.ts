import { spawnSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { cp, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";
import { FORMAT_VERSION } from "../../src/log/format.js";
import { Log, LogReader, verifyLog } from "../../src/log/index.js";
import { type ExpectedLog, type ExpectedRecord, expectedRecord } from "./expected-log.js";

const golden = import.meta.dirname;
const versions = readdirSync(golden).filter((name) => /^v\d+$/.test(name));

function expectedLogs(version: string): ExpectedLog[] {
  const { logs } = JSON.parse(readFileSync(path.join(golden, version, "expected.json"), "utf8")) as {
    logs: ExpectedLog[];
  };
  return logs;
}

async function records(log: Log | LogReader): Promise<ExpectedRecord[]> {
  const found: ExpectedRecord[] = [];
  for await (const { lsn, type, payload } of log.read()) found.push(expectedRecord(lsn, type, payload));
  return found;
}

describe("golden directories", () => {
  it("exist for every format version, twelve of each", () => {
    expect(versions.toSorted()).toEqual(Array.from({ length: FORMAT_VERSION }, (_, index) => `v${index + 1}`));
    for (const version of versions) expect(expectedLogs(version)).toHaveLength(12);
  });

  const cases = versions.flatMap((version) =>
    expectedLogs(version).map((log) => [version, log.directory, log] as const),
  );

  it.each(cases)(
    "of %s: %s is verified, opened, read, written on, and read again",
    async (version, directory, expected) => {
      const place = await mkdtemp(path.join(tmpdir(), "holdfast-golden-"));
      try {
        const copy = path.join(place, "log");
        await cp(path.join(golden, version, directory), copy, { recursive: true });
        const { firstLsn, lastLsn } = expected;

        const reader = await LogReader.open(copy);
        expect((await records(reader)).at(-1)?.lsn).toBeLessThanOrEqual(lastLsn);
        await reader.close();
        const before = await verifyLog(copy);
        expect(before).toMatchObject({ sound: true, problems: [], firstLsn, lastLsn, records: lastLsn - firstLsn + 1 });
        expect(before.tornTailBytes > 0).toBe(expected.cutsTail);

        const log = await Log.open(copy, {
          torn: expected.torn,
          blockBytes: expected.blockBytes,
          segmentBytes: expected.segmentBytes,
        });
        expect(log.recovery).toMatchObject({
          created: false,
          clean: expected.clean,
          firstLsn,
          lastLsn,
          cutBytes: before.tornTailBytes,
        });
        expect(await records(log)).toEqual(expected.records);
        expect(await log.append(new Uint8Array(700))).toBe(lastLsn + 1);
        await log.close();

        expect(await verifyLog(copy)).toMatchObject({ sound: true, problems: [], lastLsn: lastLsn + 1 });
        const again = await Log.open(copy);
        expect((await records(again)).slice(0, -1)).toEqual(expected.records);
        await again.close();
      } finally {
        await rm(place, { recursive: true, force: true });
      }
    },
  );

  it("are never written over", async () => {
    // Inside the project, so that the program finds its packages.
    const scratch = path.join(golden, "..", "..", ".tmp");
    await mkdir(scratch, { recursive: true });
    const place = await mkdtemp(path.join(scratch, "make-golden-"));
    try {
      const program = path.join(place, "make.mjs");
      await build({
        entryPoints: [path.join(golden, "make.ts")],
        bundle: true,
        platform: "node",
        format: "esm",
        packages: "external",
        outfile: program,
        logLevel: "silent",
      });
      const first = spawnSync(process.execPath, [program, place], { encoding: "utf8" });
      expect(first.stderr).toBe("");
      expect(first.status).toBe(0);
      const expected = readFileSync(path.join(place, `v${FORMAT_VERSION}`, "expected.json"), "utf8");
      const second = spawnSync(process.execPath, [program, place], { encoding: "utf8" });
      expect(second.status).toBe(1);
      expect(second.stderr).toContain("nothing was written");
      // The same records as those of the committed directories; their random numbers may differ.
      expect(expected).toBe(readFileSync(path.join(golden, `v${FORMAT_VERSION}`, "expected.json"), "utf8"));
    } finally {
      await rm(place, { recursive: true, force: true });
    }
  });
});
