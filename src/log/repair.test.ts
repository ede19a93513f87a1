import { describe, expect, it } from "vitest";
import { SimVfs } from "../vfs/index.js";
import { Log } from "./log.js";
import { repairLog } from "./repair.js";
import {
  appendCount,
  closedLog,
  contentsOf,
  errorOf,
  expectSameTree,
  flipByte,
  openSmall,
  putFile,
  readTexts,
  recordTexts,
  segmentPath,
  treeOf,
} from "./small-log.contract.js";
import { verifyLog } from "./verify.js";

/** What is done to a closed log of 12 records (three in a segment) and how many must be left. */
const DAMAGES: readonly [string, (vfs: SimVfs) => Promise<void>, number, boolean][] = [
  ["the first record", async (vfs) => flipByte(vfs, segmentPath(1), 512 + 55), 0, false],
  ["a record in the first segment", async (vfs) => flipByte(vfs, segmentPath(1), 1024 + 55), 1, false],
  ["a record in a middle segment", async (vfs) => flipByte(vfs, segmentPath(3), 1024 + 55), 7, false],
  ["a group's header in the middle", async (vfs) => flipByte(vfs, segmentPath(2), 1536 + 9), 5, false],
  ["the first group of a middle segment", async (vfs) => flipByte(vfs, segmentPath(3), 512 + 9), 6, false],
  ["a record in the last segment", async (vfs) => flipByte(vfs, segmentPath(4), 1024 + 55), 10, false],
  ["the last record", async (vfs) => flipByte(vfs, segmentPath(4), 1536 + 55), 11, false],
  ["the header of the first segment", async (vfs) => flipByte(vfs, segmentPath(1), 60), 12, false],
  ["the header of a middle segment", async (vfs) => flipByte(vfs, segmentPath(2), 60), 12, false],
  ["a missing middle segment", async (vfs) => vfs.remove(segmentPath(3)), 6, false],
  ["a missing first segment", async (vfs) => vfs.remove(segmentPath(1)), 0, false],
  ["an empty middle segment", async (vfs) => putFile(vfs, segmentPath(2), new Uint8Array(0)), 3, false],
  ["a missing anchor", async (vfs) => vfs.remove("/log/anchor"), 12, true],
  [
    "both slots of the anchor",
    async (vfs) => {
      await flipByte(vfs, "/log/anchor", 50);
      await flipByte(vfs, "/log/anchor", 4096 + 50);
    },
    12,
    true,
  ],
  [
    "a missing anchor and a damaged record",
    async (vfs) => {
      await vfs.remove("/log/anchor");
      await flipByte(vfs, segmentPath(2), 1024 + 55);
    },
    4,
    true,
  ],
];

describe("repair", () => {
  it.each(DAMAGES)(
    "of %s keeps all that came before it, copies what it removes, and the log opens and goes on",
    async (_name, damage, kept, anchorRebuilt) => {
      const vfs = await closedLog(new SimVfs({ seed: 1 }), 12);
      await damage(vfs);
      const before = treeOf(vfs);

      const plan = await repairLog("/log", { vfs, dryRun: true });
      expectSameTree(treeOf(vfs), before);
      const report = await repairLog("/log", { vfs });
      expect(report).toEqual({ ...plan, dryRun: false, before: report.before });
      expect(report).toMatchObject({
        directory: "/log",
        needless: false,
        keptLastLsn: kept,
        anchorRebuilt,
        before: { sound: false },
      });
      if (!anchorRebuilt) expect(report.lostRecords).toBe(12 - kept);
      for (const copy of report.copies) {
        expect(copy).toMatch(/^\/log\/removed-1\//);
        const original = copy.replace("removed-1/", "");
        expect(contentsOf(vfs, copy)).toEqual(before.get(original));
      }
      // Whatever is not there any more, or not as it was, has its copy.
      for (const [path, contents] of before) {
        if (contents === undefined || !/\.seg$|anchor$/.test(path)) continue;
        const now = treeOf(vfs).get(path);
        if (now === undefined || Buffer.compare(now, contents) !== 0)
          expect(report.copies).toContain(path.replace("/log/", "/log/removed-1/"));
      }
      expect(vfs.openHandles()).toEqual([]);

      for (const after of [vfs.powerCut()]) {
        expect(await verifyLog("/log", { vfs: after })).toMatchObject({ sound: true, lastLsn: kept });
        const again = await openSmall(after);
        expect([again.firstLsn, again.lastLsn]).toEqual([1, kept]);
        expect(await readTexts(again)).toEqual(recordTexts(1, kept));
        await appendCount(again, 5);
        await again.close();
        const third = await openSmall(after);
        expect(await readTexts(third)).toEqual(recordTexts(1, kept + 5));
        await third.close();
        expect(await repairLog("/log", { vfs: after })).toMatchObject({ needless: true, copies: [] });
      }
    },
  );

  it("leaves a sound log alone: closed, killed, or with a torn tail", async () => {
    const closed = await closedLog(new SimVfs({ seed: 1 }), 5);
    const running = new SimVfs({ seed: 1 });
    await appendCount(await openSmall(running), 5);
    for (const vfs of [closed, running.kill()]) {
      const before = treeOf(vfs);
      expect(await repairLog("/log", { vfs })).toMatchObject({
        needless: true,
        dryRun: false,
        anchorRebuilt: false,
        copies: [],
        before: { sound: true },
      });
      expectSameTree(treeOf(vfs), before);
    }
  });

  it("of a damaged tail keeps every record before the damage, also those written since the last opening", async () => {
    // What was appended after the last opening is not in the anchor yet. A repair that went by the anchor's end once dropped all of it.
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs, { segmentBytes: 8192 });
    await appendCount(log, 10);
    const killed = vfs.kill();
    await flipByte(killed, segmentPath(1), 512 * 8 + 55);
    expect(await errorOf(openSmall(killed, { segmentBytes: 8192 }))).toMatchObject({
      code: "HF_CORRUPTION",
      details: { path: segmentPath(1), offset: 512 * 8, lsn: 8 },
    });
    const report = await repairLog("/log", { vfs: killed });
    expect(report).toMatchObject({ needless: false, keptLastLsn: 7 });
    const again = await openSmall(killed, { segmentBytes: 8192 });
    expect(await readTexts(again)).toEqual(recordTexts(1, 7));
    await again.close();
  });

  it("of a log with torn: double-write first puts back the images that a torn block needs", async () => {
    // The kept records end in a block that only the double-write buffer holds whole.
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs, { torn: "double-write", segmentBytes: 8192 });
    await appendCount(log, 40);
    const killed = vfs.kill();
    const path = segmentPath(1);
    const contents = Buffer.from(contentsOf(killed, path));
    const torn = contents.indexOf("record 40");
    for (let offset = torn - (torn % 512); offset < torn; offset++) await flipByte(killed, path, offset);
    expect(await repairLog("/log", { vfs: killed, dryRun: true })).toMatchObject({ needless: true });
    await flipByte(killed, path, contents.indexOf("record 3"));
    expect(await repairLog("/log", { vfs: killed })).toMatchObject({ needless: false, keptLastLsn: 2 });
    const again = await openSmall(killed, { segmentBytes: 8192 });
    expect(await readTexts(again)).toEqual(recordTexts(1, 2));
    await again.close();
  });

  it("keeps the copies of each repair apart", async () => {
    const vfs = await closedLog(new SimVfs({ seed: 1 }), 12);
    await flipByte(vfs, segmentPath(3), 1024 + 55);
    expect((await repairLog("/log", { vfs })).copies[0]).toMatch(/removed-1\//);
    await flipByte(vfs, segmentPath(2), 1024 + 55);
    expect((await repairLog("/log", { vfs })).copies[0]).toMatch(/removed-2\//);
    const again = await openSmall(vfs);
    expect(await readTexts(again)).toEqual(recordTexts(1, 4));
    await again.close();
  });

  it("of a pruned log does not bring back what was pruned, while the anchor can be read", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs);
    await appendCount(log, 12);
    await log.truncateBefore(5);
    await log.close();
    await flipByte(vfs, segmentPath(3), 1024 + 55);
    expect(await repairLog("/log", { vfs })).toMatchObject({ keptLastLsn: 7 });
    const again = await openSmall(vfs);
    expect([again.firstLsn, await readTexts(again)]).toEqual([5, recordTexts(5, 7)]);
    await again.close();
  });

  it("makes the next epoch higher, so that a mark of before proves nothing", async () => {
    const vfs = await closedLog(new SimVfs({ seed: 1 }), 12);
    await flipByte(vfs, segmentPath(2), 1024 + 55);
    await repairLog("/log", { vfs });
    const log = await openSmall(vfs);
    expect(log.recovery.epoch).toBeGreaterThan(2);
    await log.append(new Uint8Array(3));
    const again = await openSmall(vfs.powerCut());
    expect(again.lastLsn).toBe(5);
    await again.close();
  });

  it("is refused while the log is open, where there is none, and with a signal that was aborted", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await Log.open("/log", { vfs });
    expect(await errorOf(repairLog("/log", { vfs }))).toMatchObject({ code: "HF_LOCKED", details: { pid: vfs.pid } });
    expect(await errorOf(repairLog("/log", { vfs: vfs.otherProcess() }))).toMatchObject({
      code: "HF_LOCKED",
      details: { pid: vfs.pid },
    });
    await log.close();
    expect(await errorOf(repairLog("/nothing", { vfs }))).toMatchObject({ code: "HF_INVALID_ARGUMENT" });
    expect(await errorOf(repairLog("/log", { vfs, force: true } as object))).toMatchObject({
      code: "HF_UNKNOWN_OPTION",
    });
    const damaged = await closedLog(new SimVfs({ seed: 1 }), 12);
    await flipByte(damaged, segmentPath(2), 1024 + 55);
    const before = treeOf(damaged);
    const reason = new Error("no");
    await expect(repairLog("/log", { vfs: damaged, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expectSameTree(treeOf(damaged), before);
  });

  it.each([
    ["damaged header, damaged from its first byte", async (vfs: SimVfs) => flipByte(vfs, segmentPath(4), 0), 12],
    ["damaged header", async (vfs: SimVfs) => flipByte(vfs, segmentPath(4), 70), 12],
    ["missing file", async (vfs: SimVfs) => vfs.remove(segmentPath(4)), 9],
    [
      "damaged header and no anchor",
      async (vfs: SimVfs) => {
        await flipByte(vfs, segmentPath(4), 70);
        await vfs.remove("/log/anchor");
      },
      9,
    ],
    [
      "missing file and no anchor",
      async (vfs: SimVfs) => {
        await vfs.remove(segmentPath(4));
        await vfs.remove("/log/anchor");
      },
      9,
    ],
  ] as const)("of the active segment's %s keeps what can still be proven", async (_name, damage, kept) => {
    // Where the file was missing, the segment before it was once taken for the active one: nothing was cut, and the log still did not open.
    const vfs = await closedLog(new SimVfs({ seed: 1 }), 12);
    await damage(vfs);
    const before = treeOf(vfs);
    expect(await repairLog("/log", { vfs, dryRun: true })).toMatchObject({ keptLastLsn: kept });
    expectSameTree(treeOf(vfs), before);
    expect(await repairLog("/log", { vfs })).toMatchObject({ needless: false, keptLastLsn: kept });
    const again = await openSmall(vfs.powerCut());
    expect(await readTexts(again)).toEqual(recordTexts(1, kept));
    await again.close();
  });

  it("of a cut log without an anchor never brings back what was cut", async () => {
    for (const lsn of [4, 5, 6, 7]) {
      const vfs = new SimVfs({ seed: 1 });
      const log = await openSmall(vfs, { spareSegmentsMax: 0 });
      await appendCount(log, 12);
      await log.truncateAfter(lsn);
      for (const text of ["a", "b"]) await log.append(new TextEncoder().encode(text));
      await log.close();
      await vfs.remove("/log/anchor");
      expect(await repairLog("/log", { vfs })).toMatchObject({ anchorRebuilt: true, keptLastLsn: lsn + 2 });
      const again = await openSmall(vfs);
      expect(await readTexts(again)).toEqual([...recordTexts(1, lsn), "a", "b"]);
      await again.close();
    }
  });

  it("refuses to guess between the segments of two logs where no anchor says which is meant", async () => {
    const other = await closedLog(new SimVfs({ seed: 9 }), 5);
    const vfs = await closedLog(new SimVfs({ seed: 1 }), 3);
    await putFile(vfs, segmentPath(2), contentsOf(other, segmentPath(2)));
    await vfs.remove("/log/anchor");
    const before = treeOf(vfs);
    expect(await errorOf(repairLog("/log", { vfs }))).toMatchObject({
      code: "HF_CORRUPTION",
      details: { path: segmentPath(2) },
    });
    expectSameTree(treeOf(vfs), before);
    await vfs.remove(segmentPath(2));
    expect(await repairLog("/log", { vfs })).toMatchObject({ keptLastLsn: 3 });
  });

  it("gives up where not one header can be read", async () => {
    const vfs = await closedLog(new SimVfs({ seed: 1 }), 2);
    await vfs.remove("/log/anchor");
    await flipByte(vfs, segmentPath(1), 60);
    const before = treeOf(vfs);
    expect(await errorOf(repairLog("/log", { vfs }))).toMatchObject({ code: "HF_CORRUPTION" });
    expectSameTree(treeOf(vfs), before);
  });
});
