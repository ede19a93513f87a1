/** Faults that reading the crash arguments found, one test each, with its story in the first line. */
import { expect, it, vi } from "vitest";
import { Log } from "../log/index.js";
import { bytesOf, errorOf, readTexts } from "../log/small-log.contract.js";
import { FaultPlan, type FaultRule, SimVfs, keepNothing } from "../vfs/index.js";
import { ENTRY, ENTRY_HEADER_BYTES, STATE, encodeState, writeEntryHeader } from "./format.js";
import { SharedLog, type SharedLogOptions } from "./index.js";

async function open(vfs: SimVfs, options: SharedLogOptions = {}): Promise<SharedLog> {
  return await SharedLog.open("/shared", { blockBytes: 512, segmentBytes: 4096, vfs, ...options });
}

const SYNC_FAILS: FaultRule = {
  operation: "sync-data",
  path: ".seg",
  errno: "EIO",
  sync: { pages: "kept", reached: "none" },
};

async function tick(): Promise<void> {
  await new Promise((resolve) => process.nextTick(resolve));
}

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

it("what was pruned before it was durable counted as durable at once: a power cut gave its numbers out again", async () => {
  const vfs = new SimVfs();
  const shared = await open(vfs, { durability: "os" });
  const a = await shared.stream("a");
  for (let n = 1; n <= 3; n++) await a.append(bytesOf(`a ${n}`));
  vfs.faults = new FaultPlan([SYNC_FAILS]);
  let settled = false;
  const pruning = a.truncateAll().catch(() => (settled = true));
  let promised = 0;
  while (!settled) {
    promised = Math.max(promised, a.durableLsn);
    await tick();
  }
  await pruning;
  expect(a.firstLsn).toBe(4);
  const after = await open(vfs.powerCut(keepNothing));
  expect((await after.stream("a")).nextLsn).toBeGreaterThan(promised);
  await after.close();
});

it("a truncation, a new stream and a drop that were asked for before close were done, and said to have failed as closed", async () => {
  const vfs = new SimVfs();
  let shared = await open(vfs, { durability: "os" });
  const a = await shared.stream("a");
  await shared.stream("c");
  for (let n = 1; n <= 3; n++) await a.append(bytesOf(`a ${n}`));
  const asked = Promise.all([a.truncateAfter(2), a.truncateBefore(2), shared.stream("b"), shared.drop("c")]);
  await Promise.all([asked, shared.close()]);
  shared = await open(vfs);
  expect(shared.streams()).toEqual(["a", "b"]);
  expect(await readTexts(await shared.stream("a"))).toEqual(["a 2"]);
  await shared.close();
});

it("a stream that somebody else was just making was given out before it was durable", async () => {
  const vfs = new SimVfs();
  const shared = await open(vfs, { durability: "os" });
  vfs.faults = new FaultPlan([SYNC_FAILS]);
  const making = shared.stream("a").catch(() => undefined);
  while (shared.streams().length === 0) await tick();
  expect((await errorOf(shared.stream("a"))).code).toBe("HF_POISONED");
  await making;
  const after = await open(vfs.powerCut(keepNothing));
  expect(after.streams()).toEqual([]);
  await after.close();
});

it("of an entry that was enqueued while the log pruned, and lost with it, nobody was told, not even by close", async () => {
  const vfs = new SimVfs();
  const shared = await open(vfs, { checkpointBytes: 512 });
  const a = await shared.stream("a");
  let enqueued = 0;
  const { truncateBefore } = Log.prototype;
  const pruning = vi.spyOn(Log.prototype, "truncateBefore").mockImplementation(function (this: Log, lsn) {
    const done = truncateBefore.call(this, lsn);
    vfs.faults = new FaultPlan([{ operation: "write", path: "anchor", errno: "EIO" }]);
    enqueued = a.enqueue(bytesOf("lost"));
    return done;
  });
  for (let n = 0; n < 200 && enqueued === 0; n++) {
    // Neither is refused: both are on their way when the log fails.
    await Promise.allSettled([a.append(new Uint8Array(300)), a.truncateAll()]);
  }
  expect(enqueued).toBeGreaterThan(0);
  for (let n = 0; n < 500 && shared.stats().problem === undefined; n++) await turn();

  pruning.mockRestore();
  expect((await errorOf(shared.close())).code).toBe("HF_POISONED");
});

it("each append that had to wait for the log took 32 KiB of memory", async () => {
  const shared = await open(new SimVfs());
  const a = await shared.stream("a");
  const payload = new Uint8Array(100);
  const before = process.memoryUsage().arrayBuffers;
  const appends = Array.from({ length: 3000 }, () => a.append(payload));
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 << 20);
  expect((await Promise.all(appends)).at(-1)).toBe(3000);
  await shared.close();
});

it("under load a checkpoint was always due again when one was done, and nothing was pruned or moved any more", async () => {
  const shared = await open(new SimVfs(), { checkpointBytes: 512 });
  const still = await shared.stream("still");
  const busy = await shared.stream("busy");
  await still.append(new Uint8Array(20));
  for (let n = 0; n < 150; n++) await Promise.all([busy.append(new Uint8Array(600)), busy.truncateAll()]);
  const { log, prunes, movedRecords } = shared.stats();
  expect(prunes).toBeGreaterThan(5);
  expect(movedRecords).toBeGreaterThan(0);
  expect(log.segments).toBeLessThan(10);
  await shared.close();
});

it("an old record that could not be moved ended checkpoints too: every opening read more than the one before", async () => {
  const vfs = new SimVfs();
  const options = { checkpointBytes: 2048, recordBytesMax: 512 };
  let shared = await open(vfs, { ...options, recordBytesMax: 1024 });
  const large = new Uint8Array(900);
  await (await shared.stream("still")).append(large);
  await shared.close();
  shared = await open(vfs, options);
  const busy = await shared.stream("busy");
  for (let n = 0; n < 100; n++) {
    await busy.append(new Uint8Array(300));
    await busy.truncateAll();
  }
  expect(shared.stats().problem).toBeDefined();
  await shared.close();
  shared = await open(vfs, options);
  expect(shared.recovery.index).toBe("checkpoint");
  expect(shared.recovery.replayedBytes).toBeLessThan(2 * options.checkpointBytes);
  expect((await (await shared.stream("still")).get(1))?.payload).toEqual(large);
  await shared.close();
});

it("segments that only waited for a checkpoint to be pruned counted as garbage: what was live was moved again and again to free them", async () => {
  const options = { segmentBytes: 32_768, groupBytesMax: 2048, checkpointBytes: 512 << 10, durability: "os" } as const;
  const shared = await open(new SimVfs(), options);
  const still = await shared.stream("still");
  const busy = await shared.stream("busy");
  for (let n = 0; n < 300; n++) await still.append(new Uint8Array(400));
  let appended = 0;
  while (appended < 1 << 20) {
    await busy.append(new Uint8Array(400));
    appended += 400;
    if (appended % 4000 === 0) await busy.truncateBefore(busy.lastLsn + 1);
  }
  const { movedBytes, prunes } = shared.stats();
  expect(prunes).toBeGreaterThan(5);
  expect(movedBytes).toBeLessThan(1.5 * appended);
  await shared.close();
});

it("copies earned the right to more copies: one append after a prune moved everything at once", async () => {
  const options = { segmentBytes: 65_536, groupBytesMax: 8192, checkpointBytes: 64 << 20, durability: "os" } as const;
  const shared = await open(new SimVfs(), options);
  const still = await shared.stream("still");
  const busy = await shared.stream("busy");
  await Promise.all(Array.from({ length: 4000 }, () => still.append(new Uint8Array(400))));
  await Promise.all(Array.from({ length: 6000 }, () => busy.append(new Uint8Array(400))));
  await busy.truncateAll();
  let most = 0;
  for (let n = 0; n < 30; n++) {
    const before = shared.stats().movedBytes;
    await busy.append(new Uint8Array(400));
    for (let idle = 0, seen = before; idle < 20; idle++) {
      await turn();
      if (shared.stats().movedBytes !== seen) idle = 0;
      seen = shared.stats().movedBytes;
    }
    most = Math.max(most, shared.stats().movedBytes - before);
  }
  // What could be saved up, and a batch.
  expect(most).toBeGreaterThan(0);
  expect(most).toBeLessThan(300 << 10);
  await shared.close();
});

it("entries whose stream had lost its state were taken for those of a dropped one, and forgotten", async () => {
  const vfs = new SimVfs();
  const log = await Log.open("/shared", { vfs });
  const entry = new Uint8Array(ENTRY_HEADER_BYTES);
  writeEntryHeader(entry, 3, 0, 1);
  await log.append(entry, ENTRY);
  await log.append(encodeState({ stream: 7, firstLsn: 1, nextLsn: 1 }, bytesOf("z")), STATE);
  await log.close();
  expect((await errorOf(SharedLog.open("/shared", { vfs }))).code).toBe("HF_CORRUPTION");
});

it("a log that lost what a checkpoint names was opened, and only reading found out", async () => {
  const vfs = new SimVfs();
  const shared = await open(vfs, { checkpointBytes: 512 });
  const a = await shared.stream("a");
  for (let n = 1; n <= 60; n++) await a.append(bytesOf(`a ${n}`));
  expect(shared.stats().checkpoints).toBeGreaterThan(0);
  await shared.close();
  const log = await Log.open("/shared", { vfs });
  await log.truncateBefore(4);
  await log.close();
  expect((await errorOf(open(vfs))).code).toBe("HF_CORRUPTION");
});

it("options that are no object were taken for none", async () => {
  const vfs = new SimVfs();
  for (const wrong of [null, 7, "checkpointBytes"])
    expect((await errorOf(SharedLog.open("/shared", wrong as unknown as SharedLogOptions))).code).toBe(
      "HF_INVALID_ARGUMENT",
    );
  expect(await vfs.stat("/shared")).toBeUndefined();
});
