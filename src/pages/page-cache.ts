/**
 * Pages in memory, each with its bucket. Dirty pages and those near the root stay; the others go, those that were not asked for lately first, once all
 * of them together take more than the budget.
 *
 * Those that may go are in a ring of their own, oldest first. One that was asked for since it was put there gets another round instead of going.
 */
import type { PageId } from "./page-id.js";
import { PAGE_BYTES, type Page } from "./page.js";

/** What a page costs beside its bytes: objects, id, places in maps. About. */
const OVERHEAD_BYTES = 400;

/** A page and where it is. */
export class CachedPage {
  page: Page;
  bucket: number;
  isDirty = false;
  /** Asked for since it was put into the ring. */
  isUsed = false;
  bytes: number;
  /** Neighbours in the ring; `undefined` where it is not in it. */
  newer: CachedPage | undefined;
  older: CachedPage | undefined;

  constructor(page: Page, bucket: number) {
    this.page = page;
    this.bucket = bucket;
    this.bytes = sizeOf(page);
  }
}

/** See the head of this file. */
export class PageCache {
  readonly #entries = new Map<PageId, CachedPage>();
  readonly #dirty = new Map<number, CachedPage>();
  readonly #bytesMax: number;
  readonly #pinnedDepth: number;
  #oldest: CachedPage | undefined;
  #newest: CachedPage | undefined;
  #bytes = 0;

  constructor({ bytes, pinnedDepth }: { readonly bytes: number; readonly pinnedDepth: number }) {
    this.#bytesMax = bytes;
    this.#pinnedDepth = pinnedDepth;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Pages that differ from their buckets. */
  get dirtyPages(): number {
    return this.#dirty.size;
  }

  /** What all of them take, about. */
  get bytes(): number {
    return this.#bytes;
  }

  get(id: PageId): CachedPage | undefined {
    const entry = this.#entries.get(id);
    if (entry !== undefined) {
      entry.isUsed = true;
      this.#measure(entry);
    }
    return entry;
  }

  /** The dirty page of a bucket: what is in the file there does not count. */
  dirtyAt(bucket: number): CachedPage | undefined {
    return this.#dirty.get(bucket);
  }

  dirty(): IterableIterator<CachedPage> {
    return this.#dirty.values();
  }

  all(): IterableIterator<CachedPage> {
    return this.#entries.values();
  }

  /** Takes in a page that was read from its bucket. */
  putClean(page: Page, bucket: number): CachedPage {
    const entry = new CachedPage(page, bucket);
    this.#entries.set(page.id, entry);
    this.#bytes += entry.bytes;
    this.#link(entry);
    this.evict();
    return entry;
  }

  /** Takes in a page that a commit made or changed. The caller evicts when it is through with all of them. */
  putDirty(page: Page, bucket: number): void {
    const entry = this.#entries.get(page.id);
    if (entry === undefined) {
      const made = new CachedPage(page, bucket);
      made.isDirty = true;
      this.#entries.set(page.id, made);
      this.#bytes += made.bytes;
      this.#dirty.set(bucket, made);
      return;
    }
    entry.page = page;
    this.#measure(entry);
    if (entry.isDirty) return;
    entry.isDirty = true;
    this.#unlink(entry);
    this.#dirty.set(bucket, entry);
  }

  /** Its bucket holds it now. */
  markClean(entry: CachedPage): void {
    entry.isDirty = false;
    this.#dirty.delete(entry.bucket);
    this.#link(entry);
  }

  /** It moved to another table. */
  move(entry: CachedPage, bucket: number): void {
    if (entry.isDirty) this.markClean(entry);
    entry.bucket = bucket;
  }

  remove(id: PageId): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    this.#entries.delete(id);
    this.#bytes -= entry.bytes;
    if (entry.isDirty) this.#dirty.delete(entry.bucket);
    else this.#unlink(entry);
  }

  /** Lets go of pages until the rest fits the budget, or none may go. */
  evict(): void {
    while (this.#bytes > this.#bytesMax && this.#oldest !== undefined) {
      const entry = this.#oldest;
      this.#unlink(entry);
      this.#measure(entry);
      if (entry.isUsed) {
        this.#link(entry);
        continue;
      }
      this.#entries.delete(entry.page.id);
      this.#bytes -= entry.bytes;
    }
  }

  /** A companion may have grown. */
  #measure(entry: CachedPage): void {
    const bytes = sizeOf(entry.page);
    this.#bytes += bytes - entry.bytes;
    entry.bytes = bytes;
  }

  #link(entry: CachedPage): void {
    entry.isUsed = false;
    if (entry.page.id.length < this.#pinnedDepth) return;
    entry.older = this.#newest;
    if (this.#newest === undefined) this.#oldest = entry;
    else this.#newest.newer = entry;
    this.#newest = entry;
  }

  #unlink(entry: CachedPage): void {
    if (entry.page.id.length < this.#pinnedDepth) return;
    if (entry.older === undefined) this.#oldest = entry.newer;
    else entry.older.newer = entry.newer;
    if (entry.newer === undefined) this.#newest = entry.older;
    else entry.newer.older = entry.older;
    entry.older = undefined;
    entry.newer = undefined;
  }
}

function sizeOf({ companion }: Page): number {
  return PAGE_BYTES + OVERHEAD_BYTES + (companion === undefined ? 0 : companion.bytes);
}
