import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { Anchor } from "../anchor/index.js";
import { type HoldfastError, writeU16, writeU32 } from "../base/index.js";
import { crc32Range, crc32c, crc32cRange } from "../checksum/index.js";
import { FaultPlan, SimVfs } from "../vfs/index.js";
import { EPOCH_MAX } from "./format.js";
import { inspectLog } from "./inspect.js";
import { LogReader } from "./log-reader.js";
import { Log } from "./log.js";
import {
  DIRECTORY,
  appendCount,
  bytesOf,
  closedLog,
  contentsOf,
  editFile,
  errorOf,
  expectSameTree,
  openSmall,
  putFile,
  readTexts,
  recordTexts,
  segmentPath,
  treeOf,
} from "./small-log.contract.js";
import { LOG_ANCHOR_KIND, encodeLogState, readState } from "./state.js";
import { verifyLog } from "./verify.js";

/** The error with which opening fails. Nothing may be changed or left open by it. */
async function refusalOf(vfs: SimVfs): Promise<HoldfastError> {
  const before = treeOf(vfs);
  const error = await errorOf(openSmall(vfs));
  expectSameTree(treeOf(vfs), before);
  expect(vfs.openHandles()).toEqual([]);
  // The lock is free again: the next opener gets the same answer, not "locked".
  expect(await errorOf(openSmall(vfs.otherProcess()))).toMatchObject({ code: error.code, details: error.details });
  return error;
}

describe("a path that can't be a log's", () => {
  const places: string[] = [];
  afterEach(async () => {
    for (const place of places.splice(0)) await rm(place, { recursive: true, force: true });
  });
  async function place(): Promise<string> {
    const made = await mkdtemp(path.join(tmpdir(), "holdfast-bad-input-"));
    places.push(made);
    return made;
  }

  it("is refused where it is a file, by name, on both file systems", async () => {
    const vfs = new SimVfs({ seed: 1 });
    await putFile(vfs, DIRECTORY, bytesOf("a file"));
    expect(await refusalOf(vfs)).toMatchObject({
      name: "InvalidArgumentError",
      code: "HF_INVALID_ARGUMENT",
      details: { path: DIRECTORY, kind: "file" },
    });
    const file = path.join(await place(), "file");
    await writeFile(file, "a file");
    expect(await errorOf(Log.open(file))).toMatchObject({ code: "HF_INVALID_ARGUMENT", details: { path: file } });
    expect(await errorOf(LogReader.open(file))).toMatchObject({ code: expect.stringMatching(/^HF_/) });
    expect(await errorOf(verifyLog(file))).toMatchObject({ code: "HF_INVALID_ARGUMENT" });
  });

  it("is an IoError where a directory above it is a file", async () => {
    const file = path.join(await place(), "file");
    await writeFile(file, "a file");
    expect(await errorOf(Log.open(path.join(file, "log")))).toMatchObject({
      name: "IoError",
      code: "HF_IO",
      details: { errno: "ENOTDIR" },
    });
  });

  it("is refused where it is no text", async () => {
    for (const directory of ["", undefined, 7, null]) {
      expect(await errorOf(Log.open(directory as string))).toMatchObject({
        code: "HF_INVALID_ARGUMENT",
        details: { option: "directory" },
      });
      expect(await errorOf(LogReader.open(directory as string))).toMatchObject({ code: "HF_INVALID_ARGUMENT" });
      expect(await errorOf(inspectLog(directory as string))).toMatchObject({ code: "HF_INVALID_ARGUMENT" });
    }
  });

  it("is refused where other files are, and they stay as they are, on both file systems", async () => {
    const vfs = new SimVfs({ seed: 1 });
    await vfs.makeDirectory(DIRECTORY);
    await putFile(vfs, "/log/letters.txt", bytesOf("Dear"));
    expect(await refusalOf(vfs)).toMatchObject({
      name: "FormatError",
      code: "HF_FORMAT_UNKNOWN",
      details: { path: DIRECTORY },
    });
    const directory = await place();
    await writeFile(path.join(directory, "package.json"), "{}");
    expect(await errorOf(Log.open(directory))).toMatchObject({
      code: "HF_FORMAT_UNKNOWN",
      details: { path: directory },
    });
  });

  it("holds what another program calls an anchor", async () => {
    const vfs = new SimVfs({ seed: 1 });
    await vfs.makeDirectory(DIRECTORY);
    await putFile(vfs, "/log/anchor", bytesOf("ships have these".repeat(600)));
    expect(await refusalOf(vfs)).toMatchObject({
      name: "FormatError",
      code: "HF_FORMAT_UNKNOWN",
      details: { path: "/log/anchor" },
    });
  });

  it("can't be written to: the errno is told, and nothing is made", async () => {
    for (const operation of ["make-directory", "lock", "open"] as const) {
      const vfs = new SimVfs({ seed: 1 });
      vfs.faults = new FaultPlan([{ operation, errno: "EACCES", sticky: true }]);
      expect(await errorOf(openSmall(vfs))).toMatchObject({
        name: "IoError",
        code: "HF_IO",
        details: { errno: "EACCES" },
      });
      vfs.faults = undefined;
      expect(vfs.openHandles()).toEqual([]);
      const log = await openSmall(vfs);
      await appendCount(log, 2);
      await log.close();
    }
  });

  it("can't be written to any more: an existing log is told so and stays whole", async () => {
    const vfs = await closedLog(new SimVfs({ seed: 1 }), 5);
    vfs.faults = new FaultPlan([{ operation: "open", errno: "EROFS", sticky: true }]);
    expect(await errorOf(openSmall(vfs))).toMatchObject({ code: "HF_IO", details: { errno: "EROFS" } });
    vfs.faults = undefined;
    const log = await openSmall(vfs);
    expect(await readTexts(log)).toEqual(recordTexts(1, 5));
    await log.close();
  });

  it("does not exist where it must: no log is made", async () => {
    const vfs = new SimVfs({ seed: 1 });
    expect(await errorOf(openSmall(vfs, { createIfMissing: false }))).toMatchObject({
      code: "HF_INVALID_ARGUMENT",
      details: { path: DIRECTORY },
    });
    expect(await errorOf(LogReader.open(DIRECTORY, { vfs }))).toMatchObject({
      code: "HF_INVALID_ARGUMENT",
      details: { path: DIRECTORY },
    });
    expect(vfs.snapshotTree()).toEqual([]);
  });
});

describe("a log whose epochs are used up", () => {
  /** Says in the anchor of a closed log that it was opened so many times. */
  async function withEpoch(epoch: number): Promise<SimVfs> {
    const vfs = await closedLog(new SimVfs({ seed: 1 }), 5);
    const anchor = await Anchor.open("/log/anchor", { vfs, kind: LOG_ANCHOR_KIND });
    await anchor.write(encodeLogState({ ...readState("/log/anchor", anchor.value), epoch }));
    await anchor.close();
    return vfs;
  }

  it("is not opened for writing, nor cut in its last epoch, and is read as ever", async () => {
    const vfs = await withEpoch(EPOCH_MAX - 1);
    const log = await openSmall(vfs);
    expect(log.recovery.epoch).toBe(EPOCH_MAX);
    await log.append(bytesOf("record 6"));
    expect(await errorOf(log.truncateAfter(2))).toMatchObject({
      code: "HF_SEQUENCE_EXHAUSTED",
      details: { path: "/log/anchor", epoch: EPOCH_MAX },
    });
    await log.append(bytesOf("record 7"));
    expect(await readTexts(log)).toHaveLength(7);
    await log.close();
    expect(await refusalOf(vfs)).toMatchObject({ name: "LimitError", code: "HF_SEQUENCE_EXHAUSTED" });
    expect(await verifyLog(DIRECTORY, { vfs })).toMatchObject({ sound: true, records: 7 });
    const reader = await LogReader.open(DIRECTORY, { vfs });
    expect(reader.lastLsn).toBe(7);
    await reader.close();
  });
});

describe("a newer format", () => {
  it("of the anchor is told as such, never as damage", async () => {
    const vfs = await closedLog(new SimVfs({ seed: 1 }), 5);
    const original = contentsOf(vfs, "/log/anchor");
    await editFile(vfs, "/log/anchor", (contents) => {
      for (const slot of [0, contents.length / 2]) {
        writeU16(contents, slot + 8, 3);
        writeU32(contents, slot + 32, crc32cRange(contents, slot, slot + 32));
      }
    });
    expect(await refusalOf(vfs)).toMatchObject({
      name: "FormatError",
      code: "HF_FORMAT_NEWER",
      details: { path: "/log/anchor", version: 3 },
    });
    await putFile(vfs, "/log/anchor", original);
    const log = await openSmall(vfs);
    expect(await readTexts(log)).toEqual(recordTexts(1, 5));
    await log.close();
  });

  it("of the state that the anchor holds is told as such", async () => {
    const vfs = await closedLog(new SimVfs({ seed: 1 }), 5);
    await editFile(vfs, "/log/anchor", (contents) => {
      const slotBytes = contents.length / 2;
      for (const slot of [0, slotBytes]) {
        writeU16(contents, slot + 40, 2);
        writeU32(contents, slot + 12, crc32Range(contents, slot + 40, slot + slotBytes));
        writeU32(contents, slot + 32, crc32cRange(contents, slot, slot + 32));
        writeU32(
          contents,
          slot + 36,
          crc32cRange(contents, slot + 40, slot + slotBytes, crc32cRange(contents, slot, slot + 32)),
        );
      }
    });
    expect(await refusalOf(vfs)).toMatchObject({
      code: "HF_FORMAT_NEWER",
      details: { path: "/log/anchor", version: 2, supported: 1 },
    });
  });

  it.each([1, 2])(
    "of segment %i is told as such: on opening for the active one, at the first read for another",
    async (number) => {
      const vfs = await closedLog(new SimVfs({ seed: 1 }), 5);
      const original = contentsOf(vfs, segmentPath(number));
      await editFile(vfs, segmentPath(number), (contents) => {
        writeU16(contents, 8, 7);
        writeU32(contents, 12, crc32c(contents.subarray(0, 12)));
      });
      const expected = {
        name: "FormatError",
        code: "HF_FORMAT_NEWER",
        details: { path: segmentPath(number), version: 7, supported: 2 },
      };
      if (number === 2) {
        expect(await refusalOf(vfs)).toMatchObject(expected);
      } else {
        const log = await openSmall(vfs);
        expect(await errorOf(readTexts(log))).toMatchObject(expected);
        expect(await readTexts(log, { from: 4 })).toEqual(recordTexts(4, 5));
        await log.close();
      }
      expect((await verifyLog(DIRECTORY, { vfs })).problems).toMatchObject([
        { path: segmentPath(number), code: "HF_FORMAT_NEWER" },
      ]);
      const file = await vfs.open(segmentPath(number), { access: "read-write" });
      await file.write(original.subarray(0, 16), 0);
      await file.close();
      const log = await openSmall(vfs);
      expect(await readTexts(log)).toEqual(recordTexts(1, 5));
      await log.close();
    },
  );

  it("of the double-write file is told as such", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs, { torn: "double-write" });
    await appendCount(log, 5);
    const killed = vfs.kill();
    await editFile(killed, "/log/double-write", (contents) => {
      writeU16(contents, 8, 3);
      writeU32(contents, 12, crc32c(contents.subarray(0, 12)));
    });
    expect(await refusalOf(killed)).toMatchObject({
      code: "HF_FORMAT_NEWER",
      details: { path: "/log/double-write", version: 3 },
    });
  });
});

describe("another log's segment", () => {
  async function withOther(count: number): Promise<{ vfs: SimVfs; other: Uint8Array }> {
    const otherVfs = await closedLog(new SimVfs({ seed: 99 }), 5);
    return { vfs: await closedLog(new SimVfs({ seed: 1 }), count), other: contentsOf(otherVfs, segmentPath(2)) };
  }

  it("as an extra file is an error that names it; nothing is removed, and without it the log opens", async () => {
    const { vfs, other } = await withOther(5);
    for (const number of [3, 9, 1000]) {
      await putFile(vfs, segmentPath(number), other);
      expect(await refusalOf(vfs)).toMatchObject({
        name: "FormatError",
        code: "HF_FORMAT_FOREIGN",
        details: { path: segmentPath(number) },
      });
      await vfs.remove(segmentPath(number));
    }
    const log = await openSmall(vfs);
    expect(await readTexts(log)).toEqual(recordTexts(1, 5));
    await log.close();
  });

  it("in place of the active one is an error that names it; with the right one back the log opens", async () => {
    const { vfs, other } = await withOther(5);
    const right = contentsOf(vfs, segmentPath(2));
    await putFile(vfs, segmentPath(2), other);
    expect(await refusalOf(vfs)).toMatchObject({
      name: "FormatError",
      code: "HF_FORMAT_FOREIGN",
      details: { path: segmentPath(2) },
    });
    await putFile(vfs, segmentPath(2), right);
    const log = await openSmall(vfs);
    expect(await readTexts(log)).toEqual(recordTexts(1, 5));
    await log.close();
  });

  it("in place of an older one is an error where it is read, and no record of it is ever shown", async () => {
    const { vfs, other } = await withOther(8);
    const right = contentsOf(vfs, segmentPath(2));
    await putFile(vfs, segmentPath(2), other);
    const log = await openSmall(vfs);
    const seen: string[] = [];
    const error = await errorOf(async () => {
      for await (const { payload } of log.read()) seen.push(new TextDecoder().decode(payload));
    });
    expect(error).toMatchObject({ name: "FormatError", code: "HF_FORMAT_FOREIGN", details: { path: segmentPath(2) } });
    expect(seen).toEqual(recordTexts(1, 3));
    expect(await errorOf(log.get(5))).toMatchObject({ code: "HF_FORMAT_FOREIGN" });
    await log.close();
    expect((await verifyLog(DIRECTORY, { vfs })).problems).toMatchObject([
      { path: segmentPath(2), code: "HF_FORMAT_FOREIGN" },
    ]);
    await putFile(vfs, segmentPath(2), right);
    const again = await openSmall(vfs);
    expect(await readTexts(again)).toEqual(recordTexts(1, 8));
    await again.close();
  });

  it("is not this log's own segment under another number either", async () => {
    const vfs = await closedLog(new SimVfs({ seed: 1 }), 5);
    const right = contentsOf(vfs, segmentPath(2));
    await putFile(vfs, segmentPath(2), contentsOf(vfs, segmentPath(1)));
    expect(await refusalOf(vfs)).toMatchObject({
      name: "CorruptionError",
      code: "HF_CORRUPTION",
      details: { path: segmentPath(2), offset: 0 },
    });
    await putFile(vfs, segmentPath(2), right);
    await (await openSmall(vfs)).close();
  });
});

describe("a missing or empty segment", () => {
  it.each([1, 2, 3, 4])("%i of 4, missing, is damage by name on opening, and nothing is changed", async (number) => {
    const vfs = await closedLog(new SimVfs({ seed: 1 }), 11);
    const contents = contentsOf(vfs, segmentPath(number));
    await vfs.remove(segmentPath(number));
    expect(await refusalOf(vfs)).toMatchObject({
      name: "CorruptionError",
      code: "HF_CORRUPTION",
      details: { path: segmentPath(number), found: "no such file" },
    });
    await putFile(vfs, segmentPath(number), contents);
    const log = await openSmall(vfs);
    expect(await readTexts(log)).toEqual(recordTexts(1, 11));
    await log.close();
  });

  it.each([1, 3, 4])("%i of 4, empty, is damage by name, on opening or at the first read", async (number) => {
    for (const rest of [new Uint8Array(0), new Uint8Array(100), new Uint8Array(2048)]) {
      const vfs = await closedLog(new SimVfs({ seed: 1 }), 11);
      const contents = contentsOf(vfs, segmentPath(number));
      await putFile(vfs, segmentPath(number), rest);
      const expected = {
        name: "CorruptionError",
        code: "HF_CORRUPTION",
        details: { path: segmentPath(number), offset: 0 },
      };
      if (number === 4) {
        expect(await refusalOf(vfs)).toMatchObject(expected);
      } else {
        const log = await openSmall(vfs);
        expect(await errorOf(readTexts(log))).toMatchObject(expected);
        await log.close();
      }
      await putFile(vfs, segmentPath(number), contents);
      const log = await openSmall(vfs);
      expect(await readTexts(log)).toEqual(recordTexts(1, 11));
      await log.close();
    }
  });

  it("cut short is damage at the group that is missing", async () => {
    const vfs = await closedLog(new SimVfs({ seed: 1 }), 11);
    const file = await vfs.open(segmentPath(2), { access: "read-write" });
    await file.truncate(1024);
    await file.close();
    const log = await openSmall(vfs);
    const error = await errorOf(readTexts(log));
    expect(error).toMatchObject({ code: "HF_CORRUPTION", details: { path: segmentPath(2), offset: 1024, lsn: 5 } });
    await log.close();
  });

  it("the anchor missing beside segments is damage, never a new log", async () => {
    const vfs = await closedLog(new SimVfs({ seed: 1 }), 5);
    await vfs.remove("/log/anchor");
    expect(await refusalOf(vfs)).toMatchObject({
      name: "CorruptionError",
      code: "HF_CORRUPTION",
      details: { path: "/log/anchor" },
    });
  });
});

describe("what a record and an LSN may be", () => {
  it("a record over the limit is refused with both sizes, and the limit itself is taken", async () => {
    const log = await openSmall(new SimVfs({ seed: 1 }), { recordBytesMax: 20 });
    for (const call of [
      () => log.append(new Uint8Array(21)),
      () => log.enqueue(new Uint8Array(21)),
      () => log.appendAll([new Uint8Array(1), new Uint8Array(21)]),
    ]) {
      expect(await errorOf(call)).toMatchObject({
        name: "LimitError",
        code: "HF_RECORD_TOO_LARGE",
        details: { bytes: 21, bytesMax: 20 },
      });
    }
    expect(await log.append(new Uint8Array(20))).toBe(1);
    await log.close();
  });

  it("an LSN out of range is refused with the log's bounds; above the end a range is empty", async () => {
    const log = await openSmall(new SimVfs({ seed: 1 }));
    await appendCount(log, 6);
    await log.truncateBefore(3);
    const details = { lsn: 2, firstLsn: 3, lastLsn: 6 };
    expect(await errorOf(readTexts(log, { from: 2 }))).toMatchObject({
      name: "InvalidArgumentError",
      code: "HF_LSN_OUT_OF_RANGE",
      details,
    });
    expect(await errorOf(log.readBatches({ from: 2 }).next())).toMatchObject({ code: "HF_LSN_OUT_OF_RANGE", details });
    expect(await errorOf(log.follow({ from: 2 }).next())).toMatchObject({ code: "HF_LSN_OUT_OF_RANGE", details });
    expect(await readTexts(log, { from: 7 })).toEqual([]);
    for (const options of [{ from: -1 }, { to: 1.5 }, { from: Number.NaN }, { reverse: 1 }, { signal: {} }]) {
      expect(await errorOf(readTexts(log, options as object))).toMatchObject({ code: "HF_INVALID_ARGUMENT" });
    }
    expect(await errorOf(readTexts(log, { start: 1 } as object))).toMatchObject({
      code: "HF_UNKNOWN_OPTION",
      details: { option: "start" },
    });
    expect(await errorOf(log.follow({ to: 4 } as object).next())).toMatchObject({ code: "HF_UNKNOWN_OPTION" });
    await log.close();
  });
});

describe("a closed log", () => {
  it("refuses every call with HF_CLOSED, keeps its bounds, and is closed once", async () => {
    const vfs = await closedLog(new SimVfs({ seed: 1 }), 2);
    const log = await openSmall(vfs);
    const [first, second] = [log.close(), log.close()];
    await Promise.all([first, second]);
    await log.close();
    const calls: readonly (() => unknown)[] = [
      () => log.append(bytesOf("x")),
      () => log.appendAll([bytesOf("x")]),
      () => log.enqueue(bytesOf("x")),
      () => log.sync(),
      () => log.get(1),
      () => readTexts(log),
      () => log.readBatches().next(),
      () => log.follow().next(),
      () => log.truncateBefore(1),
      () => log.truncateAfter(1),
      () => log.truncateAll(),
    ];
    for (const call of calls)
      expect(await errorOf(call)).toMatchObject({
        name: "StateError",
        code: "HF_CLOSED",
        details: { path: DIRECTORY },
      });
    expect([log.firstLsn, log.lastLsn]).toEqual([1, 2]);
    expect(vfs.openHandles()).toEqual([]);
  });

  it("writes what was accepted before, and cuts what was to be cut, wherever close comes", async () => {
    // A cut that waited for its turn when close came was once refused as if it had been asked for afterwards.
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs, { groupBytesMax: 512 });
    const appends = Array.from({ length: 30 }, (_, index) => log.append(bytesOf(`record ${index + 1}`)));
    const sync = log.sync();
    const cut = log.truncateAfter(25);
    const reading = readTexts(log).catch((error: { code: string }) => error.code);
    const closing = log.close();
    expect(await Promise.all(appends)).toHaveLength(30);
    await sync;
    await cut;
    await closing;
    expect(await reading).toBe("HF_CLOSED");
    const again = await openSmall(vfs.powerCut());
    expect(again.recovery.clean).toBe(true);
    expect(await readTexts(again)).toEqual(recordTexts(1, 25));
    await again.close();
  });

  it("ends its readers with HF_CLOSED and its followers quietly, and leaves no file open", async () => {
    for (const steps of [0, 1, 3, 4]) {
      const vfs = new SimVfs({ seed: 1 });
      const log = await openSmall(vfs);
      await appendCount(log, 9);
      const reading = log.read();
      for (let step = 0; step < steps; step++) await reading.next();
      const following = (async () => {
        for await (const record of log.follow({ from: 1 })) void record;
        return "ended";
      })();
      await log.get(9);
      await log.close();
      const error = await errorOf(async () => {
        for await (const record of reading) void record;
      });
      expect(error).toMatchObject({ code: "HF_CLOSED" });
      expect(await following.catch((failure: { code: string }) => failure.code)).toMatch(/ended|HF_CLOSED/);
      expect(vfs.openHandles()).toEqual([]);
    }
  });
});

describe("a second opener", () => {
  it("is told who holds the log, in the same process and in another, and gets in after", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs);
    await appendCount(log, 2);
    for (const opener of [vfs, vfs.otherProcess()]) {
      expect(await errorOf(openSmall(opener))).toMatchObject({
        name: "LockedError",
        code: "HF_LOCKED",
        details: { pid: vfs.pid },
      });
    }
    await appendCount(log, 2);
    await log.close();
    const next = await openSmall(vfs.otherProcess());
    expect(await readTexts(next)).toEqual(recordTexts(1, 4));
    await next.close();
  });

  it("at the same moment: one of them gets in, the other is told", async () => {
    const vfs = await closedLog(new SimVfs({ seed: 1 }), 3);
    const outcomes = await Promise.allSettled([openSmall(vfs), openSmall(vfs.otherProcess())]);
    const opened = outcomes.filter((outcome) => outcome.status === "fulfilled");
    expect(opened).toHaveLength(1);
    expect(outcomes.find((outcome) => outcome.status === "rejected")?.reason).toMatchObject({ code: "HF_LOCKED" });
    expect(await readTexts(opened[0]!.value)).toEqual(recordTexts(1, 3));
    await opened[0]!.value.close();
  });
});
