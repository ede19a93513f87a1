/**
 * An e2store file: entries one after the other, each a header of 8 bytes and its data. Little-endian:
 *
 *      0        2          6            8
 *      +--------+----------+------------+-----------------+
 *      |  type  |  length  |  reserved  |  data, `length` |
 *      |  u16   |   u32    |  u16, zero |      bytes      |
 *      +--------+----------+------------+-----------------+
 *
 * Whoever reads an entry says how long it may be, and nothing longer than the file is ever allocated.
 */
import { type FileHandle, open } from "node:fs/promises";
import { CorruptionError, IoError, readU16, readU32 } from "../../../base/index.js";

/** Bytes of an entry before its data. */
export const entryHeaderBytes = 8;

/** Read at once, so that small entries share a read. */
const windowBytes = 256 * 1024;

/** One entry. */
export interface Entry {
  readonly type: number;
  /** Where its header starts. */
  readonly offset: number;
  /** Where the next entry starts. */
  readonly end: number;
  /** Valid until the next read. */
  readonly data: Uint8Array;
}

/** See the head of this file. */
export class EntryFile {
  readonly path: string;
  /** Bytes of the file when it was opened. */
  readonly bytes: number;
  readonly #file: FileHandle;
  #window: Uint8Array = new Uint8Array(0);
  #windowStart = 0;

  private constructor(path: string, file: FileHandle, bytes: number) {
    this.path = path;
    this.#file = file;
    this.bytes = bytes;
  }

  static async open(path: string): Promise<EntryFile> {
    let file: FileHandle | undefined;
    try {
      file = await open(path, "r");
      const { size } = await file.stat();
      return new EntryFile(path, file, size);
    } catch (error) {
      await file?.close().catch(() => undefined);
      throw new IoError("open", path, error);
    }
  }

  /** The entry at `offset`. An entry that is longer than `bytesMax`, or than what is left of the file, is damage. */
  async entryAt(offset: number, bytesMax: number): Promise<Entry> {
    const header = await this.read(offset, entryHeaderBytes, "the header of an entry");
    const type = readU16(header, 0);
    const length = readU32(header, 2);
    const reserved = readU16(header, 6);
    if (reserved !== 0) throw this.damaged(offset, "an entry whose reserved bytes are zero", `${reserved} in them`);
    if (length > bytesMax) throw this.damaged(offset, `an entry of at most ${bytesMax} bytes`, `one of ${length}`);
    const start = offset + entryHeaderBytes;
    const data = await this.read(start, length, `an entry of ${length} bytes`);
    return { type, offset, end: start + length, data };
  }

  /** A view of `length` bytes at `offset`, valid until the next read. */
  async read(offset: number, length: number, what: string): Promise<Uint8Array> {
    if (length > this.bytes - offset)
      throw this.damaged(offset, what, `the end of the file after ${Math.max(0, this.bytes - offset)} bytes`);
    if (offset < this.#windowStart || offset + length > this.#windowStart + this.#window.length)
      await this.#moveWindow(offset, Math.min(Math.max(length, windowBytes), this.bytes - offset));
    const at = offset - this.#windowStart;
    return this.#window.subarray(at, at + length);
  }

  /** The error that says where the file is not what it should be. */
  damaged(offset: number, expected: string, found: string, cause?: unknown): CorruptionError {
    const advice = "Take another copy of the file.";
    return new CorruptionError({ path: this.path, offset, expected, found, advice }, cause);
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #moveWindow(start: number, length: number): Promise<void> {
    const bytes = new Uint8Array(length);
    for (let filled = 0; filled < length;) {
      let bytesRead: number;
      try {
        ({ bytesRead } = await this.#file.read(bytes, filled, length - filled, start + filled));
      } catch (error) {
        throw new IoError("read", this.path, error, { offset: start + filled });
      }
      if (bytesRead === 0)
        throw this.damaged(start + filled, `${length - filled} more bytes`, "a file that has become shorter");
      filled += bytesRead;
    }
    this.#window = bytes;
    this.#windowStart = start;
  }
}
