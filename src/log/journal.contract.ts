/**
 * What every journal must do: each sentence of `journal.ts` as a test. What is left after a power cut is not here; the crash suites have it.
 *
 * A subject may have others beside the journal, which write between its own calls: nothing of them may show.
 */
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HoldfastError } from "../base/index.js";
import type { Journal, LogInput, LogRecord } from "./index.js";
import { bytesOf, errorOf, readAll, readTexts, textOf } from "./small-log.contract.js";

/** A journal in a directory of its own, new and empty. */
export interface JournalSubject {
  readonly journal: Journal;
  /** Closes it, and opens it again. */
  reopen(): Promise<Journal>;
  /** Closes it for good. */
  close(): Promise<void>;
  /** Removes what is left of it. */
  cleanup(): Promise<void>;
  /** Lets neighbours do something, where there are any. */
  disturb?(): Promise<void>;
}

/** How much of the suite is run. */
export interface JournalSuite {
  /** Random rows of calls. Default 40. */
  readonly runs?: number;
}

const texts = (first: number, last: number): string[] =>
  Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => `record ${first + index}`);

/** Runs the suite for one implementation. */
export function describeJournal(name: string, make: () => Promise<JournalSubject>, suite: JournalSuite = {}): void {
  describe(`the journal of ${name}`, () => {
    let subject: JournalSubject;
    let journal: Journal;
    beforeEach(async () => {
      subject = await make();
      ({ journal } = subject);
    });
    afterEach(async () => {
      await subject.close().catch(() => undefined);
      await subject.cleanup();
    });

    /** Appends `record <lsn>` so often, with neighbours in between. */
    async function appendCount(count: number): Promise<void> {
      for (let index = 0; index < count; index++) {
        await journal.append(bytesOf(`record ${journal.nextLsn}`), journal.nextLsn % 256);
        await subject.disturb?.();
      }
    }

    function expectBounds(first: number, last: number): void {
      const { firstLsn, lastLsn, durableLsn, nextLsn } = journal;
      expect({ firstLsn, lastLsn, durableLsn, nextLsn }).toEqual({
        firstLsn: first,
        lastLsn: last,
        durableLsn: last,
        nextLsn: last + 1,
      });
    }

    describe("appending", () => {
      it("starts empty, at 1", async () => {
        expectBounds(1, 0);
        expect(await readAll(journal)).toEqual([]);
        expect(await journal.sync()).toBe(0);
      });

      it("gives contiguous LSNs in the order of the calls, also to calls made at once", async () => {
        const got = await Promise.all([
          journal.append(bytesOf("record 1")),
          journal.appendAll([bytesOf("record 2"), { payload: bytesOf("record 3"), type: 255 }]),
          journal.append(bytesOf("record 4"), 9),
        ]);
        expect(got).toEqual([1, { firstLsn: 2, lastLsn: 3 }, 4]);
        expect(await readTexts(journal)).toEqual(texts(1, 4));
        expect((await readAll(journal)).map(({ type }) => type)).toEqual([0, 0, 255, 9]);
        expectBounds(1, 4);
      });

      it("numbers what is enqueued at once, and makes it durable with the next sync", async () => {
        expect(journal.enqueue(bytesOf("record 1"), 3)).toBe(1);
        expect(journal.enqueue(bytesOf("record 2"))).toBe(2);
        expect(journal.nextLsn).toBe(3);
        expect(await journal.sync()).toBe(2);
        expectBounds(1, 2);
        journal = await subject.reopen();
        expect(await readTexts(journal)).toEqual(texts(1, 2));
      });

      it("makes an append durable that comes after what was enqueued, and that with it", async () => {
        journal.enqueue(bytesOf("record 1"));
        expect(await journal.append(bytesOf("record 2"))).toBe(2);
        expectBounds(1, 2);
      });

      it("takes empty payloads, and keeps every byte of others", async () => {
        const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
        await journal.append(new Uint8Array(0));
        await journal.append(all);
        journal = await subject.reopen();
        expect((await journal.get(1))?.payload.length).toBe(0);
        expect([...(await journal.get(2))!.payload]).toEqual([...all]);
      });

      it("does not keep the caller's buffer", async () => {
        const payload = bytesOf("record 1");
        await journal.append(payload);
        payload.fill(0);
        expect(textOf((await journal.get(1))!.payload)).toBe("record 1");
      });

      it("refuses what can't be a record, before any effect", async () => {
        const wrong = "text" as unknown as Uint8Array;
        expect((await errorOf(journal.append(wrong))).code).toBe("HF_INVALID_ARGUMENT");
        expect((await errorOf(journal.append(bytesOf("x"), 256))).code).toBe("HF_INVALID_ARGUMENT");
        expect((await errorOf(journal.append(bytesOf("x"), 1.5))).code).toBe("HF_INVALID_ARGUMENT");
        expect((await errorOf(() => journal.enqueue(wrong))).code).toBe("HF_INVALID_ARGUMENT");
        expect((await errorOf(journal.appendAll([]))).code).toBe("HF_INVALID_ARGUMENT");
        expect((await errorOf(journal.appendAll([bytesOf("x"), wrong]))).code).toBe("HF_INVALID_ARGUMENT");
        expect((await errorOf(journal.appendAll("ab" as unknown as LogInput[]))).code).toBe("HF_INVALID_ARGUMENT");
        expectBounds(1, 0);
        expect(await journal.append(bytesOf("record 1"))).toBe(1);
      });

      it("takes a record and a batch as large as it says, refuses more, and goes on", async () => {
        const { recordBytesMax, batchBytesMax, recordHeaderBytes } = journal.limits;
        const large = new Uint8Array(recordBytesMax + 1);
        expect((await errorOf(journal.append(large))).code).toBe("HF_RECORD_TOO_LARGE");
        expect((await errorOf(() => journal.enqueue(large))).code).toBe("HF_RECORD_TOO_LARGE");
        const batchOf = (bytes: number): Uint8Array[] => {
          const first = Math.floor(batchBytesMax / 2) - recordHeaderBytes;
          return [new Uint8Array(first), new Uint8Array(bytes - first - 2 * recordHeaderBytes)];
        };
        expect((await errorOf(journal.appendAll(batchOf(batchBytesMax + 1)))).code).toBe("HF_BATCH_TOO_LARGE");
        expectBounds(1, 0);
        expect(await journal.append(large.subarray(1))).toBe(1);
        expect(await journal.appendAll(batchOf(batchBytesMax))).toEqual({ firstLsn: 2, lastLsn: 3 });
        expectBounds(1, 3);
      });
    });

    describe("reading", () => {
      beforeEach(() => appendCount(9));

      it("gets single records, and nothing where none is", async () => {
        const record = await journal.get(4);
        expect({ ...record, payload: textOf(record!.payload) }).toEqual({ lsn: 4, type: 4, payload: "record 4" });
        expect(await journal.get(0)).toBeUndefined();
        expect(await journal.get(10)).toBeUndefined();
        expect((await errorOf(journal.get(-1))).code).toBe("HF_INVALID_ARGUMENT");
        expect((await errorOf(journal.get(0.5))).code).toBe("HF_INVALID_ARGUMENT");
      });

      it("reads ranges forwards and backwards", async () => {
        expect(await readTexts(journal, { from: 3, to: 5 })).toEqual(texts(3, 5));
        expect(await readTexts(journal, { from: 3, to: 5, reverse: true })).toEqual(texts(3, 5).reverse());
        expect(await readTexts(journal, { to: 2 })).toEqual(texts(1, 2));
        expect(await readTexts(journal, { from: 8, to: 99 })).toEqual(texts(8, 9));
        expect(await readTexts(journal, { from: 5, to: 4 })).toEqual([]);
        expect(await readTexts(journal, { from: 10 })).toEqual([]);
        expect(await readTexts(journal, { reverse: true })).toEqual(texts(1, 9).reverse());
      });

      it("does not see what is appended meanwhile", async () => {
        const seen: string[] = [];
        for await (const record of journal.read()) {
          seen.push(textOf(record.payload));
          if (record.lsn === 2) await appendCount(2);
        }
        expect(seen).toEqual(texts(1, 9));
      });

      it("gives payloads that stay as they are", async () => {
        const payloads: Uint8Array[] = [];
        for await (const { payload } of journal.read()) payloads.push(payload);
        await appendCount(3);
        expect(payloads.map(textOf)).toEqual(texts(1, 9));
      });

      it("refuses wrong options, and LSNs below the oldest", async () => {
        await journal.truncateBefore(3);
        const next = (options: object): Promise<unknown> => Promise.resolve(journal.read(options).next());
        expect((await errorOf(next({ from: 2 }))).code).toBe("HF_LSN_OUT_OF_RANGE");
        expect((await errorOf(next({ from: -1 }))).code).toBe("HF_INVALID_ARGUMENT");
        expect((await errorOf(next({ reverse: 1 }))).code).toBe("HF_INVALID_ARGUMENT");
        expect((await errorOf(next({ signal: {} }))).code).toBe("HF_INVALID_ARGUMENT");
        expect((await errorOf(next({ limit: 1 }))).code).toBe("HF_UNKNOWN_OPTION");
      });

      it("stops when it is told to", async () => {
        const stop = new AbortController();
        const act = async (): Promise<void> => {
          for await (const record of journal.read({ signal: stop.signal }))
            if (record.lsn === 1) stop.abort(new HoldfastError("HF_TEST", "enough"));
        };
        // A batch that is in memory may still be given out; more is not read.
        await act().catch((error: unknown) => expect((error as HoldfastError).code).toBe("HF_TEST"));
        const early = AbortSignal.abort(new HoldfastError("HF_TEST", "at once"));
        expect((await errorOf(readAll(journal, { signal: early }))).code).toBe("HF_TEST");
      });

      it("can be left in the middle", async () => {
        let last = 0;
        for await (const { lsn } of journal.read()) {
          last = lsn;
          if (lsn === 3) break;
        }
        expect(last).toBe(3);
        await appendCount(1);
        expectBounds(1, 10);
      });

      it("ends where it is overtaken: early by a cut, with an error by a prune", async () => {
        const cut: number[] = [];
        for await (const { lsn } of journal.read()) {
          cut.push(lsn);
          if (lsn === 1) await journal.truncateAfter(4);
        }
        expect(cut.length).toBeLessThan(10);
        await appendCount(5);
        const act = async (): Promise<void> => {
          for await (const { lsn } of journal.read()) if (lsn === 1) await journal.truncateBefore(10);
        };
        // Those of a batch that is in memory are given out; the next ones are gone.
        await act().catch((error: unknown) => expect((error as HoldfastError).code).toBe("HF_LSN_OUT_OF_RANGE"));
        expectBounds(10, 9);
      });
    });

    describe("following", () => {
      it("gives what is there from an LSN on, and then each new record", async () => {
        await appendCount(3);
        const seen: string[] = [];
        const following = (async () => {
          for await (const { payload, lsn } of journal.follow({ from: 2 })) {
            seen.push(textOf(payload));
            if (lsn === 6) return;
          }
        })();
        await appendCount(2);
        journal.enqueue(bytesOf("record 6"));
        await following;
        expect(seen).toEqual(texts(2, 6));
      });

      it("starts with the next record by default, and ends when the journal is closed", async () => {
        await appendCount(2);
        const seen: LogRecord[] = [];
        const following = (async () => {
          for await (const record of journal.follow()) seen.push(record);
        })();
        await subject.disturb?.();
        await appendCount(1);
        while (seen.length === 0) await new Promise((resolve) => setImmediate(resolve));
        await subject.close();
        await following;
        expect(seen.map(({ lsn }) => lsn)).toEqual([3]);
      });

      it("ends with the signal's reason", async () => {
        const stop = new AbortController();
        const next = journal.follow({ signal: stop.signal }).next();
        const failed = errorOf(Promise.resolve(next));
        await subject.disturb?.();
        stop.abort(new HoldfastError("HF_TEST", "enough"));
        expect((await failed).code).toBe("HF_TEST");
      });

      it("says that what was read is cut", async () => {
        await appendCount(4);
        const iterator = journal.follow({ from: 4 });
        expect((await iterator.next()).value?.lsn).toBe(4);
        const failed = errorOf(Promise.resolve(iterator.next()));
        await journal.truncateAfter(2);
        await appendCount(3);
        const error = await failed;
        expect(error.code).toBe("HF_CUT");
        expect(error.details["cutLsn"]).toBe(2);
      });

      it("goes on after a cut above what was read", async () => {
        await appendCount(4);
        const iterator = journal.follow({ from: 1 });
        expect((await iterator.next()).value?.lsn).toBe(1);
        await journal.truncateAfter(1);
        const next = Promise.resolve(iterator.next()).catch((error: unknown) => error as HoldfastError);
        await appendCount(1);
        const step = await next;
        // Either the records of a batch that was in memory are given out and then known as cut, or the cut was seen first.
        if (step instanceof HoldfastError) expect(step.code).toBe("HF_CUT");
        else expect(step.value?.lsn).toBe(2);
        await iterator.return?.();
      });

      it("refuses to start below the oldest", async () => {
        await appendCount(4);
        await journal.truncateBefore(3);
        expect((await errorOf(Promise.resolve(journal.follow({ from: 2 }).next()))).code).toBe("HF_LSN_OUT_OF_RANGE");
      });
    });

    describe("truncating", () => {
      beforeEach(() => appendCount(6));

      it("drops the old records", async () => {
        await journal.truncateBefore(4);
        expectBounds(4, 6);
        expect(await readTexts(journal)).toEqual(texts(4, 6));
        expect(await journal.get(3)).toBeUndefined();
        await journal.truncateBefore(2);
        expectBounds(4, 6);
        journal = await subject.reopen();
        expectBounds(4, 6);
        await appendCount(1);
        expect(await readTexts(journal)).toEqual(texts(4, 7));
      });

      it("drops the new records, and gives their LSNs out again", async () => {
        await journal.truncateAfter(4);
        expectBounds(1, 4);
        await journal.truncateAfter(4);
        expect(await journal.append(bytesOf("another 5"))).toBe(5);
        journal = await subject.reopen();
        expect(await readTexts(journal)).toEqual([...texts(1, 4), "another 5"]);
      });

      it("keeps its numbers over emptiness and openings", async () => {
        await journal.truncateAll();
        expectBounds(7, 6);
        await journal.truncateAll();
        journal = await subject.reopen();
        expectBounds(7, 6);
        await subject.disturb?.();
        journal = await subject.reopen();
        await appendCount(2);
        expect(await readTexts(journal)).toEqual(texts(7, 8));
        await journal.truncateBefore(9);
        expectBounds(9, 8);
        await journal.truncateAfter(8);
        expectBounds(9, 8);
        journal = await subject.reopen();
        expectBounds(9, 8);
      });

      it("empties from behind, down to the first", async () => {
        await journal.truncateBefore(3);
        await journal.truncateAfter(2);
        expectBounds(3, 2);
        await appendCount(1);
        expect(await readTexts(journal)).toEqual(["record 3"]);
      });

      it("refuses LSNs that it does not reach, before any effect", async () => {
        await journal.truncateBefore(3);
        expect((await errorOf(journal.truncateBefore(8))).code).toBe("HF_LSN_OUT_OF_RANGE");
        expect((await errorOf(journal.truncateAfter(7))).code).toBe("HF_LSN_OUT_OF_RANGE");
        expect((await errorOf(journal.truncateAfter(1))).code).toBe("HF_LSN_OUT_OF_RANGE");
        expect((await errorOf(journal.truncateBefore(-1))).code).toBe("HF_INVALID_ARGUMENT");
        expect((await errorOf(journal.truncateAfter(1.5))).code).toBe("HF_INVALID_ARGUMENT");
        expectBounds(3, 6);
      });

      it("keeps the order of calls made at once", async () => {
        const calls = [
          journal.append(bytesOf("record 7")),
          journal.truncateBefore(3),
          journal.append(bytesOf("record 8")),
          journal.truncateBefore(5),
        ];
        await Promise.all(calls);
        expectBounds(5, 8);
        expect(await readTexts(journal)).toEqual(texts(5, 8));
      });
    });

    it("rejects every call once it is closed", async () => {
      await journal.append(bytesOf("record 1"));
      await subject.close();
      const calls: (() => Promise<unknown>)[] = [
        () => journal.append(bytesOf("x")),
        () => journal.appendAll([bytesOf("x")]),
        () => journal.sync(),
        () => journal.get(1),
        () => Promise.resolve(journal.read().next()),
        () => Promise.resolve(journal.follow().next()),
        () => journal.truncateBefore(1),
        () => journal.truncateAfter(1),
        () => journal.truncateAll(),
      ];
      for (const call of calls) expect((await errorOf(call())).code, call.toString()).toBe("HF_CLOSED");
      expect((await errorOf(() => journal.enqueue(bytesOf("x")))).code).toBe("HF_CLOSED");
    });

    it("is what an array is, whatever is done to it", { timeout: 60_000 }, async () => {
      let walks = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
          const mine = await make();
          try {
            await walk(mine, steps);
            walks += 1;
          } finally {
            await mine.close();
            await mine.cleanup();
          }
        }),
        { numRuns: suite.runs ?? 40 },
      );
      expect(walks).toBeGreaterThan(0);
    });
  });
}

/** One step of a random walk. Positions are shares of what is there. */
type Step =
  | { readonly call: "append" | "enqueue"; readonly bytes: number }
  | { readonly call: "batch"; readonly sizes: readonly number[] }
  | { readonly call: "before" | "after"; readonly share: number }
  | { readonly call: "all" | "sync" | "reopen" | "disturb" };

const size = fc.constantFrom(0, 1, 30, 300, 460);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ call: fc.constantFrom("append" as const, "enqueue" as const), bytes: size }) },
  {
    weight: 2,
    arbitrary: fc.record({
      call: fc.constant("batch" as const),
      sizes: fc.array(size, { minLength: 1, maxLength: 3 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      call: fc.constantFrom("before" as const, "after" as const),
      share: fc.integer({ min: 0, max: 100 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      call: fc.constantFrom("all" as const, "sync" as const, "reopen" as const, "disturb" as const),
    }),
  },
);

/** Takes the steps on a journal and on an array, and holds them against each other after each. */
async function walk(subject: JournalSubject, steps: readonly Step[]): Promise<void> {
  let { journal } = subject;
  let first = 1;
  let records: { type: number; payload: Uint8Array }[] = [];
  let serial = 0;
  const record = (bytes: number): { type: number; payload: Uint8Array } => {
    serial += 1;
    return { type: serial % 256, payload: new Uint8Array(bytes).fill(serial) };
  };
  for (const { call, ...rest } of steps) {
    const next = first + records.length;
    switch (call) {
      case "append": {
        const { type, payload } = record((rest as { bytes: number }).bytes);
        expect(await journal.append(payload, type)).toBe(next);
        records.push({ type, payload });
        break;
      }
      case "enqueue": {
        const { type, payload } = record((rest as { bytes: number }).bytes);
        expect(journal.enqueue(payload, type)).toBe(next);
        records.push({ type, payload });
        await journal.sync();
        break;
      }
      case "batch": {
        const batch = (rest as { sizes: readonly number[] }).sizes.map(record);
        expect(await journal.appendAll(batch)).toEqual({ firstLsn: next, lastLsn: next + batch.length - 1 });
        records.push(...batch);
        break;
      }
      case "before": {
        const lsn = first + Math.floor((records.length * (rest as { share: number }).share) / 100);
        await journal.truncateBefore(lsn);
        records = records.slice(lsn - first);
        first = lsn;
        break;
      }
      case "after": {
        const lsn = first - 1 + Math.floor((records.length * (rest as { share: number }).share) / 100);
        await journal.truncateAfter(lsn);
        records = records.slice(0, lsn - first + 1);
        break;
      }
      case "all":
        await journal.truncateAll();
        first = next;
        records = [];
        break;
      case "sync":
        expect(await journal.sync()).toBe(next - 1);
        break;
      case "reopen":
        journal = await subject.reopen();
        break;
      case "disturb":
        await subject.disturb?.();
    }
    expect([journal.firstLsn, journal.lastLsn, journal.nextLsn]).toEqual([
      first,
      first + records.length - 1,
      first + records.length,
    ]);
    const read = await readAll(journal);
    expect(read.map(({ lsn }) => lsn)).toEqual(records.map((_, index) => first + index));
    expect(read.map(({ type, payload }) => ({ type, payload: [...payload] }))).toEqual(
      records.map(({ type, payload }) => ({ type, payload: [...payload] })),
    );
  }
}
