/** Opening a store: who may, whether there is one, and what is there instead. */
import { openAnchored } from "../anchor/index.js";
import { FormatError } from "../base/index.js";
import { openChannel } from "./channels.js";
import { createStore } from "./create-store.js";
import type { OpenedPages } from "./opened-pages.js";
import type { PagesSettings } from "./options.js";
import { PagesDirectory } from "./pages-directory.js";
import { recoverStore } from "./recover-store.js";

/** Opens the store in a directory, or makes one. After an error nothing is held, and nothing is lost. */
export async function openPages(path: string, settings: PagesSettings): Promise<OpenedPages> {
  const { vfs, createIfMissing } = settings;
  const directory = new PagesDirectory(vfs, path);
  const opened = await openAnchored({
    vfs,
    path,
    lock: directory.lock,
    anchor: directory.anchor,
    createIfMissing,
    where: "PageStore.open",
    refuseForeign: () => refuseForeign(directory),
    recover: (lock, held) => recoverStore(directory, settings, lock, held),
    create: (lock, held) => createStore(directory, settings, lock, held),
  });
  if (openChannel.hasSubscribers) openChannel.publish({ directory: path, recovery: opened.recovery });
  return opened;
}

/** A directory with something else in it is not made a store. */
async function refuseForeign(directory: PagesDirectory): Promise<void> {
  const { foreign } = await directory.list();
  if (foreign.length === 0) return;
  throw new FormatError(
    "HF_FORMAT_UNKNOWN",
    `${directory.path} holds other files (${foreign.slice(0, 3).join(", ")}) and no page store. Choose an empty directory.`,
    { path: directory.path, found: foreign.slice(0, 3).join(", ") },
  );
}
