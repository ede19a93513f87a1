/** Event logs and lanes beside each other in one shared log: whatever is moved and pruned underneath, each keeps what is its own, at one durable write. */
import fc from "fast-check";
import { EventLog, type EventType, bytes, defineEvents, event, json } from "holdfast/events";
import { LaneSet, PersistPipeline } from "holdfast/lanes";
import { SharedLog } from "holdfast/streams";
import { SimVfs, keepNothing } from "holdfast/vfs";
import { describe, expect, it } from "vitest";

const seed = Number(process.env["HOLDFAST_SEED"] ?? 1);
const open = (vfs: SimVfs, segmentBytes = 4096): Promise<SharedLog> =>
  SharedLog.open("/shared", { vfs, blockBytes: 512, segmentBytes, spareSegmentsMax: 1, checkpointBytes: 2048 });

type Types = { readonly added: EventType<number>; readonly padded: EventType<Uint8Array> };
const events = defineEvents<Types>({
  added: event({ id: 1, codec: json<number>() }),
  padded: event({ id: 2, codec: bytes() }),
});

type Call = { readonly add: number } | { readonly pad: number } | { readonly checkpoint: true } | { readonly end: "close" | "kill" | "cut" }; // prettier-ignore

const call: fc.Arbitrary<Call> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ add: fc.integer({ min: 0, max: 1e6 }) }) },
  { weight: 3, arbitrary: fc.record({ pad: fc.integer({ min: 0, max: 900 }) }) },
  { weight: 2, arbitrary: fc.record({ checkpoint: fc.constant(true) }) },
  { weight: 1, arbitrary: fc.record({ end: fc.constantFrom("close", "kill", "cut") }) },
);

describe("an event log on a stream", () => {
  it(
    "hydrates to a fold of all that was acknowledged, while its entries are moved and its neighbour is pruned",
    { timeout: 60_000 },
    async () => {
      let moved = 0;
      const property = fc.asyncProperty(fc.array(call, { minLength: 10, maxLength: 60 }), async (calls) => {
        let vfs = new SimVfs({ seed: 1 });
        let shared = await open(vfs);
        const openEvents = async (): Promise<EventLog<Types, readonly number[]>> =>
          await EventLog.on(await shared.stream("events"), { events, checkpointsMax: 2, partBytes: 128 });
        let log = await openEvents();
        const added: number[] = [];
        const look = async (): Promise<void> => {
          const { state, rejected } = await log.hydrate<readonly number[]>({
            initial: [],
            apply: (all, { type, data }) => (type === "added" ? [...all, data] : all),
          });
          expect(rejected).toEqual([]);
          expect(state).toEqual(added);
        };
        for (const step of calls) {
          if ("add" in step) {
            await log.append("added", step.add);
            added.push(step.add);
          } else if ("pad" in step) {
            const noise = await shared.stream("noise");
            await Promise.all([log.append("padded", new Uint8Array(step.pad)), noise.append(new Uint8Array(900))]);
            await noise.truncateAll();
          } else if ("checkpoint" in step) {
            await log.checkpoint({ state: added });
          } else {
            await look();
            moved += shared.stats().movedRecords;
            if (step.end === "close") {
              await log.close();
              await shared.close();
            } else vfs = step.end === "kill" ? vfs.kill() : vfs.powerCut(keepNothing);
            shared = await open(vfs);
            log = await openEvents();
          }
        }
        await look();
        moved += shared.stats().movedRecords;
        await log.close();
        await shared.close();
      });
      const details = await fc.check(property, { numRuns: 40, seed });
      expect(details.failed ? fc.defaultReportMessage(details) : "").toBe("");
      expect(moved).toBeGreaterThan(0);
    },
  );
});

describe("one durable write", () => {
  const text = json<string>();
  const groupsOf = (shared: SharedLog): number => shared.stats().log.groups;

  it("holds the commit of 32 lanes, atomic or not, and the append of an event beside them", async () => {
    const shared = await open(new SimVfs({ seed: 1 }), 1 << 16);
    const lanes = await LaneSet.open(shared, { codec: text });
    const log = await EventLog.on(await shared.stream("events"), { events });
    const keys = Array.from({ length: 32 }, (_, n) => `lane ${n}`);
    await Promise.all(keys.map((key) => lanes.lane(key)));
    for (const atomic of [false, true]) {
      const before = groupsOf(shared);
      await Promise.all([
        lanes.commit(keys.map((key) => ({ key, values: ["a", "b"] })), { atomic }), // prettier-ignore
        log.append("added", 1),
      ]);
      expect(groupsOf(shared) - before, `atomic: ${atomic}`).toBe(1);
    }
    await lanes.close();
    await log.close();
    await shared.close();
  });

  it("holds a cycle of anchor, chain and lanes", async () => {
    const shared = await open(new SimVfs({ seed: 1 }), 1 << 16);
    const pipeline = await PersistPipeline.open(shared, {
      lanes: { codec: text },
      chain: { codec: text },
      anchor: { codec: json<number>(), needs: (round) => ({ chain: round, lanes: [] }) },
    });
    const lanes = Array.from({ length: 32 }, (_, n) => ({ key: `lane ${n}`, values: ["a"] }));
    await pipeline.persist({ anchor: 0, chain: { firstIndex: 0, values: ["c0"] }, lanes });
    const before = groupsOf(shared);
    await pipeline.persist({ anchor: 0, chain: { firstIndex: 1, values: ["c1"] }, lanes });
    expect(groupsOf(shared) - before).toBe(1);
    await pipeline.close();
    await shared.close();
  });
});
