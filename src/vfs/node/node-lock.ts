/**
 * An exclusive lock that dies with its process, on the open-file-description locks of `fs-native-extensions` (`LockFileEx` on Windows).
 *
 * Why these: they belong to the open description, so two openers in one process conflict too, and the kernel drops them with the
 * last descriptor, however the process ends. A stopped process keeps them. The file itself is never removed: an unlinked file that
 * one opener still locks and a new one of the same name would be two locks.
 *
 * Releasing unlocks before it closes: a child process that is just being started holds a copy of every descriptor until it runs its
 * own program, and with it the lock.
 *
 * After taking the lock the owner writes its pid into the file, for the message that the loser gets. That is a hint, not the
 * lock: a loser that comes between the two sees the previous owner's pid or none.
 */
import fs from "node:fs";
import { HoldfastError, IoError, LockedError, StateError, errnoOf } from "../../base/index.js";
import type { VfsLock } from "../vfs.js";
import { callFs, shortWrite } from "./node-io.js";

/** Locked is one byte far behind the text, since Windows refuses reads of locked bytes. */
const LOCKED_OFFSET = 0x4000_0000;
const LOCKED_BYTES = 1;

/** The text is always as long, so that taking an existing lock allocates nothing, even on a full disk. */
const OWNER_BYTES = 16;

/** Takes the lock of `path`, or throws a {@link LockedError}. */
export async function lockFile(path: string): Promise<VfsLock> {
  const { tryLock, unlock } = await loadLocking(path);
  const fd = await callFs<number>("lock", path, (callback) =>
    fs.open(path, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o666, callback),
  );
  try {
    if (!tryLock(fd, LOCKED_OFFSET, LOCKED_BYTES)) throw new LockedError(path, await readOwner(fd, path));
    const lock = new NodeLock(path, fd, () => unlock(fd, LOCKED_OFFSET, LOCKED_BYTES));
    try {
      await writeOwner(fd, path, String(process.pid));
    } catch (error) {
      lock.unlock();
      throw error;
    }
    return lock;
  } catch (error) {
    await closeLock(fd, path);
    throw error instanceof HoldfastError ? error : new IoError("lock", path, error);
  }
}

class NodeLock implements VfsLock {
  readonly path: string;
  readonly unlock: () => void;
  readonly #fd: number;
  #releasing: Promise<void> | undefined;

  constructor(path: string, fd: number, unlock: () => void) {
    this.path = path;
    this.#fd = fd;
    this.unlock = unlock;
  }

  release(): Promise<void> {
    this.#releasing ??= this.#release();
    return this.#releasing;
  }

  async #release(): Promise<void> {
    try {
      await writeOwner(this.#fd, this.path, "");
    } finally {
      try {
        this.unlock();
      } finally {
        await closeLock(this.#fd, this.path);
      }
    }
  }
}

function closeLock(fd: number, path: string): Promise<void> {
  return callFs<void>("unlock", path, (callback) => fs.close(fd, (error) => callback(error ?? null, undefined)));
}

async function readOwner(fd: number, path: string): Promise<number | undefined> {
  const bytes = new Uint8Array(OWNER_BYTES);
  await callFs<number>("read", path, (callback) => fs.read(fd, bytes, 0, OWNER_BYTES, 0, callback));
  const text = /^[0-9]{1,10} *\n/.exec(new TextDecoder().decode(bytes))?.[0];
  return text === undefined ? undefined : Number.parseInt(text, 10);
}

async function writeOwner(fd: number, path: string, owner: string): Promise<void> {
  const bytes = new TextEncoder().encode(`${owner.padEnd(OWNER_BYTES - 1)}\n`);
  const written = await callFs<number>("write", path, (callback) => fs.write(fd, bytes, 0, OWNER_BYTES, 0, callback));
  if (written !== OWNER_BYTES) throw shortWrite(path, OWNER_BYTES, written);
}

interface Locking {
  tryLock(fd: number, offset: number, length: number): boolean;
  unlock(fd: number, offset: number, length: number): void;
}

/** Loaded on first use, so that everything but locking works where no prebuilt addon exists. */
async function loadLocking(path: string): Promise<Locking> {
  try {
    return (await import("fs-native-extensions")).default;
  } catch (error) {
    throw new StateError(
      "HF_LOCK_UNAVAILABLE",
      `${path} can't be locked: fs-native-extensions has no build for ${process.platform}-${process.arch} here ` +
        `(${errnoOf(error) ?? String(error)}). Install one, or open for reading only.`,
      { path, platform: process.platform, arch: process.arch },
      error,
    );
  }
}
