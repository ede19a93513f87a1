/** The page table as full as it gets: how many pages are read to find one, and to find that there is none. */
import { randomInt } from "node:crypto";
import { Page, PageDiff, PageStore } from "../holdfast.mjs";

const CAPACITY = 4096;
const LOAD = 0.85;
const DEPTH = 4;
const PAGES_A_COMMIT = 500;

/**
 * @param {string} directory
 * @returns {Promise<{ found: number, absent: number, load: number }>} page reads a lookup, and the share of buckets that are full
 */
export async function measureTable(directory) {
  const pages = Math.floor(CAPACITY * LOAD);
  const ids = new Set();
  while (ids.size < 2 * pages) ids.add(randomId());
  const all = [...ids];
  const there = all.slice(0, pages);
  const options = { capacity: CAPACITY, loadMax: LOAD };
  const store = await PageStore.open(directory, options);
  for (let at = 0; at < pages; at += PAGES_A_COMMIT) {
    const updates = there
      .slice(at, at + PAGES_A_COMMIT)
      .map((id) => ({ page: Page.empty(id), diff: new PageDiff(), fresh: true }));
    await store.commit({ updates, clears: [], root: new Uint8Array(32) });
  }
  await store.checkpoint();
  await store.close();

  const again = await PageStore.open(directory, { ...options, cache: { bytes: 0, pinnedDepth: 0 } });
  const found = await readsOf(again, there, true);
  const absent = await readsOf(again, all.slice(pages), false);
  const { capacity } = again.stats();
  await again.close();
  return { found, absent, load: pages / capacity };
}

/**
 * @param {import("../../dist/pages/index.js").PageStore} store
 * @param {readonly string[]} ids
 * @param {boolean} areThere
 */
async function readsOf(store, ids, areThere) {
  const before = store.stats().pageReads;
  for (const id of ids)
    if (((await store.load(id)) !== undefined) !== areThere)
      throw new Error("A page was found that is not there, or not.");
  return (store.stats().pageReads - before) / ids.length;
}

function randomId() {
  return String.fromCharCode(...Array.from({ length: DEPTH }, () => randomInt(64)));
}
