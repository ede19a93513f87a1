/**
 * Space of a reader: a directory of its own, which is removed when it closes.
 *
 * A lock file beside it is held as long as the reader lives. So the next writer that opens the store can tell what a dead reader left, and removes it.
 */
import { IoError, LockedError, toHex } from "../base/index.js";
import type { Engine } from "../engine/index.js";
import type { Vfs, VfsLock } from "../vfs/index.js";

const LOCK_SUFFIX = ".lock";
const PREFIX = "reader-";

/** See the head of this file. */
export class Scratch {
  readonly path: string;
  readonly #vfs: Vfs;
  readonly #engine: Engine;
  readonly #lock: VfsLock;
  #made = 0;

  private constructor(vfs: Vfs, engine: Engine, path: string, lock: VfsLock) {
    this.#vfs = vfs;
    this.#engine = engine;
    this.path = path;
    this.#lock = lock;
  }

  /** Makes one below `root`, which is made where it is missing. */
  static async make(vfs: Vfs, engine: Engine, root: string): Promise<Scratch> {
    await vfs.makeDirectory(root);
    const path = vfs.join(root, `${PREFIX}${toHex(vfs.randomBytes(8))}`);
    const lock = await vfs.lock(`${path}${LOCK_SUFFIX}`);
    await vfs.makeDirectory(path);
    return new Scratch(vfs, engine, path, lock);
  }

  /** A path for a database to make. */
  next(): string {
    this.#made += 1;
    return this.#vfs.join(this.path, String(this.#made));
  }

  /** Removes everything. The databases must be closed. */
  async remove(): Promise<void> {
    try {
      await removeAll(this.#vfs, this.#engine, this.path);
      await this.#vfs.remove(this.#lock.path);
    } finally {
      await this.#lock.release();
    }
  }
}

/** Removes what readers that died left below `root`. Returns how many. */
export async function removeDeadScratches(vfs: Vfs, engine: Engine, root: string): Promise<number> {
  if ((await vfs.stat(root)) === undefined) return 0;
  let removed = 0;
  for (const name of await vfs.list(root)) {
    if (!name.startsWith(PREFIX) || !name.endsWith(LOCK_SUFFIX)) continue;
    const lockPath = vfs.join(root, name);
    try {
      const lock = await vfs.lock(lockPath);
      try {
        await removeAll(vfs, engine, lockPath.slice(0, -LOCK_SUFFIX.length));
        await vfs.remove(lockPath);
        removed += 1;
      } finally {
        await lock.release();
      }
    } catch (error) {
      // Alive, or it has just removed itself.
      if (!(error instanceof LockedError) && !(error instanceof IoError && error.errno === "ENOENT")) throw error;
    }
  }
  return removed;
}

async function removeAll(vfs: Vfs, engine: Engine, path: string): Promise<void> {
  if ((await vfs.stat(path)) === undefined) return;
  for (const name of await vfs.list(path)) await engine.remove(vfs.join(path, name));
  await vfs.removeDirectory(path);
}
