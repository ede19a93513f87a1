import { describe, expect, it } from "vitest";
import { CorruptionError } from "../base/index.js";
import { Log } from "../log/index.js";
import { bytesOf, errorOf, readTexts, textOf } from "../log/small-log.contract.js";
import { SimVfs } from "../vfs/index.js";
import { DROP, ENTRY, ENTRY_HEADER_BYTES, MOVED, STATE, encodeMoved, encodeState, writeEntryHeader } from "./format.js";
import { SharedLog, type SharedLogOptions } from "./index.js";

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

  it("takes any name of 1 to 255 bytes, and no other", async () => {
    const vfs = new SimVfs();
    const names = ["a", "A", " ", "lanes/é/7", "\u0000", "\ufeffmark", "n".repeat(255), "\u{1f600}".repeat(63)];
    let shared = await open(vfs);
    for (const [index, name] of names.entries()) await (await shared.stream(name)).append(bytesOf(`${index}`));
    for (const wrong of ["", "n".repeat(256), "\u{1f600}".repeat(64), "half \ud83d", 7 as unknown as string])
      expect((await errorOf(shared.stream(wrong))).code).toBe("HF_INVALID_ARGUMENT");
    await shared.close();
    shared = await open(vfs);
    expect(shared.streams()).toEqual([...names].sort());
    for (const [index, name] of names.entries())
      expect(await readTexts(await shared.stream(name))).toEqual([`${index}`]);
    await shared.close();
  });

  it("gives one object for one name, also to calls made at once", async () => {
    const shared = await open(new SimVfs());
    const [a, b] = await Promise.all([shared.stream("a"), shared.stream("a")]);
    expect(a).toBe(b);
    expect(await shared.stream("a")).toBe(a);
    expect(shared.stats().streams).toBe(1);
    await shared.close();
  });

  it("refuses commits that can't be, before any effect", async () => {
    const vfs = new SimVfs();
    const shared = await open(vfs);
    const other = await SharedLog.open("/other", { ...SMALL, vfs });
    const a = await shared.stream("a");
    const foreign = await other.stream("a");
    const record = bytesOf("x");
    const wrong: (readonly [unknown, string])[] = [
      [[], "HF_INVALID_ARGUMENT"],
      ["a", "HF_INVALID_ARGUMENT"],
      [[{ stream: "a", records: [record] }], "HF_INVALID_ARGUMENT"],
      [[{ stream: a, records: [] }], "HF_INVALID_ARGUMENT"],
      [
        [
          { stream: a, records: [record] },
          { stream: foreign, records: [record] },
        ],
        "HF_INVALID_ARGUMENT",
      ],
      [
        [
          { stream: a, records: [record] },
          { stream: a, records: ["x"] },
        ],
        "HF_INVALID_ARGUMENT",
      ],
      [[{ stream: a, records: [new Uint8Array(2000), new Uint8Array(2000)] }], "HF_BATCH_TOO_LARGE"],
    ];
    for (const [parts, code] of wrong)
      expect((await errorOf(shared.commit(parts as Parameters<SharedLog["commit"]>[0]))).code).toBe(code);
    expect(await a.append(record)).toBe(1);
    await other.close();
    await shared.close();
  });

  it("refuses options that are unknown or out of range, and passes on those of the log", async () => {
    const vfs = new SimVfs();
    expect((await errorOf(open(vfs, { checkpointBytes: 1 }))).code).toBe("HF_INVALID_ARGUMENT");
    expect((await errorOf(open(vfs, { recordBytesMax: 100 }))).code).toBe("HF_INVALID_ARGUMENT");
    expect((await errorOf(open(vfs, { streams: 1 } as SharedLogOptions))).code).toBe("HF_UNKNOWN_OPTION");
    expect((await errorOf(open(vfs, { createIfMissing: false }))).code).toBe("HF_INVALID_ARGUMENT");
    const shared = await open(vfs);
    expect((await errorOf(open(vfs))).code).toBe("HF_LOCKED");
    await shared.close();
    expect((await errorOf(open(vfs, { blockBytes: 1024 }))).code).toBe("HF_OPTION_MISMATCH");
  });

  it("says that an ordinary log is none, and leaves it as it is", async () => {
    const vfs = new SimVfs();
    const log = await Log.open("/shared", { ...SMALL, vfs });
    await log.append(bytesOf("plain"), 3);
    await log.close();
    expect((await errorOf(open(vfs))).code).toBe("HF_FORMAT_UNKNOWN");
    const again = await Log.open("/shared", { ...SMALL, vfs });
    expect(await readTexts(again)).toEqual(["plain"]);
    await again.close();
  });

  it("says that records contradict each other, rather than making sense of them", async () => {
    const wrong: readonly (readonly [number, Uint8Array])[] = [
      [ENTRY, entry(1, 3)],
      [ENTRY, entry(9, 1)],
      [ENTRY, new Uint8Array(5)],
      [MOVED, encodeMoved({ stream: 1, type: 0, lsn: 1, from: 0, bodyStart: 0 }, 3, new Uint8Array(0))],
      [STATE, encodeState({ stream: 1, firstLsn: 1, nextLsn: 3 }, bytesOf("a"))],
      [STATE, encodeState({ stream: 1, firstLsn: 2, nextLsn: 2 }, bytesOf("b"))],
      [STATE, encodeState({ stream: 2, firstLsn: 1, nextLsn: 1 }, bytesOf("a"))],
      [DROP, new Uint8Array(3)],
    ];
    for (const [kind, payload] of wrong) {
      const vfs = new SimVfs();
      const shared = await open(vfs);
      await (await shared.stream("a")).append(bytesOf("a1"));
      await shared.close();
      const log = await Log.open("/shared", { vfs });
      await log.append(payload, kind);
      // Something behind it, so that what is missing can't be taken for what is still to come.
      await log.append(encodeState({ stream: 7, firstLsn: 1, nextLsn: 1 }, bytesOf("z")), STATE);
      await log.close();
      const outcome = await open(vfs).catch((error: unknown) => error);
      expect(outcome, `kind ${kind}`).toBeInstanceOf(CorruptionError);
    }
  });

  it("reads entries that are moved and whose first places are pruned meanwhile", async () => {
    const shared = await open(new SimVfs(), { checkpointBytes: 512 });
    const still = await shared.stream("still");
    const busy = await shared.stream("busy");
    const expected = Array.from({ length: 12 }, (_, index) => `still ${index + 1}`);
    for (const text of expected) await still.append(bytesOf(text));
    const churn = async (): Promise<void> => {
      const before = shared.stats().movedRecords;
      for (let n = 0; n < 200 && shared.stats().movedRecords < before + 12; n++) {
        await busy.append(new Uint8Array(300));
        await busy.truncateBefore(busy.lastLsn);
      }
      expect(shared.stats().movedRecords).toBeGreaterThanOrEqual(before + 12);
    };
    for (const reverse of [false, true]) {
      const seen: string[] = [];
      for await (const { payload } of still.read({ reverse })) {
        seen.push(textOf(payload));
        if (seen.length === 2 || seen.length === 7) await churn();
      }
      expect(seen).toEqual(reverse ? [...expected].reverse() : expected);
    }
    const gets = expected.map((_, index) => still.get(index + 1));
    await churn();
    expect((await Promise.all(gets)).map((record) => textOf(record!.payload))).toEqual(expected);
    await shared.close();
  });

  it("lets a follower go when its stream is dropped", async () => {
    const shared = await open(new SimVfs());
    const a = await shared.stream("a");
    const seen: number[] = [];
    const following = (async () => {
      for await (const { lsn } of a.follow({ from: 1 })) seen.push(lsn);
    })();
    await a.append(bytesOf("a1"));
    while (seen.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await shared.drop("a");
    await following;
    expect(seen).toEqual([1]);
    await shared.close();
  });

  it("knows in the weaker modes what no crash can take", async () => {
    const shared = await open(new SimVfs(), { durability: "os" });
    const a = await shared.stream("a");
    const b = await shared.stream("b");
    expect(a.durableLsn).toBe(0);
    await a.append(bytesOf("a1"));
    await b.append(bytesOf("b1"));
    expect([a.lastLsn, a.durableLsn]).toEqual([1, 0]);
    expect(await b.sync()).toBe(1);
    expect(a.durableLsn).toBe(1);
    await a.append(bytesOf("a2"));
    await a.truncateAfter(1);
    expect([a.lastLsn, a.durableLsn]).toEqual([1, 1]);
    await shared.close();
  });

  it("keeps ten thousand streams, at a cost per append that does not know of them", { timeout: 60_000 }, async () => {
    const vfs = new SimVfs();
    let shared = await SharedLog.open("/shared", { vfs, checkpointBytes: 1 << 20 });
    const streams = await Promise.all(Array.from({ length: 10_000 }, (_, n) => shared.stream(`lane ${n}`)));
    await Promise.all(streams.map((stream, n) => stream.append(bytesOf(`first of ${n}`))));
    await Promise.all(streams.map((stream) => stream.truncateBefore(2)));
    await Promise.all(streams.map((stream, n) => stream.append(bytesOf(`second of ${n}`))));
    const { indexBytes, entries } = shared.stats();
    expect(entries).toBe(10_000);
    expect(indexBytes).toBeLessThan(10_000 * 40);
    await shared.close();
    shared = await SharedLog.open("/shared", { vfs });
    expect(shared.recovery.index).toBe("checkpoint");
    expect(shared.streams().length).toBe(10_000);
    for (const n of [0, 4999, 9999]) {
      const stream = await shared.stream(`lane ${n}`);
      expect([stream.firstLsn, stream.lastLsn]).toEqual([2, 2]);
      expect(await readTexts(stream)).toEqual([`second of ${n}`]);
    }
    await shared.close();
  });
});

function entry(stream: number, lsn: number): Uint8Array {
  const bytes = new Uint8Array(ENTRY_HEADER_BYTES);
  writeEntryHeader(bytes, stream, 0, lsn);
  return bytes;
}
