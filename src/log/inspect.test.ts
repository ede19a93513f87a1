import { describe, expect, it } from "vitest";
import { SimVfs } from "../vfs/index.js";
import { inspectLog } from "./inspect.js";
import {
  DIRECTORY,
  appendCount,
  closedLog,
  errorOf,
  expectSameTree,
  flipByte,
  openSmall,
  putFile,
  segmentPath,
  treeOf,
} from "./small-log.contract.js";

describe("inspect", () => {
  it("shows anchor, segments, spares and sizes of a closed log, and changes nothing", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs, { spareSegmentsMax: 1 });
    await appendCount(log, 11);
    await log.truncateBefore(8);
    await log.close();
    const before = new Map(vfs.snapshotTree().map(({ path, contents }) => [path, contents]));
    const inspection = await inspectLog(DIRECTORY, { vfs });
    expectSameTree(new Map(vfs.snapshotTree().map(({ path, contents }) => [path, contents])), before);
    expect(inspection).toMatchObject({
      directory: DIRECTORY,
      torn: "align",
      blockBytes: 512,
      segmentBytes: 2048,
      epoch: 1,
      clean: true,
      firstLsn: 8,
      anchoredLsn: 11,
      anchorSlots: [
        { offset: 0, status: "valid" },
        { offset: 4096, status: "valid" },
      ],
      segments: [
        { number: 3, path: segmentPath(3), firstLsn: 7, active: false, end: 2048, fileBytes: 2048 },
        { number: 4, path: segmentPath(4), firstLsn: 10, active: true, end: 1536 },
      ],
      spares: [{ fileBytes: 2048 }],
      foreign: [],
      problems: [],
    });
    expect(inspection.logId).toMatch(/^[0-9a-f]{32}$/);
    const sizes = [...before].map(([, contents]) => contents?.length ?? 0);
    expect(inspection.totalBytes).toBe(sizes.reduce((sum, size) => sum + size, 0));
    expect(vfs.openHandles()).toEqual([]);
  });

  it("shows a live and a killed log as not clean", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs);
    await appendCount(log, 4);
    expect(await inspectLog(DIRECTORY, { vfs: vfs.otherProcess() })).toMatchObject({ clean: false, problems: [] });
    expect(await inspectLog(DIRECTORY, { vfs: vfs.kill() })).toMatchObject({ clean: false, problems: [] });
  });

  it("lists what is wrong with the books, and shows what can still be known", async () => {
    const vfs = await closedLog(new SimVfs({ seed: 1 }), 8);
    await putFile(vfs, "/log/letter.txt", new Uint8Array(3));
    await flipByte(vfs, "/log/anchor", 50);
    expect(await inspectLog(DIRECTORY, { vfs })).toMatchObject({
      foreign: ["letter.txt"],
      firstLsn: 1,
      problems: [{ path: "/log/anchor", offset: 0, code: "HF_CORRUPTION", harmless: true }],
    });
    await flipByte(vfs, segmentPath(3), 60);
    expect((await inspectLog(DIRECTORY, { vfs })).problems).toContainEqual(
      expect.objectContaining({ path: segmentPath(3), code: "HF_CORRUPTION", harmless: false }),
    );
    await flipByte(vfs, "/log/anchor", 4096 + 50);
    const blind = await inspectLog(DIRECTORY, { vfs });
    expect(blind.logId).toBeUndefined();
    expect(blind.problems).toContainEqual(
      expect.objectContaining({ path: "/log/anchor", code: "HF_CORRUPTION", harmless: false }),
    );
  });

  it("refuses what is no log and options it does not know", async () => {
    const vfs = await closedLog(new SimVfs({ seed: 1 }), 1);
    const before = treeOf(vfs);
    expect(await errorOf(inspectLog("/nothing", { vfs }))).toMatchObject({
      code: "HF_INVALID_ARGUMENT",
      details: { path: "/nothing" },
    });
    expect(await errorOf(inspectLog("/log/anchor", { vfs }))).toMatchObject({ code: "HF_INVALID_ARGUMENT" });
    expect(await errorOf(inspectLog(DIRECTORY, { vfs, verbose: true } as object))).toMatchObject({
      code: "HF_UNKNOWN_OPTION",
    });
    expectSameTree(treeOf(vfs), before);
  });
});
