/**
 * Makes a store.
 *
 * Crash argument: the anchor is written last. Until then the directory holds nothing that counts, and the next opening makes everything again. What the
 * anchor names is durable with its names before.
 */
import { Anchor } from "../anchor/index.js";
import { ConflictError, CorruptionError, type Held } from "../base/index.js";
import { DoubleWriteBuffer } from "../log/index.js";
import type { VfsLock } from "../vfs/index.js";
import { type Books, PAGES_ANCHOR_KIND, encodeBooks } from "./books.js";
import { completeTable, createTable } from "./create-table.js";
import { openJournal } from "./journal.js";
import type { OpenedPages } from "./opened-pages.js";
import type { PagesSettings } from "./options.js";
import type { PagesDirectory } from "./pages-directory.js";
import { Store } from "./store.js";
import { STORE_ID_BYTES } from "./table-format.js";
import { ROOT_BYTES } from "./wal-format.js";

/** Makes it, empty, at sequence 0. */
export async function createStore(
  directory: PagesDirectory,
  settings: PagesSettings,
  lock: VfsLock,
  held: Held,
): Promise<OpenedPages> {
  const { vfs, capacity, torn } = settings;
  const { journal, ownLog } = await openJournal(directory, settings, true, held);
  if (journal.lastLsn >= journal.firstLsn)
    throw new ConflictError(
      "HF_EXISTS",
      `The journal of the new store ${directory.path} holds records already. Pass an empty one.`,
      { path: directory.path, firstLsn: journal.firstLsn, lastLsn: journal.lastLsn },
    );
  if (ownLog !== undefined && ownLog.lastLsn > 0)
    throw new CorruptionError({
      path: directory.anchor,
      expected: "the books of a page store",
      found: "none, beside a log that has had records",
      advice: "Restore the anchor.",
    });
  const removedTables = await directory.removeTables(undefined);
  const buffer = torn === "double-write" ? await DoubleWriteBuffer.open(vfs, directory.doubleWrite) : undefined;
  if (buffer !== undefined) held.add(() => buffer.close());

  const storeId = vfs.randomBytes(STORE_ID_BYTES);
  const table = await createTable(directory, { storeId, number: 1, capacity });
  held.add(() => table.close());
  await completeTable(directory, table);
  // Even where the directory was there already: an earlier opening may have been killed between making it and making its name durable.
  await vfs.syncDirectory(vfs.parent(directory.path));

  const state = { sequence: 0, lsn: journal.lastLsn, root: new Uint8Array(ROOT_BYTES) };
  const books: Books = { storeId, table: 1, capacity, stepsMax: 0, checkpoint: state };
  const anchor = await Anchor.create(directory.anchor, encodeBooks(books), { vfs, kind: PAGES_ANCHOR_KIND });
  held.add(() => anchor.close());
  return {
    store: new Store({ directory, settings, lock, anchor, journal, ownLog, buffer, books, table, state }),
    recovery: { sequence: 0, redoneCommits: 0, redonePages: 0, restoredImages: 0, removedTables },
  };
}
