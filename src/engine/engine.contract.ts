/** What every engine does. Runs on each of them. */
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Engine, EngineDatabase, EngineRange, EngineReads, EngineRow } from "./index.js";

/** An engine and a place for its databases. */
export interface EngineSubject {
  readonly engine: Engine;
  /** A path in a fresh, empty directory. */
  readonly path: (name: string) => string;
  readonly syncParent: () => Promise<void>;
  readonly dispose: () => Promise<void>;
}

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
const text = (row: Uint8Array): string => String.fromCharCode(...row);

/** A value as a plain array: an engine may give Buffers. */
async function got(reads: EngineReads, key: Uint8Array): Promise<Uint8Array | undefined> {
  const value = await reads.get(key);
  return value === undefined ? undefined : Uint8Array.from(value);
}

async function gotMany(reads: EngineReads, keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
  return (await reads.getMany(keys)).map((value) => (value === undefined ? undefined : Uint8Array.from(value)));
}

/** All rows of a range, keys and values as text. */
export async function rowsOf(reads: EngineReads, range?: EngineRange): Promise<[string, string][]> {
  const rows: [string, string][] = [];
  for await (const chunk of reads.iterate(range)) {
    expect(chunk.length).toBeGreaterThan(0);
    for (const [key, value] of chunk) rows.push([text(key), text(value)]);
  }
  return rows;
}

/** Runs the suite. */
export function engineContract(name: string, make: () => Promise<EngineSubject>, runs = 60): void {
  describe(`${name}: the engine contract`, () => {
    let subject: EngineSubject;
    let engine: Engine;
    let directory: string;
    const open = new Set<EngineDatabase>();

    beforeEach(async () => {
      subject = await make();
      engine = subject.engine;
      directory = subject.path("database");
    });

    afterEach(async () => {
      for (const database of open) await database.close();
      open.clear();
      await subject.dispose();
    });

    function kept<Database extends EngineDatabase | undefined>(database: Database): Database {
      if (database !== undefined) open.add(database);
      return database;
    }

    async function create(rows: Readonly<Record<string, string>> = {}, at = directory): Promise<EngineDatabase> {
      const database = kept(await engine.create(at));
      await put(database, rows);
      return database;
    }

    async function reopen(at = directory): Promise<EngineDatabase> {
      const database = kept(await engine.open(at));
      if (database === undefined) throw new Error(`there is no database in ${at}`);
      return database;
    }

    async function put(
      database: EngineDatabase,
      rows: Readonly<Record<string, string | undefined>>,
      sync = false,
    ): Promise<void> {
      const batch = database.batch();
      for (const [key, value] of Object.entries(rows)) {
        if (value === undefined) batch.delete(bytes(key));
        else batch.put(bytes(key), bytes(value));
      }
      await batch.write({ sync });
    }

    describe("reading", () => {
      it("gets what was put, and undefined for what was not", async () => {
        const database = await create({ a: "1", b: "2" });
        expect(await got(database, bytes("a"))).toEqual(bytes("1"));
        expect(await got(database, bytes("c"))).toBeUndefined();
        expect(await gotMany(database, [bytes("b"), bytes("x"), bytes("a"), bytes("b")])).toEqual([
          bytes("2"),
          undefined,
          bytes("1"),
          bytes("2"),
        ]);
        expect(await gotMany(database, [])).toEqual([]);
      });

      it("gives bytes that are the caller's, and keeps copies of what it takes", async () => {
        const database = await create();
        const key = Uint8Array.of(1, 2);
        const value = Uint8Array.of(3, 4);
        const batch = database.batch();
        batch.put(key, value);
        key.fill(9);
        value.fill(9);
        await batch.write();
        const found = await database.get(Uint8Array.of(1, 2));
        expect(Uint8Array.from(found ?? [])).toEqual(Uint8Array.of(3, 4));
        found?.fill(7);
        expect(await got(database, Uint8Array.of(1, 2))).toEqual(Uint8Array.of(3, 4));
        for await (const chunk of database.iterate()) for (const [, found] of chunk) found.fill(8);
        expect(await got(database, Uint8Array.of(1, 2))).toEqual(Uint8Array.of(3, 4));
      });

      it("takes subarrays and Buffers for what they show", async () => {
        const database = await create();
        const whole = Buffer.from("xxkeyvalueyy");
        const batch = database.batch();
        batch.put(whole.subarray(2, 5), whole.subarray(5, 10));
        await batch.write();
        expect(await rowsOf(database)).toEqual([["key", "value"]]);
        expect(await got(database, whole.subarray(2, 5))).toEqual(bytes("value"));
      });

      it("keeps empty keys, empty values, and absence apart", async () => {
        const database = await create({ "": "empty key", a: "" });
        expect(await got(database, bytes(""))).toEqual(bytes("empty key"));
        expect(await got(database, bytes("a"))).toEqual(new Uint8Array(0));
        expect(await gotMany(database, [bytes("a"), bytes(""), bytes("b")])).toEqual([
          new Uint8Array(0),
          bytes("empty key"),
          undefined,
        ]);
        expect(await rowsOf(database)).toEqual([
          ["", "empty key"],
          ["a", ""],
        ]);
      });

      it("keeps large values and long keys", async () => {
        const database = await create();
        const value = new Uint8Array(3_000_000).map((_, at) => at * 31);
        const key = new Uint8Array(70_000).fill(0xff);
        const batch = database.batch();
        batch.put(key, value);
        await batch.write({ sync: true });
        await database.close();
        const again = await reopen();
        expect(Buffer.compare((await got(again, key)) as Uint8Array, value)).toBe(0);
      });
    });

    describe("iterating", () => {
      const keys = ["", "\0", "\0\0", "\0ÿ", "a", "a\0", "a\0\0", "aÿ", "aÿÿ", "b", "ba", "ÿ", "ÿ\0", "ÿÿ", "ÿÿÿ"];
      let database: EngineDatabase;

      beforeEach(async () => {
        database = await create(Object.fromEntries(keys.map((key) => [key, `value of ${key}`])));
      });

      const found = async (range?: EngineRange): Promise<string[]> =>
        (await rowsOf(database, range)).map(([key]) => key);

      it("goes through all keys in the order of their bytes, both ways", async () => {
        expect(await found()).toEqual(keys);
        expect(await found({ reverse: true })).toEqual([...keys].reverse());
      });

      it("finds each range, both ways, with each kind of bound", async () => {
        const bounds = [...keys, "\0a", "aa", "zz", "ÿa", "ÿÿÿÿ"];
        for (const low of bounds) {
          expect(await found({ gte: bytes(low) })).toEqual(keys.filter((key) => key >= low));
          expect(await found({ gt: bytes(low), reverse: true })).toEqual(keys.filter((key) => key > low).reverse());
          expect(await found({ lt: bytes(low) })).toEqual(keys.filter((key) => key < low));
          expect(await found({ lte: bytes(low), reverse: true })).toEqual(keys.filter((key) => key <= low).reverse());
          for (const high of bounds)
            expect(await found({ gt: bytes(low), lte: bytes(high) })).toEqual(
              keys.filter((key) => key > low && key <= high),
            );
        }
      });

      it("stops at its limit", async () => {
        expect(await found({ limit: 0 })).toEqual([]);
        expect(await found({ limit: 3 })).toEqual(keys.slice(0, 3));
        expect(await found({ limit: 2, reverse: true, lt: bytes("b") })).toEqual(["aÿÿ", "aÿ"]);
        expect(await found({ limit: 1000 })).toEqual(keys);
      });

      it("refuses options that contradict, or that it does not know", async () => {
        const attempt = (range: object) => async () => await rowsOf(database, range);
        await expect(attempt({ gt: bytes("a"), gte: bytes("a") })).rejects.toMatchObject({
          code: "HF_INVALID_ARGUMENT",
        });
        await expect(attempt({ lt: bytes("a"), lte: bytes("a") })).rejects.toMatchObject({
          code: "HF_INVALID_ARGUMENT",
        });
        await expect(attempt({ limit: -1 })).rejects.toMatchObject({ code: "HF_INVALID_ARGUMENT" });
        await expect(attempt({ gt: "a" })).rejects.toMatchObject({ code: "HF_INVALID_ARGUMENT" });
        await expect(attempt({ prefix: bytes("a") })).rejects.toMatchObject({ code: "HF_UNKNOWN_OPTION" });
      });

      it("does not see what is written after the call, even before its first step", async () => {
        const rows = database.iterate();
        await put(database, { a: undefined, c: "new" });
        const seen: string[] = [];
        for await (const chunk of rows) for (const [key] of chunk) seen.push(text(key));
        expect(seen).toEqual(keys);
        expect(await found({ gte: bytes("a"), lt: bytes("d"), limit: 100 })).toEqual([
          "a\0",
          "a\0\0",
          "aÿ",
          "aÿÿ",
          "b",
          "ba",
          "c",
        ]);
      });

      it("gives chunks of bounded size, and may be left early", async () => {
        const batch = database.batch();
        for (let at = 0; at < 300; at++) batch.put(bytes(`row ${String(at).padStart(3, "0")}`), new Uint8Array(10_000));
        await batch.write();
        let chunks = 0;
        let rows = 0;
        for await (const chunk of database.iterate({ gte: bytes("row"), lt: bytes("s") })) {
          chunks++;
          rows += chunk.length;
          expect(chunk.reduce((sum: number, [, value]: EngineRow) => sum + value.length, 0)).toBeLessThan(1_000_000);
        }
        expect(rows).toBe(300);
        expect(chunks).toBeGreaterThan(3);
        for await (const chunk of database.iterate()) {
          expect(chunk.length).toBeGreaterThan(0);
          break;
        }
        await database.close();
      });
    });

    describe("batches", () => {
      it("are seen once written, all of it, and the last change of a key counts", async () => {
        const database = await create({ a: "1" });
        const batch = database.batch();
        expect(batch.size).toBe(0);
        batch.put(bytes("b"), bytes("2"));
        batch.delete(bytes("a"));
        batch.put(bytes("c"), bytes("3"));
        batch.put(bytes("c"), bytes("4"));
        batch.delete(bytes("d"));
        batch.put(bytes("e"), bytes("5"));
        batch.delete(bytes("e"));
        batch.delete(bytes("f"));
        batch.put(bytes("f"), bytes("6"));
        expect(batch.size).toBe(9);
        expect(await rowsOf(database)).toEqual([["a", "1"]]);
        await batch.write();
        expect(await rowsOf(database)).toEqual([
          ["b", "2"],
          ["c", "4"],
          ["f", "6"],
        ]);
      });

      it("without changes write nothing, and may sync all the same", async () => {
        const database = await create({ a: "1" });
        await database.batch().write();
        await database.batch().write({ sync: true });
        expect(await rowsOf(database)).toEqual([["a", "1"]]);
      });

      it("are written once", async () => {
        const database = await create();
        const batch = database.batch();
        batch.put(bytes("a"), bytes("1"));
        await batch.write();
        expect(() => batch.put(bytes("b"), bytes("2"))).toThrow(expect.objectContaining({ code: "HF_CLOSED" }));
        expect(() => batch.delete(bytes("a"))).toThrow(expect.objectContaining({ code: "HF_CLOSED" }));
        await expect(batch.write()).rejects.toMatchObject({ code: "HF_CLOSED" });
        expect(await rowsOf(database)).toEqual([["a", "1"]]);
      });

      it("refuse what is not bytes, and options they do not know", async () => {
        const database = await create();
        const batch = database.batch();
        const wrong = "a" as unknown as Uint8Array;
        for (const act of [
          () => batch.put(wrong, bytes("1")),
          () => batch.put(bytes("a"), wrong),
          () => batch.delete(wrong),
        ])
          expect(act).toThrow(expect.objectContaining({ code: "HF_INVALID_ARGUMENT" }));
        await expect(database.get(wrong)).rejects.toMatchObject({ code: "HF_INVALID_ARGUMENT" });
        await expect(database.getMany([wrong])).rejects.toMatchObject({ code: "HF_INVALID_ARGUMENT" });
        await expect(batch.write({ syncs: true } as object)).rejects.toMatchObject({ code: "HF_UNKNOWN_OPTION" });
        expect(batch.size).toBe(0);
      });

      it("written at the same time all arrive, and a sync among them covers those before it", async () => {
        const database = await create();
        const writes: Promise<void>[] = [];
        for (let at = 0; at < 20; at++) {
          writes.push(put(database, { [`key ${at}`]: `${at}`, last: `${at}` }, at % 7 === 3));
          if (at === 10) writes.push(database.sync());
        }
        await Promise.all(writes);
        expect(await rowsOf(database)).toHaveLength(21);
        expect(await got(database, bytes("last"))).toEqual(bytes("19"));
      });
    });

    describe("views", () => {
      it("keep showing their moment", async () => {
        const database = await create({ a: "1", b: "2" });
        const view = database.view();
        await put(database, { a: "9", b: undefined, c: "3" });
        await database.sync();
        expect(await rowsOf(view)).toEqual([
          ["a", "1"],
          ["b", "2"],
        ]);
        expect(await got(view, bytes("a"))).toEqual(bytes("1"));
        expect(await gotMany(view, [bytes("b"), bytes("c")])).toEqual([bytes("2"), undefined]);
        expect(await rowsOf(database)).toEqual([
          ["a", "9"],
          ["c", "3"],
        ]);
        await view.release();
        await view.release();
        await expect(view.get(bytes("a"))).rejects.toMatchObject({ code: "HF_CLOSED" });
        await expect(view.getMany([bytes("a")])).rejects.toMatchObject({ code: "HF_CLOSED" });
        await expect(rowsOf(view)).rejects.toMatchObject({ code: "HF_CLOSED" });
      });

      it("end with their database, released or not", async () => {
        const database = await create({ a: "1" });
        const view = database.view();
        await database.close();
        await expect(view.get(bytes("a"))).rejects.toMatchObject({ code: "HF_CLOSED" });
        await view.release();
      });
    });

    describe("opening and closing", () => {
      it("finds nothing where nothing is, and makes nothing", async () => {
        expect(await engine.open(directory)).toBeUndefined();
        expect(await engine.open(subject.path("missing/database"))).toBeUndefined();
        await create();
        expect(await engine.open(subject.path("other"))).toBeUndefined();
      });

      it("finds everything again, synced or not, after a close", async () => {
        const database = await create({ a: "1" });
        await put(database, { b: "2" }, true);
        await put(database, { a: undefined, c: "3" });
        await database.close();
        let again = await reopen();
        const rows = [
          ["b", "2"],
          ["c", "3"],
        ];
        expect(await rowsOf(again)).toEqual(rows);
        await again.close();
        again = await reopen();
        expect(await rowsOf(again)).toEqual(rows);
        await put(again, { d: "4" });
        await again.sync();
        await again.close();
        expect(await rowsOf(await reopen())).toEqual([...rows, ["d", "4"]]);
      });

      it("makes none over anything that is there", async () => {
        const database = await create({ a: "1" });
        await expect(engine.create(directory)).rejects.toMatchObject({ code: "HF_EXISTS" });
        await put(database, { b: "2" });
        await database.close();
        await expect(engine.create(directory)).rejects.toMatchObject({ code: "HF_EXISTS" });
        expect(await rowsOf(await reopen())).toHaveLength(2);
      });

      it("makes none where the parent is missing", async () => {
        await expect(engine.create(subject.path("missing/database"))).rejects.toMatchObject({
          code: "HF_IO",
          details: { errno: "ENOENT" },
        });
        expect(await engine.open(subject.path("missing/database"))).toBeUndefined();
      });

      it("lets nobody in twice", async () => {
        const database = await create({ a: "1" });
        await expect(engine.open(directory)).rejects.toMatchObject({ code: "HF_LOCKED" });
        await expect(engine.remove(directory)).rejects.toMatchObject({ code: "HF_LOCKED" });
        expect(await rowsOf(database)).toEqual([["a", "1"]]);
        await database.close();
        await (await reopen()).close();
      });

      it("refuses everything once closed, closes twice, and waits for writes", async () => {
        const database = await create({ a: "1" });
        const batch = database.batch();
        batch.put(bytes("b"), bytes("2"));
        const rows = database.iterate();
        const writing = put(database, { c: "3" });
        const closing = database.close();
        await writing;
        await closing;
        await database.close();
        const closed = { code: "HF_CLOSED" };
        await expect(database.get(bytes("a"))).rejects.toMatchObject(closed);
        await expect(database.getMany([bytes("a")])).rejects.toMatchObject(closed);
        await expect(rowsOf(database)).rejects.toMatchObject(closed);
        await expect(rows.next()).rejects.toMatchObject(closed);
        await expect(batch.write()).rejects.toMatchObject(closed);
        await expect(database.sync()).rejects.toMatchObject(closed);
        await expect(database.checkpoint(subject.path("copy"))).rejects.toMatchObject(closed);
        await expect(database.stats()).rejects.toMatchObject(closed);
        expect(() => database.batch()).toThrow(expect.objectContaining(closed));
        expect(() => database.view()).toThrow(expect.objectContaining(closed));
        expect(await rowsOf(await reopen())).toEqual([
          ["a", "1"],
          ["c", "3"],
        ]);
      });

      it("tells what it takes on disk", async () => {
        const database = await create();
        const before = (await database.stats()).diskBytes;
        const batch = database.batch();
        batch.put(
          bytes("a"),
          new Uint8Array(100_000).map((_, at) => (at * at * 7919) >>> 5),
        );
        await batch.write({ sync: true });
        expect((await database.stats()).diskBytes).toBeGreaterThan(before + 50_000);
      });
    });

    describe("removing", () => {
      it("takes the directory away, and may be repeated", async () => {
        const database = await create({ a: "1" });
        await database.sync();
        await database.close();
        await engine.remove(directory);
        await subject.syncParent();
        expect(await engine.open(directory)).toBeUndefined();
        await engine.remove(directory);
        const again = await create({ b: "2" });
        expect(await rowsOf(again)).toEqual([["b", "2"]]);
      });
    });

    describe("checkpoints", () => {
      for (const links of [true, false]) {
        it(`hold what is there at the call, and nothing done later, ${links ? "with links" : "copied"}`, async () => {
          const copy = subject.path("copy");
          const database = await create({ a: "1", b: "2" });
          await database.sync();
          await put(database, { b: undefined, c: "3" });
          await database.checkpoint(copy, { links });
          await put(database, { a: "9", d: "4" });
          await database.sync();
          const other = await reopen(copy);
          expect(await rowsOf(other)).toEqual([
            ["a", "1"],
            ["c", "3"],
          ]);
          await put(other, { a: undefined, e: "5" });
          await other.sync();
          await other.close();
          const rows = [
            ["a", "9"],
            ["c", "3"],
            ["d", "4"],
          ];
          expect(await rowsOf(database)).toEqual(rows);
          await database.close();
          const again = await reopen();
          expect(await rowsOf(again)).toEqual(rows);
          expect(await rowsOf(await reopen(copy))).toEqual([
            ["c", "3"],
            ["e", "5"],
          ]);
          await again.close();
          await engine.remove(directory);
        });
      }

      it("outlive their source", async () => {
        const copy = subject.path("copy");
        const database = await create({ a: "1" });
        await database.checkpoint(copy);
        await database.close();
        await engine.remove(directory);
        expect(await rowsOf(await reopen(copy))).toEqual([["a", "1"]]);
      });

      for (const links of [true, false]) {
        it(`are also made of a closed database, which stays as it is, ${links ? "with links" : "copied"}`, async () => {
          const copy = subject.path("copy");
          expect(await engine.copy(directory, copy, { links })).toBe(false);
          const database = await create({ a: "1" });
          await database.sync();
          await put(database, { b: "2" });
          await expect(engine.copy(directory, directory)).rejects.toBeDefined();
          await database.close();
          expect(await engine.copy(directory, copy, { links })).toBe(true);
          await expect(engine.copy(directory, copy)).rejects.toMatchObject({ code: "HF_EXISTS" });
          const other = await reopen(copy);
          await put(other, { a: undefined });
          await other.sync();
          expect(await rowsOf(await reopen())).toEqual([
            ["a", "1"],
            ["b", "2"],
          ]);
          expect(await rowsOf(other)).toEqual([["b", "2"]]);
        });
      }

      it("go over nothing, and refuse options they do not know", async () => {
        const database = await create({ a: "1" });
        await database.checkpoint(subject.path("copy"));
        await expect(database.checkpoint(subject.path("copy"))).rejects.toMatchObject({ code: "HF_EXISTS" });
        await expect(database.checkpoint(directory)).rejects.toMatchObject({ code: "HF_EXISTS" });
        const options = { hard: true } as object;
        await expect(database.checkpoint(subject.path("more"), options)).rejects.toMatchObject({
          code: "HF_UNKNOWN_OPTION",
        });
        expect(await engine.open(subject.path("more"))).toBeUndefined();
        expect(await rowsOf(database)).toEqual([["a", "1"]]);
      });
    });

    it("does what a sorted map does", async () => {
      const key = fc.uint8Array({ maxLength: 3 }).map((key) => key.map((byte) => [0, 1, 0x61, 0xfe, 0xff][byte % 5]!));
      const change = fc.record({ key, value: fc.option(fc.uint8Array({ maxLength: 20 })) });
      const step = fc.oneof(
        {
          weight: 6,
          arbitrary: fc.record({
            kind: fc.constant("batch" as const),
            changes: fc.array(change, { maxLength: 8 }),
            sync: fc.boolean(),
          }),
        },
        { weight: 1, arbitrary: fc.record({ kind: fc.constant("reopen" as const) }) },
        { weight: 1, arbitrary: fc.record({ kind: fc.constant("view" as const) }) },
        { weight: 1, arbitrary: fc.record({ kind: fc.constant("checkpoint" as const), links: fc.boolean() }) },
        {
          weight: 3,
          arbitrary: fc.record({
            kind: fc.constant("range" as const),
            low: fc.option(key),
            high: fc.option(key),
            open: fc.boolean(),
            reverse: fc.boolean(),
            limit: fc.option(fc.nat(6)),
          }),
        },
      );
      let databases = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 14 }), async (steps) => {
          const at = subject.path(`model-${databases++}`);
          let copies = 0;
          let database = await create({}, at);
          let model = new Map<string, string>();
          const sorted = (map: ReadonlyMap<string, string>): [string, string][] =>
            [...map].sort(([a], [b]) => (a < b ? -1 : 1));
          for (const step of steps) {
            if (step.kind === "batch") {
              const batch = database.batch();
              for (const { key, value } of step.changes) {
                if (value === null) batch.delete(key);
                else batch.put(key, value);
                if (value === null) model.delete(text(key));
                else model.set(text(key), text(value));
              }
              await batch.write({ sync: step.sync });
            } else if (step.kind === "reopen") {
              await database.close();
              open.delete(database);
              database = await reopen(at);
            } else if (step.kind === "view") {
              const view = database.view();
              const then = sorted(model);
              await put(database, { a: "after the view" });
              model = new Map(model).set("a", "after the view");
              expect(await rowsOf(view)).toEqual(then);
              await view.release();
            } else if (step.kind === "checkpoint") {
              const copy = `${at}-copy-${copies++}`;
              await database.checkpoint(copy, { links: step.links });
              const other = await reopen(copy);
              expect(await rowsOf(other)).toEqual(sorted(model));
              await other.close();
              open.delete(other);
            } else {
              const low = step.low === null ? undefined : text(step.low);
              const high = step.high === null ? undefined : text(step.high);
              const range: EngineRange = {
                ...(step.low === null ? {} : step.open ? { gt: step.low } : { gte: step.low }),
                ...(step.high === null ? {} : step.open ? { lte: step.high } : { lt: step.high }),
                reverse: step.reverse,
                limit: step.limit ?? undefined,
              };
              const expected = sorted(model).filter(
                ([key]) =>
                  (low === undefined || (step.open ? key > low : key >= low)) &&
                  (high === undefined || (step.open ? key <= high : key < high)),
              );
              if (step.reverse) expected.reverse();
              expect(await rowsOf(database, range)).toEqual(expected.slice(0, step.limit ?? undefined));
            }
            expect(await rowsOf(database)).toEqual(sorted(model));
          }
          await database.close();
          open.delete(database);
        }),
        { numRuns: runs },
      );
    });
  });
}
