/** Opening a store: who may, whether there is one, and what is there instead. */
import { FormatError, InvalidArgumentError } from "../base/index.js";
import { openChannel } from "./channels.js";
import { createStore } from "./create-store.js";
import { noHashes } from "./errors.js";
import { Held } from "./held.js";
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
    if (!exists) await refuseOthers(directory, settings);
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

/** A directory without books is new, or it is something else, which must not be taken for new. */
async function refuseOthers(directory: StoreDirectory, settings: FlatKvSettings): Promise<void> {
  const { foreign } = await directory.list();
  const { path } = directory;
  const older = foreign.filter((name) => [...namesOfNew(settings), "working", "current"].includes(name));
  if (older.length > 0) throw noHashes(path, `${older.join(", ")}, and no books`);
  if (foreign.length > 0)
    throw new FormatError(
      "HF_FORMAT_UNKNOWN",
      `${path} holds ${foreign.join(", ")}, and is no store of this kind. Choose an empty directory.`,
      { path, found: foreign.join(", ") },
    );
  if (!settings.createIfMissing) throw missing(path);
}

function missing(path: string): InvalidArgumentError {
  return new InvalidArgumentError(
    "HF_INVALID_ARGUMENT",
    `FlatKv.open: there is no store in ${path}. Leave out createIfMissing: false to make one.`,
    { path },
  );
}
