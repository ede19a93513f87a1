import { describe, expect, it } from "vitest";
import type { Journal } from "../log/index.js";
import { SimVfs, keepNothing } from "../vfs/index.js";
import { encodeBaseline, encodeEntry } from "./format.js";
import { Chain, IndexedLog, type IndexedLogOptions } from "./index.js";
import {
  GatedVfs,
  after,
  collect,
  ends,
  errorOf,
  held,
  journalKinds,
  look,
  settle,
  textCodec,
} from "./lanes.contract.js";

const codec = textCodec;

describe.each(journalKinds)("an indexed log in %s", (_kind, openJournal) => {
  async function open(vfs: SimVfs, options: Partial<IndexedLogOptions<string>> = {}) {
    const { journal, close } = await openJournal(vfs);
    const log = await IndexedLog.open(journal, { codec, ...options });
    return {
      log,
      journal,
      async close() {
        await log.close();
        await close();
      },
    };
  }

  it("starts empty, at 0 or where it is told to", async () => {
    const { log } = await open(new SimVfs({ seed: 1 }));
    expect(await look(log)).toEqual(held(0, []));
    const other = await open(new SimVfs({ seed: 1 }), { firstIndex: 100 });
    expect(await look(other.log)).toEqual(held(100, []));
    expect(await other.log.append("a")).toBe(100);
  });

  it("gives entries consecutive indexes and reads them back", async () => {
    const { log } = await open(new SimVfs({ seed: 1 }), { firstIndex: 1 });
    expect(await log.append("a")).toBe(1);
    expect(await log.append("b", 2)).toBe(2);
    expect(await log.appendAll(["c", "d"], 3)).toEqual({ firstIndex: 3, nextIndex: 5 });
    expect(await log.appendAll([])).toEqual({ firstIndex: 5, nextIndex: 5 });
    expect(await look(log)).toEqual(held(1, ["a", "b", "c", "d"]));
    expect(await collect(log.read({ from: 2, to: 3 }))).toEqual([
      { index: 2, value: "b" },
      { index: 3, value: "c" },
    ]);
  });

  it.each(ends)("finds entries and indexes again after a %s", async (end) => {
    const vfs = new SimVfs({ seed: 1 });
    const first = await open(vfs, { firstIndex: 7 });
    for (const value of ["a", "b", "c"]) await first.log.append(value);
    if (end === "close") await first.close();
    // Where it started is stored: another default changes nothing.
    const { log } = await open(after(end, vfs), { firstIndex: 99 });
    expect(await look(log)).toEqual(held(7, ["a", "b", "c"]));
    expect(await log.append("d")).toBe(10);
  });

  it.each(ends)("keeps what a truncation keeps after a %s", async (end) => {
    const vfs = new SimVfs({ seed: 1 });
    const first = await open(vfs, { firstIndex: 1 });
    for (const value of ["a", "b", "c", "d", "e"]) await first.log.append(value);
    await first.log.truncateBefore(4);
    expect(await look(first.log)).toEqual(held(4, ["d", "e"]));
    if (end === "close") await first.close();
    const { log } = await open(after(end, vfs));
    expect(await look(log)).toEqual(held(4, ["d", "e"]));
    expect(await log.append("f")).toBe(6);
  });

  it.each(ends)("keeps only the last entry, also after a %s", async (end) => {
    const vfs = new SimVfs({ seed: 1 });
    const first = await open(vfs);
    await first.log.appendAll(["a", "b", "c"]);
    await first.log.truncateBefore(2);
    if (end === "close") await first.close();
    const { log } = await open(after(end, vfs));
    expect(await look(log)).toEqual(held(2, ["c"]));
  });

  it("shows the entry that it will keep to the caller, whose refusal leaves everything as it is", async () => {
    const { log } = await open(new SimVfs({ seed: 1 }));
    await log.appendAll(["a", "b", "c"]);
    const seen: unknown[] = [];
    const refusal = log.truncateBefore(1, (value, index) => {
      seen.push([index, value]);
      return false;
    });
    expect(await errorOf(refusal)).toMatchObject({ code: "HF_VETOED" });
    expect(seen).toEqual([[1, "b"]]);
    const own = new Error("not mine");
    await expect(
      log.truncateBefore(1, () => {
        throw own;
      }),
    ).rejects.toBe(own);
    expect(await look(log)).toEqual(held(0, ["a", "b", "c"]));
    await log.truncateBefore(1, (value) => value === "b");
    expect(await look(log)).toEqual(held(1, ["b", "c"]));
    expect(await errorOf(log.startAt(2, () => false))).toMatchObject({ code: "HF_VETOED" });
    expect(await look(log)).toEqual(held(1, ["b", "c"]));
    expect(await log.append("d")).toBe(3);
  });

  it.each(ends)("emptied, knows its next index, also after a %s without a write", async (end) => {
    const vfs = new SimVfs({ seed: 1 });
    const first = await open(vfs, { firstIndex: 1 });
    await first.log.appendAll(["a", "b", "c"]);
    await first.log.truncateAll();
    expect(await look(first.log)).toEqual(held(4, []));
    if (end === "close") await first.close();
    const { log } = await open(after(end, vfs), { firstIndex: 1 });
    expect(await look(log)).toEqual(held(4, []));
    expect(await log.append("d")).toBe(4);
    expect(await look(log)).toEqual(held(4, ["d"]));
  });

  it("reopened after everything was dropped and something written, holds that alone", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const first = await open(vfs, { firstIndex: 1 });
    await first.log.appendAll(["a", "b", "c"]);
    await first.log.truncateAll();
    await first.log.append("d");
    const { log } = await open(vfs.powerCut());
    expect(await look(log)).toEqual(held(4, ["d"]));
  });

  it("has nothing to drop when empty, written to or not", async () => {
    const { log } = await open(new SimVfs({ seed: 1 }));
    await log.truncateAll();
    expect(await log.append("a")).toBe(0);
    await log.truncateAll();
    await log.truncateAll();
    expect(await log.append("b")).toBe(1);
    expect(await look(log)).toEqual(held(1, ["b"]));
  });

  it("truncates again and again, with writes between", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const first = await open(vfs, { firstIndex: 1 });
    await first.log.appendAll(["a", "b", "c", "d"]);
    await first.log.truncateBefore(3);
    await first.log.append("e");
    await first.log.truncateBefore(5);
    await first.log.append("f");
    expect(await look(first.log)).toEqual(held(5, ["e", "f"]));
    const { log } = await open(vfs.powerCut());
    expect(await look(log)).toEqual(held(5, ["e", "f"]));
  });

  it("starts later on request: by a prune, by a jump, never backwards", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const first = await open(vfs);
    await first.log.startAt(0);
    await first.log.startAt(10);
    expect(await look(first.log)).toEqual(held(10, []));
    await first.log.startAt(15);
    await first.log.startAt(12);
    expect(await look(first.log)).toEqual(held(15, []));
    await first.log.appendAll(["a", "b", "c"]);
    await first.log.startAt(15);
    expect(await look(first.log)).toEqual(held(15, ["a", "b", "c"]));
    await first.log.startAt(17);
    expect(await look(first.log)).toEqual(held(17, ["c"]));
    await first.log.startAt(18);
    expect(await look(first.log)).toEqual(held(18, []));
    await first.log.append("d");
    await first.log.startAt(30);
    const { log } = await open(vfs.powerCut());
    expect(await look(log)).toEqual(held(30, []));
    expect(await errorOf(log.append("x", 18))).toMatchObject({ code: "HF_OUT_OF_SEQUENCE" });
    expect(await log.append("e", 30)).toBe(30);
  });

  it("refuses an index that is not the next one, and writes nothing", async () => {
    const { log } = await open(new SimVfs({ seed: 1 }));
    await log.append("a", 0);
    for (const index of [0, 2, 100]) {
      const error = await errorOf(log.append("x", index));
      expect(error).toMatchObject({ code: "HF_OUT_OF_SEQUENCE", details: { index, nextIndex: 1 } });
    }
    expect(await errorOf(log.appendAll(["x", "y"], 2))).toMatchObject({ code: "HF_OUT_OF_SEQUENCE" });
    expect(await look(log)).toEqual(held(0, ["a"]));
  });

  it("refuses to truncate at what it does not hold", async () => {
    const { log } = await open(new SimVfs({ seed: 1 }));
    await log.appendAll(["a", "b"]);
    await log.truncateBefore(1);
    for (const index of [0, 2, 9])
      expect(await errorOf(log.truncateBefore(index))).toMatchObject({ code: "HF_INDEX_OUT_OF_RANGE" });
    for (const index of [-1, 2])
      expect(await errorOf(log.truncateAfter(index))).toMatchObject({ code: "HF_INDEX_OUT_OF_RANGE" });
    expect(await errorOf(collect(log.read({ from: 0 })))).toMatchObject({ code: "HF_INDEX_OUT_OF_RANGE" });
    for (const index of [-1, 1.5, Number.NaN, undefined, "1"])
      expect(await errorOf(log.truncateBefore(index as number))).toMatchObject({ code: "HF_INVALID_ARGUMENT" });
    expect(await look(log)).toEqual(held(1, ["b"]));
  });

  it("drops the newest entries, down to none, and gives their indexes again", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const first = await open(vfs, { firstIndex: 5 });
    await first.log.appendAll(["a", "b", "c", "d"]);
    await first.log.truncateAfter(7);
    expect(await look(first.log)).toEqual(held(5, ["a", "b", "c"]));
    await first.log.truncateBefore(6);
    // The baseline is pruned now, and a new one is needed.
    await first.log.truncateAfter(5);
    expect(await look(first.log)).toEqual(held(6, []));
    await first.log.append("x");
    await first.log.truncateAfter(5);
    expect(await look(first.log)).toEqual(held(6, []));
    await first.log.appendAll(["y", "z"]);
    const { log } = await open(vfs.powerCut());
    expect(await look(log)).toEqual(held(6, ["y", "z"]));
  });

  it("serves calls that overlap in the order in which they were made", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const { log } = await open(vfs);
    const outcomes = await Promise.all([
      ...Array.from({ length: 50 }, (_, at) => log.append(`e${at}`)),
      log.truncateBefore(48),
      log.append("e50"),
      log.truncateAll(),
      log.append("e51"),
      log.startAt(100),
      log.append("e100"),
    ]);
    expect(outcomes.filter((outcome) => outcome !== undefined)).toEqual([...Array(52).keys(), 100]);
    expect(await look(log)).toEqual(held(100, ["e100"]));
  });

  it("lets each of the calls that overlap have its own outcome", async () => {
    const { log, journal } = await open(new SimVfs({ seed: 1 }));
    const outcomes = await Promise.allSettled([
      log.append("a"),
      log.append("b", 7),
      log.append("x".repeat(20_000)),
      log.append("c", 1),
      log.append("d"),
    ]);
    expect(outcomes.map((outcome) => (outcome.status === "fulfilled" ? outcome.value : outcome.reason.code))).toEqual([
      0,
      "HF_OUT_OF_SEQUENCE",
      "HF_RECORD_TOO_LARGE",
      1,
      2,
    ]);
    expect(await look(log)).toEqual(held(0, ["a", "c", "d"]));
    expect(journal.lastLsn).toBe(4);
  });

  it("follows: what is there, then what comes, across a truncation that drops what was seen", async () => {
    const { log } = await open(new SimVfs({ seed: 1 }));
    const seen: string[] = [];
    const following = (async () => {
      for await (const { index, value } of log.follow({ from: 0 })) seen.push(`${index} ${value}`);
    })();
    await log.appendAll(["a", "b"]);
    await log.append("c");
    await settle();
    await log.truncateAll();
    await log.append("d");
    await settle();
    await log.close();
    await following;
    expect(seen).toEqual(["0 a", "1 b", "2 c", "3 d"]);
  });

  it("tells a follower that a jump left out entries, and ends it by its signal", async () => {
    const { log } = await open(new SimVfs({ seed: 1 }));
    const following = collect(log.follow());
    await log.append("a");
    await settle();
    await log.startAt(10);
    expect(["HF_CUT", "HF_LSN_OUT_OF_RANGE"]).toContain((await errorOf(following)).code);
    const stop = new AbortController();
    const other = collect(log.follow({ signal: stop.signal }));
    stop.abort(new Error("enough"));
    await expect(other).rejects.toThrow("enough");
    expect(await errorOf(collect(log.follow({ from: 0 })))).toMatchObject({ code: "HF_INDEX_OUT_OF_RANGE" });
  });

  it("rejects every call after close, with what was asked before done", async () => {
    const { log } = await open(new SimVfs({ seed: 1 }));
    const before = log.append("a");
    const closing = log.close();
    expect(await before).toBe(0);
    await closing;
    await log.close();
    const calls: Promise<unknown>[] = [
      log.append("b"),
      log.appendAll(["b"]),
      log.get(0),
      log.readAll(),
      collect(log.follow()),
      log.truncateBefore(0),
      log.truncateAfter(0),
      log.truncateAll(),
      log.startAt(5),
    ];
    for (const call of calls) expect(await errorOf(call)).toMatchObject({ code: "HF_CLOSED" });
  });

  it("refuses what its codec can't encode before anything is written, and says what it can't decode", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const picky = {
      encode(text: string) {
        if (text === "bad") throw new Error("no");
        return text === "worse" ? (undefined as unknown as Uint8Array) : codec.encode(text);
      },
      decode(bytes: Uint8Array) {
        if (bytes.length === 3) throw new Error("not that");
        return codec.decode(bytes);
      },
    };
    const { log } = await open(vfs, { codec: picky });
    for (const text of ["bad", "worse"])
      expect(await errorOf(log.append(text))).toMatchObject({ code: "HF_VALUE_UNENCODABLE" });
    await log.appendAll(["four", "six", "seven"]);
    expect(await errorOf(log.readAll())).toMatchObject({ code: "HF_VALUE_UNDECODABLE" });
    expect(await errorOf(log.truncateBefore(1, () => true))).toMatchObject({ code: "HF_VALUE_UNDECODABLE" });
    expect(await log.get(2)).toBe("seven");
    // A value that its codec can't read is no damage: the log goes on.
    expect(await log.append("eight")).toBe(3);
  });

  it("finishes a jump whose prune a crash took, also with entries behind the baseline", async () => {
    for (const entries of [[], ["x"], ["x", "y", "z"]]) {
      for (const next of [3, 4, 50]) {
        const vfs = new SimVfs({ seed: 1 });
        const first = await open(vfs);
        await first.log.appendAll(["a", "b", "c"]);
        const records = [
          encodeBaseline(2, next),
          ...entries.map((text, at) => encodeEntry(2, next + at, codec.encode(text))),
        ];
        await first.journal.appendAll(records);
        await first.journal.sync();
        const { log, journal } = await open(vfs.powerCut());
        expect(journal.firstLsn).toBe(5);
        expect(await look(log)).toEqual(held(next, entries));
        expect(await log.append("more")).toBe(next + entries.length);
      }
    }
  });

  // A reader behind a cut took what was missing for damage, and the lane was in quarantine from then on.
  it.each(["truncateBefore", "truncateAfter"] as const)(
    "read while %s is under way, is never thought to be damaged",
    async (call) => {
      const { journal } = await openJournal(new SimVfs({ seed: 1 }));
      let release = (): void => undefined;
      const late = new Proxy(journal, {
        get(target, property) {
          const value: unknown = Reflect.get(target, property, target);
          if (typeof value !== "function") return value;
          if (property !== call) return value.bind(target);
          return async (lsn: number) => {
            await target[call](lsn);
            await new Promise<void>((resolve) => (release = resolve));
          };
        },
      });
      const log = await IndexedLog.open(late, { codec });
      for (let index = 0; index < 6; index++) await log.append("x".repeat(600));
      const before = [false, true].map((reverse) => log.read({ reverse }));
      for (const reading of before) await reading.next();
      const truncation = log[call](call === "truncateBefore" ? 4 : 1);
      await settle();
      const dropped = call === "truncateBefore" ? 1 : 4;
      expect(await log.get(dropped)).toBeUndefined();
      for (const reading of [...before, log.read(), log.read({ reverse: true })])
        expect(["HF_CUT", "HF_LSN_OUT_OF_RANGE"]).toContain((await errorOf(collect(reading))).code);
      expect(await log.get(call === "truncateBefore" ? 5 : 1)).toBe("x".repeat(600));
      release();
      await truncation;
      await log.append("more");
      expect((await log.readAll()).at(-1)).toBe("more");
    },
  );

  it("read on after a cut and a jump, tells of the cut, though another record stands there now", async () => {
    const { log } = await open(new SimVfs({ seed: 1 }));
    for (let index = 0; index < 6; index++) await log.append("x".repeat(600));
    const reading = log.read();
    await reading.next();
    await log.truncateAfter(1);
    await log.startAt(10);
    for (let index = 10; index < 16; index++) await log.append("y".repeat(600));
    expect(["HF_CUT", "HF_LSN_OUT_OF_RANGE"]).toContain((await errorOf(collect(reading))).code);
    await log.append("more");
  });

  // A follower of a journal that acknowledges early saw entries that a power cut then took back.
  it("shows a follower nothing before the disk has it", async () => {
    const gated = new GatedVfs(new SimVfs({ seed: 1 }), "/log", "syncData");
    const { journal } = await openJournal(gated.vfs);
    const log = await IndexedLog.open(journal, { codec });
    await log.append("a");
    const seen: string[] = [];
    const following = (async () => {
      for await (const { index, value } of log.follow({ from: 0 })) {
        expect(journal.durableLsn).toBeGreaterThan(index + 1);
        seen.push(value);
      }
    })();
    gated.shut();
    const appended = log.append("b");
    await settle();
    gated.open();
    await appended;
    await settle();
    await log.close();
    await following;
    expect(seen).toEqual(["a", "b"]);
  });

  // Opened over a journal that had more than its disk, it counted as durable what a power cut then took.
  it("makes durable what it finds, before it says so", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const { journal } = await openJournal(vfs);
    await journal.appendAll([encodeBaseline(1, 0), encodeEntry(1, 0, codec.encode("a"))]);
    expect((await IndexedLog.open(journal, { codec })).nextIndex).toBe(1);
    const { log } = await open(vfs.powerCut(keepNothing));
    expect(await look(log)).toEqual(held(0, ["a"]));
  });

  describe("damage", () => {
    async function withRecords(records: Parameters<Journal["appendAll"]>[0]): Promise<SimVfs> {
      const vfs = new SimVfs({ seed: 1 });
      const { journal, close } = await openJournal(vfs);
      await journal.appendAll(records);
      await close();
      return vfs;
    }
    const entry = (index: number, generation = 1): ReturnType<typeof encodeEntry> =>
      encodeEntry(generation, index, codec.encode(`e${index}`));

    it("that is a gap is an error at opening", async () => {
      const vfs = await withRecords([encodeBaseline(1, 0), entry(0), entry(2)]);
      expect(await errorOf(open(vfs))).toMatchObject({ code: "HF_CORRUPTION" });
    });

    it("that is a gap or a repetition which evens out is an error when it is read, and from then on for writes", async () => {
      for (const middle of [
        [entry(0), entry(2), entry(2)],
        [entry(0), entry(0), entry(2)],
        [entry(0), encodeBaseline(1, 1), entry(2)],
      ]) {
        const vfs = await withRecords([encodeBaseline(1, 0), ...middle]);
        const { log } = await open(vfs);
        expect(await errorOf(log.readAll())).toMatchObject({ code: "HF_CORRUPTION" });
        expect(await errorOf(log.append("x"))).toMatchObject({ code: "HF_POISONED" });
        expect(await errorOf(log.truncateAll())).toMatchObject({ code: "HF_POISONED" });
      }
    });

    it("that makes the entry to keep another one is an error, and nothing is dropped", async () => {
      const vfs = await withRecords([encodeBaseline(1, 0), entry(0), entry(7), entry(2)]);
      const { log, journal } = await open(vfs);
      expect(await errorOf(log.truncateBefore(1))).toMatchObject({ code: "HF_CORRUPTION" });
      expect(journal.firstLsn).toBe(1);
    });

    it("that took the baseline is an error, not a lane that starts anew", async () => {
      const vfs = new SimVfs({ seed: 1 });
      const first = await open(vfs);
      await first.log.appendAll(["a", "b"]);
      await first.journal.truncateAll();
      await first.close();
      expect(await errorOf(open(vfs))).toMatchObject({ code: "HF_CORRUPTION" });
    });

    it("that makes generations disagree is an error", async () => {
      const records = [
        [encodeBaseline(2, 0), entry(0, 2), entry(1, 1)],
        [encodeBaseline(1, 0), entry(0, 1), entry(1, 2)],
        [encodeBaseline(1, 0), entry(0, 3)],
      ];
      for (const some of records)
        expect(await errorOf(open(await withRecords(some)))).toMatchObject({ code: "HF_CORRUPTION" });
    });

    it("that is no record of a lane is told by name", async () => {
      const other = await withRecords([{ type: 9, payload: codec.encode("an event") }]);
      expect(await errorOf(open(other))).toMatchObject({ code: "HF_FORMAT_UNKNOWN" });
      const short = await withRecords([{ type: 1, payload: new Uint8Array(15) }]);
      expect(await errorOf(open(short))).toMatchObject({ code: "HF_CORRUPTION" });
      const huge = await withRecords([{ type: 1, payload: new Uint8Array(16).fill(255) }]);
      expect(await errorOf(open(huge))).toMatchObject({ code: "HF_CORRUPTION" });
    });

    it("that shortens what the journal shows is an error, never a shorter answer", async () => {
      const { journal } = await openJournal(new SimVfs({ seed: 1 }));
      let shown = Number.MAX_SAFE_INTEGER;
      const short = new Proxy(journal, {
        get(target, property) {
          if (property === "read")
            return (options: { to: number }) => target.read({ ...options, to: Math.min(options.to, shown) });
          if (property === "get") return (lsn: number) => (lsn > shown ? undefined : target.get(lsn));
          const value: unknown = Reflect.get(target, property, target);
          return typeof value === "function" ? value.bind(target) : value;
        },
      });
      const log = await IndexedLog.open(short, { codec });
      await log.appendAll(["a", "b", "c"]);
      expect(await log.readAll()).toEqual(["a", "b", "c"]);
      shown = 3;
      expect(await errorOf(log.readAll())).toMatchObject({ code: "HF_CORRUPTION", details: { lsn: 4 } });
      expect(await errorOf(Promise.resolve(log.get(2)))).toMatchObject({ code: "HF_CORRUPTION" });
      expect(await errorOf(log.append("d"))).toMatchObject({ code: "HF_POISONED" });
    });
  });

  it("notices that something else writes to its journal, and takes nothing more", async () => {
    const { log, journal } = await open(new SimVfs({ seed: 1 }));
    await log.append("a");
    await journal.append(codec.encode("not an entry"), 7);
    expect(await errorOf(log.append("b"))).toMatchObject({ code: "HF_SECOND_WRITER" });
    expect(await errorOf(log.append("c"))).toMatchObject({ code: "HF_POISONED" });
  });

  // A path said "journal.get is not a function".
  it("refuses what is no journal", async () => {
    const path = "./log" as unknown as Journal;
    expect(await errorOf(IndexedLog.open(path, { codec }))).toMatchObject({ code: "HF_INVALID_ARGUMENT" });
    expect(await errorOf(Chain.open(path, { codec }))).toMatchObject({ code: "HF_INVALID_ARGUMENT" });
  });

  it("refuses options that are unknown or out of range", async () => {
    const { journal } = await openJournal(new SimVfs({ seed: 1 }));
    const wrong: unknown[] = [{}, { codec: {} }, { codec, firstIndex: -1 }, { codec, firstIndex: 0.5 }];
    for (const options of wrong)
      expect(await errorOf(IndexedLog.open(journal, options as IndexedLogOptions<string>))).toMatchObject({
        code: "HF_INVALID_ARGUMENT",
      });
    const unknown = { codec, size: 1 } as IndexedLogOptions<string>;
    expect(await errorOf(IndexedLog.open(journal, unknown))).toMatchObject({ code: "HF_UNKNOWN_OPTION" });
  });
});
