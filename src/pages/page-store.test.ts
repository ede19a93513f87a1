import { expect, test } from "vitest";
import { SeededRandom } from "../base/index.js";
import { SimVfs } from "../vfs/index.js";
import { Page, PageDiff, type PageId, PageStore, type PageStoreOptions, childPageId } from "./index.js";

const DIRECTORY = "/store";

function idOf(number: number): PageId {
  return number === 0 ? "" : childPageId(childPageId("", number & 63), number >>> 6);
}

/** A store, and what it must hold. */
class Driver {
  readonly vfs: SimVfs;
  readonly model = new Map<PageId, Page>();
  store: PageStore;
  readonly #random: SeededRandom;

  private constructor(vfs: SimVfs, store: PageStore, random: SeededRandom) {
    this.vfs = vfs;
    this.store = store;
    this.#random = random;
  }

  static async open(seed: number, options: PageStoreOptions, vfs: SimVfs = new SimVfs({ seed })): Promise<Driver> {
    const store = await PageStore.open(DIRECTORY, { vfs, ...options });
    return new Driver(vfs, store, new SeededRandom(seed));
  }

  /** A commit of random changes on `ids` ids. */
  async commit(ids: number, changes: number): Promise<void> {
    const updates = [];
    const clears: PageId[] = [];
    const seen = new Set<PageId>();
    for (let at = 0; at < changes; at++) {
      const id = idOf(this.#random.below(ids));
      if (seen.has(id)) continue;
      seen.add(id);
      const before = this.model.get(id);
      if (before !== undefined && this.#random.chance(0.25)) {
        clears.push(id);
        continue;
      }
      const page = before?.copy() ?? Page.empty(id);
      for (let count = this.#random.below(4); count >= 0; count--) {
        const node = this.#random.below(126);
        page.bytes.set(this.#random.chance(0.3) ? new Uint8Array(32) : this.#random.bytes(32), node * 32);
      }
      page.leafCount = this.#random.below(1000);
      updates.push({ page, diff: PageDiff.between(before ?? Page.empty(id), page), fresh: before === undefined });
    }
    const root = this.#random.bytes(32);
    await this.store.commit({ updates, clears, root });
    for (const id of clears) this.model.delete(id);
    for (const { page } of updates) this.model.set(page.id, page);
  }

  /** What differs from the model. */
  async problems(ids: number): Promise<string[]> {
    const found: string[] = [];
    for (let number = 0; number < ids; number++) {
      const id = idOf(number);
      const page = await this.store.load(id);
      const expected = this.model.get(id);
      if ((page === undefined) !== (expected === undefined)) found.push(`page ${number} is there or not`);
      else if (page !== undefined && Buffer.compare(withoutChecksum(page), withoutChecksum(expected!)) !== 0)
        found.push(`content of page ${number}`);
    }
    if (this.store.stats().pages !== this.model.size) found.push("count");
    const { sound, problems, pages } = await this.store.verify();
    if (!sound || pages !== this.model.size) found.push(JSON.stringify(problems));
    return found;
  }
}

function withoutChecksum(page: Page): Uint8Array {
  const bytes = page.bytes.slice();
  bytes.fill(0, 4032, 4036);
  return bytes;
}

const OPTIONS: readonly (readonly [string, PageStoreOptions])[] = [
  ["lazily", { capacity: 8, cache: { bytes: 0 }, checkpoint: { dirtyPagesMax: 8 } }],
  [
    "at every commit",
    { capacity: 8, cache: { bytes: 20_000, pinnedDepth: 0 }, checkpoint: "every-commit", writeBackPages: 2 },
  ],
  ["on a trusted device", { capacity: 16, torn: "trust", cache: { bytes: 0 }, checkpoint: { logBytesMax: 4000 } }],
  ["all in memory", { capacity: 32 }],
];

test.each(OPTIONS)("pages are what was committed, written %s, growing, and reopened", async (_, options) => {
  for (let seed = 1; seed <= 6; seed++) {
    const driver = await Driver.open(seed, options);
    for (let round = 0; round < 6; round++) {
      for (let commit = 0; commit < 8; commit++) await driver.commit(40, 1 + ((seed + commit) % 9));
      expect(await driver.problems(40)).toEqual([]);
      const { sequence, root } = driver.store;
      await driver.store.close();
      driver.store = await PageStore.open(DIRECTORY, { vfs: driver.vfs, ...options });
      expect([driver.store.sequence, driver.store.root]).toEqual([sequence, root]);
      expect(await driver.problems(40)).toEqual([]);
    }
    expect(driver.store.failure).toBeUndefined();
    await driver.store.close();
  }
});
