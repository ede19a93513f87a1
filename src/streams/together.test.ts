import { describe, expect, it } from "vitest";
import { FaultPlan, SimVfs, keepNothing } from "../vfs/index.js";
import { SharedLog, type Stream } from "./index.js";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const open = (vfs: SimVfs): Promise<SharedLog> =>
  SharedLog.open("/shared", { vfs, blockBytes: 512, segmentBytes: 4096, spareSegmentsMax: 1, checkpointBytes: 2048 });

interface Opened {
  readonly vfs: SimVfs;
  readonly shared: SharedLog;
  readonly a: Stream;
  readonly b: Stream;
}

async function opened(): Promise<Opened> {
  const vfs = new SimVfs({ seed: 1 });
  const shared = await open(vfs);
  return { vfs, shared, a: await shared.stream("a"), b: await shared.stream("b") };
}

/** What a call throws, as a promise. */
async function refused(act: () => unknown): Promise<never> {
  await act();
  return expect.unreachable();
}

async function contents(stream: Stream): Promise<string[]> {
  const found: string[] = [];
  for await (const { payload } of stream.read()) found.push(new TextDecoder().decode(payload));
  return found;
}

describe("SharedLog.together", () => {
  it("makes one batch of all that is appended in the call, in the order of the calls, and resolves to what they do", async () => {
    const { vfs, shared, a, b } = await opened();
    const { groups } = shared.stats().log;
    const outcome = await shared.together([a, b], () => [
      a.append(text("a1"), 7),
      b.appendAll([text("b1"), { payload: text("b2"), type: 9 }]),
      shared.commit([
        { stream: b, records: [text("b3")] },
        { stream: a, records: [text("a2")] },
      ]),
      a.append(text("a3")),
      "no promise",
    ]);
    expect(outcome).toEqual([
      1,
      { firstLsn: 1, lastLsn: 2 },
      [
        { firstLsn: 3, lastLsn: 3 },
        { firstLsn: 2, lastLsn: 2 },
      ],
      3,
      "no promise",
    ]);
    expect(shared.stats().log.groups - groups).toBe(1);
    expect([a.nextLsn, a.durableLsn, b.nextLsn, b.durableLsn]).toEqual([4, 3, 4, 3]);
    expect((await a.get(1))?.type).toBe(7);
    const again = await open(vfs.powerCut(keepNothing));
    expect(await contents(await again.stream("a"))).toEqual(["a1", "a2", "a3"]);
    expect(await contents(await again.stream("b"))).toEqual(["b1", "b2", "b3"]);
  });

  it("is atomic where a crash comes before it is durable, and nothing resolves before that", async () => {
    const { vfs, shared, a, b } = await opened();
    let resolved = 0;
    const whole = shared.together([a, b], () => [
      a.append(text("a1")).then(() => (resolved += 1)),
      b.append(text("b1")).then(() => (resolved += 1)),
    ]);
    whole.catch(() => undefined);
    expect([a.nextLsn, b.nextLsn, a.lastLsn]).toEqual([2, 2, 0]);
    await Promise.resolve();
    expect(resolved).toBe(0);
    const again = await open(vfs.powerCut(keepNothing));
    expect(await contents(await again.stream("a"))).toEqual([]);
    expect(await contents(await again.stream("b"))).toEqual([]);
  });

  it("goes behind what was appended before it, and before what is appended after it", async () => {
    const { shared, a, b } = await opened();
    await Promise.all([
      a.append(text("before")),
      shared.together([a, b], () => [a.append(text("within")), b.append(text("within"))]),
      a.append(text("after")),
    ]);
    expect(await contents(a)).toEqual(["before", "within", "after"]);
  });

  it("does nothing where nothing is appended, and nothing has to be", async () => {
    const { shared } = await opened();
    const { groups } = shared.stats().log;
    expect(await shared.together([], () => [])).toEqual([]);
    expect(shared.stats().log.groups).toBe(groups);
  });

  const refusals: readonly [name: string, code: string, act: (at: Opened, appended: Promise<unknown>[]) => unknown][] =
    [
      [
        "the function throws",
        "HF_TEST",
        () => {
          throw Object.assign(new Error("of the caller's own"), { code: "HF_TEST" });
        },
      ],
      ["the function is async", "HF_INVALID_ARGUMENT", () => Promise.reject(new Error("never heard"))],
      ["the function returns no array", "HF_INVALID_ARGUMENT", () => undefined],
      ["the whole is too large", "HF_BATCH_TOO_LARGE", ({ a, b }, all) => all.push(a.append(text("x".repeat(900))), b.append(text("x".repeat(900))), a.append(text("x".repeat(900))), b.append(text("x".repeat(900))))], // prettier-ignore
      ["one record is too large", "HF_RECORD_TOO_LARGE", ({ a }, all) => all.push(a.append(new Uint8Array(1 << 20)))],
      ["a payload is none", "HF_INVALID_ARGUMENT", ({ b }, all) => all.push(b.append("none" as never))],
      ["something is enqueued", "HF_INVALID_ARGUMENT", ({ a }, all) => all.push(refused(() => a.enqueue(text("x"))))],
      ["a stream is cut", "HF_INVALID_ARGUMENT", ({ a }, all) => all.push(a.truncateAfter(0))],
      ["a stream is pruned", "HF_INVALID_ARGUMENT", ({ a }, all) => all.push(a.truncateBefore(2))],
      ["a stream is emptied", "HF_INVALID_ARGUMENT", ({ a }, all) => all.push(a.truncateAll())],
      ["a stream is dropped", "HF_INVALID_ARGUMENT", ({ shared }, all) => all.push(shared.drop("b"))],
      [
        "it is called within itself",
        "HF_INVALID_ARGUMENT",
        ({ shared }, all) => all.push(shared.together([], () => [])),
      ],
    ];
  for (const [name, code, act] of refusals)
    it(`appends nothing and takes the LSNs back where ${name}`, async () => {
      const at = await opened();
      const { shared, a, b } = at;
      await a.append(text("a1"));
      const { appends } = { appends: shared.stats().entries };
      const all: Promise<unknown>[] = [];
      const whole = shared.together([a], () => {
        all.push(a.append(text("lost")), b.appendAll([text("lost"), text("lost")]));
        const returned = act(at, all);
        return (typeof returned === "number" ? all : returned) as unknown[];
      });
      // Each append is refused with a code that a store takes for a refusal without effect.
      const outcomes = Promise.allSettled(all);
      await expect(whole).rejects.toMatchObject({ code });
      for (const outcome of await outcomes)
        expect(outcome).toMatchObject({ status: "rejected", reason: { code: expect.stringMatching(/INVALID|TOO_LARGE/) } }); // prettier-ignore
      expect([a.nextLsn, b.nextLsn, shared.stats().entries]).toEqual([2, 1, appends]);
      expect(await shared.together([a, b], () => [a.append(text("a2")), b.append(text("b1"))])).toEqual([2, 1]);
      expect([await contents(a), await contents(b)]).toEqual([["a1", "a2"], ["b1"]]);
    });

  it("refuses the whole where a stream lacks its part", async () => {
    const { shared, a, b } = await opened();
    const whole = shared.together([a, b], () => [a.append(text("lost"))]);
    await expect(whole).rejects.toMatchObject({ code: "HF_INVALID_ARGUMENT", details: { stream: "b" } });
    expect([a.nextLsn, await contents(a)]).toEqual([1, []]);
  });

  it("refuses streams that are not its own, before it calls", async () => {
    const { shared } = await opened();
    const other = await opened();
    const act = (): [] => expect.unreachable();
    await expect(shared.together([other.a], act)).rejects.toMatchObject({ code: "HF_INVALID_ARGUMENT" });
    await expect(shared.together("a" as never, act)).rejects.toMatchObject({ code: "HF_INVALID_ARGUMENT" });
    await expect(shared.together([], "act" as never)).rejects.toMatchObject({ code: "HF_INVALID_ARGUMENT" });
  });

  it("a sync that is asked for within waits for the batch", async () => {
    const { shared, a, b } = await opened();
    const [, , durable] = await shared.together([a], () => [a.append(text("a1")), b.append(text("b1")), a.sync()]);
    expect(durable).toBe(1);
  });

  it("is refused once the shared log is closed, also from within", async () => {
    const { shared, a } = await opened();
    let appended: Promise<number> | undefined;
    const whole = shared.together([a], () => [(appended = a.append(text("lost"))), shared.close()]);
    await expect(whole).rejects.toMatchObject({ code: "HF_CLOSED" });
    await expect(appended).rejects.toMatchObject({ code: "HF_CLOSED" });
    await expect(shared.together([], () => expect.unreachable())).rejects.toMatchObject({ code: "HF_CLOSED" });
  });

  it("rejects with what a promise rejected with that is no append, once all have settled", async () => {
    const { shared, a } = await opened();
    let settled = false;
    const late = new Promise<void>((resolve) => setTimeout(resolve, 5)).then(() => (settled = true));
    const whole = shared.together([a], () => [a.append(text("a1")), Promise.reject(new Error("another's")), late]);
    await expect(whole).rejects.toThrow("another's");
    expect(settled).toBe(true);
    expect(await contents(a)).toEqual(["a1"]);
  });

  it("tells each append and the caller of a write that failed, and all streams are poisoned", async () => {
    const { vfs, shared, a, b } = await opened();
    vfs.faults = new FaultPlan([{ operation: "write", errno: "EIO" }]);
    const appended: Promise<unknown>[] = [];
    const whole = shared.together([a, b], () => {
      appended.push(a.append(text("a1")), b.append(text("b1")));
      return appended;
    });
    await expect(whole).rejects.toMatchObject({ code: "HF_POISONED" });
    for (const append of appended) await expect(append).rejects.toMatchObject({ code: "HF_POISONED" });
    await expect(a.append(text("a2"))).rejects.toMatchObject({ code: "HF_POISONED" });
  });
});
