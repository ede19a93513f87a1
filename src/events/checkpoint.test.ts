import { channel } from "node:diagnostics_channel";
import { describe, expect, it } from "vitest";
import { keepNothing, SimVfs } from "../vfs/index.js";
import { json } from "./codec.js";
import { EventLog } from "./event-log.js";
import { SNAPSHOT_TYPE, encodePart, encodePayload } from "./format.js";
import {
  type SmallLog,
  balance,
  codeOf,
  collect,
  errorOf,
  events,
  openLog,
  openSmall,
} from "./small-events.contract.js";
import { snapshot } from "./versioned.js";

const ann = (cents: number): { account: string; cents: number } => ({ account: "ann", cents });

function payloadOf(back: number, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(100);
  return bytes.subarray(0, encodePayload(bytes, 0, 0, back, body));
}

async function deposit(log: SmallLog, count: number): Promise<void> {
  for (let n = 0; n < count; n++) await log.append("deposited", ann(1));
}

describe("a checkpoint", () => {
  it("with a state is where hydration starts", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs);
    await deposit(log, 5);
    expect(await log.checkpoint({ state: 5 })).toEqual({ lsn: 7, through: 5, snapshotBytes: 1 });
    await deposit(log, 2);
    const again = await openSmall(vfs.powerCut(keepNothing));
    expect(again.checkpoints).toEqual([{ lsn: 7, through: 5, snapshotBytes: 1 }]);
    expect(await again.hydrate(balance)).toEqual({ state: 7, lsn: 9, checkpointLsn: 7, events: 2, rejected: [] });
    expect((await collect(again.replay({ from: 6 }))).map(({ lsn }) => lsn)).toEqual([8, 9]);
    expect(await again.get(7)).toBeUndefined();
    await again.close();
  });

  it("is kept by count, and the log is pruned to what the oldest leaves to be replayed", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs, { checkpointsMax: 3 });
    let total = 0;
    for (let round = 0; round < 6; round++) {
      await deposit(log, 2);
      total += 2;
      await log.checkpoint({ state: total });
    }
    expect(log.checkpoints.map(({ lsn, through }) => [lsn, through])).toEqual([
      [24, 22],
      [20, 18],
      [16, 14],
    ]);
    expect(log.firstLsn).toBe(15);
    await log.close();
    const again = await openSmall(vfs, { checkpointsMax: 3 });
    expect(again.checkpoints.map(({ lsn }) => lsn)).toEqual([24, 20, 16]);
    expect(await again.hydrate(balance)).toMatchObject({ state: 12, events: 0, checkpointLsn: 24 });
    await again.close();
    const fewer = await openSmall(vfs, { checkpointsMax: 1 });
    expect(fewer.checkpoints.map(({ lsn }) => lsn)).toEqual([24]);
    await fewer.checkpoint({ state: 12 });
    expect([fewer.firstLsn, fewer.lastLsn]).toEqual([25, 26]);
    await fewer.close();
  });

  it("covers what was accepted before it, enqueued or not, and nothing that came after", async () => {
    await using log = await openSmall(new SimVfs({ seed: 1 }), { checkpointsMax: 1 });
    log.enqueue("deposited", ann(1));
    const appending = log.append("deposited", ann(2));
    const taking = log.checkpoint({ state: 3 });
    log.enqueue("deposited", ann(4));
    const later = log.append("deposited", ann(8));
    await Promise.all([appending, taking, later]);
    expect((await taking).through).toBe(2);
    expect(await log.hydrate(balance)).toMatchObject({ state: 15, events: 2 });
  });

  it("can cover less than what was accepted, never less than the one before", async () => {
    await using log = await openSmall(new SimVfs({ seed: 1 }), { checkpointsMax: 1 });
    await deposit(log, 6);
    expect(await log.checkpoint({ state: 4, through: 4 })).toMatchObject({ through: 4 });
    expect(log.firstLsn).toBe(5);
    expect(await log.hydrate(balance)).toMatchObject({ state: 6, events: 2 });
    expect(await codeOf(log.checkpoint({ state: 3, through: 3 }))).toBe("HF_INVALID_ARGUMENT");
    expect(await codeOf(log.checkpoint({ state: 3, through: 99 }))).toBe("HF_INVALID_ARGUMENT");
  });

  it("keeps the state as it was when the call was made", async () => {
    await using log = await openSmall(new SimVfs({ seed: 1 }));
    const state = { cents: 1 };
    const first = log.checkpoint({ state });
    const second = log.checkpoint({ state });
    state.cents = 2;
    await Promise.all([first, second]);
    expect(await log.hydrate({ initial: state, apply: (sum) => sum })).toMatchObject({ state: { cents: 1 } });
  });

  it("without a state prunes too, but never the newest snapshot", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs, { checkpointsMax: 2 });
    await deposit(log, 3);
    await log.checkpoint();
    await deposit(log, 1);
    await log.checkpoint({ state: 4 });
    for (let n = 0; n < 5; n++) {
      await deposit(log, 1);
      await log.checkpoint();
    }
    expect(log.firstLsn).toBe(6);
    expect(log.checkpoints.map(({ snapshotBytes }) => snapshotBytes)).toEqual([undefined, undefined, 1]);
    const again = await openSmall(vfs.powerCut(keepNothing), { checkpointsMax: 2 });
    expect(again.checkpoints).toEqual(log.checkpoints);
    expect(await again.hydrate(balance)).toMatchObject({ state: 9, events: 5 });
    await again.close();
  });

  it("that never had a state leaves nothing to hydrate from once the beginning is gone", async () => {
    await using log = await openSmall(new SimVfs({ seed: 1 }), { checkpointsMax: 1 });
    await deposit(log, 3);
    expect(await log.hydrate(balance)).toMatchObject({ state: 3, checkpointLsn: undefined });
    await log.checkpoint();
    expect(await codeOf(log.hydrate(balance))).toBe("HF_NO_SNAPSHOT");
  });

  it("is found again behind any number of events, by reading a few records", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs, {}, { segmentBytes: 512 * 64 });
    await log.checkpoint({ state: 0 });
    for (let n = 0; n < 3000; n++) log.enqueue("deposited", ann(1));
    await log.close();
    const journal = await openLog(vfs, { segmentBytes: 512 * 64 });
    let read = 0;
    const counting = new Proxy(journal, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target);
        if (name === "read") return (options: object) => counted(target.read(options));
        return typeof value === "function" ? (value as () => void).bind(target) : value;
      },
    });
    async function* counted<T>(records: AsyncIterable<T>): AsyncGenerator<T> {
      for await (const record of records) {
        read += 1;
        yield record;
      }
    }
    const again = await EventLog.on(counting, { events });
    expect(again.checkpoints.map(({ lsn }) => lsn)).toEqual([2]);
    expect(read).toBe(2);
    await again.close();
    await journal.close();
  });
});

describe("a snapshot larger than a segment", () => {
  const state = { text: "x".repeat(9000) };
  const text = { initial: { text: "" }, apply: (sum: { text: string }) => sum };

  it("is kept in parts, and events get in between", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs, { partBytes: 700 });
    const taking = log.checkpoint({ state });
    for (let n = 0; n < 4; n++) await log.append("deposited", ann(n));
    const { lsn, through } = await taking;
    expect(through).toBe(0);
    // 13 parts and the checkpoint would end at 14.
    expect(lsn).toBeGreaterThan(14);
    const again = await openSmall(vfs.powerCut(keepNothing));
    expect(await again.hydrate(text)).toMatchObject({ state, events: 4, checkpointLsn: lsn });
    await again.close();
  });

  it("that was torn by a crash is no checkpoint, and is passed over", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs, { partBytes: 700 });
    await log.checkpoint({ state: { text: "before" } });
    const taking = log.checkpoint({ state });
    await vfs.delay(1);
    void taking.catch(() => undefined);
    let disk = vfs;
    // As a crash between two batches leaves it: parts at the end of the log.
    const other = await openLog((disk = vfs.kill()));
    const { lastLsn } = other;
    await other.truncateAfter(lastLsn - 2);
    await other.close();
    const again = await openSmall(disk);
    expect(again.checkpoints.map(({ lsn }) => lsn)).toEqual([2]);
    expect(again.lastLsn).toBeGreaterThan(2);
    expect(await again.hydrate(text)).toMatchObject({ state: { text: "before" }, events: 0, rejected: [] });
    await deposit(again, 1);
    await again.checkpoint({ state });
    expect(await again.hydrate(text)).toMatchObject({ state });
    await again.close();
  });
});

describe("a damaged snapshot", () => {
  async function withDamage(damage: (log: Awaited<ReturnType<typeof openLog>>) => Promise<void>): Promise<SmallLog> {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs);
    await deposit(log, 2);
    await log.checkpoint({ state: 2 });
    await deposit(log, 2);
    await log.checkpoint({ state: 4 });
    await log.close();
    const journal = await openLog(vfs);
    await damage(journal);
    await journal.close();
    return await openSmall(vfs);
  }

  it("gives way to the one before it, and says so", async () => {
    // The records up to LSN 6 stay; the part at 7 becomes another one, and the checkpoint at 8 is put back.
    await using log = await withDamage(async (journal) => {
      const checkpoint = await journal.get(8);
      await journal.truncateAfter(6);
      await journal.append(payloadOf(2, encodePart(0, Uint8Array.of(0x35))), SNAPSHOT_TYPE);
      await journal.append(checkpoint!.payload, checkpoint!.type);
    });
    const messages: unknown[] = [];
    const listen = (message: unknown): void => void messages.push(message);
    channel("holdfast:events:fallback").subscribe(listen);
    const hydrated = await log.hydrate(balance);
    channel("holdfast:events:fallback").unsubscribe(listen);
    expect(hydrated).toMatchObject({ state: 4, events: 2, checkpointLsn: 4 });
    expect(hydrated.rejected).toMatchObject([{ lsn: 8, cause: { code: "HF_SNAPSHOT_DAMAGED" } }]);
    expect(messages).toMatchObject([{ lsn: 8, cause: { code: "HF_SNAPSHOT_DAMAGED" } }]);
  });

  it("that the codec refuses, or of a newer version, gives way too; with none left the events are folded from the start", async () => {
    await using log = await withDamage(async () => undefined);
    const picky = snapshot({
      codec: json<number>((value) => {
        if (value === 4) throw new Error("not four");
        return value as number;
      }),
    });
    await log.close();
    const vfs = new SimVfs({ seed: 2 });
    const writer = await openSmall(vfs);
    await deposit(writer, 2);
    await writer.checkpoint({ state: 2 });
    await deposit(writer, 2);
    await writer.checkpoint({ state: 4 });
    await writer.close();
    const reader = await openSmall(vfs, { snapshot: picky });
    const first = await reader.hydrate(balance);
    expect(first).toMatchObject({ state: 4, checkpointLsn: 4, events: 2 });
    expect(first.rejected).toMatchObject([{ lsn: 8, cause: { code: "HF_EVENT_UNDECODABLE" } }]);
    await reader.close();
    const next = snapshot({ codec: json<number>(), version: 2 });
    const newer = await openSmall(vfs, { snapshot: next });
    const second = await newer.hydrate(balance);
    expect(second).toMatchObject({ state: 4, checkpointLsn: undefined, events: 4 });
    expect(second.rejected.map(({ cause }) => cause.code)).toEqual([
      "HF_EVENT_VERSION_UNKNOWN",
      "HF_EVENT_VERSION_UNKNOWN",
    ]);
    await newer.checkpoint({ state: 4 });
    await newer.close();
    const older = await openSmall(vfs);
    expect((await older.hydrate(balance)).rejected).toMatchObject([{ cause: { code: "HF_FORMAT_NEWER" } }]);
    await older.close();
  });

  it("is an error where the events before it are gone", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs, { checkpointsMax: 1 });
    await deposit(log, 2);
    await log.checkpoint({ state: 2 });
    await log.close();
    const refuses = snapshot({
      codec: json<number>(() => {
        throw new Error("no");
      }),
    });
    const again = await openSmall(vfs, { snapshot: refuses });
    const error = await errorOf(again.hydrate(balance));
    expect(error).toMatchObject({ code: "HF_NO_SNAPSHOT", details: { rejected: 1 } });
    expect(error?.cause).toMatchObject({ code: "HF_EVENT_UNDECODABLE" });
    await again.close();
  });

  it("is passed over with its parts, and the events among them are not", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs, { partBytes: 700 });
    const taking = log.checkpoint({ state: "y".repeat(9000) });
    for (let n = 1; n <= 4; n++) await log.append("deposited", ann(n));
    await taking;
    await log.close();
    const refuses = snapshot({
      codec: json<number>(() => {
        throw new Error("no");
      }),
    });
    const again = await openSmall(vfs, { snapshot: refuses });
    expect(await again.hydrate(balance)).toMatchObject({ state: 10, events: 4, rejected: [{}] });
    await again.close();
  });

  it("of an older version is brought up", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs);
    await deposit(log, 2);
    await log.checkpoint({ state: 2 });
    await log.close();
    const cents = snapshot({
      codec: json<{ cents: number }>(),
      version: 2,
      upcast: { 1: (old: number) => ({ cents: old }) },
    });
    const again = await openSmall(vfs, { snapshot: cents });
    const { state } = await again.hydrate({ initial: { cents: 0 }, apply: (sum) => sum });
    expect(state).toEqual({ cents: 2 });
    await again.close();
  });
});

describe("closing", () => {
  it("waits for a checkpoint that is under way", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs, { partBytes: 64 });
    const taking = log.checkpoint({ state: "y".repeat(5000) });
    await log.close();
    await taking;
    const again = await openSmall(vfs);
    expect(again.checkpoints).toHaveLength(1);
    await again.close();
  });
});
