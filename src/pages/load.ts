/**
 * Reading pages from the table while commits and checkpoints go on.
 *
 * A bucket is only read while its page is not dirty, and only dirty pages are written to their buckets. A page becomes dirty by a commit. So a read
 * during which no commit was published saw no write to its bucket; one during which a commit was published is made again.
 */
import type { CachedPage } from "./page-cache.js";
import type { PageId } from "./page-id.js";
import { Way } from "./probe.js";
import type { Store } from "./store.js";
import type { Page } from "./page.js";

/** The committed page; `undefined` where there is none. */
export async function loadPage(store: Store, id: PageId): Promise<Page | undefined> {
  store.counts.lookups += 1;
  const entry = store.cache.get(id);
  if (entry !== undefined) return entry.page;
  store.counts.misses += 1;
  const before = store.loading.get(id);
  if (before !== undefined) return await before;
  const load = findEntry(store, id).then((found) => found?.page);
  store.loading.set(id, load);
  try {
    return await load;
  } finally {
    store.loading.delete(id);
  }
}

/** The page with its bucket, taken into memory. */
export async function findEntry(store: Store, id: PageId): Promise<CachedPage | undefined> {
  for (;;) {
    const found = await lookUp(store, id);
    store.checkSound();
    if (found !== "changed") return found;
  }
}

async function lookUp(store: Store, id: PageId): Promise<CachedPage | undefined | "changed"> {
  const { table, cache, state } = store;
  const known = cache.get(id);
  if (known !== undefined) return known;
  const { low, byte } = table.hash.of(id);
  const way = new Way(low, table.capacity);
  while (way.seek(table.meta, byte)) {
    const { bucket } = way;
    if (cache.dirtyAt(bucket) === undefined) {
      store.counts.pageReads += 1;
      const buffer = await table.readBucket(bucket);
      if (store.table !== table || store.state !== state) return "changed";
      const page = table.pageOf(buffer, bucket);
      // A load of the same page may have been quicker.
      if (page.id === id) return cache.get(id) ?? cache.putClean(page, bucket);
    }
    if (!way.next()) break;
  }
  return undefined;
}
