/** Work on a store as a whole while nobody has it open: under its lock, with its books where it has some, and its journal. */
import type { Anchor } from "../anchor/index.js";
import { InvalidArgumentError, invalid, Held } from "../base/index.js";
import type { Journal } from "../log/index.js";
import { openBooks } from "./books-file.js";
import type { Books } from "./books.js";
import { openJournal } from "./journal.js";
import type { FlatKvSettings } from "./options.js";
import { StoreDirectory } from "./store-directory.js";

/** What such work has at hand. */
export interface OfflineStore {
  readonly directory: StoreDirectory;
  /** `undefined` where there is no store yet. */
  readonly anchor: Anchor | undefined;
  readonly books: Books | undefined;
  readonly journal: Journal;
}

/**
 * Does it, and lets go of everything. The directory is made where it is missing and may be new. The store's own log is made where it is missing.
 */
export async function withOfflineStore<R>(
  where: string,
  path: string,
  settings: FlatKvSettings,
  { isNewAllowed }: { readonly isNewAllowed: boolean },
  act: (store: OfflineStore) => Promise<R>,
): Promise<R> {
  if (typeof path !== "string" || path === "") throw invalid(where, "directory", path, "a path");
  const { vfs } = settings;
  const directory = new StoreDirectory(vfs, path);
  const stat = await vfs.stat(path);
  if (stat !== undefined && stat.kind !== "directory")
    throw new InvalidArgumentError("HF_INVALID_ARGUMENT", `${where}: ${path} is no directory.`, { path });
  if (stat === undefined) {
    if (!isNewAllowed)
      throw new InvalidArgumentError("HF_INVALID_ARGUMENT", `${where}: there is no directory ${path}.`, { path });
    await vfs.makeDirectory(path);
  }
  const held = new Held();
  let result: R;
  try {
    const lock = await vfs.lock(directory.lock);
    held.add(() => lock.release());
    const exists = (await vfs.stat(directory.anchor)) !== undefined;
    // Even where the directory was there already: whoever made it may have been killed before its name was durable.
    if (!exists) await vfs.syncDirectory(vfs.parent(path));
    const { anchor, books } = exists ? await openBooks(directory, held) : { anchor: undefined, books: undefined };
    const { journal } = await openJournal(directory, settings, true, held);
    result = await act({ directory, anchor, books, journal });
  } catch (error) {
    await held.release();
    throw error;
  }
  const [failure] = await held.release();
  if (failure !== undefined) throw failure;
  return result;
}

/** The first directory number that is free: above whatever the books or the directory know. */
export async function freeDirectory({ directory, books }: OfflineStore): Promise<number> {
  const { databases } = await directory.list();
  return Math.max(books?.nextDirectory ?? 1, 1 + Math.max(0, ...databases));
}
