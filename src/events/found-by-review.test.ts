/** Faults that reading the event log found, one test each, with its story in the first line. */
import { expect, it } from "vitest";
import type { LogRecord } from "../log/index.js";
import { FaultPlan, SimVfs } from "../vfs/index.js";
import { bytes, json } from "./codec.js";
import { EventLog } from "./event-log.js";
import { defineEvents, event } from "./event-type.js";
import {
  type SmallLog,
  balance,
  codeOf,
  collect,
  events,
  openLog,
  openSmall,
  plainJournal,
} from "./small-events.contract.js";
import { snapshot } from "./versioned.js";

const ann = (cents: number): { account: string; cents: number } => ({ account: "ann", cents });

it("a codec that uses its buffer again made all events of an appendAll the last one: they were encoded before any was copied", async () => {
  const buffer = new Uint8Array(1);
  const codec = {
    encode(value: number): Uint8Array {
      buffer[0] = value;
      return buffer;
    },
    decode: (stored: Uint8Array) => stored[0],
  };
  const journal = await openLog(new SimVfs({ seed: 1 }));
  const log = await EventLog.on(journal, { events: defineEvents({ counted: event({ id: 1, codec }) }) });
  await log.appendAll([1, 2, 3].map((data) => ({ type: "counted", data }) as const));
  log.enqueue("counted", 4);
  await Promise.all([log.append("counted", 5), log.append("counted", 6)]);
  expect((await collect(log.replay())).map(({ data }) => data)).toEqual([1, 2, 3, 4, 5, 6]);
  await journal.close();
});

it("a type or a snapshot that was declared without event or snapshot wrote checkpoints and types that no opening accepts", async () => {
  const codec = bytes();
  for (const type of [{ id: 240, codec }, { id: 300, codec }, { id: 1, codec, version: 0 }, { codec }, 7, null])
    expect(await codeOf(() => defineEvents({ sealed: type as never }))).toBe("HF_INVALID_ARGUMENT");
  const vfs = new SimVfs({ seed: 1 });
  for (const given of [5, {}, null, { codec, version: 0 }])
    expect(await codeOf(openSmall(vfs, { snapshot: given as never }))).toBe("HF_INVALID_ARGUMENT");
  expect(vfs.snapshotTree()).toEqual([]);
  const log = await EventLog.open("/plain", {
    events: defineEvents({ sealed: { id: 1, codec } as never }),
    snapshot: { codec: json() } as never,
    log: { vfs },
  });
  await log.append("sealed", Uint8Array.of(1));
  await log.checkpoint({ state: 1 });
  await log.close();
  const again = await EventLog.open("/plain", {
    events: defineEvents({ sealed: event({ id: 1, codec }) }),
    log: { vfs },
  });
  expect((await collect(again.replay())).length).toBe(1);
  expect((await again.hydrate({ initial: 0, apply: (sum) => sum + 1 })).state).toBe(1);
  await again.close();
});

it("a replay that was read to its end rejected, because a checkpoint of its handler had pruned what comes behind that end", async () => {
  for (const plain of [false, true]) {
    const journal = await openLog(new SimVfs({ seed: 1 }));
    const log = await EventLog.on(plain ? plainJournal(journal) : journal, { events, checkpointsMax: 1 });
    for (let n = 1; n <= 5; n++) await log.append("deposited", ann(n));
    const handled = await log.replayWith(async ({ lsn }) => {
      if (lsn < 5) return;
      await log.append("deposited", ann(6));
      await log.checkpoint({ state: 21 });
    });
    expect(handled).toBe(5);
    await journal.close();
  }
});

it("another writer was not noticed while an append was on its way, and the record behind it pointed back to no checkpoint: no opening took the log again", async () => {
  const vfs = new SimVfs({ seed: 1 });
  const journal = await openLog(vfs);
  const log = await EventLog.on(journal, { events });
  await log.append("deposited", ann(1));
  await log.checkpoint({ state: 1 });
  const first = log.append("deposited", ann(2));
  const other = journal.append(Uint8Array.of(1, 1, 1, ...new TextEncoder().encode(JSON.stringify(ann(3)))), 1);
  expect(await codeOf(log.append("deposited", ann(4)))).toBe("HF_SECOND_WRITER");
  expect([await first, await other, journal.nextLsn]).toEqual([4, 5, 6]);
  await log.close();
  await journal.truncateAfter(4);
  await journal.close();
  const again = await openSmall(vfs);
  expect((await again.hydrate(balance)).state).toBe(3);
  await again.close();
});

it("what another event log wrote while this one opened was taken for its own: it numbered behind that, and pointed back past its checkpoint", async () => {
  const journal = await openLog(new SimVfs({ seed: 1 }));
  const first = await EventLog.on(journal, { events });
  await first.append("deposited", ann(1));
  async function* slowly(records: AsyncIterable<LogRecord>): AsyncGenerator<LogRecord> {
    yield* records;
    await first.checkpoint({ state: 1 });
  }
  const slow = new Proxy(journal, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (name === "read") return (options: object) => collected(slowly(target.read(options)));
      return typeof value === "function" ? (value as () => void).bind(target) : value;
    },
  });
  async function* collected(records: AsyncIterable<LogRecord>): AsyncGenerator<LogRecord> {
    yield* await collect(records);
  }
  const second = await EventLog.on(slow, { events });
  expect(await codeOf(second.append("deposited", ann(2)))).toBe("HF_SECOND_WRITER");
  await journal.close();
});

it("close rejected though an append had told of the failure, and a close at the wrong moment hid that enqueued events were lost", async () => {
  const failing = (): FaultPlan => new FaultPlan([{ operation: "write", path: ".seg", errno: "EIO" }]);
  const vfs = new SimVfs({ seed: 1 });
  const told = await openSmall(vfs);
  vfs.faults = failing();
  told.enqueue("deposited", ann(1));
  expect(await codeOf(told.append("deposited", ann(2)))).toBe("HF_POISONED");
  await told.close();
  for (let turns = 0; turns < 60; turns++) {
    const other = new SimVfs({ seed: 1 });
    const log = await openSmall(other, { batchSize: 1 });
    other.faults = failing();
    log.enqueue("deposited", ann(1));
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => process.nextTick(resolve));
    expect(await codeOf(log.close())).toBe("HF_POISONED");
  }
});

it("a handler that never finishes could not be stopped: the signal was looked at only between two events", async () => {
  await using log = await openSmall(new SimVfs({ seed: 1 }));
  await log.append("deposited", ann(1));
  const reason = new Error("enough");
  const forever = (): Promise<never> => new Promise(() => undefined);
  for (const start of [
    (signal: AbortSignal) => log.replayWith(forever, { signal }),
    (signal: AbortSignal) => log.hydrate({ initial: 0, apply: forever, signal }),
  ]) {
    const controller = new AbortController();
    const stopped = start(controller.signal);
    setImmediate(() => controller.abort(reason));
    await expect(stopped).rejects.toBe(reason);
  }
  const aborted = AbortSignal.abort(reason);
  await expect(log.replayWith(() => undefined, { types: ["sealed"], signal: aborted })).rejects.toBe(reason);
  // A handler that minds the same signal.
  const controller = new AbortController();
  const minding = log.replayWith(
    async () => {
      controller.abort(reason);
      throw reason;
    },
    { signal: controller.signal },
  );
  await expect(minding).rejects.toBe(reason);
});

it("a query of a database, which runs when it is awaited and is no instance of Promise, was not run by a replay and became the state of a hydration", async () => {
  await using log = await openSmall(new SimVfs({ seed: 1 }));
  for (let n = 1; n <= 3; n++) await log.append("deposited", ann(n));
  let ran = 0;
  const query = <T>(value: T): PromiseLike<T> => ({
    // oxlint-disable-next-line unicorn/no-thenable
    then(resolve, reject) {
      ran += 1;
      return Promise.resolve(value).then(resolve, reject);
    },
  });
  expect(await log.replayWith(() => query(undefined))).toBe(3);
  expect(ran).toBe(3);
  const { state } = await log.hydrate({ initial: 0, apply: (sum, stored) => query(balance.apply(sum, stored)) });
  expect(state).toBe(6);
});

it("arguments that are missing or of another kind were errors of JavaScript", async () => {
  const codec = json();
  const same = (old: unknown): unknown => old;
  for (const declare of [
    () => event(undefined as never),
    () => snapshot(undefined as never),
    () => event({ id: 1, codec, upcast: null as never }),
    () => event({ id: 1, codec, version: 2, upcast: same as never }),
    () => event({ id: 1, codec, codecs: null as never }),
    () => event({ id: 1, codec, upcast: { 0: same } }),
    () => event({ id: 1, codec, version: 2, upcast: { 1: same, 1.5: same } }),
    () => event({ id: 1, codec, version: 2, upcast: { 1: same, " 1": same } as never }),
    () => event({ id: 1, codec, version: 2, upcast: { 1: same }, codecs: { 1.5: codec } }),
    () => EventLog.open("/x", undefined as never),
    () => EventLog.on(undefined as never, { events }),
    () => EventLog.on({} as never, { events }),
  ])
    expect(await codeOf(declare)).toBe("HF_INVALID_ARGUMENT");
  await using log = await openSmall(new SimVfs({ seed: 1 }));
  for (const list of [[null], [undefined], Array.from({ length: 1 }), Array(2), [5]])
    expect(await codeOf(log.appendAll(list as never))).toBe("HF_INVALID_ARGUMENT");
  expect(log.lastLsn).toBe(0);
  const signal = 5 as never;
  expect(await codeOf(log.replayWith(() => undefined, { signal }))).toBe("HF_INVALID_ARGUMENT");
  expect(await codeOf(collect(log.replay({ signal })))).toBe("HF_INVALID_ARGUMENT");
  expect(await codeOf(log.hydrate({ ...balance, signal }))).toBe("HF_INVALID_ARGUMENT");
});

it("a damaged snapshot was passed over, and the replay from the one before it then stumbled over the same damaged bytes, though no event is there", async () => {
  const vfs = new SimVfs({ seed: 1 });
  const log = await openSmall(vfs);
  await log.append("deposited", ann(1));
  await log.checkpoint({ state: 1 });
  await log.append("deposited", ann(2));
  await log.checkpoint({ state: "Q".repeat(20_000) });
  await log.append("deposited", ann(4));
  await log.append("sealed", new Uint8Array(3000));
  await log.close();
  const outcomes = { sound: 0, fallback: 0, refused: 0 };
  for (const { path, contents } of vfs.snapshotTree()) {
    if (contents === undefined || !path.endsWith(".seg")) continue;
    for (let at = 100; at < contents.length; at += 512) {
      const damaged = vfs.kill();
      const file = await damaged.open(path, { access: "read-write" });
      await file.write(Uint8Array.of(contents[at]! ^ 1), at);
      await file.syncData();
      await file.close();
      let again: SmallLog | undefined;
      try {
        again = await openSmall(damaged);
        const { state, rejected } = await again.hydrate<number | string>({ initial: 0, apply: balance.apply as never });
        if (rejected.length === 0) {
          expect(state).toBe(`${"Q".repeat(20_000)}4`);
          outcomes.sound += 1;
        } else {
          expect([state, rejected[0]?.cause.code]).toEqual([7, "HF_CORRUPTION"]);
          outcomes.fallback += 1;
        }
      } catch (error) {
        expect(error).toMatchObject({ code: "HF_CORRUPTION" });
        outcomes.refused += 1;
      } finally {
        await again?.close();
      }
    }
  }
  expect(outcomes.fallback).toBeGreaterThan(20);
  expect(outcomes.refused).toBeGreaterThan(2);
});
