/** Space: whatever was done to a shared log, segments without live records are given back. A miscounted record would keep its segment for ever. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { SimVfs } from "../vfs/index.js";
import { SharedLog, type Stream } from "./index.js";

const OPTIONS = { blockBytes: 512, segmentBytes: 4096, checkpointBytes: 512 } as const;
const NAMES = ["a", "b", "c"];

const step = fc.record({
  call: fc.constantFrom("append", "append", "commit", "before", "after", "all", "drop", "reopen", "scan", "busy"),
  stream: fc.nat(2),
  share: fc.nat(100),
});

/** Fills a stream that is pruned all the time. */
async function churn(shared: SharedLog, count: number): Promise<void> {
  const busy = await shared.stream("busy");
  for (let n = 0; n < count; n++) {
    await busy.append(new Uint8Array(300));
    await busy.truncateBefore(busy.lastLsn);
  }
}

it("everything dead is given back, whatever was done", { timeout: 120_000 }, async () => {
  let most = 0;
  let moved = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
      const vfs = new SimVfs();
      let shared = await SharedLog.open("/shared", { ...OPTIONS, vfs });
      for (const { call, stream: number, share } of steps) {
        const name = NAMES[number]!;
        const stream: Stream = await shared.stream(name);
        const live = stream.lastLsn - stream.firstLsn + 1;
        const payload = new Uint8Array(share * 3);
        if (call === "append") await Promise.all([stream.append(payload), stream.append(payload)]);
        else if (call === "commit")
          await shared.commit(
            await Promise.all(NAMES.map(async (other) => ({ stream: await shared.stream(other), records: [payload] }))),
          );
        else if (call === "before") await stream.truncateBefore(stream.firstLsn + Math.floor((live * share) / 100));
        else if (call === "after") await stream.truncateAfter(stream.lastLsn - Math.floor((live * share) / 100));
        else if (call === "all") await stream.truncateAll();
        else if (call === "drop") await shared.drop(name);
        else if (call === "busy") await churn(shared, 8);
        else {
          moved += shared.stats().movedRecords;
          await shared.close();
          const pointer = "/shared/streams-checkpoint";
          if (call === "scan" && (await vfs.stat(pointer)) !== undefined) await vfs.remove(pointer);
          shared = await SharedLog.open("/shared", { ...OPTIONS, vfs });
        }
      }
      for (const name of NAMES) await (await shared.stream(name)).truncateAll();
      await churn(shared, 60);
      const { log, problem } = shared.stats();
      expect(problem).toBeUndefined();
      // Four states, an entry, and what the newest checkpoint holds back.
      expect(log.segments).toBeLessThanOrEqual(8);
      most = Math.max(most, log.segments);
      await shared.close();
    }),
    { numRuns: 25 },
  );
  expect(most).toBeGreaterThan(0);
  expect(moved).toBeGreaterThan(0);
});
