import { expect, test } from "vitest";
import { SeededRandom } from "../base/index.js";
import { Log } from "../log/index.js";
import { SimVfs } from "../vfs/index.js";
import { Page, PageDiff, type PageId, PageStore, childPageId } from "./index.js";

const ROOT = new Uint8Array(32).fill(1);
const CHILD = childPageId("", 5);

function update(id: PageId, fresh: boolean, from?: Page) {
  const page = from?.copy() ?? Page.empty(id);
  page.words[0] = 1;
  const diff = new PageDiff();
  diff.add(0);
  return { page, diff, fresh };
}

async function open(vfs: SimVfs = new SimVfs({ seed: 1 })): Promise<PageStore> {
  return await PageStore.open("/store", { vfs, capacity: 8 });
}

test("a commit that can't be is refused, and the store goes on as it was", async () => {
  const store = await open();
  await store.commit({ updates: [update("", true)], clears: [], root: ROOT });
  const refused = [
    [{ updates: [update(CHILD, false)], clears: [], root: ROOT }, "HF_PAGE_ABSENT"],
    [{ updates: [], clears: [CHILD], root: ROOT }, "HF_PAGE_ABSENT"],
    [{ updates: [update("", true)], clears: [], root: ROOT }, "HF_PAGE_EXISTS"],
    [{ updates: [update(CHILD, true)], clears: [CHILD], root: ROOT }, "HF_INVALID_ARGUMENT"],
    [{ updates: [], clears: [], root: new Uint8Array(31) }, "HF_INVALID_ARGUMENT"],
    [{ updates: [], clears: ["\u0040"], root: ROOT }, "HF_INVALID_ARGUMENT"],
    [{ updates: [], clears: [], root: ROOT, records: [{ payload: ROOT, type: 0xb3 }] }, "HF_INVALID_ARGUMENT"],
  ] as const;
  for (const [changes, code] of refused) {
    await expect(store.commit(changes)).rejects.toMatchObject({ code });
    expect(store.stats()).toMatchObject({ sequence: 1, pages: 1, tombstones: 0 });
  }
  await store.commit({ updates: [update(CHILD, true)], clears: [], root: ROOT });
  expect(store.stats()).toMatchObject({ sequence: 2, pages: 2 });
  await store.close();
});

test("a commit that does not fit into the journal is refused, and the next one is taken", async () => {
  const vfs = new SimVfs({ seed: 1 });
  const log = { blockBytes: 512, segmentBytes: 2048 };
  const store = await PageStore.open("/store", { vfs, capacity: 8, log });
  const large = update("", true);
  large.page.bytes.fill(1, 0, 4032);
  await expect(store.commit({ updates: [large], clears: [], root: ROOT })).rejects.toMatchObject({
    code: expect.stringMatching(/^HF_(BATCH|RECORD)_TOO_LARGE$/),
  });
  await store.commit({ updates: [update("", true)], clears: [], root: ROOT });
  expect(store.sequence).toBe(1);
  await store.close();
});

test("one commit at a time goes through its steps; one that was begun and not written gives way", async () => {
  const store = await open();
  const first = await store.beginSync({ updates: [update("", true)], clears: [], root: ROOT });
  const second = await store.beginSync({ updates: [update(CHILD, true)], clears: [], root: ROOT });
  await expect(store.writeWal(first)).rejects.toMatchObject({ code: "HF_BUSY" });
  const writing = store.writeWal(second);
  await expect(store.beginSync({ updates: [], clears: [], root: ROOT })).rejects.toMatchObject({ code: "HF_BUSY" });
  await store.commitSync(second, await writing);
  await expect(store.writeWal(second)).rejects.toMatchObject({ code: "HF_BUSY" });
  expect([await store.load(""), (await store.load(CHILD))?.sequence, store.lsn]).toEqual([undefined, 1, 3]);
  await store.close();
  await expect(store.load("")).rejects.toMatchObject({ code: "HF_CLOSED" });
  await expect(store.commit({ updates: [], clears: [], root: ROOT })).rejects.toMatchObject({ code: "HF_CLOSED" });
});

test("records that were appended elsewhere are published by the third step alone", async () => {
  const vfs = new SimVfs({ seed: 1 });
  const journal = await Log.open("/log", { vfs });
  const store = await PageStore.open("/store", { vfs, capacity: 8, journal });
  const staged = await store.beginSync({ updates: [update("", true)], clears: [], root: ROOT });
  const { lastLsn } = await journal.appendAll(staged.records);
  await store.commitSync(staged, lastLsn);
  expect([store.sequence, store.root, store.peek("")?.words[0]]).toEqual([1, ROOT, 1]);
  await store.close();
  await journal.close();
});

test("options that can't be are refused before anything is made", async () => {
  const vfs = new SimVfs({ seed: 1 });
  for (const wrong of [
    { capacity: 12 },
    { capacity: 4 },
    { loadMax: 1 },
    { checkpoint: "never" as never },
    { checkpoint: { dirtyPagesMax: 0 } },
    { cache: { bytes: -1 } },
    { cache: { size: 1 } as never },
    { torn: "align" as never },
    { writeBackPages: 0 },
    { other: 1 } as never,
  ])
    await expect(PageStore.open("/store", { vfs, ...wrong })).rejects.toMatchObject({
      code: expect.stringMatching(/^HF_(INVALID_ARGUMENT|UNKNOWN_OPTION)$/),
    });
  expect(await vfs.stat("/store")).toBeUndefined();
  await expect(PageStore.open("/store", { vfs, createIfMissing: false })).rejects.toMatchObject({
    code: "HF_INVALID_ARGUMENT",
  });
  const held = await open(vfs);
  await expect(open(vfs.otherProcess())).rejects.toMatchObject({ code: "HF_LOCKED" });
  await held.close();
});

test("at a load of 0.85 a lookup reads at most 1.1 pages on average", async () => {
  const vfs = new SimVfs({ seed: 3 });
  const capacity = 1024;
  const pages = Math.floor(capacity * 0.85);
  const store = await PageStore.open("/store", {
    vfs,
    capacity,
    loadMax: 0.85,
    cache: { bytes: 0, pinnedDepth: 0 },
    checkpoint: "every-commit",
  });
  const random = new SeededRandom(3);
  const ids = new Set<PageId>();
  while (ids.size < pages) ids.add(Array.from({ length: 4 }, () => String.fromCharCode(random.below(64))).join(""));
  await store.commit({ updates: Array.from(ids, (id) => update(id, true)), clears: [], root: ROOT });
  expect(store.stats()).toMatchObject({ capacity, pages, cachedPages: 0, growths: 0 });
  for (const id of ids) await store.load(id);
  const { misses, pageReads } = store.stats();
  expect(misses).toBe(pages);
  expect(pageReads / misses).toBeGreaterThanOrEqual(1);
  expect(pageReads / misses).toBeLessThanOrEqual(1.1);
  await store.close();
});

test("the cache keeps its budget, and pages near the root beyond it", async () => {
  const vfs = new SimVfs({ seed: 4 });
  const budget = 20 * 5000;
  const store = await PageStore.open("/store", { vfs, capacity: 256, cache: { bytes: budget, pinnedDepth: 1 } });
  const ids = Array.from({ length: 100 }, (_, at) => childPageId(childPageId("", at & 63), at >>> 6));
  await store.commit({ updates: ["", ...ids].map((id) => update(id, true)), clears: [], root: ROOT });
  await store.checkpoint();
  expect(store.stats().cacheBytes).toBeLessThanOrEqual(budget);
  for (const id of ids) expect((await store.load(id))?.id).toBe(id);
  expect(store.stats().cacheBytes).toBeLessThanOrEqual(budget);
  expect(store.peek("")).toBeDefined();
  expect(store.peek(ids[0]!)).toBeUndefined();
  const last = store.peek(ids.at(-1)!)!;
  last.companion = { bytes: budget };
  store.peek(ids.at(-1)!);
  await store.load(ids[0]!);
  await store.load(ids[1]!);
  expect(store.stats().cachedPages).toBeLessThan(4);
  await store.close();
});
