/**
 * Brings what a crash left in order, before anyone sees a page.
 *
 * Crash argument: images of the double-write buffer are put in place again and made durable, so that no page or block of the map is torn. Then the
 * commits after the checkpoint, which are durable in the journal, are redone in memory. Nothing else of the table is written: redone pages stay dirty
 * until a checkpoint, which writes them again even where they seem to be there. So it does not matter whether what was read is durable, and a crash on the
 * way leaves all as it was.
 */
import { type Held } from "../base/index.js";
import { DoubleWriteBuffer } from "../log/index.js";
import type { VfsLock } from "../vfs/index.js";
import { openBooks } from "./books-file.js";
import type { PageState } from "./books.js";
import { pruneJournal } from "./checkpoint.js";
import { corruptJournal, corruptTable } from "./errors.js";
import { Fold, type FoldedPage } from "./fold.js";
import { openJournal, readCommits } from "./journal.js";
import { TOMBSTONE } from "./meta-map.js";
import type { OpenedPages } from "./opened-pages.js";
import type { PagesSettings } from "./options.js";
import { type PageId, describePageId } from "./page-id.js";
import { PAGE_BYTES, type Page } from "./page.js";
import type { PagesDirectory } from "./pages-directory.js";
import { isFull, stepsTo } from "./probe.js";
import { Store } from "./store.js";
import { Table } from "./table.js";
import { tableBytes } from "./table-format.js";
import { copyChanges } from "./wal-format.js";

/** Pages that are read at a time. */
const PAGES_AT_ONCE = 64;

/** Opens a store that exists. */
export async function recoverStore(
  directory: PagesDirectory,
  settings: PagesSettings,
  lock: VfsLock,
  held: Held,
): Promise<OpenedPages> {
  const { path } = directory;
  const { owner } = settings;
  const { anchor, books } = await openBooks(directory, held);
  const { journal, ownLog } = await openJournal(directory, settings, false, held);
  const table = await Table.open(directory, { storeId: books.storeId, number: books.table, capacity: books.capacity });
  held.add(() => table.close());
  const { buffer, restoredImages } = await restoreImages(directory, settings, table, held);
  await table.loadMeta();
  table.stepsMax = books.stepsMax;

  const fold = new Fold(path, table.capacity);
  let state: PageState = books.checkpoint;
  let redoneCommits = 0;
  let bytes = 0;
  for await (const commit of readCommits(path, journal, books)) {
    fold.add(commit);
    state = { sequence: commit.start.sequence, root: commit.start.root, lsn: commit.lsn };
    for (const record of commit.others) await owner?.redo(record, state);
    for (const { payload } of commit.updates) bytes += payload.length;
    redoneCommits += 1;
  }
  const store = new Store({ directory, settings, lock, anchor, journal, ownLog, buffer, books, table, state });
  placeFolded(directory, table, fold);
  await takeFolded(store, fold);
  store.logBytes = bytes;

  // Nothing below counts for a crash: it was decided before it, and the next opening does it again.
  const removedTables = await directory.removeTables(table.number);
  await pruneJournal(journal, books, owner);
  return {
    store,
    recovery: {
      sequence: state.sequence,
      redoneCommits,
      redonePages: fold.pages.size,
      restoredImages,
      removedTables,
    },
  };
}

/** Puts back what may have been torn. The buffer stays open where it is used. */
async function restoreImages(
  directory: PagesDirectory,
  { vfs, torn }: PagesSettings,
  table: Table,
  held: Held,
): Promise<{ readonly buffer: DoubleWriteBuffer | undefined; readonly restoredImages: number }> {
  const buffer = await DoubleWriteBuffer.open(vfs, directory.doubleWrite);
  held.add(() => buffer.close());
  // Images of a table that was replaced since are nobody's.
  const images = (await buffer.recover()).filter(({ target }) => table.isTarget(target));
  for (const { image, offset } of images) {
    if (image.length !== PAGE_BYTES || offset % PAGE_BYTES !== 0 || offset >= tableBytes(table.capacity))
      throw corruptTable(buffer.path, 0, "images of blocks of the table", `${image.length} bytes for offset ${offset}`);
    await table.write(image, offset);
  }
  if (images.length > 0) await table.sync();
  if (torn === "double-write") return { buffer, restoredImages: images.length };
  // Pages are written past the buffer from here on: what is in it must not come back over them.
  if (images.length > 0) await buffer.clear();
  await buffer.close();
  return { buffer: undefined, restoredImages: images.length };
}

/** Brings the map to the newest commit. */
function placeFolded({ path }: PagesDirectory, table: Table, fold: Fold): void {
  const { meta, hash } = table;
  for (const [bucket] of fold.cleared) table.setMeta(bucket, TOMBSTONE);
  for (const [id, { bucket, fresh, lsn }] of fold.pages) {
    const { byte } = hash.of(id);
    const before = meta.at(bucket);
    // A bucket that seems to be another page's must have been left by it, or the page be there already.
    const isFree = fresh && (!isFull(before) || fold.left.has(bucket));
    if (!isFree && before !== byte)
      throw corruptJournal(
        path,
        lsn,
        `a bucket of page ${describePageId(id)}`,
        `bucket ${bucket}, which the table has for another`,
      );
    table.setMeta(bucket, byte);
  }
  for (const [id, { bucket, lsn }] of fold.pages) {
    const steps = stepsTo(meta, hash.of(id).low, bucket);
    if (steps === undefined)
      throw corruptJournal(path, lsn, `a bucket on the way of page ${describePageId(id)}`, `bucket ${bucket}`);
    table.stepsMax = Math.max(table.stepsMax, steps);
  }
}

/** Brings the pages to the newest commit. They are dirty then. */
async function takeFolded({ table, cache }: Store, fold: Fold): Promise<void> {
  const pages = [...fold.pages];
  for (let first = 0; first < pages.length; first += PAGES_AT_ONCE) {
    const some = pages.slice(first, first + PAGES_AT_ONCE);
    const whole = await Promise.all(some.map(([id, folded]) => wholePage(table, id, folded)));
    for (const [at, page] of whole.entries()) cache.putDirty(page, some[at]![1].bucket);
  }
}

/** A page that commits changed: what they changed, on what was there. A page that is not there is an error, and never a blank one. */
async function wholePage(table: Table, id: PageId, { bucket, fresh, page, diff }: FoldedPage): Promise<Page> {
  if (fresh) return page;
  const base = table.pageOf(await table.readBucket(bucket), bucket);
  if (base.id !== id)
    throw corruptTable(
      table.path,
      table.offsetOf(bucket),
      `page ${describePageId(id)} in bucket ${bucket}`,
      `page ${describePageId(base.id)}`,
    );
  copyChanges(page, diff, base);
  return base;
}
