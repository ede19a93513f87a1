import { describe, expect, it } from "vitest";
import { SimVfs } from "../vfs/index.js";
import { SharedLog, type SharedLogOptions } from "./index.js";
import { bytesOf, errorOf, readTexts } from "../log/small-log.contract.js";

const SMALL = { blockBytes: 512, segmentBytes: 4096 } as const;

async function open(vfs: SimVfs, options: SharedLogOptions = {}): Promise<SharedLog> {
  return await SharedLog.open("/shared", { ...SMALL, vfs, ...options });
}

describe("a shared log", () => {
  it("gives each stream numbers of its own, and keeps them over openings", async () => {
    const vfs = new SimVfs();
    let shared = await open(vfs);
    const a = await shared.stream("a");
    const b = await shared.stream("b");
    expect(await a.append(bytesOf("a1"), 7)).toBe(1);
    expect(await b.append(bytesOf("b1"))).toBe(1);
    expect(await a.append(bytesOf("a2"))).toBe(2);
    await shared.close();
    shared = await open(vfs);
    expect(shared.streams()).toEqual(["a", "b"]);
    expect(await readTexts(await shared.stream("a"))).toEqual(["a1", "a2"]);
    expect((await (await shared.stream("a")).get(1))?.type).toBe(7);
    expect(await readTexts(await shared.stream("b"))).toEqual(["b1"]);
    await shared.close();
  });

  it("commits to several streams at once, and tells each part its LSNs", async () => {
    const vfs = new SimVfs();
    const shared = await open(vfs);
    const a = await shared.stream("a");
    const b = await shared.stream("b");
    await a.append(bytesOf("a1"));
    const ranges = await shared.commit([
      { stream: a, records: [bytesOf("a2"), bytesOf("a3")] },
      { stream: b, records: [{ payload: bytesOf("b1"), type: 9 }] },
      { stream: a, records: [bytesOf("a4")] },
    ]);
    expect(ranges).toEqual([
      { firstLsn: 2, lastLsn: 3 },
      { firstLsn: 1, lastLsn: 1 },
      { firstLsn: 4, lastLsn: 4 },
    ]);
    expect(await readTexts(a, { reverse: true })).toEqual(["a4", "a3", "a2", "a1"]);
    await shared.close();
  });

  it("gives back the space of a stream that is stuck, and keeps its entries", async () => {
    const vfs = new SimVfs();
    const options = { checkpointBytes: 1024 };
    let shared = await open(vfs, options);
    const stuck = await shared.stream("stuck");
    const busy = await shared.stream("busy");
    for (let n = 1; n <= 5; n++) await stuck.append(bytesOf(`stuck ${n}`));
    for (let n = 1; n <= 300; n++) {
      await busy.append(bytesOf(`busy ${n}`));
      if (n % 10 === 0) await busy.truncateBefore(n - 5);
    }
    const { log, movedRecords, checkpoints, problem } = shared.stats();
    expect(problem).toBeUndefined();
    expect(movedRecords).toBeGreaterThan(4);
    expect(checkpoints).toBeGreaterThan(2);
    expect(log.segments).toBeLessThan(12);
    expect(await readTexts(stuck)).toEqual([1, 2, 3, 4, 5].map((n) => `stuck ${n}`));
    await shared.close();
    shared = await open(vfs, options);
    expect(shared.recovery.index).toBe("checkpoint");
    expect(await readTexts(await shared.stream("stuck"))).toEqual([1, 2, 3, 4, 5].map((n) => `stuck ${n}`));
    expect(await readTexts(await shared.stream("busy"))).toEqual(
      Array.from({ length: 6 }, (_, n) => `busy ${295 + n}`),
    );
    await shared.close();
    await vfs.remove("/shared/streams-checkpoint");
    shared = await open(vfs, options);
    expect(shared.recovery.index).toBe("scan");
    expect(await readTexts(await shared.stream("stuck"))).toEqual([1, 2, 3, 4, 5].map((n) => `stuck ${n}`));
    expect((await shared.stream("busy")).firstLsn).toBe(295);
    await shared.close();
  });

  it("forgets a dropped stream, and starts another of its name from 1", async () => {
    const vfs = new SimVfs();
    let shared = await open(vfs);
    const old = await shared.stream("a");
    await old.append(bytesOf("old"));
    expect(await shared.drop("a")).toBe(true);
    expect(await shared.drop("a")).toBe(false);
    expect((await errorOf(old.append(bytesOf("x")))).code).toBe("HF_CLOSED");
    expect(shared.streams()).toEqual([]);
    const a = await shared.stream("a");
    expect(await a.append(bytesOf("new"))).toBe(1);
    await shared.close();
    shared = await open(vfs);
    expect(await readTexts(await shared.stream("a"))).toEqual(["new"]);
    await shared.close();
  });
});
