/** Random calls on logs and pipelines, held against plain arrays. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FaultPlan, SimVfs, keepEverything, keepNothing } from "../vfs/index.js";
import { Chain, IndexedLog } from "./index.js";
import { errorOf, held, journalKinds, look, placeKinds, textCodec } from "./lanes.contract.js";
import { type Anchor, type OpenPipeline, blocks, certificates, lane, pipelineKinds } from "./pipeline.contract.js";

type End = "close" | "kill" | "cut";
const ends = fc.constantFrom<End>("close", "kill", "cut");

function machineAfter(end: End, vfs: SimVfs): SimVfs {
  if (end === "close") return vfs;
  return end === "kill" ? vfs.kill(keepEverything) : vfs.powerCut(keepNothing);
}

describe.each(journalKinds)("in %s", (_kind, openJournal) => {
  const calls = fc.array(
    fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({
          call: fc.constant("append" as const),
          count: fc.nat(4),
          offset: fc.integer({ min: -2, max: 2 }),
        }),
      },
      {
        weight: 3,
        arbitrary: fc.record({
          call: fc.constantFrom("before" as const, "after" as const, "start" as const),
          at: fc.integer({ min: -3, max: 12 }),
        }),
      },
      { weight: 1, arbitrary: fc.record({ call: fc.constant("all" as const) }) },
      { weight: 2, arbitrary: fc.record({ call: fc.constant("end" as const), end: ends }) },
    ),
    { maxLength: 14 },
  );

  it("an indexed log does what an array with an offset does", { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(calls, fc.nat(5), async (some, firstIndex) => {
        let vfs = new SimVfs({ seed: 1 });
        let { journal, close } = await openJournal(vfs);
        let log = await IndexedLog.open(journal, { codec: textCodec, firstIndex });
        let first = firstIndex;
        let values: string[] = [];
        let serial = 0;
        for (const call of some) {
          const next = first + values.length;
          if (call.call === "append") {
            const added = Array.from({ length: call.count }, () => `value ${serial++}`);
            const asked = Math.max(0, next + call.offset);
            const outcome = log.appendAll(added, asked);
            if (asked === next || added.length === 0) values.push(...(await outcome.then(() => added)));
            else expect(await errorOf(outcome)).toMatchObject({ code: "HF_OUT_OF_SEQUENCE" });
          } else if (call.call === "all") {
            await log.truncateAll();
            [first, values] = [next, []];
          } else if (call.call === "end") {
            if (call.end === "close") {
              await log.close();
              await close();
            }
            vfs = machineAfter(call.end, vfs);
            ({ journal, close } = await openJournal(vfs));
            log = await IndexedLog.open(journal, { codec: textCodec, firstIndex });
          } else {
            const at = first + call.at;
            if (call.call === "start" && at >= 0) {
              await log.startAt(at);
              if (at > first) [first, values] = [at, values.slice(at - first)];
            } else if (call.call === "before" && at >= 0) {
              if (at >= first && at < next) {
                await log.truncateBefore(at);
                [first, values] = [at, values.slice(at - first)];
              } else expect(await errorOf(log.truncateBefore(at))).toMatchObject({ code: "HF_INDEX_OUT_OF_RANGE" });
            } else if (call.call === "after" && at >= -1) {
              if (at >= first - 1 && at < next) {
                await log.truncateAfter(at);
                values.length = at - first + 1;
              } else expect(await errorOf(log.truncateAfter(at))).toMatchObject({ code: "HF_INDEX_OUT_OF_RANGE" });
            }
          }
          expect(await look(log)).toEqual(held(first, values));
        }
      }),
      { numRuns: 60 },
    );
  });

  it("a chain has each entry once, whoever feeds it how often", async () => {
    const feeds = fc.array(fc.record({ from: fc.nat(12), count: fc.nat(4) }), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(feeds, async (some) => {
        const { journal } = await openJournal(new SimVfs({ seed: 1 }));
        const chain = await Chain.open(journal, { codec: textCodec });
        let next = 0;
        for (const { from, count } of some) {
          const outcome = chain.appendAll(from, certificates(from, from + count - 1));
          if (from > next && count > 0) expect(await errorOf(outcome)).toMatchObject({ code: "HF_OUT_OF_SEQUENCE" });
          else {
            const added = Math.max(0, from + count - next);
            expect(await outcome).toBe(count === 0 ? 0 : added);
            next += count === 0 ? 0 : added;
          }
        }
        expect(await look(chain.log)).toEqual(held(0, certificates(0, next - 1)));
      }),
      { numRuns: 40 },
    );
  });
});

describe.each(placeKinds)("lanes in %s", (_kind, { open }) => {
  const NAMES = ["ann", "bob", "cat"];
  const calls = fc.array(
    fc.record({
      call: fc.constantFrom("append", "append", "append", "append", "fail", "readmit", "wait"),
      at: fc.nat(NAMES.length - 1),
      everywhere: fc.boolean(),
    }),
    { maxLength: 30 },
  );
  const rounds = fc.array(fc.record({ calls, end: ends }), { maxLength: 4 });

  it(
    "keep all that they acknowledged, whatever fails and is taken in again meanwhile",
    { timeout: 60_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(rounds, async (some) => {
          let vfs = new SimVfs({ seed: 1 });
          let opened = await open(vfs);
          const acknowledged = NAMES.map(() => new Map<number, string>());
          let serial = 0;
          for (const { calls: made, end } of some) {
            const { lanes } = opened;
            const pending: Promise<unknown>[] = [];
            for (const { call, at, everywhere } of made) {
              const name = NAMES[at]!;
              if (call === "append") {
                const value = `value ${serial++}`;
                const append = lanes.append(name, value).then((index) => acknowledged[at]!.set(index, value));
                pending.push(append.catch(() => undefined));
              } else if (call === "fail") {
                const path = everywhere ? "seg" : `lane-${name}`;
                vfs.faults = new FaultPlan([{ operation: "write", path, errno: "EIO" }]);
              } else if (call === "readmit") pending.push(lanes.readmit(name).catch(() => undefined));
              else await Promise.race([Promise.allSettled(pending), Promise.resolve()]);
            }
            await Promise.all(pending);
            if (end === "close") await opened.close().catch(() => undefined);
            vfs.faults = undefined;
            // What could not be closed is left to die.
            vfs = machineAfter(end === "close" ? "kill" : end, vfs);
            opened = await open(vfs);
            expect(opened.lanes.quarantined).toEqual([]);
            for (const [at, name] of NAMES.entries()) {
              const values = await (await opened.lanes.lane(name)).readAll();
              for (const [index, value] of acknowledged[at]!) expect(values[index]).toBe(value);
            }
          }
        }),
        { numRuns: 25 },
      );
    },
  );
});

describe.each(pipelineKinds)("a pipeline in %s", (_kind, open) => {
  const NAMES = ["ann", "bob"] as const;
  const each = (of: fc.Arbitrary<number>): fc.Arbitrary<[number, number, number]> => fc.tuple(of, of, of);
  const cycles = fc.array(
    fc.record({
      counts: each(fc.nat(3)),
      moves: fc.option(each(fc.constantFrom(0, 0, 1, 2, 6)), { nil: undefined }),
      end: fc.option(ends, { nil: undefined }),
    }),
    { maxLength: 6 },
  );

  it("holds what its anchor needs and all that it was given from there on", { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(cycles, async (some) => {
        let vfs = new SimVfs({ seed: 1 });
        let opened: OpenPipeline = await open(vfs);
        let anchor: Anchor | undefined;
        const starts = [0, 0, 0];
        const next = [0, 0, 0];
        for (const { counts, moves, end } of some) {
          if (moves !== undefined) {
            for (const at of [0, 1, 2]) next[at] = Math.max(next[at]!, (starts[at]! += moves[at]!));
            anchor = {
              round: (anchor?.round ?? 0) + 1,
              chain: starts[0]!,
              lanes: { ann: starts[1]!, bob: starts[2]! },
            };
          }
          await opened.pipeline.persist({
            ...(moves === undefined ? {} : { anchor: anchor! }),
            chain: { firstIndex: next[0]!, values: certificates(next[0]!, next[0]! + counts[0] - 1) },
            lanes: NAMES.map((name, at) => lane(name, next[at + 1]!, next[at + 1]! + counts[at + 1]! - 1)),
          });
          for (const at of [0, 1, 2]) next[at]! += counts[at]!;
          if (end !== undefined) {
            if (end === "close") await opened.close();
            vfs = machineAfter(end, vfs);
            opened = await open(vfs);
          }
          const { pipeline } = opened;
          expect(pipeline.anchor).toEqual(anchor);
          expect(pipeline.failures).toEqual([]);
          for (const [at, name] of ["chain", ...NAMES].entries()) {
            const log = at === 0 ? pipeline.chain.log : await pipeline.lanes.lane(name);
            expect(log.firstIndex).toBeLessThanOrEqual(starts[at]!);
            const values = at === 0 ? certificates : blocks;
            expect(await look(log)).toEqual(held(log.firstIndex, values(log.firstIndex, next[at]! - 1)));
          }
        }
      }),
      { numRuns: 25 },
    );
  });
});
