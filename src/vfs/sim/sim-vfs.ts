/**
 * A process on a simulated machine: the file-system port over a {@link SimDisk}.
 *
 * Every operation has a beginning, where it takes effect in the page cache, and an end, where its promise settles; a crash may fall
 * anywhere between. What a power cut leaves is decided by the disk. A process that was killed, or whose machine lost power, is dead: its
 * operations never settle, so nothing of it can touch the next life of the disk.
 */
import { posix } from "node:path";
import type { SeededRandom } from "../../base/index.js";
import { errnoOf, IoError, LockedError } from "../../base/index.js";
import type { OpenFileOptions, Vfs, VfsFile, VfsLock, VfsStat } from "../vfs.js";
import type { Chooser } from "./chooser.js";
import { keepEverything, keepNothing } from "./chooser.js";
import type { FaultPlan, SimOperation } from "./fault-plan.js";
import type { DiskOperation, SimDiskOptions } from "./sim-disk.js";
import { errno, SimDisk } from "./sim-disk.js";
import { SimOpenFile } from "./sim-open-file.js";

/** A file or directory of {@link SimVfs.snapshotTree}. */
export interface TreeEntry {
  readonly path: string;
  /** The contents of a file; `undefined` for a directory. */
  readonly contents: Uint8Array | undefined;
}

/** Options of a process. */
export interface SimVfsOptions extends SimDiskOptions {
  /** The disk to run on. Default: a new, empty one, made with the other options. */
  readonly disk?: SimDisk;
  /** Failing operations. Default none. */
  readonly faults?: FaultPlan;
  /** A process that asks for more operations than this is taken for one that never ends, and dies. Default 10,000,000. */
  readonly operationsMax?: number;
}

const never = new Promise<never>(() => undefined);

/**
 * A process's view of the simulated machine.
 *
 * ```ts
 * import { SimVfs } from "holdfast/vfs";
 *
 * const vfs = new SimVfs({ seed: 1 });
 * const file = await vfs.open("/file", { access: "read-write", create: "if-missing" });
 * await file.write(Uint8Array.of(7), 0);
 * const afterCut = vfs.kill().powerCut(); // neither the file nor its name was synced
 * console.log(await afterCut.stat("/file")); // undefined
 * ```
 */
export class SimVfs implements Vfs {
  readonly disk: SimDisk;
  readonly pid: number;
  /** Failing operations; may be changed at any time. */
  faults: FaultPlan | undefined;
  /** Operations begun so far, reads included. */
  operations = 0;
  /** True when `operationsMax` was passed. */
  runaway = false;
  /** When set, hears of every operation, reads included; `durable` is true for writes to a file with `durableWrites`. */
  trace: ((operation: SimOperation, path: string, durable: boolean) => void) | undefined;
  readonly #operationsMax: number;
  #random: SeededRandom | undefined;
  readonly #open = new Set<SimOpenFile>();
  #dead = false;

  constructor(options: SimVfsOptions = {}) {
    this.disk = options.disk ?? new SimDisk(options);
    this.pid = 1000 + ++this.disk.pidsMade;
    this.faults = options.faults;
    this.#operationsMax = options.operationsMax ?? 10_000_000;
  }

  /** Whether the process was killed or lost power. */
  get dead(): boolean {
    return this.#dead;
  }

  /** Another process on the same machine. */
  otherProcess(): SimVfs {
    return new SimVfs({ disk: this.disk });
  }

  /**
   * Kills this process (and every other on the machine) and returns a fresh one that sees the page cache as it was. `chooser` says how
   * much of the writes in flight was done; default all of it.
   */
  kill(chooser: Chooser = keepEverything): SimVfs {
    const snapshot = this.disk.snapshot();
    this.die();
    return new SimVfs({ disk: SimDisk.afterKill(snapshot, chooser, { seed: this.disk.random.nextU32() }) });
  }

  /** Cuts the power and returns a fresh process on what the disk kept. `chooser` decides that; default: nothing that was not synced. */
  powerCut(chooser: Chooser = keepNothing): SimVfs {
    const snapshot = this.disk.snapshot();
    this.die();
    return new SimVfs({
      disk: SimDisk.afterPowerCut(snapshot.powerCut(), chooser, { seed: this.disk.random.nextU32() }),
    });
  }

  /** Ends this process: its locks are free, its operations in flight and all later ones never settle. */
  die(): void {
    this.#dead = true;
    this.disk.releaseProcess(this);
  }

  /** The paths of files that are open. */
  openHandles(): string[] {
    return [...this.#open].map((file) => file.path).sort();
  }

  /** All files and directories as the process would see them, without deciding anything that is still open. */
  snapshotTree(): TreeEntry[] {
    const disk = SimDisk.afterKill(this.disk.snapshot(), keepNothing);
    const entries: TreeEntry[] = [];
    const visit = (path: string): void => {
      const node = disk.find(path);
      if (node?.kind === "directory") {
        if (path !== "/") entries.push({ path, contents: undefined });
        for (const name of node.names()) visit(posix.join(path, name));
      } else if (node?.kind === "file") {
        const contents = new Uint8Array(node.bytes);
        node.read(contents, 0);
        entries.push({ path, contents });
      }
    };
    visit("/");
    return entries;
  }

  open(path: string, options: OpenFileOptions): Promise<VfsFile> {
    return this.run("open", path, () => {
      const disk = this.disk;
      let node = disk.find(path);
      const create = options.create ?? "never";
      if (node?.kind === "directory") throw errno("EISDIR");
      if (node !== undefined && create === "exclusive") throw errno("EEXIST");
      let operation: DiskOperation | undefined;
      if (node === undefined) {
        if (create === "never") throw errno("ENOENT");
        const place = disk.place(path);
        operation = { id: disk.nextOperation(), operation: "create", path };
        node = disk.makeFile(operation.id, place.directory, place.name, disk.normalize(path));
        disk.recorder?.record("begin", operation);
      }
      const file = new SimOpenFile(this, path, node, options, () => this.#open.delete(file));
      return {
        value: file,
        end: () => {
          this.#open.add(file);
          if (operation !== undefined) disk.recorder?.record("end", operation);
        },
      };
    });
  }

  makeDirectory(path: string): Promise<boolean> {
    return this.run("make-directory", path, () => {
      const there = this.disk.normalize(path) === "/" ? this.disk.find("/") : undefined;
      if (there !== undefined) return { value: false };
      const { directory, name } = this.disk.place(path);
      const target = directory.lookup(name);
      if (target !== 0) {
        if (this.disk.inode(target)?.kind === "directory") return { value: false };
        throw errno("EEXIST");
      }
      const operation = { id: this.disk.nextOperation(), operation: "make-directory", path };
      this.disk.makeDirectory(operation.id, directory, name, this.disk.normalize(path));
      return this.#changed(operation, true);
    });
  }

  list(path: string): Promise<string[]> {
    return this.run("list", path, () => ({ value: this.#directory(path).names() }));
  }

  stat(path: string): Promise<VfsStat | undefined> {
    return this.run("stat", path, () => {
      const node = this.disk.find(path);
      if (node === undefined) return { value: undefined };
      return { value: { kind: node.kind, bytes: node.kind === "file" ? node.bytes : 0 } };
    });
  }

  rename(from: string, to: string): Promise<void> {
    return this.run("rename", from, () => {
      const source = this.disk.place(from);
      const inode = source.directory.lookup(source.name);
      if (inode === 0) throw errno("ENOENT");
      const target = this.disk.place(to);
      const replaced = target.directory.lookup(target.name);
      if (this.disk.inode(inode)?.kind === "directory") throw errno("EISDIR");
      if (replaced !== 0 && this.disk.inode(replaced)?.kind === "directory") throw errno("EISDIR");
      if (replaced === inode) return { value: undefined };
      const operation = { id: this.disk.nextOperation(), operation: "rename", path: from, to };
      this.disk.rename(operation.id, source, target);
      return this.#changed(operation, undefined);
    });
  }

  remove(path: string): Promise<void> {
    return this.run("remove", path, () => {
      const { directory, name } = this.disk.place(path);
      const inode = directory.lookup(name);
      if (inode === 0) throw errno("ENOENT");
      if (this.disk.inode(inode)?.kind === "directory") throw errno("EISDIR");
      const operation = { id: this.disk.nextOperation(), operation: "remove", path };
      this.disk.remove(operation.id, directory, name);
      return this.#changed(operation, undefined);
    });
  }

  removeDirectory(path: string): Promise<void> {
    return this.run("remove-directory", path, () => {
      const { directory, name } = this.disk.place(path);
      const inode = directory.lookup(name);
      if (inode === 0) throw errno("ENOENT");
      const node = this.disk.inode(inode);
      if (node?.kind !== "directory") throw errno("ENOTDIR");
      if (node.names().length > 0) throw errno("ENOTEMPTY");
      const operation = { id: this.disk.nextOperation(), operation: "remove-directory", path };
      this.disk.remove(operation.id, directory, name);
      return this.#changed(operation, undefined);
    });
  }

  syncDirectory(path: string): Promise<void> {
    return this.run("sync-directory", path, (lies) => {
      const directory = this.#directory(path);
      const operation = { id: this.disk.nextOperation(), operation: "sync-directory", path };
      const covers = this.disk.coverage();
      this.disk.recorder?.record("begin", operation);
      return {
        value: undefined,
        end: () => {
          if (!lies) this.disk.syncDirectory(directory, covers);
          this.disk.recorder?.record("end", operation);
        },
      };
    });
  }

  lock(path: string): Promise<VfsLock> {
    const key = this.disk.normalize(path);
    return this.run("lock", path, () => {
      const { directory, name } = this.disk.place(path);
      const inode = directory.lookup(name);
      if (inode !== 0 && this.disk.inode(inode)?.kind === "directory") throw errno("EISDIR");
      const held = this.disk.locks.get(key);
      if (held !== undefined) throw new LockedError(path, held.pid);
      this.disk.locks.set(key, { owner: this, pid: this.pid });
      const lock: VfsLock = {
        path,
        release: async () => {
          const now = this.disk.locks.get(key);
          if (released || this.#dead || now?.owner !== this) return;
          released = true;
          this.disk.locks.delete(key);
        },
      };
      let released = false;
      if (inode !== 0) return { value: lock };
      const operation = { id: this.disk.nextOperation(), operation: "create", path };
      this.disk.makeFile(operation.id, directory, name, key);
      return this.#changed(operation, lock);
    });
  }

  join(...segments: readonly string[]): string {
    const [directory = "", name = ""] = segments;
    if (segments.length !== 2 || !directory.startsWith("/") || !isPlain(name)) return posix.join(...segments);
    const parent = this.disk.normalize(directory);
    return parent === "/" ? `/${name}` : `${parent}/${name}`;
  }

  parent(path: string): string {
    return posix.dirname(path);
  }

  randomBytes(count: number): Uint8Array {
    this.#random ??= this.disk.random.fork(`process ${this.pid}`);
    return this.#random.bytes(count);
  }

  nowMs(): number {
    return this.disk.scheduler.nowMs;
  }

  delay(ms: number, signal?: AbortSignal): Promise<void> {
    if (this.#dead) return never;
    return this.disk.scheduler.delay(this, ms, signal);
  }

  /** Counts an operation; false for a dead process. Used by open files. */
  enter(operation: SimOperation, path: string, durable = false): boolean {
    if (this.#dead) return false;
    if (++this.operations > this.#operationsMax) {
      this.runaway = true;
      this.die();
      return false;
    }
    this.trace?.(operation, path, durable);
    return true;
  }

  /**
   * Runs one operation: `begin` takes effect now and returns the value with what is to happen at the end, or throws; the promise settles
   * at the end. Used by open files.
   */
  run<T>(
    operation: SimOperation,
    path: string,
    begin: (lies: boolean) => { readonly value: T; readonly end?: () => void },
  ): Promise<T> {
    if (!this.enter(operation, path)) return never;
    return new Promise((resolve, reject) => {
      let begun: { readonly value: T; readonly end?: () => void } | undefined;
      let failure: unknown;
      try {
        const fault = this.faults?.next(operation, path);
        if (fault?.errno !== undefined) throw errno(fault.errno);
        begun = begin(fault !== undefined);
      } catch (error) {
        failure =
          error instanceof Error && errnoOf(error)?.startsWith("HF_") === true
            ? error
            : new IoError(operation, path, error);
      }
      this.disk.scheduler.submit(this, () => {
        if (begun === undefined) {
          reject(failure);
          return;
        }
        begun.end?.();
        resolve(begun.value);
      });
    });
  }

  #directory(path: string): Extract<ReturnType<SimDisk["find"]>, { kind: "directory" }> {
    const node = this.disk.find(path);
    if (node === undefined) throw errno("ENOENT");
    if (node.kind !== "directory") throw errno("ENOTDIR");
    return node;
  }

  #changed<T>(operation: DiskOperation, value: T): { readonly value: T; readonly end: () => void } {
    this.disk.recorder?.record("begin", operation);
    return { value, end: () => this.disk.recorder?.record("end", operation) };
  }
}

/** Whether a segment of a path is one name. */
function isPlain(segment: string): boolean {
  return segment !== "" && segment !== "." && segment !== ".." && !segment.includes("/");
}
