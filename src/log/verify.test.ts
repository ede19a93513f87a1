import { describe, expect, it } from "vitest";
import { FaultPlan, SimVfs } from "../vfs/index.js";
import type { TornMode } from "./format.js";
import {
  appendCount,
  bytesOf,
  closedLog,
  contentsOf,
  errorOf,
  expectSameTree,
  flipByte,
  openSmall,
  readTexts,
  recordTexts,
  segmentPath,
  treeOf,
} from "./small-log.contract.js";
import { type VerifyProgress, verifyLog } from "./verify.js";

const TORN: readonly TornMode[] = ["align", "double-write", "trust"];

describe("verify", () => {
  it.each(TORN)(
    "finds a log with torn: %s sound, empty or not, closed or killed, and changes nothing",
    async (torn) => {
      for (const count of [0, 1, 3, 4, 25]) {
        const vfs = new SimVfs({ seed: 1 });
        const log = await openSmall(vfs, { torn });
        await appendCount(log, count);
        const killed = vfs.kill();
        const before = treeOf(killed);
        expect(await verifyLog("/log", { vfs: killed })).toMatchObject({
          sound: true,
          problems: [],
          records: count,
          firstLsn: 1,
          lastLsn: count,
          besideWriter: false,
          tornTailBytes: 0,
        });
        expectSameTree(treeOf(killed), before);
        await (await openSmall(killed)).close();
        expect(await verifyLog("/log", { vfs: killed })).toMatchObject({ sound: true, problems: [], records: count });
        expect(killed.openHandles()).toEqual([]);
      }
    },
  );

  it("counts segments, groups, records and bytes, and leaves out what was pruned", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs);
    await appendCount(log, 4);
    await log.appendAll(recordTexts(5, 9).map(bytesOf));
    await log.truncateBefore(6);
    await log.close();
    expect(await verifyLog("/log", { vfs })).toMatchObject({
      sound: true,
      segments: 1,
      groups: 2,
      records: 4,
      bytes: 1024,
      firstLsn: 6,
      lastLsn: 9,
    });
  });

  it("tells the file, offset and LSN of damage, wherever it is, and goes on behind it", async () => {
    const vfs = await closedLog(new SimVfs({ seed: 1 }), 12);
    await flipByte(vfs, segmentPath(2), 1024 + 60);
    await flipByte(vfs, segmentPath(3), 512 + 20);
    const before = treeOf(vfs);
    const report = await verifyLog("/log", { vfs });
    expect(report.sound).toBe(false);
    expect(report.problems).toMatchObject([
      { path: segmentPath(2), offset: 1024, lsn: 5, code: "HF_CORRUPTION", harmless: false },
      { path: segmentPath(3), offset: 512, lsn: 7, code: "HF_CORRUPTION", harmless: false },
    ]);
    expect(report.records).toBe(3 + 1 + 3);
    expectSameTree(treeOf(vfs), before);
  });

  it("sees every single damaged byte of a closed log's segments, as damage or as harmless padding", async () => {
    const vfs = await closedLog(new SimVfs({ seed: 1 }), 4);
    for (const number of [1, 2]) {
      const path = segmentPath(number);
      const end = number === 1 ? 2048 : 1024;
      for (let offset = 0; offset < end; offset += 7) {
        await flipByte(vfs, path, offset);
        const { problems } = await verifyLog("/log", { vfs });
        // Behind a header's table nothing is covered and nothing is read.
        const unread = offset < 512 && offset >= (number === 1 ? 128 : 168);
        expect(problems.length, `${path} ${offset}`).toBe(unread ? 0 : 1);
        if (!unread) expect(problems[0]).toMatchObject({ path, code: expect.stringMatching(/^HF_/) });
        await flipByte(vfs, path, offset);
      }
    }
    expect((await verifyLog("/log", { vfs })).problems).toEqual([]);
  });

  it("calls a torn tail no problem, and says how much the next opening will cut", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs);
    await appendCount(log, 4);
    const killed = vfs.kill();
    const mark = contentsOf(killed, "/log/mark");
    await flipByte(killed, segmentPath(2), 512 + 50);
    // Without the mark nothing says that record 4 was acknowledged.
    if (mark.length > 0) await killed.remove("/log/mark");
    const report = await verifyLog("/log", { vfs: killed });
    expect(report).toMatchObject({ sound: true, lastLsn: 3 });
    expect(report.tornTailBytes).toBeGreaterThan(0);
    const again = await openSmall(killed);
    expect(again.recovery.cutBytes).toBe(report.tornTailBytes);
    await again.close();
  });

  it("finds one damaged slot of the anchor harmless, and both a problem", async () => {
    const vfs = await closedLog(new SimVfs({ seed: 1 }), 4);
    await flipByte(vfs, "/log/anchor", 45);
    const one = await verifyLog("/log", { vfs });
    expect(one).toMatchObject({
      sound: true,
      records: 4,
      problems: [{ path: "/log/anchor", offset: 0, harmless: true }],
    });
    await flipByte(vfs, "/log/anchor", 4096 + 45);
    expect(await verifyLog("/log", { vfs })).toMatchObject({
      sound: false,
      problems: [{ path: "/log/anchor", code: "HF_CORRUPTION", harmless: false }],
    });
  });

  it("believes the image in the double-write buffer where a power cut tore the block that it protects", async () => {
    // A log that opens with every record was once called damaged, and a repair on that word would have dropped acknowledged records.
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs, { torn: "double-write", segmentBytes: 8192 });
    await appendCount(log, 5);
    const killed = vfs.kill();
    // The write in place of the fifth record tears its block; the image of it is safe.
    const contents = contentsOf(killed, segmentPath(1));
    const last = Buffer.from(contents).indexOf("record 5");
    const start = last - (last % 512);
    expect(Buffer.from(contents).indexOf("record 4")).toBeGreaterThan(start);
    for (let offset = start; offset < start + 100; offset++) await flipByte(killed, segmentPath(1), offset);
    expect(await verifyLog("/log", { vfs: killed })).toMatchObject({ sound: true, records: 5, problems: [] });
    const again = await openSmall(killed, { segmentBytes: 8192 });
    expect(await readTexts(again)).toEqual(recordTexts(1, 5));
    await again.close();
  });

  it("beside a live writer checks what was acknowledged, and says that it did", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs);
    await appendCount(log, 8);
    await new Promise((resolve) => setImmediate(resolve));
    const report = await verifyLog("/log", { vfs: vfs.otherProcess() });
    expect(report).toMatchObject({ sound: true, besideWriter: true, problems: [] });
    expect(report.lastLsn).toBeGreaterThanOrEqual(7);
    await appendCount(log, 1);
    await log.close();
  });

  it("tells its progress, and ends with the signal's reason", async () => {
    const vfs = await closedLog(new SimVfs({ seed: 1 }), 12);
    const seen: VerifyProgress[] = [];
    await verifyLog("/log", { vfs, onProgress: (progress) => void seen.push(progress) });
    expect(seen.at(-1)).toEqual({ segments: 4, segmentsTotal: 4, bytes: 12 * 512, records: 12 });
    const stop = new AbortController();
    const reason = new Error("enough");
    await expect(verifyLog("/log", { vfs, signal: stop.signal, onProgress: () => stop.abort(reason) })).rejects.toBe(
      reason,
    );
    expect(vfs.openHandles()).toEqual([]);
    await (await openSmall(vfs)).close();
  });

  it("refuses what is no log and options it does not know", async () => {
    const vfs = new SimVfs({ seed: 1 });
    await vfs.makeDirectory("/empty");
    for (const path of ["/nothing", "/empty"])
      expect(await errorOf(verifyLog(path, { vfs }))).toMatchObject({ code: "HF_INVALID_ARGUMENT", details: { path } });
    expect(await errorOf(verifyLog("", { vfs }))).toMatchObject({ code: "HF_INVALID_ARGUMENT" });
    expect(await errorOf(verifyLog("/empty", { vfs, deep: true } as object))).toMatchObject({
      code: "HF_UNKNOWN_OPTION",
    });
  });

  it("does not call a read that fails damage", async () => {
    const vfs = await closedLog(new SimVfs({ seed: 1 }), 4);
    vfs.faults = new FaultPlan([{ operation: "read", path: segmentPath(1), errno: "EIO", sticky: true }]);
    const outcome = await verifyLog("/log", { vfs }).then(
      ({ problems }) => problems.map(({ code }) => code),
      (error: { code: string }) => [error.code],
    );
    expect(outcome).toEqual(["HF_IO"]);
  });
});
