/**
 * Growth: a larger table takes the place of one that is too full, or one of the same size where tombstones fill it.
 *
 * The new file is filled beside the commits: first with every page of the old table, then with those that commits changed meanwhile, in rounds. The
 * last round, with what the map of the new table says, is made while no commit can begin.
 *
 * Crash argument: the books name the old table until the new one holds all pages as of a commit, with its whole map, durably, and its name is durable.
 * The same write of the books makes that commit the checkpoint. So no commit that is redone names a bucket of another table than the one that the books
 * name. A crash before that write leaves the old table, which nothing of this has touched, and one after it the new; the file that is not named is
 * removed, here or by the next opening.
 */
import { CorruptionError, IoError } from "../base/index.js";
import { structureChannel } from "./channels.js";
import { pruneJournal } from "./checkpoint.js";
import { completeTable, createTable } from "./create-table.js";
import { tableFull } from "./errors.js";
import { findEntry } from "./load.js";
import { CAPACITY_MAX, TOMBSTONE } from "./meta-map.js";
import type { PageId } from "./page-id.js";
import { PAGE_BYTES, type Page } from "./page.js";
import { Way, freeBucket, isFull } from "./probe.js";
import type { ChangeWatcher, Store } from "./store.js";
import type { Table } from "./table.js";

/** Pages that are read and written at a time. */
const PAGES_AT_ONCE = 64;
/** Rounds go on until so few pages are left for the last one, which commits wait for; or so many rounds were made. */
const LAST_ROUND_PAGES = 256;
const ROUNDS_MAX = 8;
/** A new table begins with at most this part of the pages it may take before it grows again. */
const BEGIN_SHARE = 0.6;
/** Past this share of full buckets a commit waits for the larger table. */
const FULL_SHARE_MAX = 15 / 16;

/** Whether `fresh` more pages fit. */
export function hasRoom({ table }: Store, fresh: number): boolean {
  return table.meta.full + fresh <= Math.floor(table.capacity * FULL_SHARE_MAX);
}

/** Waits for a table that has room for so many more pages, or throws where there can't be one. */
export async function makeRoom(store: Store, fresh: number): Promise<void> {
  if (store.growing === undefined) {
    const capacity = capacityFor(store, fresh);
    if (capacity === undefined || store.growthFailure !== undefined)
      throw tableFull(store.directory.path, store.table.capacity, store.growthFailure);
    startGrowth(store, capacity);
  }
  await store.growing;
}

/** Starts a growth beside the commits where one is due. */
export function growWhenDue(store: Store): void {
  const { table, settings, growing, growthFailure, failure } = store;
  if (growing !== undefined || growthFailure !== undefined || failure !== undefined) return;
  if (table.meta.full + table.meta.tombstones <= table.capacity * settings.loadMax) return;
  const capacity = capacityFor(store, 0);
  if (capacity !== undefined) startGrowth(store, capacity);
}

/** Buckets of the table that is to take this one's place. */
function capacityFor({ table, settings }: Store, fresh: number): number | undefined {
  let { capacity } = table;
  while (table.meta.full + fresh > capacity * settings.loadMax * BEGIN_SHARE) capacity *= 2;
  return capacity > CAPACITY_MAX ? undefined : capacity;
}

function startGrowth(store: Store, capacity: number): void {
  const growth = new Growth(store);
  store.stopGrowing = () => growth.stop();
  store.growing = growth
    .run(capacity)
    .catch((error: unknown) => {
      // Damage that is met says nothing of what is written. The store goes on with the table that it has, as long as that has room.
      if (growth.wasReading(error)) store.growthFailure = error;
      else store.poison(error);
    })
    .finally(() => {
      store.watcher = undefined;
      store.growing = undefined;
      store.stopGrowing = undefined;
    });
}

/** See the head of this file. */
class Growth implements ChangeWatcher {
  readonly #store: Store;
  /** Pages that commits changed since they were looked at. */
  #changed = new Set<PageId>();
  /** Buckets of the old table that commits changed: what was read of them does not count. */
  readonly #touched = new Set<number>();
  #isStopped = false;
  /** Nothing but the file that nobody names was written so far, and nothing else is being written. */
  #isFilling = true;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Whether this is damage, or a failed read, that was met while the new file was filled. */
  wasReading(error: unknown): boolean {
    const isRead =
      error instanceof CorruptionError || (error instanceof IoError && error.details["operation"] === "read");
    return isRead && this.#isFilling;
  }

  changed(id: PageId, bucket: number): void {
    this.#changed.add(id);
    this.#touched.add(bucket);
  }

  stop(): void {
    this.#isStopped = true;
  }

  async run(capacity: number): Promise<void> {
    const store = this.#store;
    const { directory, books, settings } = store;
    const old = store.table;
    store.watcher = this;
    const table = await createTable(directory, { storeId: books.storeId, number: store.nextTable++, capacity });
    let isNamed = false;
    try {
      const filling = new Filling(table);
      await this.#fill(old, filling);
      for (let round = 0; round < ROUNDS_MAX && this.#changed.size > LAST_ROUND_PAGES; round++)
        await this.#catchUp(filling);
      // So that little is left to sync while commits wait.
      await this.#writing(() => settings.owner?.sync());
      isNamed = await store.slot.between(() =>
        store.structure.take(async () => {
          if (this.#isOver) return false;
          await this.#catchUp(filling);
          if (this.#isOver) return false;
          await this.#writing(() => this.#putInPlace(filling));
          return true;
        }),
      );
    } catch (error) {
      // Where the write of the books failed, they may name it.
      if (this.wasReading(error)) await this.#abandon(table);
      else await table.close();
      throw error;
    }
    if (!isNamed) {
      await this.#abandon(table);
      return;
    }

    // Crash from here on: the old file is nobody's.
    await old.close();
    await directory.vfs.remove(old.path);
    await directory.vfs.syncDirectory(directory.path);
    await store.structure.take(() => pruneJournal(store.journal, store.books, settings.owner));
    if (structureChannel.hasSubscribers)
      structureChannel.publish({
        directory: directory.path,
        change: "table",
        sequence: store.books.checkpoint.sequence,
        pages: table.meta.full,
        capacity,
      });
  }

  /** A failure of this leaves it open what was written. So it ends the store, before a commit that waits can begin on the old table. */
  async #writing(act: () => Promise<void> | undefined): Promise<void> {
    this.#isFilling = false;
    try {
      await act();
    } catch (error) {
      throw this.#store.poison(error);
    }
    this.#isFilling = true;
  }

  /** It does not come to be. What can't be removed any more is removed by the next opening. */
  async #abandon(table: Table): Promise<void> {
    await table.close();
    if (this.#store.failure === undefined) await this.#store.directory.vfs.remove(table.path);
  }

  get #isOver(): boolean {
    return this.#isStopped || this.#store.failure !== undefined;
  }

  /** Takes over every page of the old table but those that commits change meanwhile. */
  async #fill(old: Table, filling: Filling): Promise<void> {
    for (let bucket = 0; bucket < old.capacity && !this.#isOver;) {
      const some: Promise<void>[] = [];
      for (; bucket < old.capacity && some.length < PAGES_AT_ONCE; bucket++) {
        if (isFull(old.meta.at(bucket)) && !this.#touched.has(bucket)) some.push(this.#takeOver(old, bucket, filling));
      }
      await allOf(some);
    }
  }

  async #takeOver(old: Table, bucket: number, filling: Filling): Promise<void> {
    const page = this.#store.cache.dirtyAt(bucket)?.page ?? (await this.#read(old, bucket));
    if (page !== undefined) await filling.add(page);
  }

  /** Only pages that are dirty are written to their buckets. This one was not when it was asked for; if it is by now, a commit touched it. */
  async #read(old: Table, bucket: number): Promise<Page | undefined> {
    const buffer = await old.readBucket(bucket);
    return this.#touched.has(bucket) ? undefined : old.pageOf(buffer, bucket);
  }

  /** Takes over the pages that commits have changed since. */
  async #catchUp(filling: Filling): Promise<void> {
    const ids = [...this.#changed];
    this.#changed = new Set();
    for (let first = 0; first < ids.length && !this.#isOver; first += PAGES_AT_ONCE) {
      const pages = await Promise.all(
        ids.slice(first, first + PAGES_AT_ONCE).map(async (id) => {
          const page = (await findEntry(this.#store, id))?.page;
          return { id, page };
        }),
      );
      for (const { id, page } of pages) {
        if (page === undefined) await filling.remove(id);
        else await filling.put(page);
      }
    }
  }

  /** No commit is on its way, and nothing else writes the books: the table takes the place of the old one. */
  async #putInPlace(filling: Filling): Promise<void> {
    const store = this.#store;
    const { state, directory } = store;
    const { table } = filling;
    await store.settings.owner?.sync();
    await completeTable(directory, table);
    const { number, capacity, stepsMax } = table;
    await store.writeBooks({ table: number, capacity, stepsMax, checkpoint: state });
    for (const entry of store.cache.all()) {
      const bucket = filling.knownBucket(entry.page.id);
      if (bucket === undefined) store.cache.remove(entry.page.id);
      else store.cache.move(entry, bucket);
    }
    store.table = table;
    store.cache.evict();
    store.logBytes = 0;
    store.unprunedBytes = 0;
    store.counts.growths += 1;
  }
}

/** A table that is being filled, with the hash of each page in it, by which it is found again without reading. */
class Filling {
  readonly table: Table;
  readonly #low: Uint32Array;
  readonly #high: Uint32Array;

  constructor(table: Table) {
    this.table = table;
    this.#low = new Uint32Array(table.capacity);
    this.#high = new Uint32Array(table.capacity);
  }

  /** Adds a page that is not in it. */
  async add(page: Page): Promise<void> {
    const { table } = this;
    const { low, high, byte } = table.hash.of(page.id);
    const free = freeBucket(table.meta, low);
    if (free === undefined) throw tableFull(table.path, table.capacity);
    const { bucket, steps } = free;
    table.meta.set(bucket, byte);
    table.stepsMax = Math.max(table.stepsMax, steps);
    this.#low[bucket] = low;
    this.#high[bucket] = high;
    await this.#write(page, bucket);
  }

  /** Adds a page, or puts it in the place of its older state. */
  async put(page: Page): Promise<void> {
    const bucket = await this.#find(page.id);
    await (bucket === undefined ? this.add(page) : this.#write(page, bucket));
  }

  async remove(id: PageId): Promise<void> {
    const { meta, stepsMax } = this.table;
    const bucket = await this.#find(id);
    if (bucket === undefined) return;
    meta.set(bucket, TOMBSTONE);
    meta.sweep(bucket, stepsMax, () => undefined);
  }

  /** Where a page is that is in it; `undefined` where that can't be told without reading. */
  knownBucket(id: PageId): number | undefined {
    const candidates = this.#candidates(id);
    return candidates.length === 1 ? candidates[0] : undefined;
  }

  /** The bucket of a page, if it is in it. What has the same hash is read, and is the page or is not. */
  async #find(id: PageId): Promise<number | undefined> {
    for (const bucket of this.#candidates(id)) {
      const page = this.table.pageOf(await this.table.readBucket(bucket), bucket);
      if (page.id === id) return bucket;
    }
    return undefined;
  }

  #candidates(id: PageId): number[] {
    const { hash, capacity, meta } = this.table;
    const { low, high, byte } = hash.of(id);
    const found: number[] = [];
    const way = new Way(low, capacity);
    while (way.seek(meta, byte)) {
      if (this.#low[way.bucket] === low && this.#high[way.bucket] === high) found.push(way.bucket);
      if (!way.next()) break;
    }
    return found;
  }

  async #write(page: Page, bucket: number): Promise<void> {
    const bytes = new Uint8Array(PAGE_BYTES);
    this.table.copyPage(page, bucket, bytes, 0);
    await this.table.write(bytes, this.table.offsetOf(bucket));
  }
}

/** Waits for all of them, even where one fails, so that nothing goes on in the background. */
async function allOf(promises: readonly Promise<void>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(promises)) if (outcome.status === "rejected") throw outcome.reason;
}
