/** Stores of every kind that commit as one batch of their shared log: what of it they hand over within the call, and what a refusal leaves. */
import { memoryEngine } from "holdfast/engine";
import { EventLog, type EventType, defineEvents, event, json } from "holdfast/events";
import { FlatKv } from "holdfast/flatkv";
import { LaneSet, PersistPipeline, type Persisted } from "holdfast/lanes";
import { PageStore } from "holdfast/pages";
import { SharedLog, type Stream } from "holdfast/streams";
import { MerkleStore } from "holdfast/trie";
import { SimVfs, keepNothing } from "holdfast/vfs";
import { describe, expect, it } from "vitest";

type Types = { readonly added: EventType<number> };
const key = new Uint8Array(32).fill(7);
const one = [{ database: "a", changes: [{ key: Uint8Array.of(1), value: Uint8Array.of(1) }] }] as const;

interface Stores {
  readonly vfs: SimVfs;
  readonly shared: SharedLog;
  readonly streams: Readonly<Record<"events" | "flat" | "trie", Stream>>;
  readonly events: EventLog<Types>;
  readonly flat: FlatKv;
  readonly trie: MerkleStore;
}

async function openStores(vfs: SimVfs = new SimVfs({ seed: 1 })): Promise<Stores> {
  const shared = await SharedLog.open("/shared", { vfs, blockBytes: 512, segmentBytes: 1 << 16 });
  const streams = {
    events: await shared.stream("events"),
    flat: await shared.stream("flat"),
    trie: await shared.stream("trie"),
  };
  return {
    vfs,
    shared,
    streams,
    events: await EventLog.on<Types>(streams.events, {
      events: defineEvents<Types>({ added: event({ id: 1, codec: json<number>() }) }),
    }),
    flat: await FlatKv.open("/flat", {
      vfs,
      engine: memoryEngine({ vfs }),
      databases: ["a"],
      journal: streams.flat,
    }),
    trie: await MerkleStore.open("/trie", { vfs, engine: memoryEngine({ vfs }), journal: streams.trie }),
  };
}

const openPipeline = (
  where: SharedLog | string,
  more: object = {},
  told: Persisted<string, number>[] = [],
): Promise<PersistPipeline<string, string, string, number>> =>
  PersistPipeline.open(where, {
    lanes: { codec: json<string>() },
    chain: { codec: json<string>() },
    anchor: { codec: json<number>(), needs: () => ({ chain: 0, lanes: [] }) },
    onPersisted: (persisted) => told.push(persisted),
    ...more,
  });

/** A loose end of the stores that are opened here does not matter: nothing of them is on a real disk. */
describe("within the call", () => {
  it("an event log hands over its events, one or several, and what was enqueued before", async () => {
    const { shared, streams, events } = await openStores();
    events.enqueue("added", 1);
    const outcome = await shared.together([streams.events], () => [
      events.append("added", 2),
      events.appendAll([
        { type: "added", data: 3 },
        { type: "added", data: 4 },
      ]),
    ]);
    expect(outcome).toEqual([2, { firstLsn: 3, lastLsn: 4 }]);
    expect(streams.events.durableLsn).toBe(4);
  });

  it("a commit store hands over its version, as soon as all calls before it are done", async () => {
    const { shared, streams, flat } = await openStores();
    for (const version of [1, 2]) {
      await flat.applyChangeSets(one);
      expect(await shared.together([streams.flat], () => [flat.commit()])).toEqual([version]);
    }
  });

  it("a session hands over its commit once it is prepared", async () => {
    const { shared, streams, trie } = await openStores();
    const session = trie.begin();
    session.put(key, Uint8Array.of(1));
    const { root } = await session.prepare();
    expect(await shared.together([streams.trie], () => [session.commit()])).toEqual([{ root, sequence: 1 }]);
  });

  it("a page store hands over records that were begun before", async () => {
    const { vfs, shared } = await openStores();
    const stream = await shared.stream("pages");
    const pages = await PageStore.open("/pages", { vfs, journal: stream, capacity: 8 });
    const begun = await pages.beginSync({ updates: [], clears: [], root: key });
    const [lsn] = await shared.together([stream], () => [pages.writeWal(begun)]);
    await pages.commitSync(begun, lsn);
    expect(pages.sequence).toBe(1);
    await expect(
      shared.together([], () => [pages.commit({ updates: [], clears: [], root: key })]),
    ).rejects.toMatchObject({ code: "HF_BUSY" });
  });

  it("what could only be handed over later is refused, and not done by itself afterwards", async () => {
    const { shared, streams, events, flat, trie } = await openStores();
    const lanes = await LaneSet.open(shared, { codec: json<string>(), prefix: "own" });
    const lane = await lanes.lane("ann");
    const session = trie.begin();
    session.put(key, Uint8Array.of(1));
    const late = [
      () => [flat.applyChangeSets(one), flat.commit()][1],
      () => session.commit(),
      () => events.checkpoint(),
      () => lane.append("a"),
      () => lanes.commit([{ key: "ann", values: ["a"] }], { atomic: true }),
    ];
    for (const [at, act] of late.entries()) {
      const whole = shared.together([], () => [act()]);
      await expect(whole, String(at)).rejects.toMatchObject({ code: "HF_BUSY" });
    }
    expect([flat.version, trie.sequence, lane.nextIndex, streams.events.nextLsn]).toEqual([0, 0, 0, 1]);
    await shared.sync();
    expect([streams.flat.nextLsn, streams.trie.nextLsn]).toEqual([1, 1]);
    // Each goes on as before.
    expect(await flat.commit()).toBe(1);
    expect(await session.commit()).toMatchObject({ sequence: 1 });
    expect(await lane.append("a")).toBe(0);
  });
});

describe("a refusal", () => {
  it("leaves every store as it was, and the next batch has the same numbers", async () => {
    const { vfs, shared, streams, events, flat, trie } = await openStores();
    const required = Object.values(streams);
    await flat.applyChangeSets(one);
    const session = trie.begin();
    session.put(key, Uint8Array.of(1));
    for (const isRefused of [true, true, false]) {
      await session.prepare();
      const parts = (): readonly Promise<unknown>[] => [
        events.append("added", 1),
        events.appendAll([{ type: "added", data: 2 }]),
        flat.commit(),
        session.commit(),
      ];
      const whole = shared.together([...required, ...(isRefused ? [await shared.stream("idle")] : [])], parts);
      if (!isRefused) await whole;
      else await expect(whole).rejects.toMatchObject({ code: "HF_INVALID_ARGUMENT" });
      const got = isRefused ? 0 : 1;
      expect([flat.version, trie.sequence, events.lastLsn]).toEqual([got, got, 2 * got]);
      expect(flat.stats().stagedRows).toBe(1 - got);
    }
    const again = await openStores(vfs.powerCut(keepNothing));
    expect([again.flat.version, again.trie.sequence, again.events.lastLsn]).toEqual([1, 1, 2]);
  });

  it("leaves events enqueued that were, and a flush that was asked for within makes them durable afterwards", async () => {
    const { shared, events } = await openStores();
    const idle = await shared.stream("idle");
    expect([events.enqueue("added", 1), events.enqueue("added", 2)]).toEqual([1, 2]);
    const flushed: Promise<number>[] = [];
    const whole = shared.together([idle], () => {
      flushed.push(events.flush());
      return [events.append("added", 3)];
    });
    await expect(whole).rejects.toMatchObject({ code: "HF_INVALID_ARGUMENT" });
    expect(events.lastLsn).toBe(2);
    expect(await flushed[0]).toBe(2);
    expect(await events.append("added", 4)).toBe(3);
    const found: number[] = [];
    for await (const { data } of events.replay()) found.push(data);
    expect(found).toEqual([1, 2, 4]);
  });

  it("comes where an event is enqueued, of which nobody would hear that it was taken back", async () => {
    const { shared, events } = await openStores();
    const whole = shared.together([], () => {
      const appended = events.append("added", 1);
      events.enqueue("added", 2);
      return [appended];
    });
    await expect(whole).rejects.toMatchObject({ code: "HF_BUSY" });
    expect(await events.append("added", 3)).toBe(1);
  });
});

describe("a cycle that others join", () => {
  it("is one durable write, and resolves to what the others do", async () => {
    const { shared, streams, events, flat, trie } = await openStores();
    const told: Persisted<string, number>[] = [];
    const pipeline = await openPipeline(shared, {}, told);
    await pipeline.persist({ anchor: 0, lanes: [{ key: "ann", values: ["b0"] }] });
    await flat.applyChangeSets(one);
    const session = trie.begin();
    session.put(key, Uint8Array.of(1));
    const { root } = await session.prepare();
    const { groups } = shared.stats().log;
    const outcome = await pipeline.persist(
      {
        anchor: 1,
        chain: { firstIndex: 0, values: ["c0"] },
        lanes: [{ key: "ann", values: ["b1"], firstIndex: 1 }],
      },
      { with: () => [events.append("added", 1), flat.commit(), session.commit()], streams: Object.values(streams) },
    );
    expect(outcome).toEqual([1, 1, { root, sequence: 1 }]);
    expect(shared.stats().log.groups - groups).toBe(1);
    expect(told.map(({ kind }) => kind)).toEqual(["anchor", "lane", "anchor", "chain", "lane"]);
  });

  it("may have nothing of its own", async () => {
    const { shared, events } = await openStores();
    const pipeline = await openPipeline(shared);
    expect(await pipeline.persist({}, { with: () => [events.append("added", 1)] })).toEqual([1]);
  });

  it("is refused as a whole where one of them is, and leaves the pipeline as it was", async () => {
    const { shared, streams, events } = await openStores();
    const told: Persisted<string, number>[] = [];
    const pipeline = await openPipeline(shared, {}, told);
    await pipeline.persist({ anchor: 0, lanes: [{ key: "ann", values: ["b0"] }] });
    const before = told.length;
    const cycle = {
      anchor: 1,
      chain: { firstIndex: 0, values: ["c0"] },
      lanes: [{ key: "ann", values: ["b1"], firstIndex: 1 }],
    };
    const own = new Error("of the caller's own");
    const failing = (): [] => {
      throw own;
    };
    await expect(pipeline.persist(cycle, { with: failing })).rejects.toBe(own);
    await expect(
      pipeline.persist(cycle, { with: () => [events.append("added", 1)], streams: [streams.flat] }),
    ).rejects.toMatchObject({ code: "HF_INVALID_ARGUMENT", details: { stream: "flat" } });
    const tooMuch = (): Promise<unknown>[] =>
      [1, 2, 3].map(() => streams.trie.append(new Uint8Array(streams.trie.limits.recordBytesMax)));
    await expect(pipeline.persist(cycle, { with: tooMuch })).rejects.toMatchObject({
      code: expect.stringMatching(/TOO_LARGE/),
    });
    expect([pipeline.anchor, pipeline.chain.nextIndex, pipeline.lanes.get("ann")?.nextIndex, told.length]).toEqual([
      0,
      0,
      1,
      before,
    ]);
    expect(pipeline.failures).toEqual([]);
    expect(await pipeline.persist(cycle, { with: () => [events.append("added", 1)] })).toEqual([1]);
    expect(pipeline.anchor).toBe(1);
  });

  it("is asked for in vain where a cycle is no batch of a shared log", async () => {
    const { vfs, shared } = await openStores();
    const act = (): [] => expect.unreachable();
    for (const pipeline of [
      await openPipeline(shared, { atomic: false }),
      await openPipeline("/lanes", { layout: "log-per-lane", vfs }),
    ])
      await expect(pipeline.persist({ anchor: 1 }, { with: act })).rejects.toMatchObject({
        code: "HF_INVALID_ARGUMENT",
      });
    const pipeline = await openPipeline(shared, { prefix: "other" });
    for (const joined of [{ with: 1 }, { with: act, streams: "all" }, { with: act, also: 1 }])
      await expect(pipeline.persist({ anchor: 1 }, joined as never)).rejects.toMatchObject({
        code: expect.stringMatching(/HF_INVALID_ARGUMENT|HF_UNKNOWN_OPTION/),
      });
  });
});
