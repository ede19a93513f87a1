/** The journal of a store: the caller's, or a log in the store's directory. */
import type { Held } from "../base/index.js";
import { type Journal, Log } from "../log/index.js";
import type { FlatKvSettings } from "./options.js";
import type { StoreDirectory } from "./store-directory.js";

/** A journal, and whether the store has to close it. */
export interface OpenedJournal {
  readonly journal: Journal;
  readonly ownLog: Log | undefined;
}

/** Opens it. A log is only made where the store is: a store whose log went missing must not go on with an empty one. */
export async function openJournal(
  directory: StoreDirectory,
  { vfs, journal, log }: FlatKvSettings,
  isNew: boolean,
  held: Held,
): Promise<OpenedJournal> {
  if (journal !== undefined) return { journal, ownLog: undefined };
  const ownLog = await Log.open(directory.log, { ...log, vfs, createIfMissing: isNew });
  held.add(() => ownLog.close());
  return { journal: ownLog, ownLog };
}
