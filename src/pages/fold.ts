/**
 * What commits since the checkpoint come to, page by page. A pure decision; `recover-store.ts` has its effects.
 *
 * Only the last state of each page and bucket counts: a bucket may have been cleared and taken again, and a page may have gone and come back elsewhere.
 * So nothing is read or written while commits are folded. What was written in place since the checkpoint may be of any commit since; so the map, as it was
 * read, only tells of buckets that no commit names.
 */
import type { CorruptionError } from "../base/index.js";
import { corruptJournal } from "./errors.js";
import type { JournaledCommit } from "./journal.js";
import { type PageId, describePageId } from "./page-id.js";
import type { PageDiff } from "./page-diff.js";
import { Page } from "./page.js";
import { type ClearRecord, type UpdateRecord, applyUpdate } from "./wal-format.js";

/** A page that commits made or changed. */
export interface FoldedPage {
  readonly bucket: number;
  /** It is new to its bucket since the checkpoint: `page` is all of it. Otherwise `page` holds the nodes in `diff`, and the rest is in the bucket. */
  readonly fresh: boolean;
  readonly page: Page;
  readonly diff: PageDiff;
  /** LSN of the last commit that changed it. */
  lsn: number;
}

/** See the head of this file. */
export class Fold {
  /** By id. */
  readonly pages: Map<PageId, FoldedPage> = new Map();
  /** Buckets whose page went, and that none has taken since; with the LSN of the commit. */
  readonly cleared: Map<number, number> = new Map();
  /** Buckets whose page went at any time since the checkpoint. */
  readonly left: Set<number> = new Set();
  readonly #path: string;
  readonly #capacity: number;
  /** Whose each bucket is that a commit named. */
  readonly #owners = new Map<number, PageId>();

  constructor(path: string, capacity: number) {
    this.#path = path;
    this.#capacity = capacity;
  }

  add({ clears, updates, lsn }: JournaledCommit): void {
    // As in the commit itself: what goes, goes before anything comes.
    for (const clear of clears) this.#clear(clear, lsn);
    for (const update of updates) this.#update(update, lsn);
  }

  #clear({ id, bucket }: ClearRecord, lsn: number): void {
    this.#check(id, bucket, lsn);
    this.pages.delete(id);
    this.#owners.delete(bucket);
    this.cleared.set(bucket, lsn);
    this.left.add(bucket);
  }

  #update(update: UpdateRecord, lsn: number): void {
    const { id, bucket, fresh, diff } = update;
    const folded = this.pages.get(id);
    if (fresh) {
      if (folded !== undefined || this.#owners.has(bucket) || !this.#isBucket(bucket))
        throw this.#damaged(id, bucket, lsn, "a bucket that is free, for a page that is new");
      this.cleared.delete(bucket);
      this.#put({ bucket, fresh, page: Page.empty(id), diff: diff.copy(), lsn }, update);
      return;
    }
    this.#check(id, bucket, lsn);
    if (folded === undefined) {
      this.#put({ bucket, fresh, page: Page.empty(id), diff: diff.copy(), lsn }, update);
      return;
    }
    applyUpdate(update, folded.page);
    folded.diff.join(diff);
    folded.lsn = lsn;
  }

  #put(folded: FoldedPage, update: UpdateRecord): void {
    applyUpdate(update, folded.page);
    this.pages.set(update.id, folded);
    this.#owners.set(folded.bucket, update.id);
  }

  /** A page that is there must be where it was, and nothing else may be. */
  #check(id: PageId, bucket: number, lsn: number): void {
    const owner = this.#owners.get(bucket);
    const folded = this.pages.get(id);
    const isSound =
      this.#isBucket(bucket) &&
      (owner === undefined || owner === id) &&
      (folded === undefined || folded.bucket === bucket) &&
      !(folded === undefined && this.cleared.has(bucket));
    if (!isSound) throw this.#damaged(id, bucket, lsn, "the bucket that the page is in");
  }

  #isBucket(bucket: number): boolean {
    return bucket >= 0 && bucket < this.#capacity;
  }

  #damaged(id: PageId, bucket: number, lsn: number, expected: string): CorruptionError {
    return corruptJournal(this.#path, lsn, expected, `bucket ${bucket} for page ${describePageId(id)}`);
  }
}
