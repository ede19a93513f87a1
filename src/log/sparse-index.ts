/**
 * Where some of a segment's groups start, so that a reader need not walk the segment from its beginning.
 *
 * Entries are hints found by walking, at least {@link SPACING_BYTES} apart; each is the start of a real group. Sixteen bytes for
 * every 64 KiB of log, whatever the size of the records.
 */

/** Distance between entries in bytes, at least. */
export const SPACING_BYTES: number = 64 * 1024;

/** A place where a group starts. */
export interface GroupPlace {
  readonly lsn: number;
  readonly offset: number;
}

/** The known places of one segment, ascending. */
export class SparseIndex {
  readonly #lsns: number[];
  readonly #offsets: number[];

  constructor(firstLsn: number, offset: number) {
    this.#lsns = [firstLsn];
    this.#offsets = [offset];
  }

  get length(): number {
    return this.#lsns.length;
  }

  at(index: number): GroupPlace {
    return { lsn: this.#lsns[index]!, offset: this.#offsets[index]! };
  }

  /** Index of the last entry with an LSN at or below `lsn`; 0 when all are above. */
  find(lsn: number): number {
    let low = 0;
    let high = this.#lsns.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#lsns[middle]! <= lsn) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Remembers a group start, unless one close by is known. */
  note(lsn: number, offset: number): void {
    const last = this.#offsets.length - 1;
    if (offset > this.#offsets[last]!) {
      if (offset - this.#offsets[last]! < SPACING_BYTES) return;
      this.#lsns.push(lsn);
      this.#offsets.push(offset);
      return;
    }
    const before = this.find(lsn);
    if (offset - this.#offsets[before]! < SPACING_BYTES || this.#offsets[before + 1]! - offset < SPACING_BYTES) return;
    this.#lsns.splice(before + 1, 0, lsn);
    this.#offsets.splice(before + 1, 0, offset);
  }
}
