/** Golden stores of records: shared logs, event logs, lanes, pipelines. */
import { EventLog, type EventType, defineEvents, event, json } from "../../src/events/index.js";
import { type IndexedLog, LaneSet, PersistPipeline } from "../../src/lanes/index.js";
import { SharedLog } from "../../src/streams/index.js";
import { type Vfs, nodeVfs } from "../../src/vfs/index.js";
import { type Contents, type GoldenStore, encode, log, long, text } from "./golden-store.js";

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

interface Needs {
  readonly chain: number;
  readonly lanes: Readonly<Record<string, number>>;
}

const OPTIONS = {
  lanes: { codec: text },
  chain: { codec: text },
  anchor: {
    codec: json<Needs>(),
    needs: (anchor: Needs) => ({ chain: anchor.chain, lanes: Object.entries(anchor.lanes) }),
  },
} as const;

type Pipeline = PersistPipeline<string, string, string, Needs>;

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

export const journalStores: readonly GoldenStore[] = [sharedLog, eventLog, lanes, ...pipelines];
