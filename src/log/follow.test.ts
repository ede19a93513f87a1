import { describe, expect, it } from "vitest";
import { FaultPlan, SimVfs } from "../vfs/index.js";
import type { FollowOptions } from "./follower.js";
import type { Log } from "./log.js";
import { appendCount, bytesOf, errorOf, openSmall, recordTexts, textOf } from "./small-log.contract.js";

/** Follows until `count` records came. */
async function take(log: Log, count: number, options?: FollowOptions): Promise<string[]> {
  const seen: string[] = [];
  for await (const { payload } of log.follow(options)) {
    seen.push(textOf(payload));
    if (seen.length === count) break;
  }
  return seen;
}

describe("follow", () => {
  it("gives what is there and then each record as it is acknowledged, across segments", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs);
    await appendCount(log, 5);
    const following = Promise.all([
      take(log, 30, { from: 1 }),
      take(log, 27, { from: 4 }),
      take(log, 10, { from: 21 }),
    ]);
    await appendCount(log, 25);
    expect(await following).toEqual([recordTexts(1, 30), recordTexts(4, 30), recordTexts(21, 30)]);
    await log.close();
    expect(vfs.openHandles()).toEqual([]);
  });

  it("starts with what comes next where nothing else is said", async () => {
    const log = await openSmall(new SimVfs({ seed: 1 }));
    await appendCount(log, 3);
    const following = log.follow();
    const first = following.next();
    await Promise.resolve();
    await appendCount(log, 1);
    expect((await first).value).toMatchObject({ lsn: 4 });
    await following.return();
    await log.close();
  });

  it("never shows a record before it is durable", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs);
    const following = (async () => {
      for await (const { lsn } of log.follow({ from: 1 })) {
        expect(lsn).toBeLessThanOrEqual(log.durableLsn);
        if (lsn === 40) break;
      }
    })();
    for (let round = 0; round < 10; round++) await Promise.all([1, 2, 3, 4].map(() => log.append(bytesOf("x"))));
    await following;
    await log.close();
  });

  it("ends with the signal's reason, before, while waiting, and in the middle", async () => {
    const log = await openSmall(new SimVfs({ seed: 1 }));
    await appendCount(log, 3);
    const reason = new Error("enough");
    await expect(take(log, 9, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const waiting = new AbortController();
    const following = take(log, 9, { from: 1, signal: waiting.signal });
    setImmediate(() => waiting.abort(reason));
    await expect(following).rejects.toBe(reason);
    const middle = new AbortController();
    const error = await errorOf(async () => {
      for await (const { lsn } of log.follow({ from: 1, signal: middle.signal })) if (lsn === 2) middle.abort(reason);
    });
    expect(error).toBe(reason);
    await log.close();
  });

  it("ends when the log closes, and rejects with the cause when it is poisoned", async () => {
    const log = await openSmall(new SimVfs({ seed: 1 }));
    await appendCount(log, 2);
    const ended = take(log, 99, { from: 1 });
    await new Promise((resolve) => setImmediate(resolve));
    await log.close();
    expect(await ended).toEqual(recordTexts(1, 2));

    const vfs = new SimVfs({ seed: 1 });
    const poisoned = await openSmall(vfs);
    const following = errorOf(take(poisoned, 99));
    vfs.faults = new FaultPlan([{ operation: "write", path: ".seg", errno: "EIO" }]);
    const failure = await errorOf(poisoned.append(bytesOf("x")));
    expect(await following).toBe(failure);
    await poisoned.close();
  });

  it("says so when records that it gave are cut, and goes on where only later ones were", async () => {
    const log = await openSmall(new SimVfs({ seed: 1 }));
    await appendCount(log, 9);
    const behind = log.follow({ from: 1 });
    const before = log.follow({ from: 1 });
    for (let lsn = 1; lsn <= 8; lsn++) await behind.next();
    for (let lsn = 1; lsn <= 3; lsn++) await before.next();
    await log.truncateAfter(5);
    await log.append(bytesOf("new 6"));
    expect(await errorOf(behind.next())).toMatchObject({ name: "ConflictError", code: "HF_CUT" });
    const rest: string[] = [];
    for await (const { payload } of before) if (rest.push(textOf(payload)) === 3) break;
    expect(rest).toEqual(["record 4", "record 5", "new 6"]);
    await log.close();
  });

  it("says so when what it was to read next was pruned", async () => {
    const log = await openSmall(new SimVfs({ seed: 1 }));
    await appendCount(log, 12);
    const following = log.follow({ from: 1 });
    await following.next();
    await log.truncateBefore(11);
    const error = await errorOf(async () => {
      for await (const record of following) void record;
    });
    expect(error).toMatchObject({ code: "HF_LSN_OUT_OF_RANGE" });
    await log.close();
  });
});
