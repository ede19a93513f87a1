/**
 * The mark: where the writer tells readers in other processes how far it got, each time it comes to rest.
 *
 * Without it a reader could show only what a later group's floor proves durable, always one group behind. It is written after the
 * sync that it tells of and never synced itself, so it may lag and may be lost with the power, but never claims too much. Recovery takes
 * a sound mark as evidence that an LSN had been durable (R5), and does well without one.
 */
import { readU32, readU64, writeU32, writeU64 } from "../base/index.js";
import { crc32c, crc32cRange } from "../checksum/index.js";
import type { Vfs, VfsFile } from "../vfs/index.js";

/** "HFMK" as it stands on disk. */
const MAGIC = 0x4b4d_4648;
const CRC = 4;
const EPOCH = 8;
const DURABLE = 16;
const VISIBLE = 24;
const MARK_BYTES = 32;

/** What a mark says. */
export interface LogMark {
  /** The epoch in which it was written. It says nothing about another. */
  readonly epoch: number;
  readonly durableLsn: number;
  /** The highest acknowledged LSN; above `durableLsn` only in the weaker durability modes. */
  readonly visibleLsn: number;
}

/** The writer's end. */
export class MarkWriter {
  readonly #file: VfsFile;
  readonly #seed: number;
  readonly #bytes = new Uint8Array(MARK_BYTES);

  private constructor(file: VfsFile, logId: Uint8Array) {
    this.#file = file;
    this.#seed = crc32c(logId);
  }

  static async open(vfs: Vfs, path: string, logId: Uint8Array): Promise<MarkWriter> {
    return new MarkWriter(await vfs.open(path, { access: "read-write", create: "if-missing" }), logId);
  }

  /** Not durable, on purpose. Calls must not overlap. */
  async write(mark: LogMark): Promise<void> {
    const bytes = this.#bytes;
    writeU32(bytes, 0, MAGIC);
    writeU64(bytes, EPOCH, mark.epoch);
    writeU64(bytes, DURABLE, mark.durableLsn);
    writeU64(bytes, VISIBLE, mark.visibleLsn);
    writeU32(bytes, CRC, crc32cRange(bytes, EPOCH, MARK_BYTES, this.#seed));
    await this.#file.write(bytes, 0);
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/** The mark at `path`; `undefined` where there is none, or it is torn, damaged, or of another log. */
export async function readMark(vfs: Vfs, path: string, logId: Uint8Array): Promise<LogMark | undefined> {
  if ((await vfs.stat(path))?.kind !== "file") return undefined;
  const file = await vfs.open(path, { access: "read" });
  try {
    const bytes = new Uint8Array(MARK_BYTES);
    if ((await file.read(bytes, 0)) < MARK_BYTES || readU32(bytes, 0) !== MAGIC) return undefined;
    if (readU32(bytes, CRC) !== crc32cRange(bytes, EPOCH, MARK_BYTES, crc32c(logId))) return undefined;
    return { epoch: readU64(bytes, EPOCH), durableLsn: readU64(bytes, DURABLE), visibleLsn: readU64(bytes, VISIBLE) };
  } finally {
    await file.close();
  }
}
