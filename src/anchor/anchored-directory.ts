/** A directory that an anchor makes a store: how a store in it is opened, whoever it belongs to. */
import { Held, InvalidArgumentError } from "../base/index.js";
import type { Vfs, VfsLock } from "../vfs/index.js";

/** Where a store is, and what goes on in there. */
export interface AnchoredDirectory<Store> {
  readonly vfs: Vfs;
  readonly path: string;
  /** The file whose lock makes this the only opener. */
  readonly lock: string;
  /** The file that is there where a store is. */
  readonly anchor: string;
  readonly createIfMissing: boolean;
  /** What is called, for errors, such as `FlatKv.open`. */
  readonly where: string;
  /** Rejects where there is something else in the directory, which must not be taken for a new store. */
  readonly refuseForeign: () => Promise<void>;
  /** Both add to `held` whatever has to be let go of when they fail later. */
  readonly recover: (lock: VfsLock, held: Held) => Promise<Store>;
  readonly create: (lock: VfsLock, held: Held) => Promise<Store>;
}

/**
 * Opens what is in a directory, or makes it: one opener at a time, and nothing but what an anchor vouches for, or an empty place. After an error nothing is
 * held, and nothing is lost. `InvalidArgumentError` where the path is no directory, or there is no store and none is to be made; `LockedError`.
 */
export async function openAnchored<Store>(directory: AnchoredDirectory<Store>): Promise<Store> {
  const { vfs, path, where, createIfMissing } = directory;
  const stat = await vfs.stat(path);
  if (stat !== undefined && stat.kind !== "directory")
    throw new InvalidArgumentError("HF_INVALID_ARGUMENT", `${where}: ${path} is no directory.`, { path });
  if (stat === undefined && !createIfMissing) throw missing(where, path);
  if (stat === undefined) await vfs.makeDirectory(path);
  const held = new Held();
  try {
    const lock = await vfs.lock(directory.lock);
    held.add(() => lock.release());
    if ((await vfs.stat(directory.anchor)) !== undefined) return await directory.recover(lock, held);
    await directory.refuseForeign();
    if (!createIfMissing) throw missing(where, path);
    return await directory.create(lock, held);
  } catch (error) {
    await held.release();
    throw error;
  }
}

function missing(where: string, path: string): InvalidArgumentError {
  return new InvalidArgumentError(
    "HF_INVALID_ARGUMENT",
    `${where}: there is no store in ${path}. Leave out createIfMissing: false to make one.`,
    { path },
  );
}
