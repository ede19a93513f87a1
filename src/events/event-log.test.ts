import { describe, expect, it } from "vitest";
import { keepNothing, SimVfs } from "../vfs/index.js";
import { json } from "./codec.js";
import { EventLog } from "./event-log.js";
import { defineEvents, event } from "./event-type.js";
import { SMALL, codeOf, collect, errorOf, events, openLog, openSmall, plainJournal } from "./small-events.contract.js";

const ann = (cents: number): { account: string; cents: number } => ({ account: "ann", cents });

describe("an event log", () => {
  it("is empty when it is new, and can be replayed", async () => {
    await using log = await openSmall(new SimVfs({ seed: 1 }));
    expect([log.firstLsn, log.lastLsn, log.durableLsn]).toEqual([1, 0, 0]);
    expect(await collect(log.replay())).toEqual([]);
    expect(await log.get(1)).toBeUndefined();
    expect(await log.flush()).toBe(0);
    expect(log.checkpoints).toEqual([]);
  });

  it("gives back what was appended, typed by name, after a power cut", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs);
    expect(await log.append("deposited", ann(5))).toBe(1);
    expect(
      await log.appendAll([
        { type: "withdrawn", data: ann(2) },
        { type: "sealed", data: Uint8Array.of(1, 2) },
      ]),
    ).toEqual({ firstLsn: 2, lastLsn: 3 });
    const again = await openSmall(vfs.powerCut(keepNothing));
    expect(await collect(again.replay())).toEqual([
      { lsn: 1, type: "deposited", data: ann(5) },
      { lsn: 2, type: "withdrawn", data: ann(2) },
      { lsn: 3, type: "sealed", data: Uint8Array.of(1, 2) },
    ]);
    expect(await again.get(2)).toEqual({ lsn: 2, type: "withdrawn", data: ann(2) });
    expect(await again.append("deposited", ann(1))).toBe(4);
    await again.close();
  });

  it("works on a journal of somebody else's, and leaves it open", async () => {
    const journal = await openLog(new SimVfs({ seed: 1 }));
    for (const each of [journal, plainJournal(journal)]) {
      const log = await EventLog.on(each, { events });
      log.enqueue("deposited", ann(1));
      await log.append("withdrawn", ann(1));
      await log.checkpoint({ state: 1 });
      await log.close();
      expect(await codeOf(log.append("deposited", ann(1)))).toBe("HF_CLOSED");
    }
    const log = await EventLog.on(journal, { events });
    expect((await collect(log.replay({ types: ["withdrawn"] }))).map(({ lsn }) => lsn)).toEqual([2, 6]);
    await log.close();
    await journal.close();
  });

  it("passes over events of other types without decoding them", async () => {
    for (const plain of [false, true]) {
      const journal = await openLog(new SimVfs({ seed: 1 }));
      const log = await EventLog.on(plain ? plainJournal(journal) : journal, { events });
      for (let n = 1; n <= 20; n++) await log.append(n % 4 === 0 ? "withdrawn" : "deposited", ann(n));
      const withdrawn = await collect(log.replay({ types: ["withdrawn"] }));
      expect(withdrawn.map(({ lsn, data }) => [lsn, data.cents])).toEqual([4, 8, 12, 16, 20].map((n) => [n, n]));
      expect(log.stats()).toMatchObject({ decoded: 5, skipped: 15 });
      expect((await collect(log.replay({ from: 9, to: 12 }))).map(({ lsn }) => lsn)).toEqual([9, 10, 11, 12]);
      await journal.close();
    }
  });

  it("follows: what is there, then what comes, of the types that are asked for", async () => {
    await using log = await openSmall(new SimVfs({ seed: 1 }));
    await log.append("deposited", ann(1));
    const seen: number[] = [];
    const following = (async () => {
      for await (const { lsn, data } of log.follow({ from: 1, types: ["withdrawn"] })) {
        seen.push(data.cents);
        if (lsn === 4) return;
      }
    })();
    await log.append("withdrawn", ann(2));
    await log.append("deposited", ann(3));
    await log.append("withdrawn", ann(4));
    await following;
    expect(seen).toEqual([2, 4]);
  });

  it("refuses options that it does not know or that are out of range", async () => {
    const vfs = new SimVfs({ seed: 1 });
    expect(await codeOf(openSmall(vfs, { batchSize: 0 }))).toBe("HF_INVALID_ARGUMENT");
    expect(await codeOf(openSmall(vfs, { checkpointsMax: 0 }))).toBe("HF_INVALID_ARGUMENT");
    expect(await codeOf(EventLog.open("/x", { events, vfs } as never))).toBe("HF_UNKNOWN_OPTION");
    expect(await codeOf(EventLog.open("/x", {} as never))).toBe("HF_INVALID_ARGUMENT");
    expect(vfs.snapshotTree()).toEqual([]);
    // This one depends on the log.
    expect(await codeOf(openSmall(vfs, { partBytes: 100_000 }))).toBe("HF_INVALID_ARGUMENT");
    await using log = await openSmall(vfs);
    expect(await codeOf(log.append("nothing" as "deposited", ann(1)))).toBe("HF_INVALID_ARGUMENT");
    expect(await codeOf(log.append("toString" as "deposited", ann(1)))).toBe("HF_INVALID_ARGUMENT");
    expect(await codeOf(collect(log.replay({ types: ["nothing" as "sealed"] })))).toBe("HF_INVALID_ARGUMENT");
    expect(await codeOf(log.appendAll([]))).toBe("HF_INVALID_ARGUMENT");
    expect(await codeOf(log.get(-1))).toBe("HF_INVALID_ARGUMENT");
    expect(log.lastLsn).toBe(0);
  });

  it("refuses to open a log that something else wrote, and closes it again", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const other = await openLog(vfs);
    await other.append(new Uint8Array(10));
    await other.close();
    expect(await codeOf(openSmall(vfs))).toBe("HF_FORMAT_UNKNOWN");
    const newer = await openLog(vfs);
    await newer.append(Uint8Array.of(2, 1, 0), 1);
    await newer.close();
    expect(await codeOf(openSmall(vfs))).toBe("HF_FORMAT_NEWER");
  });
});

describe("the buffer", () => {
  it("holds what is enqueued until a flush, which is one batch and one write", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs, {}, { segmentBytes: 512 * 64 });
    const before = log.stats().log?.groups ?? 0;
    for (let n = 1; n <= 100; n++) {
      expect(log.enqueue("deposited", ann(n))).toBe(n);
      // However the caller dawdles.
      if (n % 10 === 0) await vfs.delay(1);
    }
    expect([log.lastLsn, log.durableLsn]).toEqual([100, 0]);
    expect(await log.get(100)).toEqual({ lsn: 100, type: "deposited", data: ann(100) });
    expect(await collect(log.replay())).toEqual([]);
    expect(await log.flush()).toBe(100);
    expect((log.stats().log?.groups ?? 0) - before).toBe(1);
    expect(log.stats()).toMatchObject({ flushes: 1, enqueued: 0, pending: 0, pendingBytes: 0, records: 100 });
    expect(await collect(log.replay())).toHaveLength(100);
    await log.close();
  });

  it("is written by itself after batchSize events, and before it passes what a batch may hold", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs, { batchSize: 4 });
    for (let n = 1; n <= 6; n++) log.enqueue("deposited", ann(n));
    expect(log.stats().enqueued).toBe(2);
    await vfs.delay(1);
    expect(log.durableLsn).toBe(4);
    for (let n = 7; n <= 9; n++) log.enqueue("sealed", new Uint8Array(1500));
    await log.flush();
    expect(log.durableLsn).toBe(9);
    await log.close();
  });

  it("is written by append, and by close", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs);
    log.enqueue("deposited", ann(1));
    expect(await log.append("deposited", ann(2))).toBe(2);
    expect(log.durableLsn).toBe(2);
    log.enqueue("deposited", ann(3));
    await log.close();
    const again = await openSmall(vfs.powerCut(keepNothing));
    expect(again.lastLsn).toBe(3);
    await again.close();
  });

  it("is lost in a crash before a flush, and its LSNs are given out again", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs);
    await log.append("deposited", ann(1));
    log.enqueue("deposited", ann(2));
    const again = await openSmall(vfs.kill());
    expect(again.lastLsn).toBe(1);
    expect(again.enqueue("withdrawn", ann(3))).toBe(2);
    await again.close();
  });

  it("has a bound", async () => {
    await using log = await openSmall(new SimVfs({ seed: 1 }), { bufferBytesMax: 1000 });
    log.enqueue("sealed", new Uint8Array(600));
    expect(await codeOf(() => log.enqueue("sealed", new Uint8Array(600)))).toBe("HF_BACKPRESSURE");
    expect(log.lastLsn).toBe(1);
    await log.flush();
    expect(log.enqueue("sealed", new Uint8Array(600))).toBe(2);
  });

  it("makes durable what it flushes in the weaker modes of durability too", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs, {}, { durability: "os" });
    log.enqueue("deposited", ann(1));
    expect(await log.flush()).toBe(1);
    const again = await openSmall(vfs.powerCut(keepNothing), {}, { durability: "os" });
    expect(again.lastLsn).toBe(1);
    await again.close();
  });
});

describe("an event that can't be appended", () => {
  it("uses no LSN, and leaves the log as it was", async () => {
    await using log = await openSmall(new SimVfs({ seed: 1 }));
    const bad = undefined as unknown as { account: string; cents: number };
    const cyclic: Record<string, unknown> = {};
    cyclic["self"] = cyclic;
    log.enqueue("deposited", ann(1));
    expect(await codeOf(log.append("deposited", bad))).toBe("HF_EVENT_UNENCODABLE");
    expect(await codeOf(log.append("deposited", cyclic as never))).toBe("HF_EVENT_UNENCODABLE");
    expect(await codeOf(() => log.enqueue("deposited", bad))).toBe("HF_EVENT_UNENCODABLE");
    expect(await codeOf(() => log.enqueue("sealed", "text" as never))).toBe("HF_EVENT_UNENCODABLE");
    expect(await codeOf(() => log.enqueue("sealed", new Uint8Array(5000)))).toBe("HF_RECORD_TOO_LARGE");
    expect(
      await codeOf(
        log.appendAll([
          { type: "deposited", data: ann(2) },
          { type: "deposited", data: bad },
        ]),
      ),
    ).toBe("HF_EVENT_UNENCODABLE");
    const large = { type: "sealed", data: new Uint8Array(2000) } as const;
    expect(await codeOf(log.appendAll([large, large]))).toBe("HF_BATCH_TOO_LARGE");
    expect(await codeOf(log.checkpoint({ state: 1n }))).toBe("HF_EVENT_UNENCODABLE");
    expect(log.lastLsn).toBe(1);
    expect(await log.append("deposited", ann(3))).toBe(2);
    expect((await collect(log.replay())).map(({ lsn }) => lsn)).toEqual([1, 2]);
  });
});

describe("versions", () => {
  const first = defineEvents({ paid: event({ id: 1, codec: json<{ euros: number }>() }) });
  const third = defineEvents({
    settled: event({
      id: 1,
      version: 3,
      codec: json<{ cents: number; currency: string }>(),
      upcast: {
        1: (old: { euros: number }) => ({ cents: old.euros * 100 }),
        2: (old: { cents: number }) => ({ ...old, currency: "EUR" }),
      },
    }),
  });

  it("are brought up one by one, under another name too", async () => {
    const journal = await openLog(new SimVfs({ seed: 1 }));
    const before = await EventLog.on(journal, { events: first });
    await before.append("paid", { euros: 3 });
    await before.close();
    const after = await EventLog.on(journal, { events: third });
    await after.append("settled", { cents: 7, currency: "CHF" });
    expect((await collect(after.replay())).map(({ data }) => data)).toEqual([
      { cents: 300, currency: "EUR" },
      { cents: 7, currency: "CHF" },
    ]);
    await after.close();
    const older = await EventLog.on(journal, { events: first });
    const error = await errorOf(collect(older.replay()));
    expect(error).toMatchObject({ code: "HF_FORMAT_NEWER", details: { lsn: 2, version: 3, versionMax: 1 } });
    const gap = defineEvents({ paid: event({ id: 1, version: 3, codec: json(), upcast: { 2: (old) => old } }) });
    const newest = await EventLog.on(journal, { events: gap });
    expect(await errorOf(collect(newest.replay()))).toMatchObject({
      code: "HF_EVENT_VERSION_UNKNOWN",
      details: { lsn: 1, version: 1, versionMin: 2, versionMax: 3 },
    });
    await journal.close();
  });

  it("of a definition are checked", () => {
    const codec = json();
    const same = (old: unknown): unknown => old;
    expect(() => event({ id: 1, codec, version: 3, upcast: { 1: same } })).toThrow(/upcast/);
    expect(() => event({ id: 1, codec, version: 2, upcast: { 2: same } })).toThrow(/upcast/);
    expect(() => event({ id: 1, codec, version: 2, upcast: { 1: same }, codecs: { 2: codec } })).toThrow(/codecs/);
    expect(() => event({ id: 0, codec })).toThrow(/id/);
    expect(() => event({ id: 240, codec })).toThrow(/id/);
    expect(() => event({ codec } as never)).toThrow(/id/);
    expect(() => event({ id: 1, codec: {} as never })).toThrow(/codec/);
    expect(() => defineEvents({ a: event({ id: 1, codec }), b: event({ id: 1, codec }) })).toThrow(/"a" both have/);
  });
});

describe("an event that can't be read", () => {
  it("is an error that names the LSN, and the type id or the type", async () => {
    const journal = await openLog(new SimVfs({ seed: 1 }));
    const all = await EventLog.on(journal, { events });
    await all.append("deposited", ann(1));
    await all.append("withdrawn", ann(2));
    await all.append("deposited", ann(3));
    await all.close();
    const some = defineEvents({
      deposited: event({
        id: 1,
        codec: json((value) => {
          if ((value as { cents: number }).cents === 3) throw new RangeError("three is too many");
          return value;
        }),
      }),
    });
    const log = await EventLog.on(journal, { events: some });
    expect(await errorOf(collect(log.replay()))).toMatchObject({
      code: "HF_EVENT_TYPE_UNKNOWN",
      details: { lsn: 2, id: 2 },
    });
    expect(await errorOf(log.get(2))).toMatchObject({ code: "HF_EVENT_TYPE_UNKNOWN" });
    const error = await errorOf(collect(log.replay({ types: ["deposited"] })));
    expect(error).toMatchObject({ code: "HF_EVENT_UNDECODABLE", details: { lsn: 3, what: 'The "deposited"' } });
    expect(error?.cause).toBeInstanceOf(RangeError);
    expect(await collect(log.replay({ types: ["deposited"], to: 2 }))).toHaveLength(1);
    await journal.close();
  });
});

describe("a handler", () => {
  it("that throws or rejects stops the replay, with the LSN in the error", async () => {
    await using log = await openSmall(new SimVfs({ seed: 1 }));
    for (let n = 1; n <= 5; n++) await log.append("deposited", ann(n));
    for (const fail of [
      () => {
        throw new Error("no");
      },
      () => Promise.reject(new Error("no")),
    ]) {
      const seen: number[] = [];
      const error = await errorOf(
        log.replayWith(({ lsn }) => {
          seen.push(lsn);
          return lsn === 3 ? fail() : undefined;
        }),
      );
      expect(error).toMatchObject({ code: "HF_HANDLER_FAILED", details: { lsn: 3, type: "deposited" } });
      expect(seen).toEqual([1, 2, 3]);
    }
    const error = await errorOf(
      log.hydrate({
        initial: 0,
        apply: (sum, { lsn, data }) => {
          if (lsn === 4 || data instanceof Uint8Array) throw new Error("no");
          return sum + data.cents;
        },
      }),
    );
    expect(error).toMatchObject({ code: "HF_HANDLER_FAILED", details: { lsn: 4 } });
  });

  it("may append, and does not see what it appends", async () => {
    await using log = await openSmall(new SimVfs({ seed: 1 }));
    for (let n = 1; n <= 5; n++) await log.append("deposited", ann(n));
    const count = await log.replayWith(
      async ({ data }) => {
        await log.append("withdrawn", data);
        await log.checkpoint();
      },
      { types: ["deposited"] },
    );
    expect(count).toBe(5);
    expect(await log.replayWith(() => undefined)).toBe(10);
    for await (const { type, data } of log.replay({ from: log.firstLsn })) {
      if (type === "withdrawn") await log.append("deposited", data);
    }
    expect(await log.replayWith(() => undefined, { types: ["deposited"] })).toBe(10);
  });

  it("whose next events its checkpoint prunes is told so, and does not end as if there were none", async () => {
    const journal = await openLog(new SimVfs({ seed: 1 }));
    const log = await EventLog.on(journal, { events, checkpointsMax: 1 });
    for (let n = 1; n <= 60; n++) await log.append("deposited", ann(n));
    const replaying = log.replayWith(async ({ lsn }) => {
      if (lsn === 1) await log.checkpoint({ state: 0 });
    });
    expect(await codeOf(replaying)).toBe("HF_LSN_OUT_OF_RANGE");
    await journal.close();
  });

  it("is stopped by a signal", async () => {
    await using log = await openSmall(new SimVfs({ seed: 1 }));
    for (let n = 1; n <= 5; n++) await log.append("deposited", ann(n));
    const controller = new AbortController();
    const reason = new Error("enough");
    const seen: number[] = [];
    await expect(
      log.replayWith(
        ({ lsn }) => {
          seen.push(lsn);
          if (lsn === 2) controller.abort(reason);
        },
        { signal: controller.signal },
      ),
    ).rejects.toBe(reason);
    expect(seen).toEqual([1, 2]);
  });
});

describe("a second writer", () => {
  it("is noticed before anything wrong is written, and poisons", async () => {
    const journal = await openLog(new SimVfs({ seed: 1 }));
    const log = await EventLog.on(journal, { events });
    const other = await EventLog.on(journal, { events });
    await log.append("deposited", ann(1));
    expect(await codeOf(other.append("deposited", ann(2)))).toBe("HF_SECOND_WRITER");
    expect(await codeOf(other.flush())).toBe("HF_SECOND_WRITER");
    expect(journal.lastLsn).toBe(1);
    await log.close();
    await journal.close();
  });
});

describe("the layout of a log", () => {
  it("does not depend on the order of the declaration", async () => {
    const journal = await openLog(new SimVfs({ seed: 1 }));
    const { deposited, withdrawn, sealed } = events.types;
    const log = await EventLog.on(journal, { events: defineEvents({ sealed, withdrawn, deposited }) });
    await log.append("withdrawn", ann(1));
    await log.close();
    const same = await EventLog.on(journal, { events });
    expect((await collect(same.replay()))[0]).toEqual({ lsn: 1, type: "withdrawn", data: ann(1) });
    expect((await journal.get(1))?.type).toBe(2);
    await journal.close();
    expect(SMALL.segmentBytes).toBe(4096);
  });
});
