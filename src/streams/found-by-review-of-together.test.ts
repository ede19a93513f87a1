/** Faults that reading `SharedLog.together` found, one test each, with its story in the first line. */
import { expect, it } from "vitest";
import { FaultPlan, SimVfs } from "../vfs/index.js";
import { SharedLog, type Stream } from "./index.js";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

async function opened(): Promise<{ shared: SharedLog; a: Stream; b: Stream }> {
  const vfs = new SimVfs();
  const shared = await SharedLog.open("/shared", { vfs, blockBytes: 512, segmentBytes: 4096 });
  return { shared, a: await shared.stream("a"), b: await shared.stream("b") };
}

/** What nobody handled of what `act` left behind. */
async function unhandledOf(act: () => Promise<unknown>): Promise<unknown[]> {
  const seen: unknown[] = [];
  const listener = (error: unknown): void => void seen.push(error);
  const others = process.listeners("unhandledRejection");
  process.removeAllListeners("unhandledRejection");
  process.on("unhandledRejection", listener);
  try {
    await act();
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
  } finally {
    process.off("unhandledRejection", listener);
    for (const other of others) process.on("unhandledRejection", other);
  }
  return seen;
}

const ignore = (): void => undefined;

it("a sync, and a truncation that drops nothing, that were asked for where nothing was gathered never settled", async () => {
  const { shared, a } = await opened();
  await a.append(text("a1"));
  expect(await shared.together([], () => [a.sync(), a.truncateBefore(1), a.truncateAfter(1)])).toEqual([
    1,
    undefined,
    undefined,
  ]);
});

it("a truncation out of range, a commit of nothing and a wrong name were refused alone: the call failed as if refused, and the batch was durable", async () => {
  const { shared, a, b } = await opened();
  await b.append(text("b1"));
  const wrong = {} as Stream;
  const refusals: readonly [code: string, act: () => Promise<unknown>][] = [
    ["HF_LSN_OUT_OF_RANGE", () => a.truncateBefore(9)],
    ["HF_LSN_OUT_OF_RANGE", () => a.truncateAfter(9)],
    ["HF_INVALID_ARGUMENT", () => a.truncateAfter("1" as never)],
    ["HF_INVALID_ARGUMENT", () => shared.commit([])],
    ["HF_INVALID_ARGUMENT", () => shared.commit([{ stream: wrong, records: [text("x")] }])],
    ["HF_INVALID_ARGUMENT", () => a.appendAll("none" as never)],
    ["HF_INVALID_ARGUMENT", () => shared.together([wrong], () => [])],
    ["HF_INVALID_ARGUMENT", () => shared.drop("no such stream")],
  ];
  for (const [code, act] of refusals) {
    const whole = shared.together([a], () => [a.append(text("lost")), act()]);
    await expect(whole).rejects.toMatchObject({ code });
    expect([a.nextLsn, b.nextLsn]).toEqual([1, 2]);
  }
});

it("a refusal that the caller handled within the call was forgotten, and the rest became durable", async () => {
  const { shared, a } = await opened();
  const whole = shared.together([a], () => [a.append(text("lost")), shared.commit([]).catch(() => "handled")]);
  await expect(whole).rejects.toMatchObject({ code: "HF_INVALID_ARGUMENT" });
  expect(a.nextLsn).toBe(1);
});

it("appends that nobody could wait for, because the function threw, ended the process as unhandled rejections", async () => {
  const { shared, a, b } = await opened();
  const own = new Error("of the caller's own");
  const acts: readonly (() => Promise<unknown>)[] = [
    () => a.append(text("lost")),
    () => a.appendAll([text("lost")]),
    () => shared.commit([{ stream: b, records: [text("lost")] }]),
    () => a.truncateBefore(9),
    () => shared.drop("b"),
    () => shared.together([], () => []),
  ];
  const unhandled = await unhandledOf(async () => {
    for (const act of acts) {
      const whole = shared.together([], () => {
        void act();
        throw own;
      });
      await expect(whole).rejects.toBe(own);
    }
  });
  expect(unhandled).toEqual([]);
  expect([a.nextLsn, b.nextLsn]).toEqual([1, 1]);
});

it("what the array of an async function held ended the process as unhandled rejections", async () => {
  const { shared, a } = await opened();
  const failing = async (): Promise<unknown[]> => [a.append(text("lost")), Promise.reject(new Error("another's"))];
  const unhandled = await unhandledOf(async () => {
    await shared.together([], failing as never).catch(ignore);
    await shared.together([], (() => Promise.reject(new Error("its own"))) as never).catch(ignore);
  });
  expect(unhandled).toEqual([]);
  expect(a.nextLsn).toBe(1);
});

it("an error of the caller's own with the code of a refusal was handed to the stores, some of which took it for a failed write", async () => {
  const { shared, a } = await opened();
  const own = Object.assign(new Error("of the caller's own"), { code: "HF_INVALID_ARGUMENT" });
  let appended: Promise<number> | undefined;
  const whole = shared.together([], () => {
    appended = a.append(text("lost"));
    throw own;
  });
  await expect(whole).rejects.toBe(own);
  await expect(appended).rejects.toMatchObject({ name: "InvalidArgumentError", cause: own });
});

it("the numbers of a refused batch were taken back from the stores later than from the streams, the oldest first", async () => {
  const { shared, a } = await opened();
  const taken: [string, number][] = [];
  const whole = shared.together([], () => {
    for (const name of ["first", "second"]) a.onRefused(() => taken.push([name, a.nextLsn]));
    void a.append(text("lost"));
    a.refuse(new Error("a store's own"));
    return [];
  });
  expect(taken).toEqual([
    ["second", 1],
    ["first", 1],
  ]);
  await expect(whole).rejects.toThrow("a store's own");
});

it("a store that could not take its numbers back kept the others from it, and appends and syncs from ever settling", async () => {
  const { shared, a } = await opened();
  const own = new Error("of the store's own");
  const taken: string[] = [];
  let appended: Promise<number> | undefined;
  let synced: Promise<number> | undefined;
  const whole = shared.together([], () => {
    a.onRefused(() => taken.push("another"));
    a.onRefused(() => {
      throw own;
    });
    appended = a.append(text("lost"));
    synced = a.sync();
    throw new Error("of the caller's own");
  });
  expect(taken).toEqual(["another"]);
  // No refusal without effect: the store is not as it was.
  await expect(whole).rejects.toBe(own);
  await expect(appended).rejects.toMatchObject({ code: "HF_INVALID_ARGUMENT" });
  await synced;
  expect(await shared.together([a], () => [a.append(text("a1"))])).toEqual([1]);
});

it("a refusal was not heard of where a promise that was returned waited for what was refused", async () => {
  const { shared, a } = await opened();
  const first = async (): Promise<unknown> => (await a.follow({ from: 1 }).next()).value;
  const whole = shared.together([], () => [a.append(text("x".repeat(10_000))), first()]);
  await expect(whole).rejects.toMatchObject({ code: "HF_RECORD_TOO_LARGE" });
  const again = shared.together([], () => [a.append(text("a1")), first()]);
  expect(await again).toMatchObject([1, { lsn: 1 }]);
});

it("a sync of the shared log that nobody waited for, before a write that failed, ended the process as an unhandled rejection", async () => {
  const vfs = new SimVfs();
  const shared = await SharedLog.open("/shared", { vfs, blockBytes: 512, segmentBytes: 4096 });
  const a = await shared.stream("a");
  vfs.faults = new FaultPlan([{ operation: "write", errno: "EIO" }]);
  const unhandled = await unhandledOf(async () => {
    const whole = shared.together([], () => {
      void shared.sync();
      return [a.append(text("lost"))];
    });
    await expect(whole).rejects.toMatchObject({ code: "HF_POISONED" });
  });
  expect(unhandled).toEqual([]);
});
