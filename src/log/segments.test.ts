import { describe, expect, it } from "vitest";
import { SimVfs } from "../vfs/index.js";
import { segmentChannel } from "./channels.js";
import { GROUP_HEADER_BYTES, RECORD_HEADER_BYTES, type TornMode, backCountMax } from "./format.js";
import {
  SMALL,
  appendCount,
  bytesOf,
  contentsOf,
  errorOf,
  openSmall,
  readAll,
  readTexts,
  recordTexts,
  segmentPath,
} from "./small-log.contract.js";
import { verifyLog } from "./verify.js";

const TORN: readonly TornMode[] = ["align", "double-write", "trust"];
/** The largest payload that a small segment holds: all but the header block, the group's header and the record's. */
const PAYLOAD_MAX = SMALL.segmentBytes - SMALL.blockBytes - GROUP_HEADER_BYTES - RECORD_HEADER_BYTES;

describe.each(TORN)("segments with torn: %s", (torn) => {
  it("roll when a group does not fit any more, and are all read", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs, { torn });
    await appendCount(log, 100);
    expect(log.stats().segments).toBeGreaterThan(3);
    expect(await readTexts(log)).toEqual(recordTexts(1, 100));
    const again = await openSmall(vfs.powerCut());
    expect(await readTexts(again)).toEqual(recordTexts(1, 100));
    await again.close();
  });

  it("take a record that fills one to the last byte, and the next goes on in another", async () => {
    for (const end of ["close", "kill", "power cut"] as const) {
      const vfs = new SimVfs({ seed: 1 });
      const log = await openSmall(vfs, { torn });
      const payload = new Uint8Array(PAYLOAD_MAX).fill(7);
      await log.append(payload);
      expect(log.stats().segments).toBe(1);
      expect(contentsOf(vfs, segmentPath(1)).length).toBe(SMALL.segmentBytes);
      if (end === "close") await log.close();
      const after = end === "close" ? vfs : end === "kill" ? vfs.kill() : vfs.powerCut();
      const again = await openSmall(after);
      expect(again.recovery).toMatchObject({ clean: end === "close", lastLsn: 1, cutBytes: 0 });
      await again.append(bytesOf("next"));
      await again.append(payload);
      expect(again.stats().segments).toBe(3);
      expect((await readAll(again)).map(({ payload: found }) => found.length)).toEqual([PAYLOAD_MAX, 4, PAYLOAD_MAX]);
      await again.close();
    }
  });

  it("refuse one byte more, in one record or in a batch, before any effect", async () => {
    const log = await openSmall(new SimVfs({ seed: 1 }), { torn });
    expect(await errorOf(log.append(new Uint8Array(PAYLOAD_MAX + 1)))).toMatchObject({
      code: "HF_RECORD_TOO_LARGE",
      details: { bytes: PAYLOAD_MAX + 1, bytesMax: PAYLOAD_MAX },
    });
    const half = (PAYLOAD_MAX - RECORD_HEADER_BYTES) / 2;
    const exact = [new Uint8Array(Math.floor(half)), new Uint8Array(Math.ceil(half))];
    expect(await errorOf(log.appendAll([...exact.slice(1), new Uint8Array(Math.floor(half) + 1)]))).toMatchObject({
      code: "HF_BATCH_TOO_LARGE",
      details: {
        bytes: SMALL.segmentBytes - SMALL.blockBytes - GROUP_HEADER_BYTES + 1,
        bytesMax: SMALL.segmentBytes - SMALL.blockBytes - GROUP_HEADER_BYTES,
      },
    });
    expect(log.lastLsn).toBe(0);
    expect(await log.appendAll(exact)).toEqual({ firstLsn: 1, lastLsn: 2 });
    expect(log.stats().segments).toBe(1);
    await log.close();
  });

  it("are found though there are many more than a header can name", async () => {
    expect(backCountMax(512)).toBe(9);
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs, { torn });
    const payload = (lsn: number): Uint8Array => new Uint8Array(PAYLOAD_MAX).fill(lsn);
    for (let lsn = 1; lsn <= 50; lsn++) await log.append(payload(lsn));
    expect(log.stats().segments).toBe(50);
    await log.truncateBefore(3);
    const after = vfs.powerCut();
    const again = await openSmall(after);
    expect([again.firstLsn, again.lastLsn, again.stats().segments]).toEqual([3, 50, 48]);
    expect((await readAll(again)).map(({ payload: found }) => found[0])).toEqual(
      Array.from({ length: 48 }, (_, index) => index + 3),
    );
    for (const count of [40, 12, 11, 10, 9, 2, 1]) {
      await again.truncateBefore(51 - count);
      const look = await openSmall(after.otherProcess()).catch((error: { code: string }) => error.code);
      expect(look).toBe("HF_LOCKED");
      expect((await readAll(again)).length).toBe(count);
    }
    await again.close();
    const last = await openSmall(after);
    expect((await readAll(last)).map(({ lsn }) => lsn)).toEqual([50]);
    await last.close();
    expect(await verifyLog("/log", { vfs: after })).toMatchObject({ sound: true, segments: 1, records: 1 });
  });
});

describe("a segment", () => {
  it("is told of on the diagnostics channel when it becomes the active one", async () => {
    const messages: unknown[] = [];
    const listen = (message: unknown): void => void messages.push(message);
    segmentChannel.subscribe(listen);
    try {
      const log = await openSmall(new SimVfs({ seed: 1 }));
      await appendCount(log, 6);
      await log.truncateBefore(6);
      await appendCount(log, 1);
      await log.close();
    } finally {
      segmentChannel.unsubscribe(listen);
    }
    expect(messages).toEqual([
      { directory: "/log", number: 1, firstLsn: 1, recycled: false },
      { directory: "/log", number: 2, firstLsn: 4, recycled: false },
      { directory: "/log", number: 3, firstLsn: 7, recycled: true },
    ]);
  });

  it("is allocated no further than its size, and its header stays as it was written", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs);
    await appendCount(log, 1);
    const header = contentsOf(vfs, segmentPath(1)).slice(0, 512);
    await appendCount(log, 6);
    for (const number of [1, 2, 3])
      expect(contentsOf(vfs, segmentPath(number)).length).toBeLessThanOrEqual(SMALL.segmentBytes);
    expect(contentsOf(vfs, segmentPath(1)).slice(0, 512)).toEqual(header);
    await log.close();
  });
});
