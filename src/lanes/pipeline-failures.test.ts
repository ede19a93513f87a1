/** Pipelines whose disk fails, is slow, or lost a slot of the anchor. */
import { describe, expect, it } from "vitest";
import { SharedLog } from "../streams/index.js";
import { dropFile, exploreCrashes, flipByte } from "../testing/index.js";
import { FaultPlan, SimVfs } from "../vfs/index.js";
import { IndexedLog, LaneSet, LanesFailedError, PersistPipeline } from "./index.js";
import { GatedVfs, SMALL_SHARED, errorOf, held, look, settle, textCodec } from "./lanes.contract.js";
import { DIRECTORY, type Pipeline, anchorOptions, blocks, certificates, lane, openIn } from "./pipeline.contract.js";

async function lookAt(pipeline: Pipeline, key: string): ReturnType<typeof look> {
  return await look(await pipeline.lanes.lane(key));
}

/** Rounds 0 to 3; each anchor gives up what the round before brought. */
async function filled(vfs: SimVfs, jump = 0): Promise<void> {
  const pipeline = await openIn(vfs);
  for (let round = 0; round < 4; round++) {
    const at = round === 3 ? round + jump : round;
    await pipeline.persist({
      anchor: { round, chain: at, lanes: { ann: 2 * at, bob: round } },
      chain: { firstIndex: at, values: certificates(at, at) },
      lanes: [lane("ann", 2 * at, 2 * at + 1), lane("bob", round, round)],
    });
  }
  await pipeline.close();
}

/** Damages the slot with the newer sequence. */
function damageNewestSlot(vfs: SimVfs): void {
  const file = vfs.snapshotTree().find(({ path }) => path === `${DIRECTORY}/anchor`)!.contents!;
  const sequenceAt = (slot: number): bigint =>
    new DataView(file.buffer, file.byteOffset).getBigUint64(slot * 1024 + 16, true);
  flipByte(vfs, `${DIRECTORY}/anchor`, (sequenceAt(0) > sequenceAt(1) ? 0 : 1024) + 40, 0xff);
}

describe("a pipeline that lost the newest slot of its anchor", () => {
  it("goes on from the anchor before it, all of whose lanes and chain are still there", async () => {
    const vfs = new SimVfs({ seed: 1 });
    await filled(vfs);
    damageNewestSlot(vfs);
    const pipeline = await openIn(vfs);
    expect(pipeline.anchor).toEqual({ round: 2, chain: 2, lanes: { ann: 4, bob: 2 } });
    expect(pipeline.failures).toEqual([]);
    expect(await look(pipeline.chain.log)).toEqual(held(2, certificates(2, 3)));
    expect(await lookAt(pipeline, "ann")).toEqual(held(4, blocks(4, 7)));
    await pipeline.persist({ anchor: { round: 3, chain: 3, lanes: { ann: 6 } } });
    await pipeline.close();
  });

  it("after a jump goes on from the newest, which was put into both slots before anything was dropped", async () => {
    const vfs = new SimVfs({ seed: 1 });
    await filled(vfs, 50);
    damageNewestSlot(vfs);
    const pipeline = await openIn(vfs);
    expect(pipeline.anchor?.round).toBe(3);
    expect(await lookAt(pipeline, "ann")).toEqual(held(106, blocks(106, 107)));
    expect(pipeline.failures).toEqual([]);
    await pipeline.close();
  });

  it("refuses to open where both are gone, and where the anchor is that of something else", async () => {
    const vfs = new SimVfs({ seed: 1 });
    await filled(vfs);
    for (const slot of [0, 1024]) flipByte(vfs, `${DIRECTORY}/anchor`, slot + 40, 0xff);
    expect(await errorOf(openIn(vfs))).toMatchObject({ code: "HF_CORRUPTION" });
    expect(vfs.openHandles()).toEqual([]);
  });
});

describe("a pipeline whose anchor is gone", () => {
  // Its file was made anew, as if there had never been an anchor: what the anchor said was forgotten without a word.
  it("is an error by name, and not a pipeline without an anchor", async () => {
    const vfs = new SimVfs({ seed: 1 });
    await filled(vfs);
    dropFile(vfs, `${DIRECTORY}/anchor`);
    for (let round = 0; round < 2; round++) expect(await errorOf(openIn(vfs))).toMatchObject({ code: "HF_CORRUPTION" });
    expect(vfs.openHandles()).toEqual([]);
    expect(vfs.snapshotTree().some(({ path }) => path === `${DIRECTORY}/anchor`)).toBe(false);
  });

  // An anchor of a newer layout was taken for none.
  it("is not taken for one that this build can't read", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const shared = await SharedLog.open(DIRECTORY, { ...SMALL_SHARED, vfs });
    const log = await IndexedLog.open(await shared.stream("lanes/anchor"), { codec: textCodec });
    await log.append("\u0002newer");
    const options = { lanes: { codec: textCodec }, chain: { codec: textCodec }, anchor: anchorOptions };
    expect(await errorOf(PersistPipeline.open(shared, options))).toMatchObject({ code: "HF_FORMAT_UNKNOWN" });
  });
});

describe("a pipeline whose anchor can't be written", () => {
  it("persists nothing of that cycle, and nothing more; opened again it goes on", async () => {
    const vfs = new SimVfs({ seed: 1 });
    await filled(vfs);
    const pipeline = await openIn(vfs);
    vfs.faults = new FaultPlan([{ operation: "write", path: `${DIRECTORY}/anchor`, errno: "EIO" }]);
    const failed = pipeline.persist({ anchor: { round: 4, chain: 3, lanes: {} }, lanes: [lane("ann", 8, 8)] });
    const behind = pipeline.persist({ lanes: [lane("ann", 8, 8)] });
    expect(await errorOf(failed)).toMatchObject({ code: "HF_IO" });
    for (const call of [behind, pipeline.persist({})])
      expect(await errorOf(call)).toMatchObject({ code: "HF_POISONED", cause: { code: "HF_IO" } });
    expect((await lookAt(pipeline, "ann")).nextIndex).toBe(8);
    await pipeline.close();
    const again = await openIn(vfs);
    expect([3, 4]).toContain(again.anchor?.round);
    await again.persist({ lanes: [lane("ann", 8, 8)] });
    await again.close();
  });

  it("refuses one that does not fit, and goes on", async () => {
    const pipeline = await openIn(new SimVfs({ seed: 1 }));
    const lanes = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`lane ${at}`, 0]));
    expect(await errorOf(pipeline.persist({ anchor: { round: 0, chain: 0, lanes } }))).toMatchObject({
      code: "HF_VALUE_TOO_LARGE",
    });
    await pipeline.persist({ anchor: { round: 0, chain: 0, lanes: {} } });
    await pipeline.close();
  });
});

describe("a pipeline with a lane or a chain that fails", () => {
  it("reports it, persists the rest, and takes the lane in again at what the anchor needs by then", async () => {
    const vfs = new SimVfs({ seed: 1 });
    await filled(vfs);
    const told: string[] = [];
    const pipeline = await openIn(vfs, {
      onPersisted: (persisted) => void told.push(persisted.kind === "lane" ? persisted.key : persisted.kind),
    });
    vfs.faults = new FaultPlan([{ operation: "write", path: /lane-ann\/.*seg/, errno: "EIO" }]);
    const error = await errorOf(
      pipeline.persist({
        chain: { firstIndex: 4, values: certificates(4, 4) },
        lanes: [lane("ann", 8, 8), lane("bob", 4, 4)],
      }),
    );
    expect(error).toBeInstanceOf(LanesFailedError);
    expect((error as LanesFailedError).failures).toMatchObject([{ key: "ann" }]);
    expect(pipeline.failures).toMatchObject([{ key: "ann", error: { code: "HF_IO" } }]);
    expect(told.sort()).toEqual(["bob", "chain"]);
    // Anchors go on past it, and are no failure for its sake.
    await pipeline.persist({ anchor: { round: 4, chain: 4, lanes: { ann: 30, bob: 4 } }, lanes: [lane("bob", 5, 5)] });
    await pipeline.persist({ anchor: { round: 5, chain: 4, lanes: { ann: 30, bob: 5 } } });
    await pipeline.lanes.readmit("ann");
    expect(pipeline.failures).toEqual([]);
    await pipeline.persist({ lanes: [lane("ann", 30, 31)] });
    expect(await lookAt(pipeline, "ann")).toEqual(held(30, blocks(30, 31)));
    await pipeline.close();
  });

  it("reports a chain that fails, while lanes and anchors go on", async () => {
    const vfs = new SimVfs({ seed: 1 });
    await filled(vfs);
    const pipeline = await openIn(vfs);
    vfs.faults = new FaultPlan([{ operation: "write", path: /chain\/.*seg/, errno: "ENOSPC", sticky: true }]);
    const cycle = pipeline.persist({
      anchor: { round: 4, chain: 3, lanes: {} },
      chain: { firstIndex: 4, values: certificates(4, 4) },
      lanes: [lane("bob", 4, 4)],
    });
    expect(((await errorOf(cycle)) as LanesFailedError).failures).toMatchObject([
      { key: undefined, lane: "the chain" },
    ]);
    expect(pipeline.failures).toMatchObject([{ key: undefined, error: { code: "HF_IO" } }]);
    await pipeline.persist({ lanes: [lane("bob", 5, 5)] });
    expect([pipeline.anchor?.round, (await lookAt(pipeline, "bob")).nextIndex]).toEqual([4, 6]);
    await pipeline.close();
    expect(vfs.openHandles()).toEqual([]);
  });

  it("opens beside a lane that is damaged or gone, and quarantines one that does not hold what the anchor needs", async () => {
    const vfs = new SimVfs({ seed: 1 });
    await filled(vfs);
    for (const { path } of vfs.snapshotTree()) if (path.startsWith(`${DIRECTORY}/lane-ann/`)) dropFile(vfs, path);
    const pipeline = await openIn(vfs);
    expect(pipeline.failures).toMatchObject([{ key: "ann", error: { code: "HF_CORRUPTION" } }]);
    await pipeline.persist({ lanes: [lane("bob", 4, 4)] });
    // Somebody prunes past the pipeline.
    await (await pipeline.lanes.lane("bob")).truncateBefore(4);
    await pipeline.close();
    const again = await openIn(vfs);
    expect(again.failures).toMatchObject([
      { key: "ann", error: { code: "HF_CORRUPTION" } },
      { key: "bob", error: { code: "HF_CORRUPTION" } },
    ]);
    expect(again.anchor?.round).toBe(3);
    await again.close();
  });

  it("does not open without the chain that the anchor needs", async () => {
    const vfs = new SimVfs({ seed: 1 });
    await filled(vfs);
    for (const { path } of vfs.snapshotTree()) if (path.startsWith(`${DIRECTORY}/chain/`)) dropFile(vfs, path);
    expect(await errorOf(openIn(vfs))).toMatchObject({ code: "HF_CORRUPTION" });
    expect(vfs.openHandles()).toEqual([]);
  });
});

describe("a pipeline with a slow lane", () => {
  it("publishes the others, and lets later cycles pass it by, anchors included", async () => {
    const gated = new GatedVfs(new SimVfs({ seed: 1 }), "lane-slow");
    const told: string[] = [];
    const pipeline = await openIn(gated.vfs, {
      onPersisted: (persisted) =>
        void told.push(persisted.kind === "lane" ? `${persisted.key} ${persisted.nextIndex}` : persisted.kind),
    });
    await pipeline.persist({ lanes: [lane("slow", 0, 0), lane("fast", 0, 0)] });
    told.length = 0;
    gated.shut();
    const first = pipeline.persist({ lanes: [lane("slow", 1, 1), lane("fast", 1, 1)] });
    await settle();
    expect(told).toEqual(["fast 2"]);
    await pipeline.persist({ lanes: [lane("fast", 2, 2)] });
    const second = pipeline.persist({
      anchor: { round: 0, chain: 0, lanes: { fast: 1, slow: 1 } },
      lanes: [lane("slow", 2, 2), lane("fast", 3, 3)],
    });
    await settle();
    expect(told).toEqual(["fast 2", "fast 3", "anchor", "fast 4"]);
    gated.open();
    await Promise.all([first, second]);
    expect(told.slice(4)).toEqual(["slow 2", "slow 3"]);
    await pipeline.close();
  });
});

describe("a pipeline with a lane that is slow to make", () => {
  // Making a lane takes several writes, and the whole pipeline waited for them: its own cycle, the anchor, and all later cycles.
  it("publishes the others, and lets later cycles pass it by, its own entries in order", async () => {
    const gated = new GatedVfs(new SimVfs({ seed: 1 }), "lane-slow");
    const told: string[] = [];
    const pipeline = await openIn(gated.vfs, {
      onPersisted: (persisted) =>
        void told.push(persisted.kind === "lane" ? `${persisted.key} ${persisted.nextIndex}` : persisted.kind),
    });
    await pipeline.persist({ lanes: [lane("fast", 0, 0)] });
    gated.shut();
    const cycles = [
      pipeline.persist({ lanes: [lane("slow", 0, 0), lane("fast", 1, 1)] }),
      pipeline.persist({
        anchor: { round: 0, chain: 0, lanes: { fast: 1, slow: 0 } },
        lanes: [lane("slow", 1, 1), lane("fast", 2, 2)],
      }),
    ];
    await settle();
    expect(told.sort()).toEqual(["anchor", "fast 1", "fast 2", "fast 3"]);
    told.length = 0;
    gated.open();
    cycles.push(pipeline.persist({ lanes: [lane("slow", 2, 2)] }));
    await Promise.all(cycles);
    expect(told).toEqual(["slow 1", "slow 2", "slow 3"]);
    expect(await lookAt(pipeline, "slow")).toEqual(held(0, blocks(0, 2)));
    await pipeline.close();
  });
});

describe("a pipeline in a shared log", () => {
  const open = async (shared: SharedLog, prefix: string): Promise<Pipeline> =>
    await PersistPipeline.open(shared, {
      lanes: { codec: textCodec },
      chain: { codec: textCodec },
      anchor: anchorOptions,
      prefix,
    });

  it("makes an atomic cycle durable with one group, jumps included, and shows it as one", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const shared = await SharedLog.open(DIRECTORY, { ...SMALL_SHARED, vfs });
    const pipeline = await open(shared, "a");
    await pipeline.persist({
      chain: { firstIndex: 0, values: certificates(0, 2) },
      lanes: [lane("ann", 0, 2), lane("bob", 0, 2)],
    });
    const { groups } = shared.stats().log;
    await pipeline.persist({
      chain: { firstIndex: 3, values: certificates(3, 4) },
      lanes: [lane("ann", 3, 4), lane("bob", 3, 5)],
    });
    expect(shared.stats().log.groups - groups).toBe(1);
    await pipeline.persist({
      anchor: { round: 0, chain: 20, entry: true, lanes: { ann: 30, bob: 4 } },
      lanes: [lane("ann", 30, 30), lane("bob", 6, 6)],
    });
    const again = await open(await SharedLog.open(DIRECTORY, { ...SMALL_SHARED, vfs: vfs.powerCut() }), "a");
    expect(await look(again.chain.log)).toEqual(held(20, certificates(20, 20)));
    expect(await lookAt(again, "ann")).toEqual(held(30, blocks(30, 30)));
    expect(await lookAt(again, "bob")).toEqual(held(4, blocks(4, 6)));
  });

  it("makes what all lanes get at once durable with one group, also where each is for itself", async () => {
    const shared = await SharedLog.open(DIRECTORY, { ...SMALL_SHARED, vfs: new SimVfs({ seed: 1 }) });
    const lanes = await LaneSet.open(shared, { codec: textCodec });
    const names = Array.from({ length: 16 }, (_, at) => `lane ${at}`);
    await lanes.commit(names.map((key) => ({ key, values: blocks(0, 0) })));
    const before = shared.stats().log.groups;
    await lanes.commit(names.map((key) => ({ key, values: blocks(1, 2), firstIndex: 1 })));
    // The first one is on its way when the others come.
    expect(shared.stats().log.groups - before).toBeLessThanOrEqual(2);
    const pipeline = await open(shared, "a");
    await pipeline.persist({ chain: { firstIndex: 0, values: certificates(0, 1) }, lanes: [lane("ann", 0, 1)] });
    const { groups } = shared.stats().log;
    await pipeline.persist({
      anchor: { round: 0, chain: 0, lanes: { ann: 0 } },
      chain: { firstIndex: 2, values: certificates(2, 2) },
      lanes: [lane("ann", 2, 2)],
    });
    expect(shared.stats().log.groups - groups).toBe(1);
  });

  it("has all of an atomic cycle or none of it after a crash at any moment", { timeout: 60_000 }, async () => {
    const report = await exploreCrashes<readonly number[], number>({
      name: "an atomic cycle",
      async workload({ vfs, note }) {
        const shared = await SharedLog.open(DIRECTORY, { ...SMALL_SHARED, vfs });
        const pipeline = await open(shared, "a");
        for (let round = 1; round < 4; round++) {
          // The last one jumps.
          const at = round === 3 ? 50 : round;
          await pipeline.persist({
            anchor: { round, chain: at, lanes: { ann: at, bob: at } },
            chain: { firstIndex: at, values: certificates(at, at) },
            lanes: [lane("ann", at, at), lane("bob", at, at)],
          });
          note(round);
        }
        await pipeline.close();
        await shared.close();
      },
      async recover({ vfs }) {
        const shared = await SharedLog.open(DIRECTORY, { ...SMALL_SHARED, vfs });
        const pipeline = await open(shared, "a");
        const { anchor, chain, lanes } = pipeline;
        const next = [chain.nextIndex, lanes.get("ann")?.nextIndex ?? 0, lanes.get("bob")?.nextIndex ?? 0];
        await pipeline.close();
        await shared.close();
        return [anchor?.round ?? 0, ...next];
      },
      check([round, ...next], told) {
        const expected = [0, 2, 3, 51][round!]!;
        if (next.some((index) => index !== expected)) throw new Error(`${round}: ${next.join(", ")}`);
        if (round! < Math.max(0, ...told)) throw new Error(`${round} after ${told.join(", ")}`);
      },
      depth: 1,
      statesMax: 600,
      capPerPoint: 8,
      samplesPerPoint: 4,
    });
    expect(report.raw).toBeGreaterThan(100);
  });

  // The whole pipeline took nothing more, and said that the anchor could not be written.
  it("goes on with anchors and lanes where a lane or the chain turns out damaged, also under the hands of a cycle", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const shared = await SharedLog.open(DIRECTORY, { ...SMALL_SHARED, vfs });
    const pipeline = await open(shared, "a");
    await pipeline.persist({
      chain: { firstIndex: 0, values: certificates(0, 1) },
      lanes: [lane("ann", 0, 1), lane("bob", 0, 1)],
    });
    const ann = await pipeline.lanes.entriesOf("ann");
    const { release } = ann.hold();
    const caught = pipeline.persist({ lanes: [lane("ann", 2, 2), lane("bob", 2, 2)] });
    await settle();
    ann.fail(new Error("found damaged"));
    release();
    expect(await errorOf(caught)).toMatchObject({ code: "HF_POISONED" });
    await (await shared.stream("a/chain")).truncateAll();
    expect(await errorOf(pipeline.chain.log.readAll())).toMatchObject({ code: "HF_LSN_OUT_OF_RANGE" });
    expect(await errorOf(Promise.resolve(pipeline.chain.log.get(0)))).toMatchObject({ code: "HF_CORRUPTION" });
    const chain = { firstIndex: 2, values: certificates(2, 2) };
    expect(await errorOf(pipeline.persist({ chain, lanes: [lane("bob", 2, 2)] }))).toMatchObject({
      code: "HF_POISONED",
    });
    await pipeline.persist({ anchor: { round: 1, chain: 0, lanes: { bob: 1 } }, lanes: [lane("bob", 2, 2)] });
    expect(await lookAt(pipeline, "bob")).toEqual(held(1, blocks(1, 2)));
    expect(pipeline.failures.map(({ key }) => key)).toEqual([undefined, "ann"]);
  });

  // The baseline was in the batch, but what it dropped stayed in the journal until the anchor moved that lane again.
  it("drops what an atomic cycle jumps over", async () => {
    const shared = await SharedLog.open(DIRECTORY, { ...SMALL_SHARED, vfs: new SimVfs({ seed: 1 }) });
    const pipeline = await open(shared, "a");
    await pipeline.persist({ chain: { firstIndex: 0, values: certificates(0, 4) }, lanes: [lane("ann", 0, 5)] });
    await pipeline.persist({ anchor: { round: 0, chain: 20, lanes: { ann: 30 } }, lanes: [lane("ann", 30, 30)] });
    const sizes = ["a/chain", "a/lane-ann"].map(async (name) => {
      const { firstLsn, lastLsn } = await shared.stream(name);
      return lastLsn - firstLsn + 1;
    });
    // A baseline, and the lane's entry.
    expect(await Promise.all(sizes)).toEqual([1, 2]);
  });

  // The chain's turn was taken by every cycle, so each waited for the write of the one before.
  it("makes atomic cycles that share no lane durable together", async () => {
    const shared = await SharedLog.open(DIRECTORY, { ...SMALL_SHARED, vfs: new SimVfs({ seed: 1 }) });
    const pipeline = await open(shared, "a");
    const names = Array.from({ length: 8 }, (_, at) => `lane ${at}`);
    for (const name of names) await pipeline.lanes.lane(name);
    const { groups } = shared.stats().log;
    await Promise.all(names.map((name) => pipeline.persist({ lanes: [lane(name, 0, 0)] })));
    expect(shared.stats().log.groups - groups).toBeLessThanOrEqual(2);
  });

  it("lives beside others with their own prefix, and beside streams of other kinds", async () => {
    const shared = await SharedLog.open(DIRECTORY, { ...SMALL_SHARED, vfs: new SimVfs({ seed: 1 }) });
    await (await shared.stream("events")).append(new Uint8Array([1]));
    const [one, other] = [await open(shared, "a"), await open(shared, "b")];
    await one.persist({ lanes: [lane("ann", 0, 0)] });
    await other.persist({ lanes: [lane("ann", 0, 4)] });
    expect([one.lanes.foreign, other.lanes.foreign]).toEqual([[], []]);
    expect([(await lookAt(one, "ann")).count, (await lookAt(other, "ann")).count]).toEqual([1, 5]);
    await (await shared.stream("a/stray")).append(new Uint8Array([1]));
    await one.close();
    const again = await open(shared, "a");
    expect(again.lanes.foreign).toEqual(["stray"]);
  });

  it("quarantines the one lane whose entries are no good", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const shared = await SharedLog.open(DIRECTORY, { ...SMALL_SHARED, vfs });
    const pipeline = await open(shared, "a");
    await pipeline.persist({ lanes: [lane("ann", 0, 1), lane("bob", 0, 1)] });
    await pipeline.close();
    await (await shared.stream("a/lane-ann")).append(new Uint8Array(3), 1);
    const again = await open(shared, "a");
    expect(again.failures).toMatchObject([{ key: "ann", error: { code: "HF_CORRUPTION" } }]);
    expect(await errorOf(again.persist({ lanes: [lane("ann", 2, 2), lane("bob", 2, 2)] }))).toMatchObject({
      code: "HF_QUARANTINED",
    });
    await again.persist({ lanes: [lane("bob", 2, 2)] });
    expect(await lookAt(again, "bob")).toEqual(held(0, blocks(0, 2)));
  });

  it("notices a second one with the same prefix before it harms anything", async () => {
    const shared = await SharedLog.open(DIRECTORY, { ...SMALL_SHARED, vfs: new SimVfs({ seed: 1 }) });
    const [one, other] = [await open(shared, "a"), await open(shared, "a")];
    await other.lanes.lane("ann");
    await one.persist({ lanes: [lane("ann", 0, 0)] });
    const error = await errorOf(other.persist({ lanes: [lane("ann", 0, 0)] }));
    expect(error).toMatchObject({ code: "HF_SECOND_WRITER" });
    expect(await lookAt(one, "ann")).toEqual(held(0, blocks(0, 0)));
    const stream = await shared.stream("a/lane-ann");
    expect((await IndexedLog.open(stream, { codec: textCodec })).nextIndex).toBe(1);
  });

  // It opened as if it had no lanes.
  it("is not opened on a shared log that was closed", async () => {
    const shared = await SharedLog.open(DIRECTORY, { ...SMALL_SHARED, vfs: new SimVfs({ seed: 1 }) });
    await (await LaneSet.open(shared, { codec: textCodec })).append("ann", "block 0");
    await shared.close();
    expect(await errorOf(LaneSet.open(shared, { codec: textCodec }))).toMatchObject({ code: "HF_CLOSED" });
    expect(await errorOf(open(shared, "lanes"))).toMatchObject({ code: "HF_CLOSED" });
  });

  it("is in a shared log of its own where a path names its place, and closes that too", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const options = { lanes: { codec: textCodec }, chain: { codec: textCodec }, anchor: anchorOptions, vfs };
    const first = await PersistPipeline.open(DIRECTORY, options);
    await first.persist({ chain: { firstIndex: 0, values: certificates(0, 1) }, lanes: [lane("ann", 0, 1)] });
    await first.close();
    const shared = await SharedLog.open(DIRECTORY, { vfs });
    expect(shared.streams()).toEqual(["lanes/anchor", "lanes/chain", "lanes/lane-ann"]);
    expect(await errorOf(PersistPipeline.open(DIRECTORY, options))).toMatchObject({ code: "HF_LOCKED" });
    await shared.close();
    const again = await PersistPipeline.open(DIRECTORY, options);
    expect(await lookAt(again, "ann")).toEqual(held(0, blocks(0, 1)));
    await again.close();
    expect(vfs.openHandles()).toEqual([]);
  });

  it("takes lanes in one layout for nothing in the other", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const layouts = ["shared-log", "log-per-lane"] as const;
    const log = { blockBytes: 512, segmentBytes: 8192 };
    for (const layout of layouts) {
      const lanes = await LaneSet.open(`/${layout}`, { codec: textCodec, layout, vfs, log });
      await lanes.append("ann", "block 0");
      await lanes.close();
    }
    const before = vfs.snapshotTree();
    for (const [at, layout] of layouts.toReversed().entries()) {
      const open = LaneSet.open(`/${layouts[at]}`, { codec: textCodec, layout, vfs, log });
      expect(await errorOf(open)).toMatchObject({ code: "HF_FORMAT_UNKNOWN" });
    }
    expect(vfs.snapshotTree()).toEqual(before);
    const wrong = "wal" as unknown as "shared-log";
    expect(await errorOf(LaneSet.open("/new", { codec: textCodec, layout: wrong, vfs }))).toMatchObject({
      code: "HF_INVALID_ARGUMENT",
    });
  });

  it("refuses options that are for directories, and a directory those for shared logs", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const shared = await SharedLog.open(DIRECTORY, { ...SMALL_SHARED, vfs });
    const options = { lanes: { codec: textCodec }, chain: { codec: textCodec }, anchor: anchorOptions };
    for (const more of [
      { vfs },
      { log: {} },
      { layout: "log-per-lane" as const },
      { anchor: { ...anchorOptions, mode: "mirror" as const } },
      { prefix: "" },
      // The names of its streams would be those of lanes with the prefix "a".
      { prefix: "a/lane-b" },
    ])
      expect(await errorOf(PersistPipeline.open(shared, { ...options, ...more }))).toMatchObject({
        code: "HF_INVALID_ARGUMENT",
      });
    for (const where of [undefined, {}, ""] as string[]) {
      expect(await errorOf(PersistPipeline.open(where, options))).toMatchObject({ code: "HF_INVALID_ARGUMENT" });
      expect(await errorOf(LaneSet.open(where, { codec: textCodec }))).toMatchObject({ code: "HF_INVALID_ARGUMENT" });
    }
    for (const more of [{ atomic: true, layout: "log-per-lane" as const }, { prefix: "x" }])
      expect(await errorOf(PersistPipeline.open("/other", { ...options, vfs, ...more }))).toMatchObject({
        code: "HF_INVALID_ARGUMENT",
      });
  });
});
