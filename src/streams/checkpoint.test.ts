/** Opening from a checkpoint, and from everything where there is none that can be used. */
import { describe, expect, it } from "vitest";
import { Log } from "../log/index.js";
import { bytesOf, editFile, errorOf, readTexts } from "../log/small-log.contract.js";
import { FaultPlan, SimVfs } from "../vfs/index.js";
import { CHECKPOINT, encodePart } from "./format.js";
import { SharedLog, type SharedLogOptions } from "./index.js";

const POINTER = "/shared/streams-checkpoint";
const OPTIONS = { blockBytes: 512, segmentBytes: 4096, checkpointBytes: 512 } as const;

async function open(vfs: SimVfs, options: SharedLogOptions = {}): Promise<SharedLog> {
  return await SharedLog.open("/shared", { ...OPTIONS, vfs, ...options });
}

/** A closed shared log with several checkpoints, in two streams of 100 entries each. */
async function closedShared(options: SharedLogOptions = {}): Promise<SimVfs> {
  const vfs = new SimVfs();
  const shared = await open(vfs, options);
  const a = await shared.stream("a");
  const b = await shared.stream("b");
  for (let n = 1; n <= 100; n++) await Promise.all([a.append(bytesOf(`a ${n}`)), b.append(bytesOf(`b ${n}`))]);
  expect(shared.stats().checkpoints).toBeGreaterThan(2);
  await shared.close();
  return vfs;
}

async function expectWhole(shared: SharedLog): Promise<void> {
  for (const name of ["a", "b"]) {
    const found = await readTexts(await shared.stream(name));
    expect(found).toEqual(Array.from({ length: 100 }, (_, index) => `${name} ${index + 1}`));
  }
}

describe("opening a shared log", () => {
  it("reads the checkpoint and what came after it, not what came before", async () => {
    const vfs = await closedShared();
    const shared = await open(vfs);
    expect(shared.recovery.index).toBe("checkpoint");
    expect(shared.recovery.reason).toBeUndefined();
    expect(shared.recovery.replayedRecords).toBeLessThan(150);
    expect(shared.recovery).toMatchObject({ streams: 2, entries: 200 });
    await expectWhole(shared);
    await shared.close();
  });

  // Found by looking: of a checkpoint in several parts the first was never read, and every opening read the whole log.
  it("puts a checkpoint of many parts together", async () => {
    const vfs = new SimVfs();
    let shared = await open(vfs, { segmentBytes: 65_536, recordBytesMax: 512, checkpointBytes: 4096 });
    await Promise.all(Array.from({ length: 200 }, (_, n) => shared.stream(`stream number ${n}`)));
    for (let n = 0; n < 200; n++) await (await shared.stream(`stream number ${n}`)).append(bytesOf(`entry of ${n}`));
    expect(shared.stats().checkpoints).toBeGreaterThan(0);
    await shared.close();
    shared = await SharedLog.open("/shared", { vfs });
    expect(shared.recovery.reason).toBeUndefined();
    expect(shared.recovery.index).toBe("checkpoint");
    for (const n of [0, 77, 199])
      expect(await readTexts(await shared.stream(`stream number ${n}`))).toEqual([`entry of ${n}`]);
    await shared.close();
  });

  it("falls back to the older checkpoint when the newer slot of the pointer is damaged, and to everything without both", async () => {
    const vfs = await closedShared();
    const newest = await open(vfs);
    const { replayedRecords } = newest.recovery;
    await newest.close();
    // Which of the two slots is the newer one is told by what opening reads.
    const counts: number[] = [];
    for (const slot of [0, 4096]) {
      await editFile(vfs, POINTER, (bytes) => (bytes[slot + 17] = bytes[slot + 17]! ^ 1));
      const shared = await open(vfs);
      expect(shared.recovery.index).toBe("checkpoint");
      counts.push(shared.recovery.replayedRecords);
      await expectWhole(shared);
      await shared.close();
      await editFile(vfs, POINTER, (bytes) => (bytes[slot + 17] = bytes[slot + 17]! ^ 1));
    }
    expect(Math.min(...counts)).toBe(replayedRecords);
    expect(Math.max(...counts)).toBeGreaterThan(replayedRecords);
    await editFile(vfs, POINTER, (bytes) => bytes.fill(0xff));
    const shared = await open(vfs);
    expect(shared.recovery.index).toBe("scan");
    expect(shared.recovery.reason).toBeDefined();
    await expectWhole(shared);
    await shared.close();
  });

  it("takes the pointer of another log, or of a time that is gone, for a hint that is wrong", async () => {
    const vfs = await closedShared();
    const other = await closedShared({ segmentBytes: 8192 });
    const file = await other.open(POINTER, { access: "read" });
    const foreign = new Uint8Array(await file.size());
    await file.read(foreign, 0);
    await file.close();
    await editFile(vfs, POINTER, (bytes) => bytes.set(foreign.subarray(0, bytes.length)));
    const shared = await open(vfs);
    expect(shared.recovery.entries).toBe(200);
    await expectWhole(shared);
    await shared.close();
  });

  it("does not believe a part of a checkpoint that says more than was there", async () => {
    const vfs = await closedShared();
    const log = await Log.open("/shared", { vfs });
    const asOf = log.lastLsn;
    // Sound bytes, and no snapshot in them.
    const part = encodePart({ asOf, previous: 0, index: 0, isLast: true, body: Uint8Array.of(9, 9, 9) });
    const lsn = await log.append(part, CHECKPOINT);
    await log.close();
    let shared = await open(vfs);
    await shared.stream("c");
    await shared.close();
    const { CheckpointPointer } = await import("./checkpoint-pointer.js");
    const pointer = await CheckpointPointer.read(vfs, "/shared");
    await pointer.write(lsn);
    await pointer.write(lsn);
    await pointer.close();
    shared = await open(vfs);
    expect(shared.recovery.index).toBe("scan");
    await expectWhole(shared);
    await shared.close();
  });

  it("stops taking entries when the pointer can't be written, and loses none", async () => {
    const vfs = new SimVfs();
    vfs.faults = new FaultPlan([{ operation: "write", path: POINTER, errno: "EIO" }]);
    let shared = await open(vfs);
    const a = await shared.stream("a");
    let acknowledged = 0;
    const error = await errorOf(async () => {
      for (let n = 1; n <= 100; n++) {
        await a.append(bytesOf(`a ${n}`));
        acknowledged = n;
      }
    });
    expect(error.code).toBe("HF_POISONED");
    expect((await errorOf(shared.sync())).code).toBe("HF_POISONED");
    expect(acknowledged).toBeGreaterThan(5);
    await shared.close();
    vfs.faults = undefined;
    shared = await open(vfs);
    expect((await shared.stream("a")).lastLsn).toBeGreaterThanOrEqual(acknowledged);
    await shared.close();
  });
});
