/** Records as readers see them: one at a time, or the run of them that one group holds. */
import { CorruptionError } from "../base/index.js";
import { RECORD_HEADER_BYTES, indexRecords } from "./format.js";
import type { ScannedGroup } from "./group-scanner.js";

/** One record. */
export interface LogRecord {
  readonly lsn: number;
  /** What the writer passed as type, 0 to 255. */
  readonly type: number;
  readonly payload: Uint8Array;
}

/** Consecutive records, in LSN order, without an object for each. Iterable. */
export class RecordBatch implements Iterable<LogRecord> {
  readonly firstLsn: number;
  readonly lastLsn: number;
  readonly #bytes: Uint8Array;
  readonly #starts: Uint32Array;
  /** Index in `#starts` of the record with `firstLsn`. */
  readonly #skip: number;
  readonly #end: number;

  private constructor(
    bytes: Uint8Array,
    starts: Uint32Array,
    skip: number,
    firstLsn: number,
    lastLsn: number,
    end: number,
  ) {
    this.#bytes = bytes;
    this.#starts = starts;
    this.#skip = skip;
    this.firstLsn = firstLsn;
    this.lastLsn = lastLsn;
    this.#end = end;
  }

  /**
   * @internal The records of `group` with LSNs in `[from, to]`, or `undefined` when it has none. `starts` is used for the offsets when it is
   * large enough, so that a reader which has done with one batch can lend it to the next.
   */
  static of(
    group: ScannedGroup,
    path: string,
    from: number,
    to: number,
    starts?: Uint32Array,
  ): RecordBatch | undefined {
    const { header, bytes, bodyStart } = group;
    const table = starts !== undefined && starts.length >= header.count ? starts : new Uint32Array(header.count);
    const end = bodyStart + header.bodyBytes;
    if (!indexRecords(bytes, bodyStart, end, header.count, table)) {
      throw new CorruptionError({
        path,
        offset: group.offset,
        lsn: header.firstLsn,
        expected: `${header.count} records`,
        found: "lengths that do not add up",
      });
    }
    const firstLsn = Math.max(from, header.firstLsn);
    const lastLsn = Math.min(to, header.firstLsn + header.count - 1);
    if (firstLsn > lastLsn) return undefined;
    const after = lastLsn - header.firstLsn + 1;
    const last = after < header.count ? table[after]! - RECORD_HEADER_BYTES : end;
    return new RecordBatch(bytes, table, firstLsn - header.firstLsn, firstLsn, lastLsn, last);
  }

  /** Number of records. */
  get count(): number {
    return this.lastLsn - this.firstLsn + 1;
  }

  /** The payload of the `index`-th record: a view, valid as long as the batch is. */
  payload(index: number): Uint8Array {
    const at = this.#skip + index;
    const start = this.#starts[at]!;
    const end = index + 1 < this.count ? this.#starts[at + 1]! - RECORD_HEADER_BYTES : this.#end;
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + start, end - start);
  }

  /** The type of the `index`-th record. */
  type(index: number): number {
    return this.#bytes[this.#starts[this.#skip + index]! - 1]!;
  }

  /** The `index`-th record. */
  at(index: number): LogRecord {
    return { lsn: this.firstLsn + index, type: this.type(index), payload: this.payload(index) };
  }

  [Symbol.iterator](): IterableIterator<LogRecord> {
    let index = 0;
    const iterator: IterableIterator<LogRecord> = {
      [Symbol.iterator]: () => iterator,
      next: () => (index < this.count ? { done: false, value: this.at(index++) } : { done: true, value: undefined }),
    };
    return iterator;
  }
}
