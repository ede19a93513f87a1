/** What all stores promise alike, tried on each: one opener, newer files told as newer, calls beside `close`, and other people's files left alone. */
import { describe, expect, it } from "vitest";
import { Anchor } from "holdfast/anchor";
import { memoryEngine } from "holdfast/engine";
import { EventLog, defineEvents, event, json } from "holdfast/events";
import { FlatKv } from "holdfast/flatkv";
import { IndexedLog, LaneSet, PersistPipeline } from "holdfast/lanes";
import { Log } from "holdfast/log";
import { Page, PageDiff, PageStore, ROOT_PAGE_ID } from "holdfast/pages";
import { SharedLog } from "holdfast/streams";
import { MerkleStore } from "holdfast/trie";
import { SimVfs } from "holdfast/vfs";
import { writeU16, writeU32 } from "../src/base/index.js";
import { crc32c } from "../src/checksum/index.js";

const DIRECTORY = "/store";
/** Of the header of an anchor's slot: its version, and the checksum over what is before it. */
const VERSION_AT = 8;
const HEADER_CRC_AT = 32;

/** An open store. */
interface Opened {
  /** Something durable; resolves to how much the store then has been given. */
  add(): Promise<unknown>;
  /** How often something was added, counted from what the store holds. */
  count(): Promise<number>;
  close(): Promise<void>;
}

interface Kind {
  readonly name: string;
  /** Anchor files that opening reads, below the directory. */
  readonly anchors: readonly string[];
  open(vfs: SimVfs): Promise<Opened>;
}

const text = json<string>();
const key = new Uint8Array(32).fill(7);
const number = (value: Uint8Array | undefined): number => value?.[0] ?? 0;

const kinds: readonly Kind[] = [
  {
    name: "a log",
    anchors: ["anchor"],
    async open(vfs) {
      const log = await Log.open(DIRECTORY, { vfs });
      return {
        add: () => log.append(key),
        count: () => Promise.resolve(log.lastLsn),
        close: () => log.close(),
      };
    },
  },
  {
    name: "a shared log",
    anchors: ["anchor"],
    async open(vfs) {
      const shared = await SharedLog.open(DIRECTORY, { vfs });
      const stream = await shared.stream("a");
      return {
        add: () => stream.append(key),
        count: () => Promise.resolve(stream.lastLsn),
        close: () => shared.close(),
      };
    },
  },
  {
    name: "an event log",
    anchors: ["anchor"],
    async open(vfs) {
      const events = defineEvents({ added: event({ id: 1, codec: text }) });
      const log = await EventLog.open(DIRECTORY, { events, log: { vfs } });
      return {
        add: () => log.append("added", "x"),
        count: async () => (await log.hydrate({ initial: 0, apply: (sum) => sum + 1 })).state,
        close: () => log.close(),
      };
    },
  },
  {
    name: "an indexed log",
    anchors: ["anchor"],
    async open(vfs) {
      const log = await Log.open(DIRECTORY, { vfs });
      const entries = await IndexedLog.open(log, { codec: text });
      return {
        add: () => entries.append("x"),
        count: () => Promise.resolve(entries.nextIndex),
        async close() {
          await entries.close();
          await log.close();
        },
      };
    },
  },
  {
    name: "a set of lanes",
    anchors: ["registry/anchor"],
    async open(vfs) {
      const lanes = await LaneSet.open(DIRECTORY, { codec: text, layout: "log-per-lane", vfs });
      return {
        add: () => lanes.append("ann", "x"),
        count: async () => (await lanes.lane("ann")).nextIndex,
        close: () => lanes.close(),
      };
    },
  },
  {
    name: "a pipeline",
    anchors: ["registry/anchor", "anchor"],
    async open(vfs) {
      const pipeline = await PersistPipeline.open(DIRECTORY, {
        lanes: { codec: text },
        chain: { codec: text },
        anchor: { codec: json<number>(), needs: () => ({ chain: 0, lanes: [] }) },
        layout: "log-per-lane",
        vfs,
      });
      let next = pipeline.chain.log.nextIndex;
      return {
        add: () => pipeline.persist({ anchor: 1, chain: { firstIndex: next++, values: ["x"] } }),
        count: () => Promise.resolve(pipeline.chain.log.nextIndex),
        close: () => pipeline.close(),
      };
    },
  },
  {
    name: "a commit store",
    anchors: ["anchor", "log/anchor"],
    async open(vfs) {
      const store = await FlatKv.open(DIRECTORY, { vfs, engine: memoryEngine({ vfs }), databases: ["main"] });
      let next = store.version;
      return {
        async add() {
          await store.applyChangeSets([{ database: "main", changes: [{ key, value: Uint8Array.of(++next) }] }]);
          return await store.commit();
        },
        count: async () => number(await store.get(key, { database: "main" })),
        close: () => store.close(),
      };
    },
  },
  {
    name: "a page store",
    anchors: ["anchor", "log/anchor"],
    async open(vfs) {
      const store = await PageStore.open(DIRECTORY, { vfs, capacity: 8 });
      return {
        async add() {
          const before = await store.load(ROOT_PAGE_ID);
          const page = before?.copy() ?? Page.empty(ROOT_PAGE_ID);
          page.bytes.fill(number(page.node(0)) + 1, 0, 32);
          const diff = new PageDiff();
          diff.add(0);
          await store.commit({ updates: [{ page, diff, fresh: before === undefined }], clears: [], root: key });
        },
        count: async () => number((await store.load(ROOT_PAGE_ID))?.node(0)),
        close: () => store.close(),
      };
    },
  },
  {
    name: "a Merkle store",
    anchors: ["anchor", "pages/anchor", "pages/log/anchor"],
    async open(vfs) {
      const store = await MerkleStore.open(DIRECTORY, { vfs, engine: memoryEngine({ vfs }), pages: { capacity: 16 } });
      return {
        async add() {
          const session = store.begin();
          session.put(key, Uint8Array.of(store.sequence + 1));
          return await session.commit();
        },
        count: async () => number(await store.get(key)),
        close: () => store.close(),
      };
    },
  },
];

/** What is on the disk, by path; locks aside. */
function filesOf(vfs: SimVfs): Map<string, string> {
  const files = new Map<string, string>();
  for (const { path, contents } of vfs.snapshotTree())
    if (contents !== undefined && !path.endsWith("/lock")) files.set(path, Buffer.from(contents).toString("base64"));
  return files;
}

/** Writes over a file, durably. */
async function change(vfs: SimVfs, path: string, edit: (bytes: Uint8Array) => void): Promise<void> {
  const file = await vfs.open(path, { access: "read-write" });
  const bytes = new Uint8Array(await file.size());
  await file.read(bytes, 0);
  edit(bytes);
  await file.write(bytes, 0);
  await file.syncData();
  await file.close();
}

describe.each(kinds)("$name", ({ open, anchors }) => {
  it("has no second opener, in another process or in this one, until the first is closed", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const first = await open(vfs);
    await first.add();
    for (const other of [vfs.otherProcess(), vfs])
      await expect(open(other)).rejects.toMatchObject({ code: "HF_LOCKED" });
    await first.add();
    await first.close();
    const second = await open(vfs.otherProcess());
    expect(await second.count()).toBe(2);
    await second.close();
  });

  it.each(anchors)("of a newer version in %s is told as newer, never as damage, and nothing is lost", async (name) => {
    const vfs = new SimVfs({ seed: 1 });
    const store = await open(vfs);
    await store.add();
    await store.close();
    let sound = new Uint8Array();
    await change(vfs, `${DIRECTORY}/${name}`, (bytes) => {
      sound = bytes.slice();
      for (const at of [0, bytes.length / 2]) {
        writeU16(bytes, at + VERSION_AT, 9);
        writeU32(bytes, at + HEADER_CRC_AT, crc32c(bytes.subarray(at, at + HEADER_CRC_AT)));
      }
    });
    await expect(Anchor.peek(`${DIRECTORY}/${name}`, { vfs })).rejects.toMatchObject({ code: "HF_FORMAT_NEWER" });
    const newer = filesOf(vfs).get(`${DIRECTORY}/${name}`);
    await expect(open(vfs)).rejects.toMatchObject({ code: "HF_FORMAT_NEWER" });
    expect(filesOf(vfs).get(`${DIRECTORY}/${name}`)).toBe(newer);
    await change(vfs, `${DIRECTORY}/${name}`, (bytes) => bytes.set(sound));
    const again = await open(vfs);
    expect(await again.count()).toBe(1);
    await again.close();
  });

  it("closed beside a call has done it or refused it, and keeps what it did", async () => {
    const vfs = new SimVfs({ seed: 1 });
    const store = await open(vfs);
    await store.add();
    const [added, closed] = await Promise.allSettled([store.add(), store.close()]);
    expect(closed.status).toBe("fulfilled");
    const again = await open(vfs);
    const count = await again.count();
    if (added.status === "fulfilled") expect(count).toBe(2);
    else {
      expect(added.reason).toMatchObject({ code: expect.stringMatching(/^HF_/) as string });
      expect([1, 2]).toContain(count);
    }
    await again.close();
  });

  it("is not made over a file of somebody else that has the name of its own, and leaves it as it is", async () => {
    const vfs = new SimVfs({ seed: 1 });
    await vfs.makeDirectory(DIRECTORY);
    const above = vfs.parent(`${DIRECTORY}/${anchors[0]!}`);
    if (above !== DIRECTORY) await vfs.makeDirectory(above);
    const file = await vfs.open(`${DIRECTORY}/${anchors[0]!}`, { access: "read-write", create: "if-missing" });
    await file.write(new TextEncoder().encode("a diary".padEnd(9000, ".")), 0);
    await file.close();
    const before = filesOf(vfs).get(`${DIRECTORY}/${anchors[0]!}`);
    await expect(open(vfs)).rejects.toMatchObject({ code: expect.stringMatching(/^HF_(FORMAT|EXISTS)/) as string });
    expect(filesOf(vfs).get(`${DIRECTORY}/${anchors[0]!}`)).toBe(before);
  });
});
