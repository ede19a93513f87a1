import { beforeAll, describe, expect, it } from "vitest";
import { SeededRandom } from "../base/index.js";
import { SimVfs } from "../vfs/index.js";
import { LogReader } from "./log-reader.js";
import { Log } from "./log.js";
import { DIRECTORY, bytesOf, openSmall, readAll } from "./small-log.contract.js";

/** Segments of a megabyte with groups from one record to some 300 KiB: larger than what is read at once, and than the index's spacing. */
describe("reading a log of large segments", () => {
  const COUNT = 1500;
  const vfs = new SimVfs({ seed: 1 });

  function payloadOf(lsn: number): Uint8Array {
    const length = lsn % 97 === 0 ? 100_000 : (lsn * 37) % 1500;
    return new Uint8Array(length).fill(lsn % 256);
  }

  beforeAll(async () => {
    const log = await Log.open(DIRECTORY, { vfs, segmentBytes: 1 << 20 });
    const random = new SeededRandom(7);
    while (log.lastLsn < COUNT) {
      const size = Math.min(COUNT - log.lastLsn, random.below(10) === 0 ? 300 : 1 + random.below(20));
      const first = log.lastLsn + 1;
      await log.appendAll(
        Array.from({ length: size }, (_, index) => ({
          payload: payloadOf(first + index),
          type: (first + index) % 256,
        })),
      );
    }
    await log.close();
  });

  /** Checks a range and returns how many records it had. */
  async function checkRange(log: Log | LogReader, from: number, to: number, reverse: boolean): Promise<number> {
    const records = await readAll(log, { from, to, reverse });
    const lsns = records.map(({ lsn }) => lsn);
    const expected = Array.from({ length: to - from + 1 }, (_, index) => from + index);
    expect(lsns).toEqual(reverse ? expected.reverse() : expected);
    for (const { lsn, type, payload } of records) {
      expect(type).toBe(lsn % 256);
      expect(Buffer.compare(payload, payloadOf(lsn)), `LSN ${lsn}`).toBe(0);
    }
    return records.length;
  }

  it("gives everything backwards, before anything was read forwards", async () => {
    const log = await Log.open(DIRECTORY, { vfs });
    expect(log.stats().segments).toBeGreaterThan(2);
    expect(await checkRange(log, 1, COUNT, true)).toBe(COUNT);
    expect(await checkRange(log, 1, COUNT, false)).toBe(COUNT);
    await log.close();
  });

  it("gives ranges and single records in any order, by the writer and by a reader", async () => {
    const log = await Log.open(DIRECTORY, { vfs });
    const reader = await LogReader.open(DIRECTORY, { vfs: vfs.otherProcess() });
    const random = new SeededRandom(3);
    for (const source of [log, reader]) {
      for (let round = 0; round < 40; round++) {
        const from = 1 + random.below(COUNT);
        await checkRange(source, from, Math.min(COUNT, from + random.below(60)), round % 2 === 0);
        const lsn = 1 + random.below(COUNT);
        const record = await source.get(lsn);
        expect(record?.type).toBe(lsn % 256);
        expect(Buffer.compare(record!.payload, payloadOf(lsn))).toBe(0);
      }
    }
    await reader.close();
    await log.close();
  });

  it("keeps the batches that it hands out within one group, however large the range", async () => {
    const log = await Log.open(DIRECTORY, { vfs });
    let next = 1;
    for await (const batch of log.readBatches()) {
      expect(batch.firstLsn).toBe(next);
      expect(batch.count).toBeLessThanOrEqual(300);
      for (let index = 0; index < batch.count; index++) {
        expect(batch.payload(index).length).toBe(payloadOf(next + index).length);
      }
      next = batch.lastLsn + 1;
    }
    expect(next).toBe(COUNT + 1);
    await log.close();
  });
});

describe("groups larger than the buffers kept for them", () => {
  it("are written, read, and leave room for small ones after", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await Log.open(DIRECTORY, { vfs, segmentBytes: 32 << 20 });
    const large = new Uint8Array(9 << 20).fill(5);
    await log.append(large);
    await log.append(new Uint8Array(3));
    await log.append(large);
    expect((await readAll(log, { reverse: true })).map(({ payload }) => payload.length)).toEqual([
      large.length,
      3,
      large.length,
    ]);
    const again = await Log.open(DIRECTORY, { vfs: vfs.powerCut() });
    expect(Buffer.compare((await again.get(1))!.payload, large)).toBe(0);
    expect((await again.get(3))!.payload.length).toBe(large.length);
    await again.close();
  });
});

it("an iteration that was ended while a step was under way still gave out that step's batch", async () => {
  const vfs = new SimVfs({ seed: 1 });
  const log = await openSmall(vfs, { segmentBytes: 16_384 });
  await log.appendAll([bytesOf("one"), bytesOf("two"), bytesOf("three")]);
  const iterator = log.read();
  const step = iterator.next();
  const ended = iterator.return!();
  await Promise.all([step, ended]);
  expect(await iterator.next()).toMatchObject({ done: true });
  expect(await iterator.next()).toMatchObject({ done: true });
  await log.close();
});
