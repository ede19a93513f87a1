/** Opening a store: who may, whether there is one, and what is there instead. */
import { InvalidArgumentError, Held } from "../base/index.js";
import { openChannel } from "./channels.js";
import { createStore } from "./create-store.js";
import { refuseForeign } from "./foreign-files.js";
import { type FlatKvSettings, namesOfNew } from "./options.js";
import type { OpenedStore } from "./opened-store.js";
import { recoverStore } from "./recover-store.js";
import { StoreDirectory } from "./store-directory.js";

/** Opens the store in a directory, or makes one. After an error nothing is held, and nothing is lost. */
export async function openStore(path: string, settings: FlatKvSettings): Promise<OpenedStore> {
  const { vfs } = settings;
  const directory = new StoreDirectory(vfs, path);
  await findDirectory(directory, settings);
  const held = new Held();
  try {
    const lock = await vfs.lock(directory.lock);
    held.add(() => lock.release());
    const exists = (await vfs.stat(directory.anchor)) !== undefined;
    if (!exists) {
      await refuseForeign(directory, namesOfNew(settings));
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

async function findDirectory({ vfs, path }: StoreDirectory, { createIfMissing }: FlatKvSettings): Promise<void> {
  const stat = await vfs.stat(path);
  if (stat !== undefined && stat.kind !== "directory")
    throw new InvalidArgumentError("HF_INVALID_ARGUMENT", `FlatKv.open: ${path} is no directory.`, { path });
  if (stat !== undefined) return;
  if (!createIfMissing) throw missing(path);
  await vfs.makeDirectory(path);
}

function missing(path: string): InvalidArgumentError {
  return new InvalidArgumentError(
    "HF_INVALID_ARGUMENT",
    `FlatKv.open: there is no store in ${path}. Leave out createIfMissing: false to make one.`,
    { path },
  );
}
