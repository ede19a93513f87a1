/**
 * Pruned segment files kept for use again: their blocks are allocated, and overwriting is cheaper than extending.
 *
 * A spare's bytes are never evidence of anything: until a new header is durable in it, its name is no segment's, and the groups of
 * its earlier life carry an earlier salt (R6).
 */
import type { LogDirectory } from "./log-directory.js";
import type { SegmentFiles } from "./segment-files.js";
import type { Segment } from "./segment-table.js";

/** The spare files of a log. */
export class SpareSegments {
  readonly #directory: LogDirectory;
  readonly #countMax: number;
  readonly #numbers: number[];

  constructor(directory: LogDirectory, countMax: number, numbers: readonly number[]) {
    this.#directory = directory;
    this.#countMax = countMax;
    this.#numbers = [...numbers];
  }

  get count(): number {
    return this.#numbers.length;
  }

  /** The path of a spare file, which is now the caller's; `undefined` where there is none. */
  take(): string | undefined {
    const number = this.#numbers.pop();
    return number === undefined ? undefined : this.#directory.spare(number);
  }

  /**
   * Makes spares of segments that the anchor no longer names, or removes them. Nothing here needs to be durable: a name that a power
   * cut brings back is an orphan, which the next opening clears away.
   */
  async recycle(segments: readonly Segment[], files: SegmentFiles): Promise<void> {
    for (const segment of segments) {
      await files.forget(segment);
      // A file that is being read must keep its bytes; without a name it does, until the reader lets go.
      if (files.inUse(segment) || this.#numbers.length >= this.#countMax) {
        await this.#directory.vfs.remove(segment.path);
      } else {
        await this.#directory.vfs.rename(segment.path, this.#directory.spare(segment.number));
        this.#numbers.push(segment.number);
      }
    }
  }

  /** Removes the spares beyond the bound, for openings with a smaller one. */
  async trim(): Promise<void> {
    while (this.#numbers.length > this.#countMax) {
      const number = this.#numbers.pop()!;
      await this.#directory.vfs.remove(this.#directory.spare(number));
    }
  }
}
