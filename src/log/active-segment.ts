/**
 * The file that groups are written to. Keeps allocated blocks ahead of the writer, so that a group only overwrites.
 *
 * Invariant: zeros for allocation are written only behind the allocated end, groups only before it, so neither can overwrite the other
 * though both run at once.
 */
import { assert } from "../base/index.js";
import type { Vfs, VfsFile } from "../vfs/index.js";
import type { Segment } from "./segment-table.js";

/** Allocation goes in steps from the first size to the last, doubling, so that a small log stays small. */
const STEP_BYTES_MIN = 1 << 20;
const STEP_BYTES_MAX = 16 << 20;

/** How the file is used. */
export interface ActiveSegmentOptions {
  /** Size the segment may grow to. */
  readonly segmentBytes: number;
  /** Each write is durable when it resolves. Without it nothing is allocated ahead either: there is no sync to make cheaper. */
  readonly durableWrites: boolean;
  /** Write on the caller's thread. */
  readonly inline: boolean;
}

/** The active segment's file. */
export class ActiveSegment {
  readonly segment: Segment;
  readonly #vfs: Vfs;
  readonly #file: VfsFile;
  readonly #options: ActiveSegmentOptions;
  /** Blocks before this offset are allocated. */
  #allocated: number;
  #extension: Promise<void> | undefined;
  #extensionFailure: Error | undefined;
  #lastSync: Promise<void> | undefined;

  private constructor(vfs: Vfs, segment: Segment, file: VfsFile, allocated: number, options: ActiveSegmentOptions) {
    this.#vfs = vfs;
    this.segment = segment;
    this.#file = file;
    this.#allocated = allocated;
    this.#options = options;
  }

  static async open(vfs: Vfs, segment: Segment, options: ActiveSegmentOptions): Promise<ActiveSegment> {
    const file = await vfs.open(segment.path, { access: "read-write", durableWrites: options.durableWrites });
    try {
      // The size tells what is allocated, never what is valid (R7): a wrong one costs time and nothing else.
      return new ActiveSegment(vfs, segment, file, await file.size(), options);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Bytes left for groups. */
  get room(): number {
    return this.#options.segmentBytes - this.segment.end;
  }

  /** Writes behind the last group. With `durableWrites` the bytes are durable when it resolves. */
  async write(bytes: Uint8Array): Promise<void> {
    const { segment } = this;
    assert(bytes.length <= this.room, "a group must fit into its segment");
    if (this.#options.durableWrites) await this.#allocate(segment.end + bytes.length);
    if (this.#options.inline) this.#file.writeNow(bytes, segment.end);
    else await this.#file.write(bytes, segment.end);
  }

  /** Reads what stands before the end of the last group; for the block that the next group shares with it. */
  async read(target: Uint8Array, offset: number): Promise<void> {
    await this.#file.read(target, offset);
  }

  /**
   * Makes durable what was written before the call. One sync at a time, and none after one failed: the kernel reports a failed write-back to one
   * sync only, so that the next one would succeed without the bytes being on the disk.
   */
  syncData(): Promise<void> {
    const sync = (this.#lastSync ?? Promise.resolve()).then(() => this.#file.syncData());
    this.#lastSync = sync;
    return sync;
  }

  /** Waits for allocation and syncs that are under way, then releases the file. */
  async close(): Promise<void> {
    await this.#extension;
    await this.#lastSync?.catch(() => undefined);
    await this.#file.close();
  }

  /** Sees to it that blocks up to `needed` are allocated, and that the next step is on its way before the writer gets there. */
  async #allocate(needed: number): Promise<void> {
    while (needed > this.#allocated || this.#extensionFailure !== undefined) {
      this.#extend(needed);
      await this.#extension;
      if (this.#extensionFailure !== undefined) throw this.#extensionFailure;
    }
    if (needed + this.#step() / 2 > this.#allocated) this.#extend(needed);
  }

  #extend(needed: number): void {
    if (this.#extension !== undefined || this.#allocated >= this.#options.segmentBytes) return;
    const target = Math.min(this.#options.segmentBytes, Math.max(needed, this.#allocated + this.#step()));
    this.#extension = this.#preallocate(target)
      .then(() => {
        this.#allocated = target;
      })
      .catch((error: unknown) => {
        this.#extensionFailure = error instanceof Error ? error : new Error(String(error));
      })
      .finally(() => {
        this.#extension = undefined;
      });
  }

  /** Through a descriptor of its own: the kernel tells of a failed write-back once per descriptor, and it must be the group that hears of its own. */
  async #preallocate(bytes: number): Promise<void> {
    const file = await this.#vfs.open(this.segment.path, { access: "read-write" });
    try {
      await file.preallocate(bytes);
    } finally {
      await file.close();
    }
  }

  #step(): number {
    return Math.min(STEP_BYTES_MAX, Math.max(STEP_BYTES_MIN, this.#allocated));
  }
}
