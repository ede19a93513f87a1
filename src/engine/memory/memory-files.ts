/**
 * The files of a memory database: `rows` and `lock` in a directory of their own.
 *
 * A new database is written whole, synced, and its names synced, before anyone is told of it. A crash before leaves a directory with any
 * part of that, which nobody names.
 */
import { ConflictError, IoError } from "../../base/index.js";
import type { Vfs, VfsFile, VfsLock } from "../../vfs/index.js";

/** The only names in the directory. */
export const ROWS_NAME = "rows";
export const LOCK_NAME = "lock";

/** A file that is open, and locked. */
export interface HeldFile {
  readonly file: VfsFile;
  readonly lock: VfsLock;
}

/** Makes the directory with a rows file that holds `contents`, durable but for the directory's name, and keeps it open. */
export async function createHeld(vfs: Vfs, directory: string, contents: Uint8Array): Promise<HeldFile> {
  await makeNewDirectory(vfs, directory);
  const lock = await vfs.lock(vfs.join(directory, LOCK_NAME));
  try {
    return { lock, file: await writeRows(vfs, directory, contents) };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** The same, and lets go of it. Makes the lock file too, so that opening the copy makes no name. */
export async function createCopy(vfs: Vfs, directory: string, contents: Uint8Array): Promise<void> {
  await makeNewDirectory(vfs, directory);
  await (await vfs.open(vfs.join(directory, LOCK_NAME), { access: "read-write", create: "exclusive" })).close();
  await (await writeRows(vfs, directory, contents)).close();
}

/** Opens and locks the rows file; `undefined` where none is. */
export async function openHeld(vfs: Vfs, directory: string): Promise<HeldFile | undefined> {
  let file: VfsFile;
  try {
    file = await vfs.open(vfs.join(directory, ROWS_NAME), { access: "read-write" });
  } catch (error) {
    if (error instanceof IoError && error.errno === "ENOENT") return undefined;
    throw error;
  }
  try {
    return { file, lock: await vfs.lock(vfs.join(directory, LOCK_NAME)) };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Removes the files and the directory. */
export async function removeFiles(vfs: Vfs, directory: string): Promise<void> {
  let names: readonly string[];
  try {
    names = await vfs.list(directory);
  } catch (error) {
    if (error instanceof IoError && error.errno === "ENOENT") return;
    throw error;
  }
  if (names.includes(LOCK_NAME)) await (await vfs.lock(vfs.join(directory, LOCK_NAME))).release();
  for (const name of [ROWS_NAME, LOCK_NAME]) if (names.includes(name)) await vfs.remove(vfs.join(directory, name));
  await vfs.removeDirectory(directory);
}

async function makeNewDirectory(vfs: Vfs, directory: string): Promise<void> {
  let made: boolean;
  try {
    made = await vfs.makeDirectory(directory);
  } catch (error) {
    if (!(error instanceof IoError && error.errno === "EEXIST")) throw error;
    made = false;
  }
  if (made) return;
  throw new ConflictError("HF_EXISTS", `${directory} exists already. Choose another directory, or remove that one.`, {
    path: directory,
  });
}

async function writeRows(vfs: Vfs, directory: string, contents: Uint8Array): Promise<VfsFile> {
  const file = await vfs.open(vfs.join(directory, ROWS_NAME), { access: "read-write", create: "exclusive" });
  try {
    await file.write(contents, 0);
    await file.syncData();
    await vfs.syncDirectory(directory);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}
