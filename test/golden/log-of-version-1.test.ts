/** Logs that a build with format 1 wrote: how they are gone on with, repaired, and what crashes may do to them meanwhile. */
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { parseSegmentHeader } from "../../src/log/format.js";
import { Log, LogReader, type LogOptions, type TornMode, repairLog, verifyLog } from "../../src/log/index.js";
import { flipByte } from "../../src/log/small-log.contract.js";
import { exploreCrashes } from "../../src/testing/index.js";
import { SimVfs } from "../../src/vfs/index.js";
import { fileOf } from "./worked-example.js";

const DIRECTORY = "/log";
const segment = (number: number): string => `${DIRECTORY}/${String(number).padStart(16, "0")}.seg`;

/** Puts a golden log on a simulated machine, durably. Its records 1 to 4 stand in two segments, of which the second has room. */
async function putGolden(vfs: SimVfs, torn: TornMode): Promise<void> {
  const golden = path.join(import.meta.dirname, "v1", `${torn}-clean`);
  await vfs.makeDirectory(DIRECTORY);
  for (const name of readdirSync(golden)) {
    const file = await vfs.open(`${DIRECTORY}/${name}`, { access: "read-write", create: "exclusive" });
    await file.write(readFileSync(path.join(golden, name)), 0);
    await file.syncData();
    await file.close();
  }
  await vfs.syncDirectory(DIRECTORY);
  await vfs.syncDirectory("/");
}

async function goldenLog(torn: TornMode): Promise<{ vfs: SimVfs; options: LogOptions }> {
  const vfs = new SimVfs({ seed: 1 });
  await putGolden(vfs, torn);
  return { vfs, options: { vfs, torn } };
}

/** The version of a segment, and those of the ones that its table names, newest first. */
function versionsOf(vfs: SimVfs, number: number): number[] {
  const parse = parseSegmentHeader(fileOf(vfs, segment(number)).subarray(0, 512));
  if (parse.kind !== "sound") throw new Error(`segment ${number} is ${parse.kind}`);
  return [parse.header.version, ...parse.header.back.map(({ version }) => version)];
}

/** LSNs and sizes. */
async function shape(log: Log | LogReader): Promise<string[]> {
  const found: string[] = [];
  for await (const { lsn, payload } of log.read()) found.push(`${lsn}:${payload.length}`);
  return found;
}

const GOLDEN = ["1:441", "2:442", "3:443", "4:444"];

describe.each(["align", "double-write", "trust"] as const)("a log of version 1 (%s)", (torn) => {
  it("goes on in its active segment in that version, and rolls to one of version 2", async () => {
    const { vfs, options } = await goldenLog(torn);
    let log = await Log.open(DIRECTORY, options);
    await log.append(new Uint8Array(100));
    await log.close();
    expect(versionsOf(vfs, 2)).toEqual([1, 1]);
    log = await Log.open(DIRECTORY, options);
    await log.append(new Uint8Array(900));
    await log.append(new Uint8Array(901));
    expect(versionsOf(vfs, 2)).toEqual([1, 1]);
    expect(versionsOf(vfs, 3)).toEqual([2, 1, 1]);
    const all = [...GOLDEN, "5:100", "6:900", "7:901"];
    expect(await shape(log)).toEqual(all);
    await vfs.delay(1);
    const reader = await LogReader.open(DIRECTORY, { vfs });
    expect(await shape(reader)).toEqual(all);
    await reader.close();
    await log.close();
    expect(await verifyLog(DIRECTORY, { vfs })).toMatchObject({ sound: true, problems: [], records: 7 });
    log = await Log.open(DIRECTORY, options);
    await log.truncateAfter(2);
    await log.append(new Uint8Array(7));
    expect(await shape(log)).toEqual([...GOLDEN.slice(0, 2), "3:7"]);
    await log.close();
    expect(await verifyLog(DIRECTORY, { vfs })).toMatchObject({ sound: true, problems: [], records: 3 });
  });

  it("keeps its records and its versions when headers are lost, and the anchor too", async () => {
    for (const lost of [[1], [2], [3], [1, 3], [0], [0, 2]]) {
      const { vfs, options } = await goldenLog(torn);
      const log = await Log.open(DIRECTORY, options);
      const before = lost.includes(3) ? 3 : 2;
      await log.append(new Uint8Array(before === 3 ? 1000 : 300));
      const all = await shape(log);
      expect(log.stats().segments).toBe(before);
      await log.close();
      for (const number of lost) {
        if (number === 0) await vfs.remove(`${DIRECTORY}/anchor`);
        else await flipByte(vfs, segment(number), 60);
      }
      const report = await repairLog(DIRECTORY, { vfs });
      // Without the anchor, the newest segment's table and header are all that tells of it.
      const isLost = lost.includes(0) && lost.includes(2);
      expect(report.keptLastLsn, `lost: ${lost.join(" ")}`).toBe(isLost ? 3 : all.length);
      const again = await Log.open(DIRECTORY, options);
      expect(await shape(again)).toEqual(isLost ? all.slice(0, 3) : all);
      expect(versionsOf(vfs, 1)).toEqual([1]);
      if (!isLost) expect(versionsOf(vfs, 2)).toEqual([1, 1]);
      await again.append(new Uint8Array(5));
      await again.close();
      expect(await verifyLog(DIRECTORY, { vfs })).toMatchObject({ sound: true });
    }
  });

  it("loses nothing acknowledged in a crash at any operation, while it goes on to version 2 and its files are used again", async () => {
    const report = await exploreCrashes<string[], string>({
      name: `a log of version 1, ${torn}`,
      seed: 1,
      tornMax: torn === "trust" ? 0 : 1,
      depth: 1,
      kill: true,
      capPerPoint: 24,
      samplesPerPoint: 8,
      statesMax: 1000,
      async workload({ vfs, note }) {
        await putGolden(vfs, torn);
        note("3:443");
        note("4:444");
        const log = await Log.open(DIRECTORY, { vfs, torn });
        for (const size of [700, 900, 1000]) {
          const lsn = log.lastLsn + 1;
          await log.append(new Uint8Array(size).fill(lsn));
          note(`${lsn}:${size}`);
          if (lsn > 5) await log.truncateBefore(lsn - 1);
        }
        await log.close();
      },
      async recover({ vfs }) {
        if ((await vfs.stat(DIRECTORY)) === undefined) return [];
        const names = await vfs.list(DIRECTORY);
        // Before the golden files are durable there is no log to open.
        if (!names.includes("mark") || !names.includes("anchor")) return [];
        const log = await Log.open(DIRECTORY, { vfs, torn }).catch((error: unknown) => error);
        if (!(log instanceof Log)) return [];
        const found = await shape(log);
        await log.close();
        return found;
      },
      check(found, acknowledged) {
        // The newest two: those before may have been pruned.
        for (const record of acknowledged.slice(-2))
          if (!found.includes(record)) throw new Error(`${record} is missing from ${found.join(" ")}`);
      },
      describe: (found) => found.join(" "),
    });
    expect(report.distinct).toBeGreaterThan(200);
  });
});
