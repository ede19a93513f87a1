import { describe, expect, it } from "vitest";
import { SimVfs } from "../vfs/index.js";
import {
  DIRECTORY,
  appendCount,
  bytesOf,
  contentsOf,
  errorOf,
  openSmall,
  readAll,
  readTexts,
  recordTexts,
  segmentPath,
  textOf,
} from "./small-log.contract.js";
import type { Log } from "./log.js";

/** Records 1 to 4 alone, a batch of 5 to 9, records 10 to 20 alone: cuts fall between groups, inside one, and at segment ends. */
async function filled(vfs: SimVfs): Promise<Log> {
  const log = await openSmall(vfs);
  await appendCount(log, 4);
  await log.appendAll(recordTexts(5, 9).map(bytesOf));
  await appendCount(log, 11);
  return log;
}

function fileNames(vfs: SimVfs, pattern: RegExp): string[] {
  return vfs
    .snapshotTree()
    .map(({ path }) => path.slice(DIRECTORY.length + 1))
    .filter((name) => pattern.test(name));
}

describe("truncateAfter", () => {
  it.each(Array.from({ length: 21 }, (_, lsn) => lsn))(
    "at %i drops what is above, at once and after any end, and appends go on there",
    async (lsn) => {
      for (const end of ["close", "kill", "power cut"] as const) {
        const vfs = new SimVfs({ seed: lsn + 1 });
        const log = await filled(vfs);
        await log.truncateAfter(lsn);
        expect([log.firstLsn, log.lastLsn, log.durableLsn, log.nextLsn]).toEqual([1, lsn, lsn, lsn + 1]);
        expect(await readTexts(log)).toEqual(recordTexts(1, lsn));
        expect(await readTexts(log, { reverse: true })).toEqual(recordTexts(1, lsn).reverse());
        expect(await log.get(lsn + 1)).toBeUndefined();
        if (end === "close") await log.close();
        const after = end === "close" ? vfs : end === "kill" ? vfs.kill() : vfs.powerCut();
        const again = await openSmall(after);
        expect(again.recovery).toMatchObject({ firstLsn: 1, lastLsn: lsn, cutBytes: 0 });
        expect(await again.append(bytesOf("new"))).toBe(lsn + 1);
        expect(await readTexts(again)).toEqual([...recordTexts(1, lsn), "new"]);
        await again.close();
      }
    },
  );

  it("then append, then a power cut: the new record is there and none of the dropped ones", async () => {
    for (let lsn = 0; lsn < 20; lsn++) {
      const vfs = new SimVfs({ seed: 3 });
      const log = await filled(vfs);
      await log.truncateAfter(lsn);
      expect(await log.append(bytesOf("new"))).toBe(lsn + 1);
      const again = await openSmall(vfs.powerCut());
      expect(await readTexts(again)).toEqual([...recordTexts(1, lsn), "new"]);
      await again.close();
    }
  });

  it("keeps types and payloads of the records that it copies out of a group", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs);
    const batch = [1, 2, 3, 4].map((type) => ({ type, payload: new Uint8Array(type * 10).fill(type) }));
    await log.appendAll(batch);
    await log.truncateAfter(3);
    const again = await openSmall(vfs.powerCut());
    expect(await readAll(again)).toEqual(
      batch.slice(0, 3).map(({ type, payload }, index) => ({ lsn: index + 1, type, payload })),
    );
    await again.close();
  });

  it("twice at the same LSN, then lower, then to nothing", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await filled(vfs);
    for (const lsn of [12, 12, 7, 6, 0, 0]) {
      await log.truncateAfter(lsn);
      expect(await readTexts(log)).toEqual(recordTexts(1, lsn));
    }
    expect(await log.append(bytesOf("first again"))).toBe(1);
    const again = await openSmall(vfs.powerCut());
    expect(await readTexts(again)).toEqual(["first again"]);
    await again.close();
  });

  it("refuses an LSN outside the log and no LSN at all, and changes nothing", async () => {
    const log = await filled(new SimVfs({ seed: 1 }));
    await log.truncateBefore(4);
    for (const lsn of [0, 2, 21, 1000])
      expect(await errorOf(log.truncateAfter(lsn))).toMatchObject({ code: "HF_LSN_OUT_OF_RANGE" });
    for (const lsn of [-1, 1.5, Number.NaN, undefined, "3"]) {
      expect(await errorOf(log.truncateAfter(lsn as number))).toMatchObject({ code: "HF_INVALID_ARGUMENT" });
    }
    expect(await readTexts(log)).toEqual(recordTexts(4, 20));
    await log.append(bytesOf("on"));
    await log.close();
  });

  it("writes what was accepted before it, and what comes meanwhile gets the LSNs behind the cut", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await filled(vfs);
    const before = log.append(bytesOf("before"));
    const cut = log.truncateAfter(6);
    const meanwhile = log.append(bytesOf("meanwhile"));
    expect(await before).toBe(21);
    await cut;
    expect(await meanwhile).toBe(7);
    expect(await errorOf(() => log.truncateAfter(8))).toMatchObject({ code: "HF_LSN_OUT_OF_RANGE" });
    const again = await openSmall(vfs.powerCut());
    expect(await readTexts(again)).toEqual([...recordTexts(1, 6), "meanwhile"]);
    await again.close();
  });

  it("ends a reader that is behind the cut, and one before it reads on to the cut", async () => {
    const log = await filled(new SimVfs({ seed: 1 }));
    const behind: number[] = [];
    const before: number[] = [];
    const reading = log.read({ from: 3 });
    before.push((await reading.next()).value!.lsn);
    for await (const { lsn } of log.read({ from: 10 })) {
      behind.push(lsn);
      if (lsn === 12) await log.truncateAfter(6);
    }
    for await (const { lsn } of reading) before.push(lsn);
    expect(behind).toEqual([10, 11, 12]);
    expect(before).toEqual([3, 4, 5, 6]);
    await log.close();
  });

  it("never shows a dropped record to a reader that goes on after new ones took their LSNs", async () => {
    const log = await filled(new SimVfs({ seed: 1 }));
    const reading = log.read({ from: 3 });
    const seen: string[] = [textOf((await reading.next()).value!.payload)];
    await log.truncateAfter(6);
    for (let index = 0; index < 8; index++) await log.append(bytesOf(`new ${7 + index}`));
    for await (const { payload } of reading) seen.push(textOf(payload));
    expect(seen.slice(0, 4)).toEqual(recordTexts(3, 6));
    for (const text of seen.slice(4)) expect(text).toMatch(/^new /);
    await log.close();
  });
});

describe("truncateBefore", () => {
  it.each(Array.from({ length: 22 }, (_, lsn) => lsn))(
    "%i drops what is below, at once and after any end",
    async (lsn) => {
      const first = Math.max(1, lsn);
      for (const end of ["close", "kill", "power cut"] as const) {
        const vfs = new SimVfs({ seed: lsn + 1 });
        const log = await filled(vfs);
        await log.truncateBefore(lsn);
        expect([log.firstLsn, log.lastLsn, log.nextLsn]).toEqual([first, 20, 21]);
        expect(await readTexts(log)).toEqual(recordTexts(first, 20));
        expect(await readTexts(log, { reverse: true })).toEqual(recordTexts(first, 20).reverse());
        if (first > 1) {
          expect(await log.get(first - 1)).toBeUndefined();
          expect(await errorOf(readTexts(log, { from: first - 1 }))).toMatchObject({ code: "HF_LSN_OUT_OF_RANGE" });
        }
        if (end === "close") await log.close();
        const again = await openSmall(end === "close" ? vfs : end === "kill" ? vfs.kill() : vfs.powerCut());
        expect(again.recovery).toMatchObject({ firstLsn: first, lastLsn: 20 });
        expect(await readTexts(again)).toEqual(recordTexts(first, 20));
        expect(await again.append(bytesOf("record 21"))).toBe(21);
        expect(await readTexts(again)).toEqual(recordTexts(first, 21));
        await again.close();
      }
    },
  );

  it("refuses more than one beyond the last LSN, and changes nothing", async () => {
    const log = await filled(new SimVfs({ seed: 1 }));
    for (const lsn of [22, 1e9])
      expect(await errorOf(log.truncateBefore(lsn))).toMatchObject({ code: "HF_LSN_OUT_OF_RANGE" });
    for (const lsn of [-1, 0.5, Number.NaN, undefined])
      expect(await errorOf(log.truncateBefore(lsn as number))).toMatchObject({ code: "HF_INVALID_ARGUMENT" });
    expect(await readTexts(log)).toEqual(recordTexts(1, 20));
    await log.close();
  });

  it("and truncateAfter together leave any range, down to nothing", async () => {
    for (const [first, last] of [
      [6, 8],
      [5, 9],
      [7, 7],
      [7, 6],
      [1, 0],
      [21, 20],
      [10, 12],
    ] as const) {
      const vfs = new SimVfs({ seed: 1 });
      const log = await filled(vfs);
      await log.truncateBefore(first);
      await log.truncateAfter(last);
      expect(await log.append(bytesOf("new"))).toBe(last + 1);
      const again = await openSmall(vfs.powerCut());
      expect([again.firstLsn, again.lastLsn]).toEqual([first, last + 1]);
      expect(await readTexts(again)).toEqual([...recordTexts(first, last), "new"]);
      await again.close();
    }
  });

  it("keeps some whole segments' files for use again and removes the others", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs, { spareSegmentsMax: 2 });
    await appendCount(log, 18);
    expect(fileNames(vfs, /seg$/)).toHaveLength(6);
    await log.truncateBefore(16);
    expect(fileNames(vfs, /seg$/)).toEqual([segmentPath(6).slice(5)]);
    expect(fileNames(vfs, /^spare/)).toHaveLength(2);
    expect(log.stats()).toMatchObject({ segments: 1, spareSegments: 2 });
    await appendCount(log, 6);
    expect(log.stats()).toMatchObject({ segments: 3, spareSegments: 0, segmentsRecycled: 2 });
    expect(fileNames(vfs, /^spare/)).toEqual([]);
    expect(await readTexts(log)).toEqual(recordTexts(16, 24));
    await log.close();
  });

  it("keeps none where none is to be kept, and an opening with a smaller bound removes the rest", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs, { spareSegmentsMax: 3 });
    await appendCount(log, 18);
    await log.truncateBefore(16);
    expect(fileNames(vfs, /^spare/)).toHaveLength(3);
    await log.close();
    const again = await openSmall(vfs, { spareSegmentsMax: 0 });
    expect(fileNames(vfs, /^spare/)).toEqual([]);
    await appendCount(again, 6);
    await again.truncateBefore(24);
    expect(fileNames(vfs, /^spare/)).toEqual([]);
    await again.close();
  });

  it("never shows an old record of a file that is used again, whatever end comes", async () => {
    for (let more = 0; more <= 8; more++) {
      const vfs = new SimVfs({ seed: 1 });
      const log = await openSmall(vfs, { spareSegmentsMax: 4 });
      await appendCount(log, 18);
      await log.truncateBefore(16);
      await appendCount(log, more);
      const last = 18 + more;
      if (more > 0) expect(log.stats().segmentsRecycled).toBeGreaterThan(0);
      // The recycled file is still full of the groups of its earlier life.
      if (more === 1) expect(Buffer.from(contentsOf(vfs, segmentPath(7))).toString("latin1")).toMatch(/record (11|14)/);
      const again = await openSmall(vfs.kill());
      expect(await readTexts(again)).toEqual(recordTexts(16, last));
      expect(again.recovery.cutBytes).toBe(0);
      await again.close();
    }
  });

  it("lets a reader of a dropped segment end with a clear error, and its file keeps its bytes meanwhile", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs, { spareSegmentsMax: 4 });
    await appendCount(log, 18);
    const reading = log.read({ from: 1 });
    expect((await reading.next()).value).toMatchObject({ lsn: 1 });
    await log.truncateBefore(16);
    await appendCount(log, 6);
    const rest: string[] = [];
    const error = await errorOf(async () => {
      for await (const { payload } of reading) rest.push(textOf(payload));
    });
    expect(error).toMatchObject({ code: "HF_LSN_OUT_OF_RANGE" });
    expect(rest).toEqual(recordTexts(2, 1 + rest.length));
    await log.close();
    expect(vfs.openHandles()).toEqual([]);
  });
});

describe("truncateAll", () => {
  it("drops every record and keeps the counter, also across openings and power cuts", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await filled(vfs);
    await log.truncateAll();
    await log.truncateAll();
    expect([log.firstLsn, log.lastLsn, log.nextLsn]).toEqual([21, 20, 21]);
    expect(await readAll(log)).toEqual([]);
    let after = vfs.powerCut();
    for (let opening = 0; opening < 3; opening++) {
      const again = await openSmall(after);
      expect([again.firstLsn, again.lastLsn]).toEqual([21, 20]);
      expect(await readAll(again)).toEqual([]);
      if (opening === 1) await again.close();
      else after = after.kill();
    }
    const last = await openSmall(after);
    expect(await last.append(bytesOf("record 21"))).toBe(21);
    expect(await readTexts(last)).toEqual(["record 21"]);
    await last.close();
  });

  it("of an empty log changes nothing", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs);
    await log.truncateAll();
    expect([log.firstLsn, log.lastLsn]).toEqual([1, 0]);
    await log.close();
  });
});
