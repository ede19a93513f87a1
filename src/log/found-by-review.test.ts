/** Faults that reading the crash arguments found, one test each, with its story in the first line. */
import { expect, it } from "vitest";
import { SeededRandom } from "../base/index.js";
import { FaultPlan, SimVfs, keepEverything, keepSome } from "../vfs/index.js";
import { GROUP_HEADER_BYTES, RECORD_HEADER_BYTES } from "./format.js";
import { Log } from "./log.js";
import { LogReader } from "./log-reader.js";
import { repairLog } from "./repair.js";
import {
  DIRECTORY,
  SMALL,
  appendCount,
  bytesOf,
  closedLog,
  errorOf,
  flipByte,
  openSmall,
  readTexts,
  recordTexts,
  segmentPath,
  textOf,
} from "./small-log.contract.js";

it("an append that came while truncateAfter wrote the anchor made the writer rest, and the mark said of the new epoch that it held what was cut", async () => {
  for (let turns = 0; turns < 60; turns++) {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs);
    await appendCount(log, 10);
    const cut = log.truncateAfter(5);
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => process.nextTick(resolve));
    const append = log.append(bytesOf("after the cut"));
    await cut;
    const killed = vfs.kill(keepEverything);
    void append;
    const again = await openSmall(killed);
    expect((await readTexts(again, { to: 5 })).length).toBe(5);
    expect(again.lastLsn).toBeLessThanOrEqual(6);
    await again.close();
  }
});

it("a roll synced beside a sync that was about to fail; its own success hid the failure, and unsynced groups were called durable", async () => {
  const vfs = new SimVfs({ seed: 1 });
  const log = await openSmall(vfs, { durability: "os" });
  await appendCount(log, 3);
  vfs.faults = new FaultPlan([
    { operation: "sync-data", path: ".seg", at: 1, errno: "EIO", sync: { pages: "kept", reached: "none" } },
  ]);
  const sync = log.sync().catch((error: unknown) => error);
  const append = log.append(bytesOf("needs a roll")).catch((error: unknown) => error);
  expect(await sync).toMatchObject({ code: "HF_POISONED" });
  expect(await append).toMatchObject({ code: "HF_POISONED" });
  expect(log.durableLsn).toBe(0);
  await log.close().catch(() => undefined);
  const again = await openSmall(vfs.powerCut());
  expect(again.lastLsn).toBe(0);
  await again.close();
});

it("a repair that lost the newest epochs gave their numbers out again, and an old mark was believed", async () => {
  const vfs = new SimVfs({ seed: 1 });
  for (let opening = 0; opening < 3; opening++) {
    const log = await openSmall(vfs, { segmentBytes: 32_768 });
    await appendCount(log, 5);
    await log.sync();
    await log.close();
  }
  const file = await vfs.open(segmentPath(1), { access: "read-write" });
  await file.write(new Uint8Array(512).fill(0xee), 512 * 6);
  await file.close();
  const anchor = await vfs.open(`${DIRECTORY}/anchor`, { access: "read-write" });
  await anchor.write(new Uint8Array(8192).fill(0xee), 0);
  await anchor.close();
  expect(await repairLog(DIRECTORY, { vfs })).toMatchObject({ keptLastLsn: 5, anchorRebuilt: true });
  let process = vfs;
  for (let opening = 0; opening < 6; opening++) {
    const log = await Log.open(DIRECTORY, { vfs: process });
    expect(await readTexts(log)).toEqual(recordTexts(1, 5));
    process = process.kill();
  }
});

it("a stray file with a number that no integer can hold broke the next roll, and one with the next number would have been overwritten", async () => {
  const vfs = new SimVfs({ seed: 1 });
  const first = await openSmall(vfs);
  await appendCount(first, 2);
  await first.close();
  for (const name of ["9999999999999999.seg", "0000000000000002.seg"]) {
    const stray = await vfs.open(`${DIRECTORY}/${name}`, { access: "read-write", create: "exclusive" });
    await stray.write(bytesOf("not ours"), 0);
    await stray.close();
  }
  const log = await openSmall(vfs);
  await appendCount(log, 10);
  await log.close();
  const stray = await vfs.open(`${DIRECTORY}/0000000000000002.seg`, { access: "read" });
  const bytes = new Uint8Array(8);
  await stray.read(bytes, 0);
  await stray.close();
  expect(bytes).toEqual(bytesOf("not ours"));
  const again = await openSmall(vfs);
  expect(await readTexts(again)).toEqual(recordTexts(1, 12));
  await again.close();
});

it("a reader beside no writer called damage what a power cut in a weaker mode had merely taken", async () => {
  for (let seed = 1; seed < 40; seed++) {
    const vfs = new SimVfs({ seed });
    const log = await openSmall(vfs, { durability: "os", segmentBytes: 16_384 });
    for (let index = 0; index < 4; index++) await log.append(new Uint8Array(900).fill(index + 1));
    await new Promise((resolve) => setImmediate(resolve));
    const cut = vfs.powerCut(keepSome(new SeededRandom(seed)));
    const reader = await LogReader.open(DIRECTORY, { vfs: cut }).catch(() => undefined);
    if (reader === undefined) continue;
    let last = 0;
    for await (const { lsn } of reader.read()) last = lsn;
    expect(last).toBe(reader.lastLsn);
    await reader.close();
  }
});

it("records that were only enqueued were lost to a failed write, and close said nothing", async () => {
  const vfs = new SimVfs({ seed: 1 });
  const log = await openSmall(vfs);
  await appendCount(log, 1);
  vfs.faults = new FaultPlan([{ operation: "write", path: ".seg", at: 1, errno: "EIO" }]);
  log.enqueue(bytesOf("nobody waits for this"));
  for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
  await expect(log.close()).rejects.toMatchObject({ code: "HF_POISONED" });
});

it("a repair without an anchor sealed a tail that a killed writer had left in the page cache, and a power cut made the seal a lie", async () => {
  for (let seed = 1; seed <= 30; seed++) {
    const vfs = new SimVfs({ seed });
    const log = await openSmall(vfs, { segmentBytes: 16_384, durability: "os" });
    await appendCount(log, 6);
    const killed = vfs.kill(keepEverything);
    const anchor = await killed.open(`${DIRECTORY}/anchor`, { access: "read-write" });
    await anchor.write(new Uint8Array(8192).fill(0xee), 0);
    await anchor.close();
    expect(await repairLog(DIRECTORY, { vfs: killed })).toMatchObject({ keptLastLsn: 6 });
    const again = await openSmall(killed.powerCut(keepSome(new SeededRandom(seed))), { segmentBytes: 16_384 });
    expect(await readTexts(again)).toEqual(recordTexts(1, 6));
    await again.close();
  }
});

it("a follower that had missed two cuts was told of the last one only, and kept records that the first had dropped", async () => {
  const vfs = new SimVfs({ seed: 1 });
  const log = await openSmall(vfs, { segmentBytes: 16_384 });
  await appendCount(log, 10);
  const follower = log.follow({ from: 1 });
  for (let lsn = 1; lsn <= 10; lsn++) expect((await follower.next()).value).toMatchObject({ lsn });
  await log.truncateAfter(3);
  await appendCount(log, 10);
  await log.truncateAfter(8);
  const error = await errorOf(follower.next());
  expect(error).toMatchObject({ code: "HF_CUT", details: { cuts: 2, lastRead: 10 } });
  expect(error.details).not.toHaveProperty("cutLsn");
  await log.close();
});

it("a reader called a block damaged that a power cut had torn, though its image was in the double-write buffer", async () => {
  // Replay before the fix: log-double-write/9@11/4:cut:91:0.6
  const vfs = new SimVfs({ seed: 1 });
  const log = await openSmall(vfs, { torn: "double-write", segmentBytes: 16_384 });
  await appendCount(log, 2);
  await log.close();
  await appendCount(await openSmall(vfs, { segmentBytes: 16_384 }), 1);
  const cut = vfs.powerCut(keepEverything);
  const segment = await cut.open(segmentPath(1), { access: "read-write" });
  await segment.write(new Uint8Array(512).fill(0xee), 512);
  await segment.close();
  const reader = await LogReader.open(DIRECTORY, { vfs: cut });
  expect(await readTexts(reader, { to: 2 })).toEqual(recordTexts(1, 2));
  await reader.close();
  const again = await openSmall(cut, { segmentBytes: 16_384 });
  expect(await readTexts(again)).toEqual(recordTexts(1, 3));
  await again.close();
});

it("a record behind a damaged one could be read or not, depending on what had been read before", async () => {
  const vfs = await closedLog(new SimVfs({ seed: 1 }), 30);
  // In the record of the second group of the first segment; each has a block of its own.
  await flipByte(vfs, segmentPath(1), 2 * SMALL.blockBytes + GROUP_HEADER_BYTES + RECORD_HEADER_BYTES);
  const log = await openSmall(vfs);
  expect(textOf((await log.get(3))!.payload)).toBe("record 3");
  expect(await readTexts(log, { from: 3, to: 5 })).toEqual(recordTexts(3, 5));
  for (const act of [() => log.get(2), () => readTexts(log, { to: 5 }), () => readTexts(log, { reverse: true })])
    expect(await errorOf(act)).toMatchObject({ code: "HF_CORRUPTION", details: { lsn: 2 } });
  await log.close();
});
