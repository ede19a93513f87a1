/** Opening a store: who may, whether there is one, and what is there instead. */
import { openAnchored } from "../anchor/index.js";
import { openChannel } from "./channels.js";
import { createStore } from "./create-store.js";
import { refuseForeign } from "./foreign-files.js";
import { type FlatKvSettings, namesOfNew } from "./options.js";
import type { OpenedStore } from "./opened-store.js";
import { recoverStore } from "./recover-store.js";
import { StoreDirectory } from "./store-directory.js";

/** Opens the store in a directory, or makes one. After an error nothing is held, and nothing is lost. */
export async function openStore(path: string, settings: FlatKvSettings): Promise<OpenedStore> {
  const { vfs, createIfMissing } = settings;
  const directory = new StoreDirectory(vfs, path);
  const opened = await openAnchored({
    vfs,
    path,
    lock: directory.lock,
    anchor: directory.anchor,
    createIfMissing,
    where: "FlatKv.open",
    refuseForeign: () => refuseForeign(directory, namesOfNew(settings)),
    recover: (lock, held) => recoverStore(directory, settings, lock, held),
    create: (lock, held) => createStore(directory, settings, lock, held),
  });
  if (openChannel.hasSubscribers) openChannel.publish({ directory: path, recovery: opened.recovery });
  return opened;
}
