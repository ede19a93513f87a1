/** Faults that reading event logs on streams that commit together found, one test each, with its story in the first line. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SharedLog, type Stream } from "../streams/index.js";
import { SimVfs, keepNothing } from "../vfs/index.js";
import { EventLog, type EventType, defineEvents, event, json } from "./index.js";

type Types = { readonly added: EventType<number> };

interface Opened {
  readonly vfs: SimVfs;
  readonly shared: SharedLog;
  readonly journal: Stream;
  /** A stream that gets nothing: where it has to, the whole is refused. */
  readonly idle: Stream;
  readonly log: EventLog<Types, number>;
}

async function opened(vfs: SimVfs = new SimVfs(), more: object = {}): Promise<Opened> {
  const shared = await SharedLog.open("/shared", { vfs, blockBytes: 512, segmentBytes: 1 << 16 });
  const journal = await shared.stream("events");
  const log = await EventLog.on<Types, number>(journal, {
    events: defineEvents<Types>({ added: event({ id: 1, codec: json<number>() }) }),
    ...more,
  });
  return { vfs, shared, journal, idle: await shared.stream("idle"), log };
}

async function sum(log: EventLog<Types, number>): Promise<number> {
  return (await log.hydrate<number>({ initial: 0, apply: (state, { data }) => state + data })).state;
}

/** A call that is refused after so many events were appended in it. */
function refusedTogether({ shared, idle, log }: Opened, count = 1): Promise<unknown> {
  const whole = shared.together([idle], () => Array.from({ length: count }, () => log.append("added", 1000)));
  return expect(whole).rejects.toMatchObject({ code: "HF_INVALID_ARGUMENT" });
}

describe("between a refusal and when the event log heard of it", () => {
  it("an event that was appended in the same turn got a number too high, and poisoned the log", async () => {
    const at = await opened();
    const refused = refusedTogether(at);
    expect(at.log.lastLsn).toBe(0);
    expect(await at.log.append("added", 1)).toBe(1);
    await refused;
    expect(await sum(at.log)).toBe(1);
  });

  it("an event that was appended some microtasks later poisoned the log", async () => {
    for (const ticks of [1, 2, 3, 4]) {
      const at = await opened();
      const refused = refusedTogether(at, 2);
      for (let tick = 0; tick < ticks; tick++) await Promise.resolve();
      expect(await at.log.append("added", 1)).toBe(1);
      await refused;
    }
  });

  it("an event that was appended where the refusal of its predecessor was handled poisoned the log", async () => {
    const { shared, idle, log } = await opened();
    const again: Promise<number>[] = [];
    const whole = shared.together([idle], () => [
      log.append("added", 1).catch(() => void again.push(log.append("added", 2))),
      log.appendAll([
        { type: "added", data: 3 },
        { type: "added", data: 4 },
      ]),
    ]);
    await expect(whole).rejects.toMatchObject({ code: "HF_INVALID_ARGUMENT" });
    expect(await again[0]).toBe(1);
    expect(await sum(log)).toBe(2);
  });

  it("a second batch of the same turn was lost with the first", async () => {
    const at = await opened();
    const refused = refusedTogether(at);
    expect(await at.shared.together([at.journal], () => [at.log.append("added", 1)])).toEqual([1]);
    await refused;
  });

  it("an event that was appended pointed at no checkpoint, and the log could not be opened any more", async () => {
    const at = await opened();
    for (let n = 0; n < 5; n++) await at.log.append("added", n);
    await at.log.checkpoint({ state: 10 });
    const { checkpoints } = at.log;
    const refused = refusedTogether(at, 2);
    await at.log.append("added", 5);
    await refused;
    const again = await opened(at.vfs.powerCut(keepNothing));
    expect(again.log.checkpoints).toEqual(checkpoints);
    expect(await sum(again.log)).toBe(15);
  });

  it("a checkpoint that was asked for covered numbers that went to other events, and hydrating passed them over", async () => {
    const at = await opened();
    for (let n = 0; n < 5; n++) await at.log.append("added", n);
    const first = at.log.checkpoint({ state: 10 });
    await Promise.resolve();
    const refused = refusedTogether(at, 3);
    const second = at.log.checkpoint({ state: 10 });
    await Promise.all([first, second, refused]);
    await at.log.append("added", 1000);
    expect(await sum(at.log)).toBe(1010);
  });
});

it("of two actors that one acknowledgement woke, the refused one lost the other's event", async () => {
  const { vfs, shared, idle, log } = await opened();
  await log.append("added", 0);
  await log.checkpoint({ state: 0 });
  const refused = (async () => {
    await idle.append(Uint8Array.of(1));
    await shared.together([], () => [log.append("added", 1), idle.append(new Uint8Array(65_000))]);
  })();
  const other = (async () => {
    await idle.append(Uint8Array.of(2));
    return await log.append("added", 2);
  })();
  await expect(refused).rejects.toMatchObject({ code: "HF_RECORD_TOO_LARGE" });
  expect(await other).toBe(4);
  expect(await sum((await opened(vfs.powerCut(keepNothing))).log)).toBe(2);
});

it("an event that was enqueued within a refused call poisoned the log: it is refused now, with the whole", async () => {
  const { shared, log } = await opened();
  let thrown: unknown;
  const whole = shared.together([], () => {
    const appended = log.append("added", 1);
    try {
      log.enqueue("added", 2);
    } catch (error) {
      thrown = error;
    }
    return [appended];
  });
  await expect(whole).rejects.toMatchObject({ code: "HF_BUSY" });
  expect(thrown).toMatchObject({ code: "HF_BUSY" });
  expect(await log.append("added", 3)).toBe(1);
  expect(log.enqueue("added", 4)).toBe(2);
  expect(await sum(log)).toBe(3);
});

it("what was enqueued before a refused call, and handed over in it, was written twice or not at all", async () => {
  const at = await opened();
  const { log } = at;
  for (let n = 1; n <= 3; n++) log.enqueue("added", n);
  const refused = refusedTogether(at);
  expect([log.lastLsn, log.stats().enqueued, log.stats().pending]).toEqual([3, 3, 3]);
  log.enqueue("added", 4);
  expect(await log.flush()).toBe(4);
  await refused;
  expect(await sum(log)).toBe(10);
  expect(log.stats().pendingBytes).toBe(0);
});

it("an event that the log itself refused was left out alone: the call failed as if refused, and the others were durable", async () => {
  const { shared, journal, log } = await opened();
  const refusals: readonly [code: string, act: () => Promise<unknown>][] = [
    ["HF_EVENT_UNENCODABLE", () => log.append("added", undefined as never)],
    ["HF_INVALID_ARGUMENT", () => log.append("taken" as never, 1)],
    ["HF_INVALID_ARGUMENT", () => log.appendAll([])],
    ["HF_EVENT_UNENCODABLE", () => log.appendAll([{ type: "added", data: undefined as never }])],
    ["HF_LSN_OUT_OF_RANGE", () => log.truncateBefore(9)],
    ["HF_BUSY", () => log.checkpoint({ state: 0 })],
  ];
  for (const [code, act] of refusals) {
    const whole = shared.together([journal], () => [log.append("added", 1), act()]);
    await expect(whole).rejects.toMatchObject({ code });
    expect([journal.nextLsn, log.lastLsn]).toEqual([1, 0]);
  }
  expect(await log.append("added", 1)).toBe(1);
});

/** What one step of the model does. */
type Step =
  | "append"
  | "enqueue"
  | "flush"
  | "checkpoint"
  | "together"
  | "throws"
  | "lacks a part"
  | "enqueues"
  | "tick"
  | "turn";

it("whatever is refused between them, every accepted event is there once, in order, also after a power cut", async () => {
  const steps = fc.array(
    fc.constantFrom<Step>(
      "append",
      "enqueue",
      "flush",
      "checkpoint",
      "together",
      "throws",
      "lacks a part",
      "enqueues",
      "tick",
      "turn",
    ),
    { minLength: 5, maxLength: 40 },
  );
  const run = async (calls: readonly Step[]): Promise<void> => {
    const { vfs, shared, journal, idle, log } = await opened(undefined, { checkpointsMax: 1 });
    /** By LSN: checkpoints count too. */
    const accepted: number[] = [];
    const waiting: Promise<unknown>[] = [];
    const refused: Promise<string>[] = [];
    let n = 0;
    const refuse = (streams: readonly Stream[], then: () => void): void => {
      const before = log.lastLsn;
      const whole = shared.together(streams, () => {
        const appended = [log.append("added", -1), log.append("added", -1)];
        then();
        return appended;
      });
      expect(log.lastLsn).toBe(before);
      refused.push(
        whole.then(
          () => "done",
          () => "refused",
        ),
      );
    };
    for (const call of calls) {
      n += 1;
      if (call === "append") accepted.push(n);
      if (call === "append") waiting.push(log.append("added", n));
      else if (call === "enqueue") {
        log.enqueue("added", n);
        accepted.push(n);
      } else if (call === "flush") waiting.push(log.flush());
      else if (call === "checkpoint") {
        const state = accepted.reduce((total, one) => total + one, 0);
        waiting.push(log.checkpoint({ state }));
      } else if (call === "together") {
        accepted.push(n, n);
        waiting.push(shared.together([journal], () => [log.append("added", n), log.append("added", n)]));
      } else if (call === "throws") {
        const own = (): never => {
          throw new Error("of the caller's own");
        };
        refuse([], own);
      } else if (call === "lacks a part") refuse([idle], () => undefined);
      else if (call === "enqueues") refuse([], () => void log.enqueue("added", -1));
      else if (call === "tick") await Promise.resolve();
      else await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(waiting);
    expect(new Set(await Promise.all(refused))).not.toContain("done");
    await log.flush();
    const total = accepted.reduce((all, one) => all + one, 0);
    expect(await sum(log)).toBe(total);
    const found: number[] = [];
    for await (const { data } of log.replay()) found.push(data);
    expect(found).toEqual(found.length === 0 ? [] : accepted.slice(-found.length));
    const again = await opened(vfs.powerCut(keepNothing));
    expect(await sum(again.log)).toBe(total);
    expect(again.log.checkpoints).toEqual(log.checkpoints);
  };
  await fc.assert(fc.asyncProperty(steps, run), { numRuns: 40 });
});
