import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { FaultPlan, SimVfs } from "../vfs/index.js";
import { LogReader } from "./log-reader.js";
import { Log } from "./log.js";
import {
  DIRECTORY,
  appendCount,
  bytesOf,
  closedLog,
  errorOf,
  expectSameTree,
  flipByte,
  openSmall,
  readTexts,
  recordTexts,
  segmentPath,
  textOf,
} from "./small-log.contract.js";

/** Lets the writer come to rest, so that its mark tells how far it got. */
async function rest(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe("a reader in another process", () => {
  it("sees all that was acknowledged once the writer rests, and nothing more", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs);
    const reader = await LogReader.open(DIRECTORY, { vfs: vfs.otherProcess() });
    expect([reader.firstLsn, reader.lastLsn]).toEqual([1, 0]);
    for (let count = 1; count <= 20; count++) {
      await appendCount(log, 1);
      await rest();
      await reader.refresh();
      expect(reader.lastLsn).toBe(count);
      expect(textOf((await reader.get(count))!.payload)).toBe(`record ${count}`);
    }
    expect(await readTexts(reader)).toEqual(recordTexts(1, 20));
    expect(await readTexts(reader, { reverse: true, from: 5, to: 11 })).toEqual(recordTexts(5, 11).reverse());
    const batches: number[] = [];
    for await (const batch of reader.readBatches({ from: 18 })) batches.push(batch.firstLsn);
    expect(batches).toEqual([18, 19, 20]);
    await reader.close();
    await log.close();
  });

  it("never sees a record that is not acknowledged, however often it looks", async () => {
    const vfs = new SimVfs({ seed: 5 });
    const log = await openSmall(vfs);
    const reader = await LogReader.open(DIRECTORY, { vfs: vfs.otherProcess() });
    let done = false;
    const looking = (async () => {
      let looks = 0;
      while (!done) {
        await reader.refresh();
        expect(reader.lastLsn).toBeLessThanOrEqual(log.lastLsn);
        looks += 1;
      }
      return looks;
    })();
    for (let round = 0; round < 30; round++) await Promise.all([1, 2, 3].map(() => log.append(bytesOf("x"))));
    done = true;
    expect(await looking).toBeGreaterThan(10);
    await reader.close();
    await log.close();
  });

  it("does not show a whole group that the disk holds and nobody was told of", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs);
    await appendCount(log, 2);
    await rest();
    // The group is written, and its sync fails: the bytes are in the file.
    vfs.faults = new FaultPlan([
      { operation: "write", path: ".seg", errno: "EIO", sync: { pages: "kept", reached: "none" } },
    ]);
    await errorOf(log.append(bytesOf("never acknowledged")));
    const reader = await LogReader.open(DIRECTORY, { vfs: vfs.otherProcess() });
    expect(await readTexts(reader)).toEqual(recordTexts(1, 2));
    await reader.close();
    await log.close();
  });

  it("changes no byte, takes no lock, and lets the writer open beside it", async () => {
    const vfs = await closedLog(new SimVfs({ seed: 1 }), 10);
    const before = new Map(vfs.snapshotTree().map(({ path: name, contents }) => [name, contents]));
    const other = vfs.otherProcess();
    const operations = new Set<string>();
    other.trace = (operation) => void operations.add(operation);
    const reader = await LogReader.open(DIRECTORY, { vfs: other });
    expect(await readTexts(reader)).toEqual(recordTexts(1, 10));
    expectSameTree(new Map(vfs.snapshotTree().map(({ path: name, contents }) => [name, contents])), before);
    expect([...operations].sort()).toEqual(["list", "open", "read", "stat"]);
    const log = await openSmall(vfs);
    await appendCount(log, 3);
    await rest();
    expect(await readTexts(reader)).toEqual(recordTexts(1, 13));
    await log.close();
    await reader.close();
    expect(other.openHandles()).toEqual([]);
  });

  it("reads on while the writer closes and opens again, rolls, prunes, uses files again, and cuts", async () => {
    const vfs = new SimVfs({ seed: 1 });
    let log = await openSmall(vfs);
    const reader = await LogReader.open(DIRECTORY, { vfs: vfs.otherProcess() });
    const expectSame = async (): Promise<void> => {
      await rest();
      expect(await readTexts(reader)).toEqual(await readTexts(log));
      expect([reader.firstLsn, reader.lastLsn]).toEqual([log.firstLsn, log.lastLsn]);
    };
    await appendCount(log, 10);
    await expectSame();
    await log.close();
    expect(await readTexts(reader)).toEqual(recordTexts(1, 10));
    log = await openSmall(vfs);
    await expectSame();
    await appendCount(log, 8);
    await log.truncateBefore(14);
    await expectSame();
    await appendCount(log, 9);
    expect(log.stats().segmentsRecycled).toBeGreaterThan(0);
    await expectSame();
    await log.truncateAfter(20);
    await expectSame();
    await log.append(bytesOf("another 21"));
    await expectSame();
    await log.truncateAll();
    await expectSame();
    await appendCount(log, 4);
    await expectSame();
    await log.close();
    await reader.close();
  });

  it("follows the writer through all of that, record by record", async () => {
    const vfs = new SimVfs({ seed: 1 });
    let log = await openSmall(vfs);
    const reader = await LogReader.open(DIRECTORY, { vfs: vfs.otherProcess(), pollMs: 5 });
    const seen: string[] = [];
    const following = (async () => {
      for await (const { payload } of reader.follow({ from: 1 })) {
        seen.push(textOf(payload));
        if (seen.length === 40) break;
      }
    })();
    for (let round = 0; round < 4; round++) {
      await appendCount(log, 10);
      await vfs.delay(20);
      await log.truncateBefore(log.lastLsn - 2);
      if (round === 2) {
        await log.close();
        log = await openSmall(vfs);
      }
    }
    await following;
    expect(seen).toEqual(recordTexts(1, 40));
    await reader.close();
    await log.close();
  });

  it("shows what a killed writer had acknowledged, no more than the next writer keeps", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs);
    await appendCount(log, 7);
    await rest();
    const killed = vfs.kill();
    const reader = await LogReader.open(DIRECTORY, { vfs: killed.otherProcess() });
    expect(await readTexts(reader)).toEqual(recordTexts(1, 7));
    await killed.remove("/log/mark");
    const second = await LogReader.open(DIRECTORY, { vfs: killed.otherProcess() });
    expect(second.lastLsn).toBeLessThanOrEqual(7);
    expect(second.lastLsn).toBeGreaterThanOrEqual(6);
    const next = await openSmall(killed);
    expect(next.lastLsn).toBe(7);
    await second.refresh();
    expect(second.lastLsn).toBe(7);
    for (const open of [reader, second]) await open.close();
    await next.close();
  });

  it("tells damage as the writer would", async () => {
    const vfs = await closedLog(new SimVfs({ seed: 1 }), 8);
    await flipByte(vfs, segmentPath(2), 1024 + 60);
    const reader = await LogReader.open(DIRECTORY, { vfs });
    expect(await errorOf(readTexts(reader))).toMatchObject({
      code: "HF_CORRUPTION",
      details: { path: segmentPath(2), offset: 1024, lsn: 5 },
    });
    await reader.close();
    await flipByte(vfs, "/log/anchor", 50);
    await flipByte(vfs, "/log/anchor", 4096 + 50);
    expect(await errorOf(LogReader.open(DIRECTORY, { vfs }))).toMatchObject({
      code: "HF_CORRUPTION",
      details: { path: "/log/anchor" },
    });
    expect(vfs.openHandles()).toEqual([]);
  });

  it("refuses every call after close, ends what it was reading, and leaves no file open", async () => {
    const vfs = await closedLog(new SimVfs({ seed: 1 }), 8);
    const reader = await LogReader.open(DIRECTORY, { vfs });
    const reading = reader.read();
    await reading.next();
    await Promise.all([reader.close(), reader.close()]);
    const calls: readonly (() => unknown)[] = [
      () => reader.get(1),
      () => reader.refresh(),
      () => readTexts(reader),
      () => reader.readBatches().next(),
      () => reader.follow().next(),
      async () => {
        for await (const record of reading) void record;
      },
    ];
    for (const call of calls) expect(await errorOf(call)).toMatchObject({ name: "StateError", code: "HF_CLOSED" });
    expect(vfs.openHandles()).toEqual([]);
  });

  it("refuses options that it does not know or allow", async () => {
    const vfs = await closedLog(new SimVfs({ seed: 1 }), 1);
    for (const options of [{ pollMs: 0 }, { pollMs: 60_001 }, { pollMs: 1.5 }]) {
      expect(await errorOf(LogReader.open(DIRECTORY, { vfs, ...options }))).toMatchObject({
        code: "HF_INVALID_ARGUMENT",
        details: { option: "pollMs" },
      });
    }
    expect(await errorOf(LogReader.open(DIRECTORY, { vfs, repair: true } as object))).toMatchObject({
      code: "HF_UNKNOWN_OPTION",
    });
  });
});

describe("on the real file system", () => {
  it("a log is written, read beside its writer, pruned, cut, and found again", async () => {
    const place = await mkdtemp(path.join(tmpdir(), "holdfast-log-"));
    try {
      const directory = path.join(place, "log");
      const log = await Log.open(directory, { blockBytes: 4096, segmentBytes: 16_384 });
      await appendCount(log, 20);
      const reader = await LogReader.open(directory, { pollMs: 1 });
      const followed: string[] = [];
      const following = (async () => {
        for await (const { payload } of reader.follow({ from: 1 })) if (followed.push(textOf(payload)) === 60) break;
      })();
      await Promise.all(recordTexts(21, 60).map((text) => log.append(bytesOf(text))));
      await following;
      expect(followed).toEqual(recordTexts(1, 60));
      await log.truncateBefore(30);
      await log.truncateAfter(50);
      expect(await errorOf(Log.open(directory))).toMatchObject({ code: "HF_LOCKED", details: { pid: process.pid } });
      await log.close();
      expect(await readTexts(reader)).toEqual(recordTexts(30, 50));
      await reader.close();
      const again = await Log.open(directory);
      expect(again.recovery).toMatchObject({ clean: true, firstLsn: 30, lastLsn: 50 });
      expect(await readTexts(again)).toEqual(recordTexts(30, 50));
      await again.close();
    } finally {
      await rm(place, { recursive: true, force: true });
    }
  });
});
