/** Small stores of each kind, as golden directories hold them: how each is made, looked at, and written on. */
import { type Engine, classicLevel, memoryEngine } from "../../src/engine/index.js";
import { EventLog, type EventType, defineEvents, event, json } from "../../src/events/index.js";
import { FlatKv } from "../../src/flatkv/index.js";
import { type IndexedLog, LaneSet, PersistPipeline } from "../../src/lanes/index.js";
import { Page, PageDiff, type PageId, PageStore, ROOT_PAGE_ID, childPageId } from "../../src/pages/index.js";
import { SharedLog } from "../../src/streams/index.js";
import { type Vfs, nodeVfs } from "../../src/vfs/index.js";

/** What a store holds, by the name of each list in it. Writing on makes each of them longer, and changes nothing that is in them. */
export type Contents = Record<string, readonly string[]>;

export interface GoldenStore {
  readonly name: string;
  /** Made on the real file system, because what it stands on works on no other. */
  readonly onRealDisk?: boolean;
  make(directory: string, vfs: Vfs): Promise<void>;
  look(directory: string): Promise<Contents>;
  writeOn(directory: string): Promise<void>;
}

const small = { blockBytes: 512, segmentBytes: 2048 } as const;
const log = { ...small, spareSegmentsMax: 0 } as const;
const text = json<string>();

const encode = (value: string): Uint8Array => new TextEncoder().encode(value);

/** Long enough that a few fill a segment. */
const long = (value: string): string => value.padEnd(300, ".");

const openShared = (directory: string, vfs: Vfs): Promise<SharedLog> =>
  SharedLog.open(directory, { ...log, vfs, checkpointBytes: 1024 });

const sharedLog: GoldenStore = {
  name: "shared-log",
  async make(directory, vfs) {
    const shared = await openShared(directory, vfs);
    const [stuck, busy, empty] = await Promise.all(["stuck", "busy", "empty"].map((name) => shared.stream(name)));
    await shared.commit([
      { stream: stuck!, records: [{ payload: encode(long("kept")), type: 7 }] },
      { stream: empty!, records: [encode("gone"), encode("gone too")] },
    ]);
    await empty!.truncateAll();
    await shared.stream("dropped");
    await shared.drop("dropped");
    // Moves what is stuck, takes checkpoints, gives segments back.
    for (let n = 1; n <= 20; n++) {
      await busy!.append(encode(long(`busy ${n}`)));
      await busy!.truncateBefore(Math.max(1, n - 1));
    }
    await shared.close();
  },
  async look(directory) {
    const shared = await openShared(directory, nodeVfs);
    const contents: Record<string, string[]> = {};
    for (const name of shared.streams()) {
      const stream = await shared.stream(name);
      const entries = [`from ${stream.firstLsn}`];
      for await (const { lsn, type, payload } of stream.read())
        entries.push(`${lsn} of type ${type}: ${new TextDecoder().decode(payload)}`);
      contents[name] = entries;
    }
    await shared.close();
    return contents;
  },
  async writeOn(directory) {
    const shared = await openShared(directory, nodeVfs);
    for (const name of shared.streams()) await (await shared.stream(name)).append(encode("more"));
    await shared.close();
  },
};

type Added = { readonly added: EventType<string>; readonly counted: EventType<{ readonly count: number }> };

function openEvents(directory: string, vfs: Vfs): Promise<EventLog<Added, readonly string[]>> {
  const events = defineEvents({
    added: event({ id: 1, codec: text }),
    counted: event({
      id: 200,
      version: 3,
      codec: json<{ readonly count: number }>(),
      upcast: { 2: (count: number) => ({ count }) },
    }),
  });
  return EventLog.open(directory, { events, checkpointsMax: 2, partBytes: 64, log: { ...log, vfs } });
}

const eventLog: GoldenStore = {
  name: "event-log",
  async make(directory, vfs) {
    const older = await EventLog.open(directory, {
      events: defineEvents({ counted: event({ id: 200, version: 2, codec: json<number>() }) }),
      log: { ...log, vfs },
    });
    await older.append("counted", 5);
    await older.close();
    const events = await openEvents(directory, vfs);
    const state = ["counted 5"];
    for (let n = 1; n <= 4; n++) {
      await events.append("added", `event ${n}`);
      state.push(`added event ${n}`);
      if (n > 1) await events.checkpoint({ state });
    }
    events.enqueue("added", "a");
    events.enqueue("counted", { count: 6 });
    await events.close();
  },
  async look(directory) {
    const events = await openEvents(directory, nodeVfs);
    const tell = (name: string, data: string | { readonly count: number }): string =>
      `${name} ${typeof data === "string" ? data : data.count}`;
    const { state, rejected } = await events.hydrate<readonly string[]>({
      initial: [],
      apply: (before, { type, data }) => [...before, tell(type, data)],
    });
    if (rejected.length > 0) throw new Error("A snapshot could not be used.", { cause: rejected[0] });
    const replayed = [];
    for await (const { lsn, type, data } of events.replay()) replayed.push(`${lsn} ${tell(type, data)}`);
    await events.close();
    return { hydrated: state, replayed };
  },
  async writeOn(directory) {
    const events = await openEvents(directory, nodeVfs);
    await events.append("counted", { count: 7 });
    await events.close();
  },
};

const list = async (entries: IndexedLog<string>): Promise<string[]> => {
  const found = [`from ${entries.firstIndex}`];
  for await (const { index, value } of entries.read()) found.push(`${index}: ${value}`);
  return found;
};

const lanes: GoldenStore = {
  name: "lanes",
  async make(directory, vfs) {
    const set = await LaneSet.open(directory, { codec: text, layout: "log-per-lane", vfs, log });
    await set.commit([
      { key: "ann", values: ["a0", "a1", "a2"] },
      { key: "Bób/7", values: ["b0"] },
    ]);
    await (await set.lane("ann")).truncateBefore(1);
    await (await set.lane("Bób/7")).truncateAll();
    await (await set.lane("new")).startAt(40);
    await set.close();
  },
  async look(directory) {
    const set = await LaneSet.open(directory, { codec: text, layout: "log-per-lane", log });
    const contents: Record<string, string[]> = { keys: set.keys() };
    for (const key of set.keys()) contents[key] = await list(await set.lane(key));
    await set.close();
    return contents;
  },
  async writeOn(directory) {
    const set = await LaneSet.open(directory, { codec: text, layout: "log-per-lane", log });
    await set.commit(set.keys().map((key) => ({ key, values: ["more"] })));
    await set.close();
  },
};

interface Anchor {
  readonly chain: number;
  readonly lanes: Readonly<Record<string, number>>;
}

const OPTIONS = {
  lanes: { codec: text },
  chain: { codec: text },
  anchor: {
    codec: json<Anchor>(),
    needs: (anchor: Anchor) => ({ chain: anchor.chain, lanes: Object.entries(anchor.lanes) }),
  },
} as const;

type Pipeline = PersistPipeline<string, string, string, Anchor>;

async function fill(pipeline: Pipeline): Promise<void> {
  await pipeline.persist({
    chain: { firstIndex: 0, values: ["c0", "c1", "c2"] },
    lanes: [
      { key: "ann", values: ["a0", "a1"] },
      { key: "bob", values: ["b0"] },
    ],
  });
  await pipeline.persist({ anchor: { chain: 1, lanes: { ann: 1 } } });
  // The chain goes on, ann is pruned, bob jumps.
  await pipeline.persist({
    anchor: { chain: 2, lanes: { ann: 2, bob: 5 } },
    lanes: [{ key: "bob", values: ["b5"], firstIndex: 5 }],
  });
}

async function lookAt(pipeline: Pipeline): Promise<Contents> {
  const contents: Record<string, readonly string[]> = { chain: await list(pipeline.chain.log) };
  for (const key of pipeline.lanes.keys()) contents[`lane ${key}`] = await list(await pipeline.lanes.lane(key));
  return { ...contents, anchor: [JSON.stringify(pipeline.anchor)] };
}

async function persistMore(pipeline: Pipeline): Promise<void> {
  await pipeline.persist({
    chain: { firstIndex: pipeline.chain.log.nextIndex, values: ["more"] },
    lanes: pipeline.lanes.keys().map((key) => ({ key, values: ["more"] })),
  });
}

/** Runs a step on a pipeline in a directory. */
async function inDirectory<R>(directory: string, vfs: Vfs, step: (pipeline: Pipeline) => Promise<R>): Promise<R> {
  const pipeline: Pipeline = await PersistPipeline.open(directory, {
    ...OPTIONS,
    anchor: { ...OPTIONS.anchor, slotBytes: 512 },
    layout: "log-per-lane",
    vfs,
    log,
  });
  try {
    return await step(pipeline);
  } finally {
    await pipeline.close();
  }
}

/** Runs a step on a pipeline in a shared log. */
async function inShared<R>(directory: string, vfs: Vfs, step: (pipeline: Pipeline) => Promise<R>): Promise<R> {
  const shared = await openShared(directory, vfs);
  const pipeline: Pipeline = await PersistPipeline.open(shared, OPTIONS);
  try {
    return await step(pipeline);
  } finally {
    await pipeline.close();
    await shared.close();
  }
}

const pipelines: readonly GoldenStore[] = (
  [
    ["pipeline", inDirectory],
    ["pipeline-shared", inShared],
  ] as const
).map(([name, run]) => ({
  name,
  make: (directory, vfs) => run(directory, vfs, fill),
  look: (directory) => run(directory, nodeVfs, lookAt),
  writeOn: (directory) => run(directory, nodeVfs, persistMore),
}));

/** A store with a snapshot, commits behind it, one of them in several records, and deleted rows. */
function flatKv(name: string, engineOn: (vfs: Vfs) => Engine, onRealDisk: boolean): GoldenStore {
  const open = (directory: string, vfs: Vfs): Promise<FlatKv> =>
    FlatKv.open(directory, {
      vfs,
      engine: engineOn(vfs),
      databases: ["main", "other"],
      log: { ...log, segmentBytes: 16_384, recordBytesMax: 4096 },
    });
  const put = (database: string, key: string, value: string | undefined): Parameters<FlatKv["applyChangeSets"]>[0] => [
    { database, changes: [{ key: encode(key), value: value === undefined ? undefined : encode(value) }] },
  ];
  return {
    name,
    onRealDisk,
    async make(directory, vfs) {
      const store = await open(directory, vfs);
      await store.applyChangeSets(put("main", "a", "one"));
      await store.applyChangeSets(put("main", "b", long("two")));
      await store.applyChangeSets(put("other", "gone", "soon"));
      await store.commit();
      await store.snapshot();
      await store.applyChangeSets(put("main", "a", "changed"));
      await store.commit();
      await store.applyChangeSets(put("other", "gone", undefined));
      for (let n = 1; n <= 10; n++) await store.applyChangeSets(put("other", `row ${n}`, long(`of version 3`)));
      await store.commit();
      await store.close();
    },
    async look(directory) {
      const store = await open(directory, nodeVfs);
      const { sound, problems } = await store.verify({ snapshots: true });
      if (!sound) throw new Error(problems.map(({ message }) => message).join(" "));
      const contents: Record<string, string[]> = {};
      for (const database of store.databases) {
        const rows: string[] = [];
        for await (const { key, value } of store.iterate({ database }))
          rows.push([key, value].map((bytes) => new TextDecoder().decode(bytes)).join(": "));
        contents[database] = rows;
      }
      await store.close();
      return contents;
    },
    async writeOn(directory) {
      const store = await open(directory, nodeVfs);
      // Going back makes the databases anew, from the stored snapshot and the stored commits.
      const { version } = store;
      const checksum = store.committedHash().checksum();
      for (const database of store.databases) await store.applyChangeSets(put(database, "z", "more"));
      await store.commit();
      await store.rollback(version);
      if (
        !store
          .committedHash()
          .checksum()
          .every((byte, at) => byte === checksum[at])
      )
        throw new Error("another hash");
      for (const database of store.databases) await store.applyChangeSets(put(database, "z", "more"));
      await store.commit();
      await store.close();
    },
  };
}

const flatKvs: readonly GoldenStore[] = [
  flatKv("flatkv-memory", (vfs) => memoryEngine({ vfs }), false),
  flatKv("flatkv-level", () => classicLevel(), true),
];

const pageIds: readonly (readonly [name: string, id: PageId])[] = [
  ["root", ROOT_PAGE_ID],
  ...[3, 6, 60].map((child): [string, PageId] => [`child ${child}`, childPageId(ROOT_PAGE_ID, child)]),
  ["deep", childPageId(childPageId(ROOT_PAGE_ID, 6), 4)],
];

function openPages(directory: string, vfs: Vfs): Promise<PageStore> {
  return PageStore.open(directory, {
    vfs,
    capacity: 8,
    log: { blockBytes: 512, segmentBytes: 32_768, spareSegmentsMax: 0 },
  });
}

/** Node `node` of a page becomes `fill` all over. */
async function setNode(store: PageStore, id: PageId, node: number, fill: number): Promise<void> {
  const before = await store.load(id);
  const page = before?.copy() ?? Page.empty(id);
  page.bytes.fill(fill, node * 32, (node + 1) * 32);
  const diff = new PageDiff();
  diff.add(node);
  const root = new Uint8Array(32).fill(fill);
  await store.commit({ updates: [{ page, diff, fresh: before === undefined }], clears: [], root });
}

/** As a crash leaves it: pages in their buckets, a bucket that was left, and commits that were not written there. */
const pages: GoldenStore = {
  name: "pages",
  async make(directory, vfs) {
    const store = await openPages(directory, vfs);
    for (const [at, [, id]] of pageIds.entries()) await setNode(store, id, at, at + 1);
    await store.checkpoint();
    await store.commit({ updates: [], clears: [pageIds[2]![1]], root: new Uint8Array(32).fill(9) });
    await setNode(store, ROOT_PAGE_ID, 125, 10);
  },
  async look(directory) {
    const store = await openPages(directory, nodeVfs);
    const { sound, problems } = await store.verify();
    if (!sound) throw new Error(problems.map(({ message }) => message).join(" "));
    const contents: Record<string, string[]> = {
      commits: Array.from({ length: store.sequence }, (_, at) => `commit ${at + 1}`),
    };
    for (const [name, id] of pageIds) {
      const page = await store.load(id);
      const nodes = page === undefined ? [] : Array.from({ length: 126 }, (_, node) => page.node(node)[0]!);
      contents[name] = nodes.flatMap((fill, node) => (fill === 0 ? [] : [`node ${node} is ${fill}`]));
    }
    await store.close();
    return contents;
  },
  async writeOn(directory) {
    const store = await openPages(directory, nodeVfs);
    await setNode(store, pageIds[4]![1], 120, 77);
    await store.close();
  },
};

export const goldenStores: readonly GoldenStore[] = [sharedLog, eventLog, lanes, ...pipelines, ...flatKvs, pages];
