import { describe, expect, it } from "vitest";
import { SeededRandom } from "../base/index.js";
import { FaultPlan, SimVfs } from "../vfs/index.js";
import { groupChannel, poisonChannel } from "./channels.js";
import { Log } from "./log.js";
import { DIRECTORY, bytesOf, errorOf, openSmall, readAll, readTexts, textOf } from "./small-log.contract.js";

const LARGE = { blockBytes: 512, segmentBytes: 1 << 20 } as const;

describe("group commit", () => {
  it("writes the records of 64 concurrent callers in a few groups, each with its own LSN, in the order of the calls", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await Log.open(DIRECTORY, { vfs, ...LARGE });
    const lsns = await Promise.all(
      Array.from({ length: 64 }, (_, writer) => log.append(bytesOf(`writer ${writer}`), writer)),
    );
    expect(lsns).toEqual(Array.from({ length: 64 }, (_, index) => index + 1));
    expect(log.stats().groups).toBeLessThanOrEqual(2);
    expect((await readAll(log)).map(({ type, payload }) => [type, textOf(payload)])).toEqual(
      lsns.map((_, writer) => [writer, `writer ${writer}`]),
    );
    await log.close();
  });

  it("keeps each writer's own order over many rounds, with few writes, and nothing lost or doubled in a power cut", async () => {
    const vfs = new SimVfs({ seed: 2 });
    const log = await Log.open(DIRECTORY, { vfs, ...LARGE });
    const acknowledged = new Map<number, string>();
    const write = async (writer: number): Promise<void> => {
      for (let round = 0; round < 20; round++) {
        const text = `${writer}:${round}`;
        acknowledged.set(await log.append(bytesOf(text)), text);
      }
    };
    await Promise.all(Array.from({ length: 64 }, (_, writer) => write(writer)));
    expect(acknowledged.size).toBe(64 * 20);
    // In a closed loop at most two groups share the writers.
    expect(log.stats().groups).toBeLessThan(64);
    const again = await Log.open(DIRECTORY, { vfs: vfs.powerCut() });
    const texts = await readTexts(again);
    expect(texts).toEqual([...acknowledged].sort(([a], [b]) => a - b).map(([, text]) => text));
    for (let writer = 0; writer < 64; writer++) {
      const own = texts.filter((text) => text.startsWith(`${writer}:`)).map((text) => Number(text.split(":")[1]));
      expect(own).toEqual([...own].sort((a, b) => a - b));
    }
    await again.close();
  });

  it("makes callers wait where the filling group is full, bounds each group, and takes all in the end", async () => {
    const groups: { count: number; bytes: number }[] = [];
    const listen = (message: unknown): void => void groups.push(message as { count: number; bytes: number });
    groupChannel.subscribe(listen);
    try {
      const log = await Log.open(DIRECTORY, { vfs: new SimVfs({ seed: 1 }), ...LARGE, groupBytesMax: 1024 });
      const payload = new Uint8Array(100);
      const appends = Array.from({ length: 50 }, () => log.append(payload));
      expect(log.stats().waiting).toBeGreaterThan(0);
      expect(await Promise.all(appends)).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
      expect(log.stats().waiting).toBe(0);
      expect(Math.max(...groups.map(({ bytes }) => bytes))).toBe(1024);
      // 9 records of 105 bytes and a group header fill 1,024 bytes; the tenth would not fit.
      expect(Math.max(...groups.map(({ count }) => count))).toBe(9);
      await log.close();
    } finally {
      groupChannel.unsubscribe(listen);
    }
  });

  it("keeps the order of the calls while some wait: append, batch, append", async () => {
    const log = await Log.open(DIRECTORY, { vfs: new SimVfs({ seed: 1 }), ...LARGE, groupBytesMax: 512 });
    const payload = new Uint8Array(200);
    const calls: Promise<number>[] = [];
    for (let index = 0; index < 10; index++) {
      calls.push(
        log.append(payload),
        log.appendAll([payload, payload, payload]).then(({ firstLsn }) => firstLsn),
        log.append(payload),
      );
    }
    const firsts = await Promise.all(calls);
    expect(firsts).toEqual(
      Array.from({ length: 10 }, (_, index) => [index * 5 + 1, index * 5 + 2, index * 5 + 5]).flat(),
    );
    await log.close();
  });

  it("refuses to enqueue where append would wait, and takes records again after a sync", async () => {
    const log = await Log.open(DIRECTORY, { vfs: new SimVfs({ seed: 1 }), ...LARGE, groupBytesMax: 512 });
    let enqueued = 0;
    const error = await errorOf(() => {
      for (;;) {
        log.enqueue(new Uint8Array(100));
        enqueued += 1;
      }
    });
    expect(error).toMatchObject({ code: "HF_BACKPRESSURE" });
    expect(enqueued).toBeGreaterThan(0);
    expect(await log.sync()).toBe(enqueued);
    expect(log.enqueue(new Uint8Array(100))).toBe(enqueued + 1);
    await log.close();
  });

  it("gives each caller its own outcome: a refused record does not harm its neighbours", async () => {
    const log = await openSmall(new SimVfs({ seed: 1 }), { recordBytesMax: 10 });
    const outcomes = await Promise.allSettled([
      log.append(bytesOf("a")),
      log.append(bytesOf("far too long a record")),
      log.append(bytesOf("b")),
      log.append("no bytes" as unknown as Uint8Array),
      log.append(bytesOf("c"), 999),
      log.append(bytesOf("d")),
    ]);
    expect(outcomes.map((outcome) => (outcome.status === "fulfilled" ? outcome.value : outcome.reason.code))).toEqual([
      1,
      "HF_RECORD_TOO_LARGE",
      2,
      "HF_INVALID_ARGUMENT",
      "HF_INVALID_ARGUMENT",
      3,
    ]);
    expect(await readTexts(log)).toEqual(["a", "b", "d"]);
    await log.close();
  });

  it("acknowledges a batch wholly or not at all, at whatever operation the machine stops", async () => {
    let stopped = 0;
    for (let at = 1; at < 400; at++) {
      const vfs = new SimVfs({ seed: at });
      const log = await openSmall(vfs);
      const random = new SeededRandom(at);
      const acknowledged: number[] = [];
      let operations = 0;
      const dead = new Promise<void>((resolve) => {
        vfs.trace = () => {
          operations += 1;
          if (operations === at) resolve();
        };
      });
      const work = (async () => {
        for (let batch = 1; batch <= 6; batch++) {
          const { lastLsn } = await log.appendAll(
            Array.from({ length: 1 + random.below(6) }, () => bytesOf(`batch ${batch}`)),
          );
          acknowledged.push(lastLsn);
        }
        return "done" as const;
      })();
      const outcome = await Promise.race([work, dead]);
      if (outcome === "done") break;
      stopped += 1;
      const again = await openSmall(vfs.powerCut());
      const counts = new Map<string, number>();
      for (const text of await readTexts(again)) counts.set(text, (counts.get(text) ?? 0) + 1);
      const sizes = new SeededRandom(at);
      for (let batch = 1; batch <= 6; batch++) {
        const size = 1 + sizes.below(6);
        expect([0, size]).toContain(counts.get(`batch ${batch}`) ?? 0);
      }
      expect(again.lastLsn).toBeGreaterThanOrEqual(acknowledged.at(-1) ?? 0);
      await again.close();
    }
    expect(stopped).toBeGreaterThan(15);
  });
});

describe("a failed write", () => {
  const FAILURES = [
    ["the group's write", { operation: "write", path: ".seg", errno: "EIO" }],
    ["the group's write, halfway", { operation: "write", path: ".seg", errno: "ENOSPC", writtenBytes: 100 }],
    [
      "the sync of the group's write",
      { operation: "write", path: ".seg", errno: "EIO", sync: { pages: "kept", reached: "none" } },
    ],
    [
      "the sync of the group's write, pages reverted",
      { operation: "write", path: ".seg", errno: "EIO", sync: { pages: "reverted", reached: "part" } },
    ],
  ] as const;

  it.each(FAILURES)(
    "%s poisons: every pending and later call rejects with the first cause, and nothing is tried again",
    async (_name, rule) => {
      const messages: unknown[] = [];
      const listen = (message: unknown): void => void messages.push(message);
      poisonChannel.subscribe(listen);
      const vfs = new SimVfs({ seed: 1 });
      const log = await openSmall(vfs, { groupBytesMax: 512 });
      await log.append(bytesOf("kept"));
      vfs.faults = new FaultPlan([rule]);
      const first = await errorOf(log.append(bytesOf("fails")));
      poisonChannel.unsubscribe(listen);
      expect(first).toMatchObject({ code: "HF_POISONED", details: { path: DIRECTORY } });
      expect(first.cause).toMatchObject({ code: "HF_IO", details: { errno: rule.errno } });
      expect(messages).toEqual([{ directory: DIRECTORY, cause: first.cause }]);

      const written: string[] = [];
      vfs.trace = (operation, path) => {
        if (operation !== "read") written.push(`${operation} ${path}`);
      };
      const later: readonly (() => unknown)[] = [
        () => log.append(bytesOf("x")),
        () => log.appendAll([bytesOf("x")]),
        () => log.enqueue(bytesOf("x")),
        () => log.sync(),
        () => log.get(1),
        () => readTexts(log),
        () => log.readBatches().next(),
        () => log.follow().next(),
        () => log.truncateAfter(1),
        () => log.truncateBefore(2),
        () => log.truncateAll(),
      ];
      for (const call of later) {
        const error = await errorOf(call);
        expect(error).toMatchObject({ code: "HF_POISONED" });
        expect(error.cause).toBe(first.cause);
      }
      await log.close();
      expect(written).toEqual([]);
      expect(vfs.openHandles()).toEqual([]);

      const again = await openSmall(vfs);
      expect((await readTexts(again))[0]).toBe("kept");
      expect(await again.append(bytesOf("on"))).toBe(again.lastLsn);
      await again.close();
    },
  );

  it("rejects the group on its way, the filling one, and those that wait; only what was acknowledged before counts", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs, { groupBytesMax: 512 });
    await log.append(bytesOf("kept"));
    vfs.faults = new FaultPlan([{ operation: "write", path: ".seg", errno: "EIO", sticky: true }]);
    const appends = Array.from({ length: 40 }, () => log.append(new Uint8Array(100)));
    const sync = log.sync();
    const cut = log.truncateAfter(1);
    const outcomes = await Promise.allSettled([...appends, sync, cut]);
    const causes = new Set<unknown>();
    for (const outcome of outcomes) {
      expect(outcome.status).toBe("rejected");
      if (outcome.status !== "rejected") continue;
      expect(outcome.reason.code).toBe("HF_POISONED");
      causes.add(outcome.reason.cause);
    }
    expect(causes.size).toBe(1);
    expect([log.lastLsn, log.durableLsn]).toEqual([1, 1]);
    await log.close();
    vfs.faults = undefined;
    const again = await openSmall(vfs.powerCut());
    expect(await readTexts(again)).toEqual(["kept"]);
    await again.close();
  });

  it("of the mark poisons too, and takes nothing back that was acknowledged", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs);
    vfs.faults = new FaultPlan([{ operation: "write", path: "mark", errno: "EIO" }]);
    expect(await log.append(bytesOf("kept"))).toBe(1);
    let last = 1;
    const error = await errorOf(async () => {
      for (;;) {
        // The mark is written when the writer comes to rest.
        await new Promise((resolve) => setImmediate(resolve));
        last = await log.append(bytesOf("more"));
      }
    });
    expect(error).toMatchObject({ code: "HF_POISONED" });
    await log.close();
    const again = await openSmall(vfs.powerCut());
    expect(again.lastLsn).toBeGreaterThanOrEqual(last);
    await again.close();
  });

  it("while closing rejects the close, releases everything, and loses nothing acknowledged", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const log = await openSmall(vfs);
    await log.append(bytesOf("kept"));
    vfs.faults = new FaultPlan([{ operation: "write", path: "anchor", errno: "EIO" }]);
    expect(await errorOf(log.close())).toMatchObject({ code: "HF_POISONED" });
    expect(vfs.openHandles()).toEqual([]);
    vfs.faults = undefined;
    const again = await openSmall(vfs);
    expect(await readTexts(again)).toEqual(["kept"]);
    await again.close();
  });
});
