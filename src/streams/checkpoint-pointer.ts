/**
 * The file that says where the newest checkpoint ends in the log. Two slots, written in turn, each durably.
 *
 * It is a hint and nothing else. What it points at is a record of the log, checked as such: a pointer that is torn, lost, of another log, or of a time that
 * a crash took back leads to an older checkpoint, which is as true, or to none; then the whole log is read. So nothing here needs more than to be
 * quick, and no crash can make it lie.
 */
import { readU32, readU64, writeU32, writeU64 } from "../base/index.js";
import { crc32cRange } from "../checksum/index.js";
import type { Vfs, VfsFile } from "../vfs/index.js";

/** The file's name in the directory of the log. */
export const POINTER_NAME = "streams-checkpoint";

/** "HFSP" as it stands on disk. */
const MAGIC = 0x5053_4648;
const CRC = 4;
const SEQUENCE = 8;
const LSN = 16;
const SLOT_BYTES = 24;
/** Slots stand in blocks of their own, so that a torn write of one leaves the other alone. */
const SLOT_DISTANCE_BYTES = 4096;

/** See the head of this file. */
export class CheckpointPointer {
  readonly #vfs: Vfs;
  readonly #path: string;
  #file: VfsFile | undefined;
  #sequence: number;
  /** Physical LSNs of the last parts of checkpoints, the newest first. */
  readonly candidates: readonly number[];

  private constructor(vfs: Vfs, path: string, sequence: number, candidates: readonly number[]) {
    this.#vfs = vfs;
    this.#path = path;
    this.#sequence = sequence;
    this.candidates = candidates;
  }

  /** Reads what is there. Makes nothing. */
  static async read(vfs: Vfs, directory: string): Promise<CheckpointPointer> {
    const path = vfs.join(directory, POINTER_NAME);
    const slots: { sequence: number; lsn: number }[] = [];
    if ((await vfs.stat(path))?.kind === "file") {
      const file = await vfs.open(path, { access: "read" });
      try {
        for (const slot of [0, 1]) {
          const bytes = new Uint8Array(SLOT_BYTES);
          const length = await file.read(bytes, slot * SLOT_DISTANCE_BYTES);
          if (length < SLOT_BYTES || readU32(bytes, 0) !== MAGIC) continue;
          if (readU32(bytes, CRC) !== crc32cRange(bytes, SEQUENCE, SLOT_BYTES, 0)) continue;
          const sequence = readU64(bytes, SEQUENCE);
          const lsn = readU64(bytes, LSN);
          if (sequence >= 1 && lsn >= 1) slots.push({ sequence, lsn });
        }
      } finally {
        await file.close();
      }
    }
    slots.sort((a, b) => b.sequence - a.sequence);
    return new CheckpointPointer(
      vfs,
      path,
      slots[0]?.sequence ?? 0,
      slots.map(({ lsn }) => lsn),
    );
  }

  /** Points at the checkpoint whose last part is at `lsn`, durably. */
  async write(lsn: number): Promise<void> {
    if (this.#file === undefined) {
      this.#file = await this.#vfs.open(this.#path, {
        access: "read-write",
        create: "if-missing",
        durableWrites: true,
      });
      await this.#vfs.syncDirectory(this.#vfs.parent(this.#path));
    }
    const bytes = new Uint8Array(SLOT_BYTES);
    const sequence = this.#sequence + 1;
    writeU32(bytes, 0, MAGIC);
    writeU64(bytes, SEQUENCE, sequence);
    writeU64(bytes, LSN, lsn);
    writeU32(bytes, CRC, crc32cRange(bytes, SEQUENCE, SLOT_BYTES, 0));
    await this.#file.write(bytes, (sequence % 2) * SLOT_DISTANCE_BYTES);
    this.#sequence = sequence;
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }
}
