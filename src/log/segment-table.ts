/**
 * The live segments, oldest first: which of them holds an LSN, and where each ends. In memory, one small object a segment.
 *
 *      firstLsn            next.firstLsn                    active.firstLsn      lastLsn
 *      |------ sealed -----|------ sealed ----- … ----------|------ active ------|
 *      header … end        header … end                     header … (writer's offset)
 */
import { type GroupFormat, type SealedSegment, segmentSeed } from "./format.js";
import { SparseIndex } from "./sparse-index.js";

/** One live segment. */
export interface Segment extends GroupFormat {
  readonly number: number;
  readonly salt: Uint8Array;
  readonly firstLsn: number;
  readonly path: string;
  /** Byte offset behind its last readable group. Grows while the segment is active. */
  end: number;
  /** Header checksum of its last group. */
  chain: number;
  readonly index: SparseIndex;
}

/** Makes the entry for a segment whose groups start at `headerBytes`. */
export function makeSegment(logId: Uint8Array, facts: SealedSegment, path: string, headerBytes: number): Segment {
  return {
    number: facts.number,
    salt: facts.salt,
    version: facts.version,
    seed: segmentSeed(logId, facts.number, facts.salt, facts.version),
    firstLsn: facts.firstLsn,
    path,
    end: facts.end,
    chain: facts.chain,
    index: new SparseIndex(facts.firstLsn, headerBytes),
  };
}

/** The live segments of a log. */
export class SegmentTable {
  #segments: Segment[];

  constructor(segments: readonly Segment[]) {
    this.#segments = [...segments];
  }

  get all(): readonly Segment[] {
    return this.#segments;
  }

  get active(): Segment | undefined {
    return this.#segments.at(-1);
  }

  /** The segment in which `lsn` is or would be: the last that starts at or below it. `undefined` below the first. */
  find(lsn: number): Segment | undefined {
    return this.#segments[this.#indexOf(lsn)];
  }

  /** The one behind `segment`. */
  after(segment: Segment): Segment | undefined {
    const index = this.#segments.indexOf(segment);
    return index < 0 ? undefined : this.#segments[index + 1];
  }

  /** The one before `segment`. */
  before(segment: Segment): Segment | undefined {
    const index = this.#segments.indexOf(segment);
    return index <= 0 ? undefined : this.#segments[index - 1];
  }

  has(segment: Segment): boolean {
    return this.#segments.includes(segment);
  }

  push(segment: Segment): void {
    this.#segments.push(segment);
  }

  /** Forgets the segments that hold nothing at or above `lsn`, never the last. Returns them. */
  dropBefore(lsn: number): Segment[] {
    const keep = Math.max(0, this.#indexOf(lsn));
    const dropped = this.#segments.slice(0, keep);
    this.#segments = this.#segments.slice(keep);
    return dropped;
  }

  /** Forgets the segments behind `segment`; all of them when it is `undefined`. Returns them. */
  dropAfter(segment: Segment | undefined): Segment[] {
    const keep = segment === undefined ? 0 : this.#segments.indexOf(segment) + 1;
    const dropped = this.#segments.slice(keep);
    this.#segments = this.#segments.slice(0, keep);
    return dropped;
  }

  /** The newest `countMax` segments up to and with `last`, newest first: the table that the next segment's header carries. */
  backTable(last: Segment | undefined, countMax: number): SealedSegment[] {
    if (last === undefined) return [];
    const end = this.#segments.indexOf(last) + 1;
    return this.#segments
      .slice(Math.max(0, end - countMax), end)
      .reverse()
      .map(({ version, number, salt, firstLsn, end, chain }) => ({ version, number, salt, firstLsn, end, chain }));
  }

  #indexOf(lsn: number): number {
    let low = -1;
    let high = this.#segments.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#segments[middle]!.firstLsn <= lsn) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
