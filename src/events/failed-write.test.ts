import { channel } from "node:diagnostics_channel";
import { describe, expect, it } from "vitest";
import { FaultPlan, SimVfs, keepNothing } from "../vfs/index.js";
import { balance, codeOf, collect, errorOf, openSmall } from "./small-events.contract.js";

const ann = (cents: number): { account: string; cents: number } => ({ account: "ann", cents });

describe("a failed write", () => {
  it("poisons: everything that waits and everything later rejects with the first cause, and reopening has what was acknowledged", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs);
    await log.append("deposited", ann(1));
    log.enqueue("deposited", ann(2));
    vfs.faults = new FaultPlan([{ operation: "write", path: ".seg", errno: "EIO" }]);
    const waiting = [log.append("deposited", ann(3)), log.flush(), log.checkpoint({ state: 6 })];
    const errors = await Promise.all(waiting.map(errorOf));
    for (const error of errors) expect(error).toMatchObject({ code: "HF_POISONED", cause: { code: "HF_IO" } });
    vfs.faults = new FaultPlan([]);
    expect(await codeOf(log.append("deposited", ann(4)))).toBe("HF_POISONED");
    expect(await codeOf(() => log.enqueue("deposited", ann(4)))).toBe("HF_POISONED");
    expect(await codeOf(log.flush())).toBe("HF_POISONED");
    expect(await codeOf(log.get(2))).toBe("HF_POISONED");
    expect(await codeOf(log.checkpoint())).toBe("HF_POISONED");
    expect(await codeOf(log.hydrate(balance))).toBe("HF_POISONED");
    // Everybody was told, so closing only lets go.
    await log.close();
    const again = await openSmall(vfs.powerCut(keepNothing));
    expect((await collect(again.replay())).map(({ data }) => data)).toEqual([ann(1)]);
    await again.close();
  });

  it("of what the buffer wrote by itself is told by the next call, and by close where there is none", async () => {
    for (const calls of [true, false]) {
      const vfs = new SimVfs({ seed: 1 });
      const log = await openSmall(vfs, { batchSize: 2 });
      vfs.faults = new FaultPlan([{ operation: "write", path: ".seg", errno: "ENOSPC" }]);
      log.enqueue("deposited", ann(1));
      log.enqueue("deposited", ann(2));
      await vfs.delay(1);
      if (calls) expect(await codeOf(log.append("deposited", ann(3)))).toBe("HF_POISONED");
      expect(await codeOf(log.close())).toBe(calls ? undefined : "HF_POISONED");
    }
  });
});

describe("what an event log tells", () => {
  it("is on its channels, and in stats", async () => {
    const heard: string[] = [];
    const listeners = ["open", "flush", "checkpoint", "poison"].map((name) => {
      const listen = (message: unknown): void => void heard.push(`${name} ${JSON.stringify(message)}`);
      channel(`holdfast:events:${name}`).subscribe(listen);
      return () => channel(`holdfast:events:${name}`).unsubscribe(listen);
    });
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs);
    log.enqueue("deposited", ann(1));
    log.enqueue("deposited", ann(1));
    expect(log.stats()).toMatchObject({ enqueued: 2, pending: 2, checkpointLsn: undefined });
    await log.checkpoint({ state: 2 });
    await collect(log.replay({ types: ["withdrawn"] }));
    expect(log.stats()).toMatchObject({
      firstLsn: 1,
      lastLsn: 4,
      durableLsn: 4,
      records: 4,
      flushes: 1,
      enqueued: 0,
      pending: 0,
      pendingBytes: 0,
      decoded: 0,
      skipped: 4,
      checkpoints: 1,
      snapshotBytes: 1,
      checkpointsKept: 1,
      checkpointLsn: 4,
      log: { records: 4 },
    });
    vfs.faults = new FaultPlan([{ operation: "write", path: ".seg", errno: "EIO" }]);
    await codeOf(log.append("deposited", ann(1)));
    for (const unsubscribe of listeners) unsubscribe();
    await log.close();
    expect(heard.slice(0, 3)).toEqual([
      'open {"name":"/events","firstLsn":1,"lastLsn":0,"checkpoints":[]}',
      'flush {"name":"/events","firstLsn":1,"count":2}',
      'checkpoint {"name":"/events","lsn":4,"through":2,"snapshotBytes":1,"firstLsn":1}',
    ]);
    expect(heard.slice(3).map((line) => line.slice(0, 24))).toEqual(['poison {"name":"/events"']);
  });
});

describe("closing", () => {
  it("refuses new calls at once, and can be asked for twice", async () => {
    const log = await openSmall(new SimVfs({ seed: 1 }));
    log.enqueue("deposited", ann(1));
    const closing = log.close();
    expect(await codeOf(log.append("deposited", ann(1)))).toBe("HF_CLOSED");
    expect(await codeOf(() => log.enqueue("deposited", ann(1)))).toBe("HF_CLOSED");
    expect(await codeOf(log.checkpoint())).toBe("HF_CLOSED");
    expect(await codeOf(collect(log.replay()))).toBe("HF_CLOSED");
    expect(await codeOf(log.truncateBefore(1))).toBe("HF_CLOSED");
    await Promise.all([closing, log.close()]);
    expect(await codeOf(log.flush())).toBe("HF_CLOSED");
  });
});

describe("truncateBefore", () => {
  it("drops events, and checkpoints that would need them", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs);
    for (let n = 1; n <= 3; n++) await log.append("deposited", ann(n));
    await log.checkpoint({ state: 6 });
    await log.append("deposited", ann(4));
    await log.truncateBefore(4);
    expect((await log.hydrate(balance)).state).toBe(10);
    await log.truncateBefore(6);
    expect(log.checkpoints).toEqual([]);
    expect(await codeOf(log.hydrate(balance))).toBe("HF_NO_SNAPSHOT");
    expect((await collect(log.replay())).map(({ lsn }) => lsn)).toEqual([6]);
    await log.close();
    const again = await openSmall(vfs);
    expect(again.checkpoints).toEqual([]);
    await again.truncateBefore(7);
    expect([again.firstLsn, again.lastLsn]).toEqual([7, 6]);
    await again.close();
    const empty = await openSmall(vfs);
    expect(await empty.append("deposited", ann(5))).toBe(7);
    await empty.close();
  });
});
