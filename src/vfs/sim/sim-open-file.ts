/** An open file of the simulated disk. */
import { errnoOf, IoError } from "../../base/index.js";
import type { OpenFileOptions, VfsFile } from "../vfs.js";
import type { Fault, FaultPlan, SimOperation } from "./fault-plan.js";
import type { DiskOperation, SimDisk } from "./sim-disk.js";
import { errno } from "./sim-disk.js";
import type { SimFile } from "./sim-file.js";

/** Bytes of zeros between two looks at the signal of `preallocate`. */
const PREALLOCATE_CHUNK_BYTES = 1024 * 1024;
const never = new Promise<never>(() => undefined);

/** The process that has the file open. */
export interface OpenFileHost {
  readonly disk: SimDisk;
  readonly dead: boolean;
  readonly faults: FaultPlan | undefined;
  /** Counts an operation; false for a dead process. */
  enter(operation: SimOperation, path: string, durable?: boolean): boolean;
  /** Begins an operation now and ends it some turns later. */
  run<T>(
    operation: SimOperation,
    path: string,
    begin: (lies: boolean) => { readonly value: T; readonly end?: () => void },
  ): Promise<T>;
}

/** A descriptor of one process. */
export class SimOpenFile implements VfsFile {
  readonly path: string;
  readonly #vfs: OpenFileHost;
  readonly #file: SimFile;
  readonly #writable: boolean;
  readonly #durable: boolean;
  readonly #onClose: () => void;
  #closed = false;

  constructor(vfs: OpenFileHost, path: string, file: SimFile, options: OpenFileOptions, onClose: () => void) {
    this.#vfs = vfs;
    this.path = path;
    this.#file = file;
    this.#writable = options.access === "read-write";
    this.#durable = options.durableWrites === true;
    this.#onClose = onClose;
  }

  read(target: Uint8Array, offset: number): Promise<number> {
    return this.#vfs.run("read", this.path, () => {
      this.#check("read");
      return { value: this.#file.read(target, offset) };
    });
  }

  write(source: Uint8Array, offset: number): Promise<void> {
    if (!this.#vfs.enter("write", this.path, this.#durable)) return never;
    return new Promise((resolve, reject) => {
      const { failure, end } = this.#beginWrite(source, offset);
      this.#vfs.disk.scheduler.submit(this.#vfs, () => {
        end?.();
        if (failure === undefined) resolve();
        else reject(failure);
      });
    });
  }

  writeNow(source: Uint8Array, offset: number): void {
    // A dead process has nobody to return to; an error is the nearest thing to never returning.
    if (!this.#vfs.enter("write", this.path, this.#durable)) throw new IoError("write", this.path, errno("EBADF"));
    const { failure, end } = this.#beginWrite(source, offset);
    end?.();
    if (failure !== undefined) throw failure;
  }

  syncData(): Promise<void> {
    if (!this.#vfs.enter("sync-data", this.path)) return never;
    return new Promise((resolve, reject) => {
      const disk = this.#vfs.disk;
      let failure: IoError | undefined;
      let end: (() => void) | undefined;
      try {
        const fault = this.#vfs.faults?.next("sync-data", this.path);
        this.#check("sync");
        const operation: DiskOperation = {
          id: disk.nextOperation(),
          operation: "sync-data",
          path: this.path,
          failed: failedBy(fault),
        };
        const covers = disk.coverage();
        disk.recorder?.record("begin", operation);
        end = () => {
          if (fault === undefined) disk.syncFile(this.#file, covers);
          else if (fault.errno !== undefined)
            disk.failSync(this.#file, covers, fault.sync ?? { pages: "kept", reached: "none" });
          disk.recorder?.record("end", operation);
        };
        if (fault?.errno !== undefined) failure = new IoError("sync-data", this.path, errno(fault.errno));
      } catch (error) {
        failure = asIoError("sync-data", this.path, error);
      }
      disk.scheduler.submit(this.#vfs, () => {
        end?.();
        if (failure === undefined) resolve();
        else reject(failure);
      });
    });
  }

  truncate(bytes: number): Promise<void> {
    return this.#vfs.run("truncate", this.path, () => {
      this.#check("write");
      const disk = this.#vfs.disk;
      const operation = { id: disk.nextOperation(), operation: "truncate", path: this.path, bytes };
      this.#file.truncate(operation.id, bytes);
      disk.recorder?.record("begin", operation);
      return { value: undefined, end: () => disk.recorder?.record("end", operation) };
    });
  }

  async preallocate(bytes: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    for (;;) {
      const more = await this.#vfs.run("preallocate", this.path, () => {
        this.#check("write");
        const from = this.#file.bytes;
        if (from >= bytes) return { value: false };
        const to = Math.min(bytes, from + PREALLOCATE_CHUNK_BYTES);
        const disk = this.#vfs.disk;
        const operation = {
          id: disk.nextOperation(),
          operation: "preallocate",
          path: this.path,
          offset: from,
          bytes: to - from,
        };
        this.#file.truncate(operation.id, to);
        disk.recorder?.record("begin", operation);
        return { value: to < bytes, end: () => disk.recorder?.record("end", operation) };
      });
      signal?.throwIfAborted();
      if (!more) break;
    }
    await this.syncData();
  }

  size(): Promise<number> {
    return this.#vfs.run("size", this.path, () => {
      this.#check("read");
      return { value: this.#file.bytes };
    });
  }

  async close(): Promise<void> {
    if (this.#vfs.dead) return never;
    if (this.#closed) return;
    this.#closed = true;
    this.#onClose();
  }

  #beginWrite(source: Uint8Array, offset: number): { failure: IoError | undefined; end: (() => void) | undefined } {
    const disk = this.#vfs.disk;
    try {
      const fault = this.#vfs.faults?.next("write", this.path);
      this.#check("write");
      if (source.byteLength === 0) return { failure: undefined, end: undefined };
      const inSync = this.#durable && (fault?.sync !== undefined || (fault !== undefined && fault.errno === undefined));
      const written =
        fault === undefined || inSync || fault.errno === undefined
          ? source.byteLength
          : Math.min(fault.writtenBytes ?? 0, source.byteLength);
      const failure =
        fault?.errno === undefined ? undefined : new IoError("write", this.path, errno(fault.errno), { offset });
      const operation: DiskOperation = {
        id: disk.nextOperation(),
        operation: "write",
        path: this.path,
        offset,
        bytes: written,
        durable: this.#durable,
        failed: failedBy(fault),
      };
      if (written === 0) {
        disk.recorder?.record("begin", operation);
        return { failure, end: () => disk.recorder?.record("end", operation) };
      }
      disk.write(
        operation.id,
        this.#file,
        written === source.byteLength ? source : source.subarray(0, written),
        offset,
      );
      disk.recorder?.record("begin", operation);
      const end = (): void => {
        disk.writeEnded(operation.id);
        const own = (id: number): boolean => id === operation.id;
        if (this.#durable) {
          if (fault === undefined) this.#file.syncWrite(operation.id, offset + source.byteLength);
          else if (inSync && fault.errno !== undefined && fault.sync !== undefined)
            disk.failSync(this.#file, own, fault.sync);
        }
        disk.recorder?.record("end", operation);
      };
      return { failure, end };
    } catch (error) {
      return { failure: asIoError("write", this.path, error), end: undefined };
    }
  }

  #check(use: "read" | "write" | "sync"): void {
    if (this.#closed) throw errno("EBADF");
    if (use === "write" && !this.#writable) throw errno("EBADF");
  }
}

function failedBy(fault: Fault | undefined): string | undefined {
  return fault === undefined ? undefined : (fault.errno ?? "lie");
}

function asIoError(operation: SimOperation, path: string, error: unknown): IoError {
  return error instanceof IoError && errnoOf(error) === "HF_IO" ? error : new IoError(operation, path, error);
}
