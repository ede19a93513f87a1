/**
 * The real file system, on `node:fs`: the only user of that module below the command line.
 *
 * What platforms differ in, and what is done about it:
 *
 * | need | Linux | macOS | Windows |
 * |---|---|---|---|
 * | `syncData` | `fdatasync` | `F_FULLFSYNC` (libuv does it) | `FlushFileBuffers` |
 * | `durableWrites` | `O_DSYNC` | write, then `syncData`: `O_DSYNC` there does not empty the drive's cache | write, then `syncData` |
 * | `syncDirectory` | `fsync` of the directory | the same | nothing: the platform has no such call, names are as durable as NTFS makes them |
 *
 * A directory sync that fails on Linux or macOS is an error, whatever the errno: without it no new name can be called durable.
 */
import { randomFillSync } from "node:crypto";
import fs from "node:fs";
import { dirname, join } from "node:path";
import { IoError, checkOneOf, checkOptions, invalid } from "../../base/index.js";
import type { OpenFileOptions, Vfs, VfsFile, VfsLock, VfsStat } from "../vfs.js";
import { NodeFile } from "./node-file.js";
import { callFs, ioErrorOf } from "./node-io.js";
import { lockFile } from "./node-lock.js";

const { O_CREAT, O_EXCL, O_RDONLY, O_RDWR } = fs.constants;

/** How durable writes are made: by an open flag, or by a sync after each write. */
export type DurableWriteMethod = "flag" | "sync-after-write";

/** Options of {@link NodeVfs}. */
export interface NodeVfsOptions {
  /** Default `"flag"` (`O_DSYNC`) on Linux and FreeBSD, `"sync-after-write"` elsewhere, where `"flag"` is refused. */
  readonly durableWriteMethod?: DurableWriteMethod;
}

/** The file system of this machine. Stateless: one instance, {@link nodeVfs}, serves everyone. */
export class NodeVfs implements Vfs {
  readonly durableWriteMethod: DurableWriteMethod;

  constructor(options: NodeVfsOptions = {}) {
    const where = "new NodeVfs";
    const given = checkOptions<NodeVfsOptions>(where, options, ["durableWriteMethod"]).durableWriteMethod;
    const byDefault: DurableWriteMethod = hasHonestDsync() ? "flag" : "sync-after-write";
    const method = checkOneOf(where, "durableWriteMethod", given, ["flag", "sync-after-write"], byDefault);
    if (method === "flag" && !hasHonestDsync())
      throw invalid(where, "durableWriteMethod", method, `"sync-after-write" on ${process.platform}`);
    this.durableWriteMethod = method;
  }

  async open(path: string, options: OpenFileOptions): Promise<VfsFile> {
    const { access, create = "never", durableWrites = false } = options;
    const flags =
      (access === "read" ? O_RDONLY : O_RDWR) |
      (create === "never" ? 0 : O_CREAT) |
      (create === "exclusive" ? O_EXCL : 0) |
      (durableWrites && this.durableWriteMethod === "flag" ? fs.constants.O_DSYNC : 0);
    const fd = await callFs<number>("open", path, (callback) => fs.open(path, flags, 0o666, callback));
    const file = new NodeFile(path, fd, durableWrites && this.durableWriteMethod === "sync-after-write");
    // A directory can be opened for reading; its descriptor is of no use as a file.
    if (access === "read") {
      let isDirectory: boolean;
      try {
        isDirectory = (await callFs<fs.Stats>("open", path, (callback) => fs.fstat(fd, callback))).isDirectory();
      } catch (error) {
        await file.close();
        throw error;
      }
      if (isDirectory) {
        await file.close();
        throw ioErrorOf("open", path, "EISDIR", "it is a directory");
      }
    }
    return file;
  }

  async makeDirectory(path: string): Promise<boolean> {
    try {
      await callFs<void>("mkdir", path, (callback) => fs.mkdir(path, (error) => callback(error, undefined)));
      return true;
    } catch (error) {
      if (!(error instanceof IoError && error.errno === "EEXIST")) throw error;
      if ((await this.stat(path))?.kind !== "directory") throw error;
      return false;
    }
  }

  list(path: string): Promise<string[]> {
    return callFs<string[]>("list", path, (callback) => fs.readdir(path, callback));
  }

  async stat(path: string): Promise<VfsStat | undefined> {
    try {
      const stats = await callFs<fs.Stats>("stat", path, (callback) => fs.stat(path, callback));
      return { kind: stats.isFile() ? "file" : stats.isDirectory() ? "directory" : "other", bytes: stats.size };
    } catch (error) {
      if (error instanceof IoError && error.errno === "ENOENT") return undefined;
      throw error;
    }
  }

  async rename(from: string, to: string): Promise<void> {
    await callFs<void>("rename", from, (callback) => fs.rename(from, to, (error) => callback(error, undefined)));
  }

  async remove(path: string): Promise<void> {
    await callFs<void>("remove", path, (callback) => fs.unlink(path, (error) => callback(error, undefined)));
  }

  async removeDirectory(path: string): Promise<void> {
    await callFs<void>("remove-directory", path, (callback) => fs.rmdir(path, (error) => callback(error, undefined)));
  }

  async syncDirectory(path: string): Promise<void> {
    if (process.platform === "win32") {
      if ((await this.stat(path))?.kind !== "directory")
        throw ioErrorOf("sync-directory", path, "ENOENT", "no such directory");
      return;
    }
    const flags = O_RDONLY | fs.constants.O_DIRECTORY;
    const fd = await callFs<number>("sync-directory", path, (callback) => fs.open(path, flags, callback));
    try {
      await callFs<void>("sync-directory", path, (callback) => fs.fsync(fd, (error) => callback(error, undefined)));
    } finally {
      await callFs<void>("close", path, (callback) => fs.close(fd, (error) => callback(error ?? null, undefined)));
    }
  }

  lock(path: string): Promise<VfsLock> {
    return lockFile(path);
  }

  join(...segments: readonly string[]): string {
    return join(...segments);
  }

  parent(path: string): string {
    return dirname(path);
  }

  randomBytes(count: number): Uint8Array {
    return randomFillSync(new Uint8Array(count));
  }

  nowMs(): number {
    return performance.now();
  }

  delay(ms: number, signal?: AbortSignal, background: boolean = false): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason);
        return;
      }
      const onAbort = (): void => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      }, ms);
      if (background) timer.unref();
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }
}

/** Whether `O_DSYNC` exists and reaches the medium. */
function hasHonestDsync(): boolean {
  return typeof fs.constants.O_DSYNC === "number" && (process.platform === "linux" || process.platform === "freebsd");
}

/** The file system of this machine. */
export const nodeVfs: Vfs = new NodeVfs();
