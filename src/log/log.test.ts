import { describe, expect, it } from "vitest";
import { SeededRandom } from "../base/index.js";
import { SimVfs } from "../vfs/index.js";
import { Log } from "./log.js";
import {
  DIRECTORY,
  appendCount,
  bytesOf,
  errorOf,
  openSmall,
  readAll,
  readTexts,
  recordTexts,
  textOf,
} from "./small-log.contract.js";

describe("a new log", () => {
  it("is empty, starts at LSN 1, and says that it was made", async () => {
    await using log = await openSmall(new SimVfs({ seed: 1 }));
    expect(log.firstLsn).toBe(1);
    expect(log.lastLsn).toBe(0);
    expect(log.durableLsn).toBe(0);
    expect(log.nextLsn).toBe(1);
    expect(log.recovery).toMatchObject({
      created: true,
      clean: true,
      epoch: 1,
      firstLsn: 1,
      lastLsn: 0,
      keptRecords: 0,
      cutBytes: 0,
      removedFiles: 0,
    });
    expect(await readAll(log)).toEqual([]);
    expect(await readAll(log, { reverse: true })).toEqual([]);
    expect(await log.get(1)).toBeUndefined();
    expect(await log.get(0)).toBeUndefined();
  });

  it("is made with the directories above it, and found again", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await Log.open("/a/b/c", { vfs });
    await log.append(bytesOf("deep"));
    const after = vfs.powerCut();
    const again = await Log.open("/a/b/c", { vfs: after });
    expect(await readTexts(again)).toEqual(["deep"]);
    await again.close();
  });

  it("is still empty when opened again, and counts its openings", async () => {
    const vfs = new SimVfs({ seed: 1 });
    for (let opening = 1; opening <= 3; opening++) {
      const log = await openSmall(vfs);
      expect(log.recovery).toMatchObject({ created: opening === 1, clean: true, epoch: opening });
      expect([log.firstLsn, log.lastLsn]).toEqual([1, 0]);
      await log.close();
    }
  });
});

describe("append", () => {
  it("gives LSNs from 1 in the order of the calls, each durable when it resolves", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs);
    expect(await log.append(bytesOf("a"))).toBe(1);
    expect(await log.append(bytesOf("b"), 7)).toBe(2);
    expect(await log.append(new Uint8Array(0), 255)).toBe(3);
    expect([log.lastLsn, log.durableLsn, log.nextLsn]).toEqual([3, 3, 4]);
    const again = await openSmall(vfs.powerCut());
    expect(await readAll(again)).toEqual([
      { lsn: 1, type: 0, payload: bytesOf("a") },
      { lsn: 2, type: 7, payload: bytesOf("b") },
      { lsn: 3, type: 255, payload: new Uint8Array(0) },
    ]);
    await again.close();
  });

  it("takes payloads of every length, of any kind of Uint8Array, and keeps them byte for byte", async () => {
    const random = new SeededRandom(4);
    const log = await Log.open(DIRECTORY, { vfs: new SimVfs({ seed: 1 }), blockBytes: 512, segmentBytes: 64 * 1024 });
    const payloads = [0, 1, 2, 406, 407, 408, 458, 459, 460, 511, 512, 513, 4096, 30_000].map((length) =>
      random.bytes(length),
    );
    payloads.push(Buffer.from("a buffer"), new Uint8Array(new ArrayBuffer(64), 8, 16).fill(9));
    for (const payload of payloads) await log.append(payload);
    const read = await readAll(log);
    expect(read.map(({ payload }) => payload)).toEqual(payloads.map((payload) => new Uint8Array(payload)));
    for (const [index, payload] of payloads.entries()) {
      expect((await log.get(index + 1))?.payload).toEqual(new Uint8Array(payload));
    }
    await log.close();
  });

  it("refuses a payload that is no bytes and a type that is no byte, and takes the next record", async () => {
    await using log = await openSmall(new SimVfs({ seed: 1 }));
    const wrong: readonly [unknown, unknown][] = [
      ["text", 0],
      [[1, 2], 0],
      [new ArrayBuffer(2), 0],
      [undefined, 0],
      [null, 0],
      [bytesOf("a"), -1],
      [bytesOf("a"), 256],
      [bytesOf("a"), 1.5],
      [bytesOf("a"), Number.NaN],
      [bytesOf("a"), "1"],
    ];
    for (const [payload, type] of wrong) {
      expect(await errorOf(log.append(payload as Uint8Array, type as number))).toMatchObject({
        code: "HF_INVALID_ARGUMENT",
      });
      expect(await errorOf(() => log.enqueue(payload as Uint8Array, type as number))).toMatchObject({
        code: "HF_INVALID_ARGUMENT",
      });
    }
    expect(await log.append(bytesOf("right"))).toBe(1);
  });
});

describe("appendAll", () => {
  it("appends a batch under consecutive LSNs, payloads and typed records mixed", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs);
    await log.append(bytesOf("before"));
    expect(await log.appendAll([bytesOf("x"), { payload: bytesOf("y"), type: 3 }, { payload: bytesOf("z") }])).toEqual({
      firstLsn: 2,
      lastLsn: 4,
    });
    const again = await openSmall(vfs.powerCut());
    expect((await readAll(again)).map(({ type, payload }) => [type, textOf(payload)])).toEqual([
      [0, "before"],
      [0, "x"],
      [3, "y"],
      [0, "z"],
    ]);
    await again.close();
  });

  it("refuses an empty batch, no batch, and a batch with one wrong record as a whole", async () => {
    await using log = await openSmall(new SimVfs({ seed: 1 }));
    const wrong: readonly unknown[] = [
      [],
      undefined,
      "text",
      new Uint8Array(3),
      [bytesOf("a"), "b"],
      [bytesOf("a"), null],
      [{ payload: bytesOf("a"), type: 300 }],
      [{}],
    ];
    for (const records of wrong) {
      expect(await errorOf(log.appendAll(records as Uint8Array[]))).toMatchObject({ code: "HF_INVALID_ARGUMENT" });
    }
    expect([log.lastLsn, log.nextLsn]).toEqual([0, 1]);
  });
});

describe("enqueue and sync", () => {
  it("gives LSNs at once; sync makes them durable and says how far", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs);
    expect([log.enqueue(bytesOf("a")), log.enqueue(bytesOf("b"), 2)]).toEqual([1, 2]);
    expect(log.durableLsn).toBe(0);
    expect(await log.sync()).toBe(2);
    const again = await openSmall(vfs.powerCut());
    expect(await readTexts(again)).toEqual(["a", "b"]);
    await again.close();
  });

  it("a later append makes earlier enqueued records durable too", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs);
    log.enqueue(bytesOf("a"));
    expect(await log.append(bytesOf("b"))).toBe(2);
    const again = await openSmall(vfs.powerCut());
    expect(await readTexts(again)).toEqual(["a", "b"]);
    await again.close();
  });

  it("sync of an empty log, and of one with nothing new, resolves at once", async () => {
    await using log = await openSmall(new SimVfs({ seed: 1 }));
    expect(await log.sync()).toBe(0);
    await log.append(bytesOf("a"));
    expect(await log.sync()).toBe(1);
    expect(await log.sync()).toBe(1);
  });

  it("a sync called while a cut is under way resolves", async () => {
    // A sync that came between a cut's new end and its last file work once waited for LSNs that the cut had dropped, without letting go of the thread.
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs);
    await appendCount(log, 12);
    const syncs: Promise<number>[] = [];
    vfs.trace = () => {
      if (syncs.length < 200) syncs.push(log.sync());
    };
    await log.truncateAfter(2);
    vfs.trace = undefined;
    expect(syncs.length).toBeGreaterThan(5);
    for (const durableLsn of await Promise.all(syncs)) expect(durableLsn).toBeGreaterThanOrEqual(2);
    await log.close();
  });
});

describe("reading", () => {
  async function filled(): Promise<Log> {
    const log = await openSmall(new SimVfs({ seed: 1 }));
    await appendCount(log, 4);
    await log.appendAll(recordTexts(5, 9).map(bytesOf));
    await appendCount(log, 11);
    return log;
  }

  it("gives every range, forwards and backwards, across groups and segments", async () => {
    const log = await filled();
    for (let from = 1; from <= 20; from++) {
      for (const to of [from - 1, from, from + 1, from + 6, 20, 99]) {
        const expected = recordTexts(from, Math.min(to, 20));
        expect(await readTexts(log, { from, to }), `${from} to ${to}`).toEqual(expected);
        expect(await readTexts(log, { from, to, reverse: true }), `${from} to ${to} backwards`).toEqual(
          expected.reverse(),
        );
      }
    }
    await log.close();
  });

  it("gets each record, and nothing outside", async () => {
    const log = await filled();
    for (let lsn = 1; lsn <= 20; lsn++) expect(textOf((await log.get(lsn))!.payload)).toBe(`record ${lsn}`);
    expect(await log.get(0)).toBeUndefined();
    expect(await log.get(21)).toBeUndefined();
    for (const lsn of [-1, 1.5, Number.NaN, 2 ** 53, "1" as unknown as number]) {
      expect(await errorOf(log.get(lsn))).toMatchObject({ code: "HF_INVALID_ARGUMENT" });
    }
    await log.close();
  });

  it("gives batches, one for each group, forwards and backwards, with counts, types and payloads", async () => {
    const log = await filled();
    const batches: [number, number][] = [];
    for await (const batch of log.readBatches({ from: 3, to: 8 })) {
      batches.push([batch.firstLsn, batch.lastLsn]);
      expect([...batch].map(({ payload }) => textOf(payload))).toEqual(recordTexts(batch.firstLsn, batch.lastLsn));
      expect(batch.count).toBe(batch.lastLsn - batch.firstLsn + 1);
      for (let index = 0; index < batch.count; index++) {
        expect(textOf(batch.payload(index))).toBe(`record ${batch.firstLsn + index}`);
        expect(batch.type(index)).toBe(0);
        expect(batch.at(index).lsn).toBe(batch.firstLsn + index);
      }
    }
    expect(batches).toEqual([
      [3, 3],
      [4, 4],
      [5, 8],
    ]);
    const backwards: number[] = [];
    for await (const batch of log.readBatches({ from: 3, to: 8, reverse: true })) backwards.push(batch.firstLsn);
    expect(backwards).toEqual([5, 4, 3]);
    await log.close();
  });

  it("keeps the payloads that it gave while it reads on", async () => {
    const log = await filled();
    const kept: Uint8Array[] = [];
    for await (const { payload } of log.read()) kept.push(payload);
    expect(kept.map(textOf)).toEqual(recordTexts(1, 20));
    await log.close();
  });

  it("does not see what is appended after it began", async () => {
    const log = await filled();
    const seen: number[] = [];
    for await (const { lsn } of log.read({ from: 18 })) {
      seen.push(lsn);
      await log.append(bytesOf("late"));
    }
    expect(seen).toEqual([18, 19, 20]);
    await log.close();
  });

  it("ends with the signal's reason, and lets go of its file", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs);
    await appendCount(log, 9);
    const stop = new AbortController();
    const seen: number[] = [];
    const reason = new Error("enough");
    const reading = (async () => {
      for await (const { lsn } of log.read({ signal: stop.signal })) {
        seen.push(lsn);
        if (lsn === 3) stop.abort(reason);
      }
    })();
    await expect(reading).rejects.toBe(reason);
    expect(seen).toEqual([1, 2, 3]);
    await log.close();
    expect(vfs.openHandles()).toEqual([]);
  });

  it("can be left early and started often, and leaves no file open", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs);
    await appendCount(log, 40);
    for (let from = 1; from <= 40; from++) {
      for await (const { lsn } of log.read({ from, reverse: from % 2 === 0 })) if (lsn > 0) break;
    }
    await log.close();
    expect(vfs.openHandles()).toEqual([]);
  });

  it("keeps the order when the next step is asked for before the last came", async () => {
    const log = await filled();
    const records = log.read();
    const steps = await Promise.all(Array.from({ length: 25 }, () => records.next()));
    expect(steps.map(({ value }) => (value as { lsn: number } | undefined)?.lsn)).toEqual([
      ...Array.from({ length: 20 }, (_, index) => index + 1),
      ...Array<undefined>(5).fill(undefined),
    ]);
    await log.close();
  });

  it("gives nothing more after it was ended from outside", async () => {
    const log = await filled();
    const records = log.read({ from: 5 });
    expect((await records.next()).value).toMatchObject({ lsn: 5 });
    const [pending] = await Promise.all([records.next(), records.return?.()]);
    expect(pending.done === true || pending.value.lsn === 6).toBe(true);
    expect(await records.next()).toEqual({ done: true, value: undefined });
    await log.close();
  });
});

describe("opening again", () => {
  it.each([0, 1, 2, 3, 4, 5, 6, 7, 30])(
    "finds %i records after a clean close, a kill, and a power cut",
    async (count) => {
      for (const end of ["close", "kill", "power cut"] as const) {
        const vfs = new SimVfs({ seed: count + 1 });
        const log = await openSmall(vfs);
        await appendCount(log, count);
        if (end === "close") await log.close();
        const after = end === "close" ? vfs : end === "kill" ? vfs.kill() : vfs.powerCut();
        const again = await openSmall(after);
        expect(again.recovery).toMatchObject({
          created: false,
          clean: end === "close",
          epoch: 2,
          firstLsn: 1,
          lastLsn: count,
          cutBytes: 0,
        });
        expect(again.recovery.cut).toBeUndefined();
        expect(await readTexts(again)).toEqual(recordTexts(1, count));
        await appendCount(again, 2);
        await again.close();
        const third = await openSmall(after);
        expect(third.recovery.clean).toBe(true);
        expect(await readTexts(third)).toEqual(recordTexts(1, count + 2));
        await third.close();
        expect(after.openHandles()).toEqual([]);
      }
    },
  );
});

describe("stats", () => {
  it("count what was written since opening, and what is there now", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs);
    await log.append(bytesOf("12345"));
    await log.appendAll([bytesOf("1"), bytesOf("22")]);
    expect(log.stats()).toMatchObject({
      firstLsn: 1,
      lastLsn: 3,
      durableLsn: 3,
      epoch: 1,
      records: 3,
      groups: 2,
      payloadBytes: 8,
      writtenBytes: 1024,
      syncs: 2,
      segments: 1,
      spareSegments: 0,
      liveBytes: 1024,
      waiting: 0,
      segmentsRecycled: 0,
    });
    await appendCount(log, 5);
    expect(log.stats()).toMatchObject({ records: 8, groups: 7, segments: 3 });
    await log.close();
    const again = await openSmall(vfs);
    expect(again.stats()).toMatchObject({ records: 0, groups: 0, lastLsn: 8, segments: 3, epoch: 2 });
    await again.close();
  });
});
