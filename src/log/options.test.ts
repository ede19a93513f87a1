import { describe, expect, it } from "vitest";
import { FaultPlan, SimVfs, nodeVfs } from "../vfs/index.js";
import { Log } from "./log.js";
import { type LogOptions, resolveLogOptions } from "./options.js";
import {
  DIRECTORY,
  appendCount,
  bytesOf,
  errorOf,
  expectSameTree,
  readTexts,
  recordTexts,
  treeOf,
} from "./small-log.contract.js";
import { verifyLog } from "./verify.js";

const MIB = 1 << 20;

describe("the options of a log", () => {
  it("have the documented defaults", () => {
    expect(resolveLogOptions(undefined, DIRECTORY)).toEqual({
      vfs: nodeVfs,
      createIfMissing: true,
      segmentBytes: 64 * MIB,
      blockBytes: 4096,
      torn: "align",
      durability: "sync",
      syncIntervalMs: 50,
      flush: "pool",
      recordBytesMax: 16 * MIB,
      groupBytesMax: 4 * MIB,
      spareSegmentsMax: 2,
    });
    expect(resolveLogOptions({ blockBytes: 512, segmentBytes: 2048 }, DIRECTORY)).toMatchObject({
      recordBytesMax: 2048 - 512 - 48 - 5,
      groupBytesMax: 1536,
    });
  });

  const OTHERS: readonly LogOptions[] = [
    { segmentBytes: 16_384 },
    { segmentBytes: MIB },
    { blockBytes: 512 },
    { blockBytes: 1024, segmentBytes: 4096 },
    { blockBytes: 65_536 },
    { torn: "align" },
    { torn: "double-write" },
    { torn: "double-write", blockBytes: 512, segmentBytes: 2048 },
    { torn: "trust" },
    { torn: "trust", durability: "os" },
    { durability: "sync" },
    { durability: "interval" },
    { durability: "interval", syncIntervalMs: 1 },
    { durability: "interval", syncIntervalMs: 3_600_000 },
    { durability: "os" },
    { flush: "pool" },
    { flush: "inline" },
    { flush: "inline", durability: "os" },
    { flush: "inline", torn: "double-write" },
    { recordBytesMax: 10 },
    { groupBytesMax: 4096 },
    { groupBytesMax: 48, torn: "trust" },
    { spareSegmentsMax: 0 },
    { spareSegmentsMax: 1024 },
    { createIfMissing: true },
  ];

  it.each(OTHERS)("%j: written, closed, opened again with it and without it, read", async (options) => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await Log.open(DIRECTORY, { vfs, ...options });
    await appendCount(log, 30);
    await Promise.all(recordTexts(31, 40).map((text) => log.append(bytesOf(text))));
    await log.close();
    const same = await Log.open(DIRECTORY, { vfs, ...options });
    expect(same.recovery.clean).toBe(true);
    expect(await readTexts(same)).toEqual(recordTexts(1, 40));
    await appendCount(same, 3);
    await same.close();
    const without = await Log.open(DIRECTORY, { vfs });
    expect(await readTexts(without)).toEqual(recordTexts(1, 43));
    await appendCount(without, 1);
    await without.sync();
    await without.close();
    expect(await verifyLog(DIRECTORY, { vfs })).toMatchObject({ sound: true, problems: [], records: 44 });
    expect(vfs.openHandles()).toEqual([]);
  });

  const CONFLICTS: readonly [LogOptions, LogOptions, string][] = [
    [{}, { blockBytes: 512 }, "blockBytes"],
    [{ blockBytes: 512 }, { blockBytes: 4096 }, "blockBytes"],
    [{}, { segmentBytes: MIB }, "segmentBytes"],
    [{ segmentBytes: MIB }, { segmentBytes: 64 * MIB }, "segmentBytes"],
    [{}, { torn: "trust" }, "torn"],
    [{ torn: "double-write" }, { torn: "align" }, "torn"],
  ];

  it.each(CONFLICTS)(
    "%j, opened with %j, is a conflict that names the option, and changes nothing",
    async (made, wanted, option) => {
      const vfs = new SimVfs({ seed: 1 });
      const log = await Log.open(DIRECTORY, { vfs, ...made });
      await appendCount(log, 3);
      await log.close();
      const before = treeOf(vfs);
      const error = await errorOf(Log.open(DIRECTORY, { vfs, ...wanted }));
      expect(error).toMatchObject({
        name: "ConflictError",
        code: "HF_OPTION_MISMATCH",
        details: { directory: DIRECTORY, option },
      });
      expectSameTree(treeOf(vfs), before);
      expect(vfs.openHandles()).toEqual([]);
      const again = await Log.open(DIRECTORY, { vfs, ...made });
      expect(await readTexts(again)).toEqual(recordTexts(1, 3));
      await again.close();
    },
  );

  const WRONG: readonly [string, Record<string, unknown>][] = [
    ["HF_UNKNOWN_OPTION", { segmentbytes: 4096 }],
    ["HF_UNKNOWN_OPTION", { inFlightBytesMax: 4096 }],
    ["HF_INVALID_ARGUMENT", { segmentBytes: 0 }],
    ["HF_INVALID_ARGUMENT", { segmentBytes: 4096 * 3 }],
    ["HF_INVALID_ARGUMENT", { segmentBytes: 4096 * 4 + 1 }],
    ["HF_INVALID_ARGUMENT", { segmentBytes: 2 ** 30 + 4096 }],
    ["HF_INVALID_ARGUMENT", { segmentBytes: "1MiB" }],
    ["HF_INVALID_ARGUMENT", { blockBytes: 256 }],
    ["HF_INVALID_ARGUMENT", { blockBytes: 1000 }],
    ["HF_INVALID_ARGUMENT", { blockBytes: 131_072 }],
    ["HF_INVALID_ARGUMENT", { blockBytes: null }],
    ["HF_INVALID_ARGUMENT", { torn: "none" }],
    ["HF_INVALID_ARGUMENT", { durability: "never" }],
    ["HF_INVALID_ARGUMENT", { torn: "double-write", durability: "os" }],
    ["HF_INVALID_ARGUMENT", { torn: "double-write", durability: "interval" }],
    ["HF_INVALID_ARGUMENT", { syncIntervalMs: 0 }],
    ["HF_INVALID_ARGUMENT", { syncIntervalMs: 3_600_001 }],
    ["HF_INVALID_ARGUMENT", { syncIntervalMs: Number.NaN }],
    ["HF_INVALID_ARGUMENT", { flush: "thread" }],
    ["HF_INVALID_ARGUMENT", { recordBytesMax: -1 }],
    ["HF_INVALID_ARGUMENT", { recordBytesMax: 64 * MIB }],
    ["HF_INVALID_ARGUMENT", { groupBytesMax: 0 }],
    ["HF_INVALID_ARGUMENT", { groupBytesMax: 64 * MIB }],
    ["HF_INVALID_ARGUMENT", { groupBytesMax: Number.POSITIVE_INFINITY }],
    ["HF_INVALID_ARGUMENT", { spareSegmentsMax: -1 }],
    ["HF_INVALID_ARGUMENT", { spareSegmentsMax: 1025 }],
    ["HF_INVALID_ARGUMENT", { createIfMissing: "yes" }],
  ];

  it.each(WRONG)("%s for %j, with the option's name, before anything is made", async (code, options) => {
    const vfs = new SimVfs({ seed: 1 });
    const error = await errorOf(Log.open(DIRECTORY, { vfs, ...options }));
    expect(error).toMatchObject({ name: "InvalidArgumentError", code, details: { where: "Log.open" } });
    expect(Object.keys(options)).toContain(error.details["option"]);
    expect(vfs.snapshotTree()).toEqual([]);
  });

  it("refuse a log with torn: double-write to be opened in a weaker durability later", async () => {
    const vfs = new SimVfs({ seed: 1 });
    await (await Log.open(DIRECTORY, { vfs, torn: "double-write" })).close();
    const before = treeOf(vfs);
    expect(await errorOf(Log.open(DIRECTORY, { vfs, durability: "os" }))).toMatchObject({
      code: "HF_INVALID_ARGUMENT",
      details: { option: "durability" },
    });
    expectSameTree(treeOf(vfs), before);
    await (await Log.open(DIRECTORY, { vfs })).close();
  });
});

describe("the weaker durability modes", () => {
  it.each(["interval", "os"] as const)(
    "%s: an append survives a kill; sync() makes it survive a power cut; durableLsn tells",
    async (durability) => {
      const vfs = new SimVfs({ seed: 1 });
      const log = await Log.open(DIRECTORY, { vfs, durability, blockBytes: 512, segmentBytes: 2048 });
      await appendCount(log, 2);
      expect(await log.sync()).toBe(2);
      await log.append(bytesOf("record 3"));
      expect([log.lastLsn, log.durableLsn]).toEqual([3, 2]);
      const cut = await Log.open(DIRECTORY, { vfs: vfs.powerCut() });
      expect(await readTexts(cut)).toEqual(recordTexts(1, 2));
      await cut.close();

      const other = new SimVfs({ seed: 1 });
      const second = await Log.open(DIRECTORY, { vfs: other, durability });
      await appendCount(second, 3);
      const killed = await Log.open(DIRECTORY, { vfs: other.kill() });
      expect(await readTexts(killed)).toEqual(recordTexts(1, 3));
      await killed.close();
    },
  );

  it("interval: what was acknowledged is durable after the interval", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await Log.open(DIRECTORY, { vfs, durability: "interval", syncIntervalMs: 20 });
    await appendCount(log, 5);
    await vfs.delay(45);
    expect(log.durableLsn).toBe(5);
    const again = await Log.open(DIRECTORY, { vfs: vfs.powerCut() });
    expect(await readTexts(again)).toEqual(recordTexts(1, 5));
    await again.close();
  });

  it("interval: a failed sync poisons, and no append after it is acknowledged", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await Log.open(DIRECTORY, { vfs, durability: "interval", syncIntervalMs: 20 });
    await appendCount(log, 2);
    vfs.faults = new FaultPlan([
      { operation: "sync-data", path: ".seg", errno: "EIO", sync: { pages: "reverted", reached: "none" } },
    ]);
    await vfs.delay(45);
    expect(await errorOf(log.append(bytesOf("x")))).toMatchObject({ code: "HF_POISONED" });
    expect(log.durableLsn).toBe(0);
    await log.close();
  });

  it("os: rolling to the next segment and closing make durable what came before", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await Log.open(DIRECTORY, { vfs, durability: "os", blockBytes: 512, segmentBytes: 2048 });
    await appendCount(log, 4);
    expect(log.durableLsn).toBe(3);
    await log.close();
    const again = await Log.open(DIRECTORY, { vfs: vfs.powerCut() });
    expect(again.recovery.clean).toBe(true);
    expect(await readTexts(again)).toEqual(recordTexts(1, 4));
    await again.close();
  });
});
