/** Faults that reading what stores commit together found, one test each, with its story in the first line. */
import { memoryEngine } from "holdfast/engine";
import { EventLog, type EventType, defineEvents, event, json } from "holdfast/events";
import { FlatKv } from "holdfast/flatkv";
import { LaneSet, PersistPipeline } from "holdfast/lanes";
import { PageStore } from "holdfast/pages";
import { SharedLog, type Stream } from "holdfast/streams";
import { MerkleStore, type Session } from "holdfast/trie";
import { SimVfs } from "holdfast/vfs";
import { describe, expect, it } from "vitest";

type Types = { readonly added: EventType<number> };
const key = new Uint8Array(32).fill(7);
const one = [{ database: "a", changes: [{ key: Uint8Array.of(1), value: Uint8Array.of(1) }] }] as const;

interface Stores {
  readonly vfs: SimVfs;
  readonly shared: SharedLog;
  readonly streams: Readonly<Record<"events" | "flat" | "trie" | "idle", Stream>>;
  readonly events: EventLog<Types>;
  readonly flat: FlatKv;
  readonly trie: MerkleStore;
}

/** A loose end of the stores that are opened here does not matter: nothing of them is on a real disk. */
async function openStores(): Promise<Stores> {
  const vfs = new SimVfs({ seed: 1 });
  const shared = await SharedLog.open("/shared", { vfs, blockBytes: 512, segmentBytes: 1 << 16 });
  const streams = {
    events: await shared.stream("events"),
    flat: await shared.stream("flat"),
    trie: await shared.stream("trie"),
    idle: await shared.stream("idle"),
  };
  const engine = memoryEngine({ vfs });
  return {
    vfs,
    shared,
    streams,
    events: await EventLog.on<Types>(streams.events, {
      events: defineEvents<Types>({ added: event({ id: 1, codec: json<number>() }) }),
    }),
    flat: await FlatKv.open("/flat", { vfs, engine, databases: ["a"], journal: streams.flat }),
    trie: await MerkleStore.open("/trie", { vfs, engine, journal: streams.trie, rollback: { commits: 4 } }),
  };
}

const openPipeline = (shared: SharedLog): Promise<PersistPipeline<string, string, string, number>> =>
  PersistPipeline.open(shared, {
    lanes: { codec: json<string>() },
    chain: { codec: json<string>() },
    anchor: { codec: json<number>(), needs: () => ({ chain: 0, lanes: [] }) },
  });

async function preparedSession(trie: MerkleStore): Promise<Session> {
  const session = trie.begin();
  session.put(key, Uint8Array.of(1));
  await session.prepare();
  return session;
}

const settled = <R>(promise: Promise<R>): Promise<R | "never"> =>
  Promise.race([promise, new Promise<"never">((resolve) => setTimeout(resolve, 1000, "never"))]);

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe("a store that refused within the call was left out alone: the call failed as if refused, and the others had committed", () => {
  const refusals: readonly [name: string, code: string, act: (stores: Stores, session: Session) => Promise<unknown>][] =
    [
      ["a second commit of a commit store", "HF_BUSY", ({ flat }) => flat.commit()],
      [
        "wrong options of a session's commit",
        "HF_UNKNOWN_OPTION",
        (_, session) => session.commit({ also: 1 } as never),
      ],
      ["a session that was not prepared", "HF_BUSY", ({ trie }) => trie.begin().commit()],
      ["wrong changes", "HF_INVALID_ARGUMENT", ({ flat }) => flat.applyChangeSets([{ database: "b", changes: one[0].changes }])], // prettier-ignore
      ["an event that can't be encoded", "HF_EVENT_UNENCODABLE", ({ events }) => events.append("added", undefined as never)], // prettier-ignore
    ];
  for (const [name, code, act] of refusals)
    it(name, async () => {
      const stores = await openStores();
      const { shared, streams, events, flat, trie } = stores;
      const session = await preparedSession(trie);
      const whole = shared.together([streams.events, streams.flat], () => [
        events.append("added", 1),
        flat.commit(),
        act(stores, session),
      ]);
      await expect(whole).rejects.toMatchObject({ code });
      expect([flat.version, trie.sequence, events.lastLsn]).toEqual([0, 0, 0]);
      const outcome = await shared.together([], () => [events.append("added", 1), flat.commit(), session.commit()]);
      expect(outcome).toMatchObject([1, 1, { sequence: 1 }]);
    });

  it("a session that had ended, or whose base was not the newest commit any more", async () => {
    const { shared, events, trie } = await openStores();
    const [ended, stale] = [await preparedSession(trie), trie.begin()];
    await ended.commit();
    for (const [session, code] of [
      [ended, "HF_CLOSED"],
      [stale, "HF_STALE_SESSION"],
    ] as const)
      await expect(shared.together([], () => [events.append("added", 1), session.commit()])).rejects.toMatchObject({
        code,
      });
    expect(events.lastLsn).toBe(0);
  });

  it("lanes, each call that writes or closes", async () => {
    const { shared, events } = await openStores();
    const lanes = await LaneSet.open(shared, { codec: json<string>(), prefix: "own" });
    const lane = await lanes.lane("ann");
    await lane.append("a0");
    const calls: readonly (() => Promise<unknown>)[] = [
      () => lane.append("a1"),
      () => lane.append(undefined as never),
      () => lane.appendAll(["a1"]),
      () => lane.truncateBefore(0),
      () => lane.truncateAfter(9),
      () => lane.truncateAll(),
      () => lane.startAt(5),
      () => lane.close(),
      () => lanes.append("ann", "a1"),
      () => lanes.commit([{ key: "ann", values: ["a1"] }]),
      () => lanes.startAt("ann", 5),
      () => lanes.readmit("ann"),
      () => lanes.close(),
    ];
    for (const [at, call] of calls.entries()) {
      const whole = shared.together([], () => [events.append("added", 1), call()]);
      await expect(whole, String(at)).rejects.toMatchObject({ code: "HF_BUSY" });
    }
    await turns(20);
    expect([events.lastLsn, lane.firstIndex, lane.nextIndex]).toEqual([0, 0, 1]);
    expect(await lanes.append("ann", "a1")).toBe(1);
  });

  it("one of those that join a cycle", async () => {
    const { shared, events } = await openStores();
    const pipeline = await openPipeline(shared);
    await pipeline.persist({ anchor: 0 });
    const parts = (): Promise<unknown>[] => [events.append("added", 1), events.append("added", undefined as never)];
    const cycle = pipeline.persist({ anchor: 1, lanes: [{ key: "ann", values: ["b"] }] }, { with: parts });
    await expect(cycle).rejects.toMatchObject({ code: "HF_EVENT_UNENCODABLE" });
    expect([pipeline.anchor, pipeline.lanes.get("ann")?.nextIndex, events.lastLsn]).toEqual([0, 0, 0]);
    expect(await pipeline.persist({ anchor: 1 }, { with: () => [events.append("added", 1)] })).toEqual([1]);
  });
});

it("a rollback that was asked for within the call was done afterwards, alone", async () => {
  const { shared, streams, flat, trie } = await openStores();
  await (await preparedSession(trie)).commit();
  await flat.commit();
  for (const act of [() => trie.rollback(1), () => flat.rollback(0)]) {
    await expect(shared.together([streams.idle], () => [act()])).rejects.toMatchObject({ code: "HF_BUSY" });
    await expect(
      shared.together([streams.idle], () => [streams.idle.append(key), act().catch(() => undefined)]),
    ).rejects.toMatchObject({ code: "HF_BUSY" });
  }
  await turns(50);
  expect([trie.sequence, flat.version, streams.idle.nextLsn]).toEqual([1, 1, 1]);
});

it("where the function threw, the stores were still busy when the caller heard of it", async () => {
  const { shared, flat, trie } = await openStores();
  const session = await preparedSession(trie);
  const own = new Error("of the caller's own");
  const whole = shared.together([], () => {
    void flat.commit();
    void session.commit();
    throw own;
  });
  await expect(whole).rejects.toBe(own);
  await session.prepare();
  expect(await shared.together([], () => [flat.commit(), session.commit()])).toMatchObject([1, { sequence: 1 }]);
});

it("stores that nobody could wait for, because the function threw, ended the process as unhandled rejections", async () => {
  const { vfs, shared, events, flat, trie } = await openStores();
  const lanes = await LaneSet.open(shared, { codec: json<string>(), prefix: "own" });
  const lane = await lanes.lane("ann");
  const pages = await PageStore.open("/pages", { vfs, journal: await shared.stream("pages"), capacity: 8 });
  const acts: readonly ((session: Session) => Promise<unknown>)[] = [
    () => events.append("added", 1),
    () => events.appendAll([{ type: "added", data: 1 }]),
    () => events.append("added", undefined as never),
    () => events.checkpoint(),
    () => flat.commit(),
    () => flat.rollback(0),
    (session) => session.commit(),
    () => trie.rollback(1),
    () => pages.commit({ updates: [], clears: [], root: key }),
    () => lane.append("a"),
    () => lanes.commit([{ key: "ann", values: ["a"] }]),
  ];
  const seen: unknown[] = [];
  const listener = (error: unknown): void => void seen.push(error);
  const others = process.listeners("unhandledRejection");
  process.removeAllListeners("unhandledRejection");
  process.on("unhandledRejection", listener);
  try {
    for (const act of acts) {
      const session = await preparedSession(trie);
      const whole = shared.together([], () => {
        void act(session);
        throw new Error("of the caller's own");
      });
      await expect(whole).rejects.toThrow("of the caller's own");
    }
    const session = await preparedSession(trie);
    const late = async (): Promise<unknown[]> => [flat.commit(), session.commit(), events.append("added", 1)];
    await expect(shared.together([], late as never)).rejects.toMatchObject({ code: "HF_INVALID_ARGUMENT" });
    await turns(5);
  } finally {
    process.off("unhandledRejection", listener);
    for (const other of others) process.on("unhandledRejection", other);
  }
  expect(seen).toEqual([]);
  expect([events.lastLsn, flat.version, trie.sequence, lane.nextIndex]).toEqual([0, 0, 0, 0]);
});

it("an error of the caller's own with the code of a refusal ended the pipeline", async () => {
  const { shared } = await openStores();
  const pipeline = await openPipeline(shared);
  await pipeline.persist({ anchor: 0 });
  const own = Object.assign(new Error("of the caller's own"), { code: "HF_INVALID_ARGUMENT" });
  const failing = (): [] => {
    throw own;
  };
  await expect(pipeline.persist({ anchor: 1 }, { with: failing })).rejects.toBe(own);
  await pipeline.persist({ anchor: 1 });
  expect([pipeline.anchor, pipeline.failures]).toEqual([1, []]);
});

it("a pipeline that was closed within a cycle waited for the cycle, which waited for it", async () => {
  const { shared, events } = await openStores();
  const pipeline = await openPipeline(shared);
  for (const batch of [{ anchor: 1 }, {}]) {
    const cycle = pipeline.persist(batch, { with: () => [events.append("added", 1), pipeline.close()] });
    await expect(settled(cycle)).rejects.toMatchObject({ code: "HF_BUSY" });
    const lanesToo = pipeline.persist(batch, { with: () => [events.append("added", 1), pipeline.lanes.close()] });
    await expect(settled(lanesToo)).rejects.toMatchObject({ code: "HF_BUSY" });
    const chainToo = pipeline.persist(batch, { with: () => [events.append("added", 1), pipeline.chain.close()] });
    await expect(settled(chainToo)).rejects.toMatchObject({ code: "HF_BUSY" });
  }
  expect(events.lastLsn).toBe(0);
  await pipeline.persist({ anchor: 1 });
  await pipeline.close();
});

it("whoever began to read a commit store, at the same time, had its commit refused, and with it the whole batch", async () => {
  const { shared, streams, flat } = await openStores();
  await flat.applyChangeSets(one);
  await flat.commit();
  const readers = [
    async () => {
      const rows = [];
      for await (const row of flat.iterate()) rows.push(row.value);
      return rows;
    },
    async () => {
      const pieces = [];
      for await (const piece of flat.export()) pieces.push(piece.length);
      return pieces.length;
    },
    async () => (await flat.verify()).sound,
  ];
  const before = await Promise.all(readers.map((read) => read()));
  for (const [at, read] of readers.entries()) {
    await flat.applyChangeSets([
      { database: "a", changes: [{ key: Uint8Array.of(2 + at), value: Uint8Array.of(2 + at) }] },
    ]);
    const reading = read();
    const whole = shared.together([streams.flat], () => [flat.commit()]);
    // What was committed when the reading began.
    if (at === 0) expect(await reading).toEqual(before[0]);
    else await reading;
    expect(await whole).toEqual([2 + at]);
    const ending = read();
    for (let tick = 0; tick < 3; tick++) await Promise.resolve();
    expect(await shared.together([streams.flat], () => [flat.commit()]).catch(() => "busy")).not.toBe("busy");
    await ending;
    await flat.rollback(2 + at);
  }
});

it("of a page store's commit that was refused it was not said that it has to be begun again", async () => {
  const { vfs, shared, streams } = await openStores();
  const stream = await shared.stream("pages");
  const pages = await PageStore.open("/pages", { vfs, journal: stream, capacity: 8 });
  const changes = { updates: [], clears: [], root: key };
  const refused = await pages.beginSync(changes);
  await expect(shared.together([streams.idle], () => [pages.writeWal(refused)])).rejects.toMatchObject({
    code: "HF_INVALID_ARGUMENT",
  });
  await expect(pages.writeWal(refused)).rejects.toMatchObject({ code: "HF_BUSY" });
  // Within a call it refuses the whole.
  await expect(shared.together([], () => [streams.idle.append(key), pages.writeWal(refused)])).rejects.toMatchObject({
    code: "HF_BUSY",
  });
  expect(streams.idle.nextLsn).toBe(1);
  const begun = await pages.beginSync(changes);
  const [lsn] = await shared.together([stream], () => [pages.writeWal(begun)]);
  await pages.commitSync(begun, lsn);
  expect(pages.sequence).toBe(1);
});

it("a cycle that had nothing to append kept its lanes until what joined it was done, which waited for the lanes", async () => {
  const { shared, events } = await openStores();
  const pipeline = await openPipeline(shared);
  await pipeline.persist({ chain: { firstIndex: 0, values: ["c0"] } });
  const known = { chain: { firstIndex: 0, values: ["c0"] } };
  const next = async (): Promise<void> => {
    await events.append("added", 2);
    await pipeline.persist({ chain: { firstIndex: 1, values: ["c1"] } });
  };
  const joined = pipeline.persist(known, { with: () => [events.append("added", 1), next()] });
  expect(await settled(joined)).not.toBe("never");
  expect(pipeline.chain.nextIndex).toBe(2);
});
