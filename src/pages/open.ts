/** Opening a store: who may, whether there is one, and what is there instead. */
import { FormatError, Held, InvalidArgumentError } from "../base/index.js";
import { openChannel } from "./channels.js";
import { createStore } from "./create-store.js";
import type { OpenedPages } from "./opened-pages.js";
import type { PagesSettings } from "./options.js";
import { PagesDirectory } from "./pages-directory.js";
import { recoverStore } from "./recover-store.js";

/** Opens the store in a directory, or makes one. After an error nothing is held, and nothing is lost. */
export async function openPages(path: string, settings: PagesSettings): Promise<OpenedPages> {
  const { vfs } = settings;
  const directory = new PagesDirectory(vfs, path);
  await findDirectory(directory, settings);
  const held = new Held();
  try {
    const lock = await vfs.lock(directory.lock);
    held.add(() => lock.release());
    const exists = (await vfs.stat(directory.anchor)) !== undefined;
    if (!exists) {
      await refuseForeign(directory);
      if (!settings.createIfMissing) throw missing(path);
    }
    const opened = exists
      ? await recoverStore(directory, settings, lock, held)
      : await createStore(directory, settings, lock, held);
    if (openChannel.hasSubscribers) openChannel.publish({ directory: path, recovery: opened.recovery });
    return opened;
  } catch (error) {
    await held.release();
    throw error;
  }
}

async function findDirectory({ vfs, path }: PagesDirectory, { createIfMissing }: PagesSettings): Promise<void> {
  const stat = await vfs.stat(path);
  if (stat !== undefined && stat.kind !== "directory")
    throw new InvalidArgumentError("HF_INVALID_ARGUMENT", `PageStore.open: ${path} is no directory.`, { path });
  if (stat !== undefined) return;
  if (!createIfMissing) throw missing(path);
  await vfs.makeDirectory(path);
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

function missing(path: string): InvalidArgumentError {
  return new InvalidArgumentError(
    "HF_INVALID_ARGUMENT",
    `PageStore.open: there is no store in ${path}. Leave out createIfMissing: false to make one.`,
    { path },
  );
}
