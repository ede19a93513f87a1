import { describe, expect, it } from "vitest";
import { SeededRandom } from "../base/index.js";
import { FaultPlan, SimVfs, keepSome } from "../vfs/index.js";
import type { TornMode } from "./format.js";
import { type TailFindings, decideTail } from "./recovery.js";
import {
  SMALL,
  appendCount,
  bytesOf,
  contentsOf,
  editFile,
  errorOf,
  expectSameTree,
  flipByte,
  openSmall,
  readTexts,
  recordTexts,
  segmentPath,
  treeOf,
} from "./small-log.contract.js";
import type { LogOptions } from "./options.js";
import { verifyLog } from "./verify.js";

const TORN: readonly TornMode[] = ["align", "double-write", "trust"];
/** Room for many groups in one segment. */
const WIDE: LogOptions = { segmentBytes: 16_384 };

/** A killed writer's machine, with `count` acknowledged records and its mark taken away. */
async function killedWithoutMark(count: number, options: LogOptions = WIDE): Promise<SimVfs> {
  const vfs = new SimVfs({ seed: 1 });
  const log = await openSmall(vfs, options);
  await appendCount(log, count);
  await vfs.delay(1);
  const killed = vfs.kill();
  await killed.remove("/log/mark");
  return killed;
}

describe("the decision about a tail", () => {
  it("is total: every combination of findings has the one outcome that its table says", () => {
    const end = { offset: 4096, lsn: 20, chain: 1, previousGroup: 3584 };
    let cases = 0;
    for (const durableLsn of [undefined, 0, 18, 19, 20, 21, 1000]) {
      for (const trailingBytes of [0, 1, 512]) {
        for (const bad of [undefined, { expected: "a group header", found: "bytes that are none" }]) {
          for (const floor of [0, 18, 19]) {
            const findings: TailFindings = {
              end,
              floor,
              uncertainFrom: 4096,
              trailingBytes,
              ...(bad === undefined ? {} : { bad }),
              ...(durableLsn === undefined ? {} : { evidence: { where: "a test", durableLsn } }),
            };
            const expected =
              durableLsn !== undefined && durableLsn >= end.lsn ? "damaged" : trailingBytes === 0 ? "keep" : "cut";
            expect(decideTail(findings).kind, JSON.stringify(findings)).toBe(expected);
            cases += 1;
          }
        }
      }
    }
    expect(cases).toBe(126);
  });

  it("says what proves the damage", () => {
    const decision = decideTail({
      end: { offset: 0, lsn: 7, chain: 0, previousGroup: 0 },
      floor: 6,
      uncertainFrom: 0,
      trailingBytes: 0,
      evidence: { where: "the mark", durableLsn: 9 },
    });
    expect(decision).toMatchObject({ kind: "damaged", found: expect.stringContaining("the mark") });
  });
});

describe.each(TORN)("an unclean log with torn: %s", (torn) => {
  it("loses no acknowledged record in a power cut at any operation, whatever the disk kept of the rest", async () => {
    let cuts = 0;
    for (let at = 1; at <= 160; at += 3) {
      const vfs = new SimVfs({ seed: at });
      const log = await openSmall(vfs, { torn });
      let operations = 0;
      let stop = (): void => undefined;
      const stopped = new Promise<"stopped">((resolve) => {
        stop = (): void => resolve("stopped");
      });
      vfs.trace = () => {
        operations += 1;
        if (operations === at) stop();
      };
      const outcome = await Promise.race([appendCount(log, 30), stopped]);
      if (outcome !== "stopped") break;
      const acknowledged = log.lastLsn;
      const after = vfs.powerCut(keepSome(new SeededRandom(at)));
      const again = await openSmall(after);
      expect(again.lastLsn).toBeGreaterThanOrEqual(acknowledged);
      expect(await readTexts(again)).toEqual(recordTexts(1, again.lastLsn));
      if (again.recovery.cutBytes > 0) cuts += 1;
      expect(again.recovery.cut === undefined).toBe(again.recovery.cutBytes === 0);
      const third = await openSmall(after.powerCut());
      expect(await readTexts(third)).toEqual(recordTexts(1, again.lastLsn));
      await third.close();
    }
    if (torn === "align") expect(cuts).toBeGreaterThan(0);
  });

  it("makes durable what it shows: kill, open, power cut, open", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs, { torn });
    await appendCount(log, 2);
    // The third record's sync fails with its bytes in the page cache: nobody was told, and nothing of it is on the disk.
    vfs.faults = new FaultPlan([
      { operation: "write", path: ".seg", errno: "EIO", sync: { pages: "kept", reached: "none" } },
    ]);
    await errorOf(log.append(bytesOf("record 3")));
    const killed = vfs.kill();
    const again = await openSmall(killed);
    const shown = await readTexts(again);
    expect(again.recovery.rewrittenBytes).toBeGreaterThan(0);
    const third = await openSmall(killed.powerCut());
    expect(await readTexts(third)).toEqual(shown);
    await third.close();
  });
});

describe("a torn tail", () => {
  it.each([0, 20, 47, 48, 60, 500])(
    "whose last group is damaged at byte %i is cut and reported; the next append takes its LSN",
    async (offset) => {
      const killed = await killedWithoutMark(6);
      const group = 512 * 6;
      await flipByte(killed, segmentPath(1), group + offset);
      const padding = offset === 500;
      const log = await openSmall(killed, WIDE);
      if (padding) {
        expect(log.recovery).toMatchObject({ lastLsn: 6, cutBytes: 0 });
      } else {
        expect(log.recovery).toMatchObject({
          clean: false,
          lastLsn: 5,
          cut: { path: segmentPath(1), offset: group, lsn: 6 },
        });
        expect(log.recovery.cutBytes).toBeGreaterThan(0);
        expect(log.recovery.cut!.reason).toMatch(/expected .*found/);
        expect(await log.append(bytesOf("another 6"))).toBe(6);
      }
      await log.close();
      const again = await openSmall(killed, WIDE);
      expect(await readTexts(again)).toEqual(padding ? recordTexts(1, 6) : [...recordTexts(1, 5), "another 6"]);
      await again.close();
    },
  );

  it("that was cut never comes back: not by another crash, not behind new records of any size", async () => {
    for (let more = 0; more <= 3; more++) {
      const vfs = new SimVfs({ seed: 1 });
      const log = await openSmall(vfs, WIDE);
      await appendCount(log, 3);
      await log.appendAll(recordTexts(4, 30).map(bytesOf));
      await vfs.delay(1);
      let machine = vfs.kill();
      await machine.remove("/log/mark");
      // The batch spans blocks; its first one is torn, the others are whole.
      await flipByte(machine, segmentPath(1), 512 * 4 + 5);
      for (let opening = 0; opening < 3; opening++) {
        const again = await openSmall(machine, WIDE);
        expect(await readTexts(again)).toEqual(recordTexts(1, 3 + opening * more));
        await appendCount(again, more);
        machine = opening % 2 === 0 ? machine.kill() : machine.powerCut();
      }
    }
  });
});

describe("damage that is no torn tail", () => {
  it.each([2, 3, 4])("of record %i of 6 is an error that names it; nothing is cut, now or later", async (lsn) => {
    const killed = await killedWithoutMark(6);
    await flipByte(killed, segmentPath(1), 512 * lsn + 55);
    const before = treeOf(killed);
    for (let opening = 0; opening < 2; opening++) {
      const error = await errorOf(openSmall(killed, WIDE));
      expect(error).toMatchObject({ code: "HF_CORRUPTION", details: { path: segmentPath(1), offset: 512 * lsn, lsn } });
      expect(error.details["found"]).toContain("durable");
      expectSameTree(treeOf(killed), before);
    }
    await flipByte(killed, segmentPath(1), 512 * lsn + 55);
    const log = await openSmall(killed, WIDE);
    expect(await readTexts(log)).toEqual(recordTexts(1, 6));
    await log.close();
  });

  it("of the last record is told by the mark, which says that it was acknowledged", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs, WIDE);
    await appendCount(log, 6);
    await vfs.delay(1);
    const killed = vfs.kill();
    await flipByte(killed, segmentPath(1), 512 * 6 + 55);
    expect(await errorOf(openSmall(killed, WIDE))).toMatchObject({
      code: "HF_CORRUPTION",
      details: { path: segmentPath(1), offset: 512 * 6, lsn: 6 },
    });
    expect((await verifyLog("/log", { vfs: killed })).problems).toMatchObject([
      { path: segmentPath(1), offset: 512 * 6, lsn: 6 },
    ]);
  });

  it("of the last record of a cleanly closed log is told by the anchor", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs, WIDE);
    await appendCount(log, 6);
    await log.close();
    for (const offset of [0, 30, 55]) {
      await flipByte(vfs, segmentPath(1), 512 * 6 + offset);
      expect(await errorOf(openSmall(vfs, WIDE))).toMatchObject({
        code: "HF_CORRUPTION",
        details: { path: segmentPath(1), offset: 512 * 6 },
      });
      await flipByte(vfs, segmentPath(1), 512 * 6 + offset);
    }
    await (await openSmall(vfs, WIDE)).close();
  });

  it("of an older record of a cleanly closed log is told where it is read, and every other record is served", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs);
    await appendCount(log, 9);
    await log.close();
    await flipByte(vfs, segmentPath(1), 512 * 2 + 55);
    const again = await openSmall(vfs);
    expect(await errorOf(again.get(2))).toMatchObject({
      code: "HF_CORRUPTION",
      details: { path: segmentPath(1), offset: 1024, lsn: 2 },
    });
    expect(await errorOf(readTexts(again))).toMatchObject({ code: "HF_CORRUPTION" });
    expect(await errorOf(readTexts(again, { reverse: true }))).toMatchObject({ code: "HF_CORRUPTION" });
    expect(await readTexts(again, { from: 4 })).toEqual(recordTexts(4, 9));
    await appendCount(again, 1);
    await again.close();
  });

  it("the tail of the segment wiped out, with the mark there, is an error and no empty log", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs, WIDE);
    await appendCount(log, 4);
    await vfs.delay(1);
    const killed = vfs.kill();
    await editFile(killed, segmentPath(1), (contents) => void contents.fill(0, 512));
    expect(await errorOf(openSmall(killed, WIDE))).toMatchObject({
      code: "HF_CORRUPTION",
      details: { path: segmentPath(1), offset: 512, lsn: 1 },
    });
  });
});

describe("opening", () => {
  it("twice after the same crash, with a power cut between at any operation, gives the same records", async () => {
    const origin = await killedWithoutMark(5);
    await flipByte(origin, segmentPath(1), 512 * 5 + 55);
    const files = treeOf(origin);
    let interrupted = 0;
    for (let at = 1; at < 100; at++) {
      const machine = new SimVfs({ seed: at });
      await machine.makeDirectory("/log");
      for (const [path, contents] of files) {
        if (contents === undefined) continue;
        const file = await machine.open(path, { access: "read-write", create: "exclusive" });
        await file.write(contents, 0);
        await file.syncData();
        await file.close();
      }
      await machine.syncDirectory("/log");
      await machine.syncDirectory("/");
      const process = machine.otherProcess();
      let operations = 0;
      const stopped = new Promise<"stopped">((resolve) => {
        process.trace = () => {
          operations += 1;
          if (operations === at) resolve("stopped");
        };
      });
      const outcome = await Promise.race([openSmall(process, WIDE), stopped]);
      if (outcome !== "stopped") break;
      interrupted += 1;
      const after = machine.powerCut(keepSome(new SeededRandom(at)));
      const log = await openSmall(after, WIDE);
      expect(await readTexts(log), `operation ${at}`).toEqual(recordTexts(1, 4));
      await log.close();
    }
    expect(interrupted).toBeGreaterThan(15);
  });

  it("fails where any operation of it fails, changes no record, releases everything, and the next opening finds all", async () => {
    // A failed look at the active segment's size once left its file open.
    for (const errno of ["EIO", "ENOSPC"]) {
      let failed = 0;
      for (let at = 1; at < 100; at++) {
        const vfs = new SimVfs({ seed: 1 });
        await appendCount(await openSmall(vfs, WIDE), 5);
        const killed = vfs.kill();
        killed.faults = new FaultPlan([{ at, errno }]);
        const outcome = await openSmall(killed, WIDE).catch((error: { code: string }) => error);
        if (killed.faults.injected === 0) break;
        failed += 1;
        killed.faults = undefined;
        if ("append" in outcome) await outcome.close();
        else expect(outcome.code, `operation ${at}`).toBe("HF_IO");
        expect(killed.openHandles()).toEqual([]);
        const log = await openSmall(killed, WIDE);
        expect(await readTexts(log)).toEqual(recordTexts(1, 5));
        await log.close();
      }
      expect(failed).toBeGreaterThan(15);
    }
  });

  it("removes what an interrupted roll, cut or prune left, and nothing else", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs, { spareSegmentsMax: 0 });
    await appendCount(log, 12);
    const first = contentsOf(vfs, segmentPath(1));
    await log.truncateBefore(5);
    await log.close();
    const file = await vfs.open(segmentPath(1), { access: "read-write", create: "exclusive" });
    await file.write(first, 0);
    await file.close();
    const again = await openSmall(vfs);
    expect(again.recovery.removedFiles).toBe(1);
    expect(await vfs.stat(segmentPath(1))).toBeUndefined();
    expect(await readTexts(again)).toEqual(recordTexts(5, 12));
    await again.close();
    expect(first.length).toBe(SMALL.segmentBytes);
  });
});
