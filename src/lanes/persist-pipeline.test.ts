import { describe, expect, it } from "vitest";
import { SimVfs } from "../vfs/index.js";
import { LanesFailedError } from "./index.js";
import { after, ends, errorOf, held, look } from "./lanes.contract.js";
import {
  type Anchor,
  type Pipeline,
  blocks,
  certificate,
  certificates,
  lane,
  pipelineKinds,
} from "./pipeline.contract.js";

async function lookAt(pipeline: Pipeline, key: string): ReturnType<typeof look> {
  return await look(await pipeline.lanes.lane(key));
}

describe.each(pipelineKinds)("a pipeline in %s", (kind, open) => {
  const keepsOne = kind.includes("alternates");
  const atomic = kind.includes("atomic");

  it("starts with nothing", async () => {
    const { pipeline } = await open(new SimVfs({ seed: 1 }));
    expect([pipeline.anchor, pipeline.failures, pipeline.lanes.keys(), pipeline.lanes.foreign]).toEqual([
      undefined,
      [],
      [],
      [],
    ]);
    expect(await look(pipeline.chain.log)).toEqual(held(0, []));
    await pipeline.persist({});
  });

  it.each(ends)("has the anchor, the chain and the lanes that were persisted together after a %s", async (end) => {
    const vfs = new SimVfs({ seed: 1 });
    const first = await open(vfs);
    const anchor = { round: 0, chain: 0, lanes: { ann: 0, bob: 0 } };
    await first.pipeline.persist({
      anchor,
      chain: { firstIndex: 0, values: certificates(0, 1) },
      lanes: [lane("ann", 0, 2), lane("bob", 0, 0)],
    });
    expect(first.pipeline.anchor).toEqual(anchor);
    if (end === "close") await first.close();
    const { pipeline } = await open(after(end, vfs));
    expect(pipeline.anchor).toEqual(anchor);
    expect(await look(pipeline.chain.log)).toEqual(held(0, certificates(0, 1)));
    expect(await lookAt(pipeline, "ann")).toEqual(held(0, blocks(0, 2)));
    expect(await lookAt(pipeline, "bob")).toEqual(held(0, blocks(0, 0)));
    expect(pipeline.failures).toEqual([]);
  });

  it("drops what an anchor makes superfluous, one anchor late where the older one may have to serve", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const { pipeline } = await open(vfs);
    await pipeline.persist({
      anchor: { round: 0, chain: 0, lanes: {} },
      chain: { firstIndex: 0, values: certificates(0, 9) },
      lanes: [lane("ann", 0, 9), lane("bob", 0, 9)],
    });
    await pipeline.persist({ anchor: { round: 1, chain: 3, lanes: { ann: 4 } } });
    expect(pipeline.chain.firstIndex).toBe(keepsOne ? 0 : 3);
    expect((await lookAt(pipeline, "ann")).firstIndex).toBe(keepsOne ? 0 : 4);
    await pipeline.persist({ anchor: { round: 2, chain: 6, lanes: { ann: 8, bob: 2 } } });
    expect(pipeline.chain.firstIndex).toBe(keepsOne ? 3 : 6);
    expect((await lookAt(pipeline, "ann")).firstIndex).toBe(keepsOne ? 4 : 8);
    // The anchor before did not speak of it.
    expect((await lookAt(pipeline, "bob")).firstIndex).toBe(keepsOne ? 0 : 2);
    await pipeline.persist({ anchor: { round: 3, chain: 6, lanes: { ann: 8, bob: 2 } } });
    expect([pipeline.chain.firstIndex, (await lookAt(pipeline, "ann")).firstIndex]).toEqual([6, 8]);
    expect((await lookAt(pipeline, "bob")).firstIndex).toBe(2);
  });

  it.each(ends)("jumps where an anchor is past everything, and remembers it over a %s", async (end) => {
    const vfs = new SimVfs({ seed: 1 });
    const first = await open(vfs);
    await first.pipeline.persist({
      anchor: { round: 0, chain: 0, lanes: { ann: 0, bob: 0 } },
      chain: { firstIndex: 0, values: certificates(0, 2) },
      lanes: [lane("ann", 0, 2), lane("bob", 0, 2)],
    });
    const anchor: Anchor = { round: 9, chain: 10, entry: true, lanes: { ann: 20, bob: 1, new: 30 } };
    await first.pipeline.persist({ anchor, lanes: [lane("ann", 20, 21), lane("bob", 3, 3)] });
    if (end === "close") await first.close();
    const { pipeline } = await open(after(end, vfs));
    expect(pipeline.anchor).toEqual(anchor);
    expect(await look(pipeline.chain.log)).toEqual(held(10, [certificate(10)]));
    expect(await lookAt(pipeline, "ann")).toEqual(held(20, blocks(20, 21)));
    expect(await lookAt(pipeline, "new")).toEqual(held(30, []));
    expect((await lookAt(pipeline, "bob")).nextIndex).toBe(4);
    await pipeline.persist({
      chain: { firstIndex: 9, values: certificates(9, 11) },
      lanes: [lane("new", 30, 31), lane("ann", 22, 22)],
    });
    expect(await look(pipeline.chain.log)).toEqual(held(10, certificates(10, 11)));
    expect(await lookAt(pipeline, "new")).toEqual(held(30, blocks(30, 31)));
  });

  it("puts the anchor's certificate in place once, whether the chain has it, gets it, or jumps to it", async () => {
    const { pipeline } = await open(new SimVfs({ seed: 1 }));
    await pipeline.persist({ anchor: { round: 0, chain: 0, entry: true, lanes: {} } });
    expect(await look(pipeline.chain.log)).toEqual(held(0, certificates(0, 0)));
    await pipeline.persist({
      anchor: { round: 1, chain: 1, entry: true, lanes: {} },
      chain: { firstIndex: 0, values: certificates(0, 3) },
    });
    expect(pipeline.chain.nextIndex).toBe(4);
    await pipeline.persist({ anchor: { round: 2, chain: 4, entry: true, lanes: {} } });
    await pipeline.persist({
      anchor: { round: 3, chain: 8, entry: true, lanes: {} },
      chain: { firstIndex: 9, values: certificates(9, 9) },
    });
    expect(await look(pipeline.chain.log)).toEqual(held(8, certificates(8, 9)));
  });

  it("tells of everything once it is durable, and of nothing twice", async () => {
    const told: string[] = [];
    const { pipeline } = await open(new SimVfs({ seed: 1 }), {
      onPersisted: (persisted) =>
        void told.push(
          persisted.kind === "anchor"
            ? `anchor ${persisted.anchor.round}`
            : `${persisted.kind === "lane" ? persisted.key : "chain"} ${persisted.firstIndex}-${persisted.nextIndex}`,
        ),
    });
    await pipeline.persist({
      anchor: { round: 0, chain: 0, lanes: {} },
      chain: { firstIndex: 0, values: certificates(0, 1) },
      lanes: [lane("ann", 0, 2), lane("bob", 0, 0)],
    });
    expect(told.slice(0, 1)).toEqual(["anchor 0"]);
    expect(told.slice(1).sort()).toEqual(["ann 0-3", "bob 0-1", "chain 0-2"]);
    told.length = 0;
    await pipeline.persist({
      chain: { firstIndex: 1, values: certificates(1, 1) },
      lanes: [lane("ann", 3, 3), { key: "bob", values: [] }],
    });
    expect(told).toEqual(["ann 3-4"]);
  });

  // The rest of the cycle was not done, or, in an atomic one, the anchor was said to have failed and nothing more was taken.
  it("goes on where who is told throws, tells of the rest, and rejects with that", async () => {
    const told: string[] = [];
    const own = new Error("not now");
    const { pipeline } = await open(new SimVfs({ seed: 1 }), {
      onPersisted(persisted) {
        told.push(persisted.kind === "lane" ? persisted.key : persisted.kind);
        throw own;
      },
    });
    const cycle = pipeline.persist({
      anchor: { round: 0, chain: 0, lanes: {} },
      chain: { firstIndex: 0, values: certificates(0, 0) },
      lanes: [lane("ann", 0, 0), lane("bob", 0, 0)],
    });
    await expect(cycle).rejects.toBe(own);
    expect(told.sort()).toEqual(["anchor", "ann", "bob", "chain"]);
    expect(pipeline.failures).toEqual([]);
    await expect(pipeline.persist({ lanes: [lane("ann", 1, 1)] })).rejects.toBe(own);
    await pipeline.persist({});
    expect(await lookAt(pipeline, "ann")).toEqual(held(0, blocks(0, 1)));
  });

  // It was ignored: the anchor became durable, and what it needs could never be there.
  it("refuses an anchor that needs a lane which can't be", async () => {
    const { pipeline } = await open(new SimVfs({ seed: 1 }));
    for (const name of ["x".repeat(500), "\ud800"]) {
      const cycle = pipeline.persist({
        anchor: { round: 0, chain: 0, lanes: { [name]: 1 } },
        lanes: [lane("ann", 0, 0)],
      });
      expect(await errorOf(cycle)).toMatchObject({ code: "HF_INVALID_ARGUMENT" });
    }
    expect([pipeline.anchor, pipeline.failures]).toEqual([undefined, []]);
    await pipeline.persist({ lanes: [lane("ann", 0, 0)] });
  });

  // It was taken, and once the lane had entries the next opening took what was never there for lost.
  it("refuses an anchor that needs what comes before the first index of a lane", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const { pipeline } = await open(vfs, { lanesFirst: 100 });
    const early = { round: 0, chain: 0, lanes: { ann: 99 } };
    expect(await errorOf(pipeline.persist({ anchor: early }))).toMatchObject({ code: "HF_CUT" });
    await pipeline.persist({ anchor: { ...early, lanes: { ann: 100 } }, lanes: [lane("ann", 100, 101)] });
    const again = await open(vfs.powerCut(), { lanesFirst: 100 });
    expect(again.pipeline.failures).toEqual([]);
  });

  it("is not opened with an anchor that its codec can't read, and nothing is lost by trying", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const first = await open(vfs);
    const anchor = { round: 3, chain: 0, lanes: {} };
    await first.pipeline.persist({ anchor, lanes: [lane("ann", 0, 2)] });
    await first.close();
    const decode = (): Anchor => {
      throw new Error("of another version");
    };
    const other = vfs.kill();
    expect(await errorOf(open(other, { decode }))).toMatchObject({ code: "HF_VALUE_UNDECODABLE" });
    const { pipeline } = await open(other.kill());
    expect(pipeline.anchor).toEqual(anchor);
    expect(await lookAt(pipeline, "ann")).toEqual(held(0, blocks(0, 2)));
  });

  // The anchor was durable by then, and the pipeline could never be opened again.
  it("refuses an anchor whose entry has no room in the chain", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const { pipeline } = await open(vfs, { entry: (index) => "x".repeat(index === 5 ? 10_000 : 10) });
    const large = { round: 0, chain: 5, entry: true, lanes: {} };
    expect(await errorOf(pipeline.persist({ anchor: large }))).toMatchObject({ code: "HF_RECORD_TOO_LARGE" });
    expect([pipeline.anchor, pipeline.chain.nextIndex]).toEqual([undefined, 0]);
    await pipeline.persist({ anchor: { ...large, chain: 6 } });
    expect(await look(pipeline.chain.log)).toEqual(held(6, ["x".repeat(10)]));
  });

  it("refuses more than may be under way, but for one that is alone, and gives all of it back", async () => {
    const { pipeline } = await open(new SimVfs({ seed: 1 }), { inFlightBytes: 100 });
    const cycle = (first: number, bytes: number): Promise<void> =>
      pipeline.persist({ lanes: [{ key: "ann", firstIndex: first, values: ["x".repeat(bytes)] }] });
    const large = cycle(0, 300);
    expect(await errorOf(cycle(1, 1))).toMatchObject({ code: "HF_BACKPRESSURE" });
    await large;
    const two = [cycle(1, 50), cycle(2, 50)];
    expect(await errorOf(cycle(3, 1))).toMatchObject({ code: "HF_BACKPRESSURE" });
    await Promise.all(two);
    // What failed holds nothing either.
    await errorOf(cycle(9, 100));
    await Promise.all([cycle(3, 50), cycle(4, 50)]);
    expect((await pipeline.lanes.lane("ann")).count).toBe(5);
  });

  // A lane that had given up what the anchor needs was taken in again without a word, until the next opening.
  it("does not append to a lane that misses what the anchor needs, also when it is taken in again", async () => {
    const { pipeline } = await open(new SimVfs({ seed: 1 }));
    await pipeline.persist({ anchor: { round: 0, chain: 0, lanes: { ann: 1 } }, lanes: [lane("bob", 0, 3)] });
    await pipeline.persist({ lanes: [lane("ann", 1, 4)] });
    // Somebody prunes past the pipeline.
    await pipeline.lanes.startAt("ann", 3);
    for (let round = 0; round < 2; round++) {
      const error = await errorOf(pipeline.persist({ lanes: [lane("ann", 5, 5)] }));
      const failed = error instanceof LanesFailedError ? error.failures[0]!.error : error;
      expect(failed).toMatchObject({ code: "HF_CORRUPTION" });
      expect(pipeline.failures).toMatchObject([{ key: "ann", error: { code: "HF_CORRUPTION" } }]);
      await pipeline.lanes.readmit("ann");
    }
    await pipeline.persist({ lanes: [lane("bob", 4, 4)] });
  });

  it("keeps all that an anchor needs which names a lane twice", async () => {
    const { pipeline } = await open(new SimVfs({ seed: 1 }), { twice: true });
    await pipeline.persist({ lanes: [lane("ann", 0, 9)] });
    for (let round = 0; round < 2; round++) await pipeline.persist({ anchor: { round, chain: 0, lanes: { ann: 5 } } });
    expect((await lookAt(pipeline, "ann")).firstIndex).toBe(4);
  });

  it("takes cycles that overlap in their order, lanes that are new included", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const { pipeline } = await open(vfs);
    await Promise.all(
      Array.from({ length: 30 }, (_, n) =>
        pipeline.persist({
          ...(n % 5 === 0 ? { anchor: { round: n, chain: n, lanes: { ann: n } } } : {}),
          chain: { firstIndex: n, values: [certificate(n)] },
          lanes: [lane("ann", n, n), ...(n >= 7 ? [lane("bob", n - 7, n - 7)] : [])],
        }),
      ),
    );
    const again = await open(vfs.powerCut());
    expect(again.pipeline.anchor?.round).toBe(25);
    expect([again.pipeline.chain.nextIndex, (await lookAt(again.pipeline, "ann")).nextIndex]).toEqual([30, 30]);
    expect(await lookAt(again.pipeline, "bob")).toEqual(held(0, blocks(0, 22)));
  });

  it("refuses entries out of sequence, with what else was asked done, unless all was to be one", async () => {
    const { pipeline } = await open(new SimVfs({ seed: 1 }));
    await pipeline.persist({ lanes: [lane("ann", 0, 0), lane("bob", 0, 0)] });
    const error = await errorOf(
      pipeline.persist({
        chain: { firstIndex: 1, values: certificates(1, 1) },
        lanes: [lane("ann", 2, 2), lane("bob", 1, 1)],
      }),
    );
    expect(await lookAt(pipeline, "ann")).toEqual(held(0, blocks(0, 0)));
    expect(await lookAt(pipeline, "bob")).toEqual(held(0, blocks(0, atomic ? 0 : 1)));
    if (atomic) expect(error).toMatchObject({ code: "HF_OUT_OF_SEQUENCE" });
    else {
      expect(error).toBeInstanceOf(LanesFailedError);
      const { failures } = error as LanesFailedError;
      expect(failures.map(({ key }) => key).sort()).toEqual(["ann", undefined]);
      expect(failures).toMatchObject([
        { error: { code: "HF_OUT_OF_SEQUENCE" } },
        { error: { code: "HF_OUT_OF_SEQUENCE" } },
      ]);
    }
    expect(pipeline.failures).toEqual([]);
    // What is refused leaves nothing behind that would refuse the next.
    const next = atomic ? 1 : 2;
    await pipeline.persist({
      chain: { firstIndex: 0, values: certificates(0, 1) },
      lanes: [lane("ann", 1, 2), lane("bob", next, next)],
    });
  });

  it("refuses an anchor that needs what one before it gave up, and writes nothing of that cycle", async () => {
    const { pipeline } = await open(new SimVfs({ seed: 1 }));
    await pipeline.persist({
      anchor: { round: 0, chain: 2, lanes: { ann: 2 } },
      chain: { firstIndex: 2, values: certificates(2, 3) },
      lanes: [lane("ann", 2, 3)],
    });
    for (const anchor of [
      { round: 1, chain: 1, lanes: {} },
      { round: 1, chain: 2, lanes: { ann: 1 } },
    ])
      expect(await errorOf(pipeline.persist({ anchor, lanes: [lane("ann", 4, 4)] }))).toMatchObject({ code: "HF_CUT" });
    expect(pipeline.anchor?.round).toBe(0);
    expect(await lookAt(pipeline, "ann")).toEqual(held(2, blocks(2, 3)));
  });

  // The files of a lane were closed while calls that had been made before still waited for their turn.
  it("does what was asked of a lane before it is closed", async () => {
    const { pipeline, close } = await open(new SimVfs({ seed: 1 }));
    const ann = await pipeline.lanes.lane("ann");
    const asked = [ann.append("a"), ann.truncateAll(), ann.append("b"), ann.truncateAll(), ann.append("c")];
    await close();
    expect(await Promise.all(asked)).toEqual([0, undefined, 1, undefined, 2]);
    expect(pipeline.failures).toEqual([]);
  });

  it("rejects every call after close, which waits for cycles under way", async () => {
    const { pipeline, close } = await open(new SimVfs({ seed: 1 }));
    let done = false;
    const cycle = pipeline.persist({ lanes: [lane("ann", 0, 0)] }).then(() => {
      done = true;
    });
    await close();
    expect(done).toBe(true);
    await cycle;
    expect(await errorOf(pipeline.persist({}))).toMatchObject({ code: "HF_CLOSED" });
    expect(await errorOf(pipeline.lanes.lane("ann"))).toMatchObject({ code: "HF_CLOSED" });
    expect(await errorOf(pipeline.chain.append(0, "x"))).toMatchObject({ code: "HF_CLOSED" });
    expect(await errorOf(pipeline.chain.log.readAll())).toMatchObject({ code: "HF_CLOSED" });
    await pipeline.close();
  });
});
