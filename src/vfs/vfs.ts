/**
 * The file-system port: everything that holdfast asks of the world outside the process.
 *
 * Two implementations pass one conformance suite: `NodeVfs` (the real one, the only user of `node:fs`) and `SimVfs` (a disk
 * that loses, reorders and tears what was not synced). Each method states what is durable when it resolves; what it does not
 * state is not durable. No method retries, and none hides a short write. Every failure is an `IoError` with operation, path and
 * errno, except where a method says otherwise.
 */

/** How a file is opened. */
export interface OpenFileOptions {
  /** `"read"` refuses every write. `"read-write"` allows both. */
  readonly access: "read" | "read-write";
  /**
   * `"never"` (default): a missing file is an `IoError` with `ENOENT`. `"if-missing"`: made empty when missing.
   * `"exclusive"`: made empty; an existing one is an `IoError` with `EEXIST`. A made file's name is durable only after
   * `syncDirectory` on its directory.
   */
  readonly create?: "never" | "if-missing" | "exclusive";
  /**
   * Every `write` and `writeNow` is durable when it returns, as by `O_DSYNC`: its bytes and the file size needed to read
   * them back, though not the file's name. Default false.
   */
  readonly durableWrites?: boolean;
}

/** What exists at a path. */
export interface VfsStat {
  readonly kind: "file" | "directory" | "other";
  /** Size in bytes of a file; never evidence of what was written (R7). */
  readonly bytes: number;
}

/** An open file. Calls after `close` reject with `IoError`, errno `EBADF`. */
export interface VfsFile {
  readonly path: string;

  /**
   * Reads into `target` from `offset`. Resolves to the number of bytes read, which is less than `target.byteLength` only where
   * the file ends.
   */
  read(target: Uint8Array, offset: number): Promise<number>;

  /**
   * Writes all of `source` at `offset`, extending the file if needed (a gap reads as zeros). Not durable unless the file was opened
   * with `durableWrites`. A count short of `source.byteLength` is an `IoError` (R8). After any failure the bytes in
   * the range are undefined. `source` must not change until the promise settles.
   */
  write(source: Uint8Array, offset: number): Promise<void>;

  /** The same as `write` on the caller's thread: returns when it is done, blocks everything else meanwhile. */
  writeNow(source: Uint8Array, offset: number): void;

  /** Makes durable every byte written so far and the size needed to read them back. Not the file's name. */
  syncData(): Promise<void>;

  /** Sets the size. A larger size reads as zeros. Durable after `syncData`. */
  truncate(bytes: number): Promise<void>;

  /**
   * Makes `[0, bytes)` exist as allocated, written blocks, so that a later overwrite changes no metadata: writes zeros from
   * the current end to `bytes`, leaves existing bytes alone, and syncs. Durable when it resolves. Long: checks `signal` between chunks.
   */
  preallocate(bytes: number, signal?: AbortSignal): Promise<void>;

  /** Current size in bytes. */
  size(): Promise<number>;

  /** Releases the descriptor. Makes nothing durable. Idempotent. */
  close(): Promise<void>;
}

/** A held lock. */
export interface VfsLock {
  readonly path: string;
  /** Idempotent. A process that dies releases its locks too. */
  release(): Promise<void>;
}

/** The file system, the clock and randomness. */
export interface Vfs {
  /** Opens a file, not a directory (`EISDIR`). */
  open(path: string, options: OpenFileOptions): Promise<VfsFile>;

  /**
   * Makes one directory. Resolves to true if it was made, false if a directory was there already; anything else there is
   * `EEXIST`. Its name is durable after `syncDirectory` on its parent.
   */
  makeDirectory(path: string): Promise<boolean>;

  /** The names in a directory, in no order that means anything (R7). */
  list(path: string): Promise<string[]>;

  /** What is at `path`; `undefined` where nothing is. */
  stat(path: string): Promise<VfsStat | undefined>;

  /** Renames a file, replacing one at `to` atomically. Durable after `syncDirectory` on the parent of each. */
  rename(from: string, to: string): Promise<void>;

  /** Removes a file's name. Open descriptors keep reading it. Durable after `syncDirectory` on its parent. */
  remove(path: string): Promise<void>;

  /**
   * Removes an empty directory: `ENOTEMPTY` where it holds names, `ENOENT` where nothing is, `ENOTDIR` for a file. Durable after
   * `syncDirectory` on its parent; a crash before that leaves it or not, and which of the names removed from it come back is open too.
   */
  removeDirectory(path: string): Promise<void>;

  /** Makes durable every name made, renamed or removed in the directory so far. */
  syncDirectory(path: string): Promise<void>;

  /**
   * Takes the exclusive lock of a file, which it makes if missing. Held until `release` or the death of the process, however it
   * dies. Held already, in this process or another: `LockedError` with the owner's pid where it is known. The file stays after release.
   */
  lock(path: string): Promise<VfsLock>;

  /** Joins path segments with this file system's separator. */
  join(...segments: readonly string[]): string;

  /** The directory part of a path. */
  parent(path: string): string;

  /** `count` unpredictable bytes (a seeded sequence on the simulated disk). */
  randomBytes(count: number): Uint8Array;

  /** Milliseconds from an arbitrary start, never going back. For measuring and pacing, never evidence. */
  nowMs(): number;

  /**
   * Resolves after about `ms` milliseconds; rejects with `signal.reason` when aborted. Keeps the process alive meanwhile, unless `background` is
   * set: then the process may end before.
   */
  delay(ms: number, signal?: AbortSignal, background?: boolean): Promise<void>;
}
