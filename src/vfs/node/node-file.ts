/**
 * An open file on `node:fs`.
 *
 * Invariants:
 * - Every call is one system call on the file's own descriptor, but for reads and `preallocate`, which go on until they are done.
 *   Nothing is retried: after a failure the state of the range is unknown and the caller decides.
 * - The descriptor is closed only after the last call in flight has come back. Otherwise its number could already name
 *   another file when a queued write reaches the kernel.
 */
import fs from "node:fs";
import type { VfsFile } from "../vfs.js";
import { callFs, callFsNow, ioErrorOf, shortWrite, type NodeCallback } from "./node-io.js";

/** Long enough to keep the disk busy, short enough to notice an abort. */
const PREALLOCATE_CHUNK_BYTES = 1024 * 1024;

export class NodeFile implements VfsFile {
  readonly path: string;
  readonly #fd: number;
  /** A sync follows each write, because this platform has no open flag that means it. */
  readonly #syncAfterWrite: boolean;
  #callsInFlight = 0;
  #closing: Promise<void> | undefined;
  #onIdle: (() => void) | undefined;

  constructor(path: string, fd: number, syncAfterWrite: boolean) {
    this.path = path;
    this.#fd = fd;
    this.#syncAfterWrite = syncAfterWrite;
  }

  async read(target: Uint8Array, offset: number): Promise<number> {
    let done = 0;
    while (done < target.byteLength) {
      // The kernel may give less than there is; only zero means the end.
      const count = await this.#call<number>("read", (callback) =>
        fs.read(this.#fd, target, done, target.byteLength - done, offset + done, callback),
      );
      if (count === 0) break;
      done += count;
    }
    if (target.byteLength === 0) this.#checkOpen("read");
    return done;
  }

  write(source: Uint8Array, offset: number): Promise<void> {
    const written = this.#write(source, offset);
    return this.#syncAfterWrite ? written.then(() => this.syncData()) : written;
  }

  writeNow(source: Uint8Array, offset: number): void {
    this.#checkOpen("write");
    const asked = source.byteLength;
    const written = callFsNow("write", this.path, () => fs.writeSync(this.#fd, source, 0, asked, offset));
    if (written !== asked) throw shortWrite(this.path, asked, written);
    if (this.#syncAfterWrite) callFsNow("sync", this.path, () => fs.fdatasyncSync(this.#fd));
  }

  async syncData(): Promise<void> {
    await this.#call<void>("sync", (callback) => fs.fdatasync(this.#fd, (error) => callback(error, undefined)));
  }

  async truncate(bytes: number): Promise<void> {
    await this.#call<void>("truncate", (callback) =>
      fs.ftruncate(this.#fd, bytes, (error) => callback(error, undefined)),
    );
  }

  async preallocate(bytes: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    let at = await this.size();
    const zeros = new Uint8Array(Math.max(0, Math.min(PREALLOCATE_CHUNK_BYTES, bytes - at)));
    while (at < bytes) {
      signal?.throwIfAborted();
      const count = Math.min(zeros.byteLength, bytes - at);
      await this.#write(count === zeros.byteLength ? zeros : zeros.subarray(0, count), at);
      at += count;
    }
    // A crash before this returns leaves any size up to `bytes`, zeros or nothing where it grew: nobody was told otherwise.
    await this.syncData();
  }

  async size(): Promise<number> {
    const stats = await this.#call<fs.Stats>("stat", (callback) => fs.fstat(this.#fd, callback));
    return stats.size;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#callsInFlight > 0) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    }
    await callFs<void>("close", this.path, (callback) =>
      fs.close(this.#fd, (error) => callback(error ?? null, undefined)),
    );
  }

  async #write(source: Uint8Array, offset: number): Promise<void> {
    const asked = source.byteLength;
    const written = await this.#call<number>("write", (callback) =>
      fs.write(this.#fd, source, 0, asked, offset, callback),
    );
    if (written !== asked) throw shortWrite(this.path, asked, written);
  }

  async #call<Result>(operation: string, start: (callback: NodeCallback<Result>) => void): Promise<Result> {
    this.#checkOpen(operation);
    this.#callsInFlight++;
    try {
      return await callFs(operation, this.path, start);
    } finally {
      this.#callsInFlight--;
      if (this.#callsInFlight === 0) this.#onIdle?.();
    }
  }

  #checkOpen(operation: string): void {
    if (this.#closing !== undefined) throw ioErrorOf(operation, this.path, "EBADF", "the file is closed");
  }
}
