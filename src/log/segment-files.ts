/**
 * Open read handles of segments, shared by all readers of one log.
 *
 * A segment that is being read is never recycled: its file would change under the reader. `inUse` tells the pruner to remove the name
 * instead, which leaves open handles whole.
 */
import type { Vfs, VfsFile } from "../vfs/index.js";
import type { ReadableFile } from "./overlay-file.js";
import { readSegmentHeader } from "./segment-file.js";
import type { Segment } from "./segment-table.js";

/** Handles kept open though nobody reads. */
const IDLE_MAX = 8;

interface Entry {
  readonly file: Promise<ReadableFile>;
  users: number;
}

/** What a segment's header must say for its file to be the right one. */
export interface SegmentIdentity {
  readonly logId: Uint8Array;
  readonly blockBytes: number;
}

/** The read handles of a log. */
export class SegmentFiles {
  readonly #vfs: Vfs;
  readonly #identity: SegmentIdentity;
  readonly #entries = new Map<Segment, Entry>();
  readonly #wrap: (segment: Segment, file: VfsFile) => ReadableFile;

  /** `wrap` stands between a segment's file and those who read it. Default: nothing does. */
  constructor(vfs: Vfs, identity: SegmentIdentity, wrap?: (segment: Segment, file: VfsFile) => ReadableFile) {
    this.#vfs = vfs;
    this.#identity = identity;
    this.#wrap = wrap ?? ((_segment, file): ReadableFile => file);
  }

  /** A handle on the segment, its header checked. Give it back with `release`. */
  async acquire(segment: Segment): Promise<ReadableFile> {
    let entry = this.#entries.get(segment);
    if (entry === undefined) {
      entry = { file: this.#open(segment), users: 0 };
      this.#entries.set(segment, entry);
    } else {
      // Back to the young end, so that what is read now is closed last.
      this.#entries.delete(segment);
      this.#entries.set(segment, entry);
    }
    entry.users += 1;
    try {
      return await entry.file;
    } catch (error) {
      this.#entries.delete(segment);
      throw error;
    }
  }

  /** Gives a handle back. It may be closed at any time after. */
  async release(segment: Segment): Promise<void> {
    const entry = this.#entries.get(segment);
    if (entry === undefined) return;
    entry.users -= 1;
    for (const [idle, candidate] of this.#entries) {
      if (this.#entries.size <= IDLE_MAX) break;
      if (candidate.users === 0) await this.#close(idle, candidate);
    }
  }

  inUse(segment: Segment): boolean {
    return (this.#entries.get(segment)?.users ?? 0) > 0;
  }

  /** Closes the handle of a dropped segment if nobody reads it; otherwise the last reader's `release` leaves it for `close`. */
  async forget(segment: Segment): Promise<void> {
    const entry = this.#entries.get(segment);
    if (entry !== undefined && entry.users === 0) await this.#close(segment, entry);
  }

  async close(): Promise<void> {
    for (const [segment, entry] of this.#entries) await this.#close(segment, entry);
  }

  async #open(segment: Segment): Promise<ReadableFile> {
    const file = await this.#vfs.open(segment.path, { access: "read" });
    try {
      await readSegmentHeader(file, segment, this.#identity);
    } catch (error) {
      await file.close();
      throw error;
    }
    return this.#wrap(segment, file);
  }

  async #close(segment: Segment, entry: Entry): Promise<void> {
    this.#entries.delete(segment);
    await entry.file.then((file) => file.close()).catch(() => undefined);
  }
}
