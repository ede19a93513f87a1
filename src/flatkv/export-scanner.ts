/**
 * Reads the stream of an export and checks everything that can be checked without a store. Nothing is handed out of a frame before its checksum was
 * found right.
 *
 * What is left to whoever takes the rows: to fold them, and to compare the result with the hash at the end of their database.
 */
import { FormatError, StateError, equalBytes, invalid } from "../base/index.js";
import {
  type ExportHeader,
  type ExportTotals,
  NO_TOTALS,
  ROWS_HEADER_BYTES,
  ROW_BYTES_MIN,
  addTotals,
  checksumOfSum,
  decodeDatabaseEnd,
  decodeEnd,
  decodeHeader,
  decodeRowsHeader,
  describeTotals,
  digestOf,
  equalTotals,
  sealOf,
} from "./export-format.js";
import { DATABASE_END_FRAME, END_FRAME, HEADER_FRAME, ROWS_FRAME } from "./export-frame.js";
import { type Frame, FrameReader } from "./export-frame-reader.js";
import { ExportRows, indexRows } from "./export-rows.js";

const FRAME_BYTES_MAX: number = 64 * 1024 * 1024;

/** Options of {@link ExportScanner}. */
export interface ExportScannerOptions {
  /** What errors call the stream: a path, where it is a file. Default `"the export stream"`. */
  readonly name?: string;
  /** The longest payload of a frame to take, in bytes: what a scanner holds in memory at most, beside the chunk. Default 64 MiB. */
  readonly frameBytesMax?: number;
}

/** A place between two frames of an export, from which an import can go on. */
export interface ExportPosition {
  readonly exportId: Uint8Array;
  /** Number of the first frame behind it. */
  readonly frame: number;
  /** Checksum of everything before it. */
  readonly checksum: number;
}

/** What a stream holds, in this order: the header, the rows and the end of each database, the end. */
export type ExportEvent =
  | { readonly kind: "header"; readonly header: ExportHeader }
  | { readonly kind: "rows"; readonly database: string; readonly rows: ExportRows }
  | {
      readonly kind: "database-end";
      readonly database: string;
      readonly totals: ExportTotals;
      /** What folding all rows of the database must give: 2,048 bytes. */
      readonly ltHash: Uint8Array;
    }
  | {
      readonly kind: "end";
      readonly totals: ExportTotals;
      /** The store's checksum: BLAKE3 of the sum of the databases' lattice hashes, 32 bytes. */
      readonly checksum: Uint8Array;
    };

/**
 * Feed it a chunk, take events until there are none, feed the next one; when the stream has ended, call {@link ExportScanner.finish}. Rows may be
 * views of the chunk, so leave it as it is until you are done with them.
 *
 * Errors of `next` and `finish`, which say at which byte of the stream, and which every later call repeats: `CorruptionError` for damage, also for a stream that ends too early or
 * goes on after its end; `FormatError` (`HF_FORMAT_NEWER`, `HF_FORMAT_UNKNOWN`); `LimitError` (`HF_VALUE_TOO_LARGE`) for a frame above
 * `frameBytesMax`. `feed` before the last chunk is used up is a `StateError` (`HF_BUSY`).
 */
export class ExportScanner {
  readonly #reader: FrameReader;
  #failure: Error | undefined;
  #header: ExportHeader | undefined;
  readonly #digests: Uint8Array[] = [];
  readonly #ltHashes: Uint8Array[] = [];
  #lastKey: Uint8Array | undefined;
  /** Of the databases before the current one, and of what came of this one. */
  #before: ExportTotals = NO_TOTALS;
  #current: ExportTotals = NO_TOTALS;
  #isEnded = false;
  #target: ExportPosition | undefined;

  constructor(options: ExportScannerOptions = {}) {
    this.#reader = new FrameReader(options.name ?? "the export stream", options.frameBytesMax ?? FRAME_BYTES_MAX);
  }

  /** The place behind the last event; `undefined` before the first. Store it together with what was taken to go on from there. */
  get position(): ExportPosition | undefined {
    if (this.#header === undefined) return undefined;
    return { exportId: this.#header.exportId, frame: this.#reader.number, checksum: this.#reader.checksum };
  }

  /** What was read so far, skipped or not. */
  get totals(): ExportTotals {
    return addTotals(this.#before, this.#current);
  }

  /** The lattice hashes at the ends of the databases that were read so far, skipped or not, 2,048 bytes each. */
  get ltHashes(): readonly Uint8Array[] {
    return this.#ltHashes;
  }

  /** Bytes of the stream up to the place behind the last event. */
  get offset(): number {
    return this.#reader.offset;
  }

  /**
   * Hands out nothing up to `position`, which an earlier scan of this export had reached. What is skipped is checked by its checksums and counts, without a
   * look at each row. To be called after the header, and before what stands at the position was handed out.
   *
   * Errors: `FormatError` (`HF_FORMAT_FOREIGN`) where the position is one in another export, here or from `next` and `finish`.
   */
  skipTo(position: ExportPosition): void {
    this.#check();
    const here = this.position;
    if (here === undefined || position.frame < here.frame)
      throw invalid("ExportScanner.skipTo", "position", position.frame, `behind frame ${(here?.frame ?? 1) - 1}`);
    if (!equalBytes(position.exportId, here.exportId)) throw this.#fail(this.#foreign());
    this.#target = position;
    this.#arrive();
  }

  /** Adds the next bytes of the stream. */
  feed(chunk: Uint8Array): void {
    this.#checkRead();
    this.#reader.feed(chunk);
  }

  /** The next event, or `undefined` where that needs more bytes. */
  next(): ExportEvent | undefined {
    this.#check();
    try {
      for (;;) {
        if (this.#isEnded && this.#reader.hasUnread)
          throw this.#reader.damage(this.#reader.offset, "nothing after the last frame", "more bytes");
        const frame = this.#isEnded ? undefined : this.#reader.next();
        if (frame === undefined) return undefined;
        const event = this.#take(frame);
        const isSkipped = this.#target !== undefined;
        this.#arrive();
        if (!isSkipped && event !== undefined) return event;
      }
    } catch (error) {
      throw this.#fail(error as Error);
    }
  }

  /** Says that no more bytes come. Throws unless the stream is whole, and was taken to its end. */
  finish(): void {
    this.#checkRead();
    if (!this.#isEnded) throw this.#fail(this.#reader.truncated());
    if (this.#target !== undefined) throw this.#fail(this.#foreign());
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  #checkRead(): void {
    this.#check();
    if (this.#reader.hasUnread)
      throw new StateError(
        "HF_BUSY",
        "The chunk before was not read to its end: call next until it returns undefined.",
      );
  }

  #fail(error: Error): Error {
    this.#failure = error;
    return error;
  }

  /** Ends the skipping where its target is reached. */
  #arrive(): void {
    const target = this.#target;
    if (target === undefined || target.frame !== this.#reader.number) return;
    if (target.checksum !== this.#reader.checksum) throw this.#fail(this.#foreign());
    this.#target = undefined;
  }

  #foreign(): FormatError {
    return new FormatError(
      "HF_FORMAT_FOREIGN",
      "The import to be continued was of another export than this stream. Start it again, or continue it with the stream it began with.",
      { offset: this.#reader.offset },
    );
  }

  #take(frame: Frame): ExportEvent | undefined {
    const { type, number, offset } = frame;
    if ((type === HEADER_FRAME) !== (number === 0))
      throw this.#reader.damage(
        offset,
        "a header in the first frame and nowhere else",
        `type ${type} in frame ${number}`,
      );
    switch (type) {
      case HEADER_FRAME:
        return this.#takeHeader(frame);
      case ROWS_FRAME:
        return this.#takeRows(frame, this.#open(offset));
      case DATABASE_END_FRAME:
        return this.#takeDatabaseEnd(frame, this.#open(offset));
      case END_FRAME:
        return this.#takeEnd(frame);
      default:
        return undefined;
    }
  }

  /** The name of the database that the next frame must be of. */
  #open(offset: number): string {
    const name = this.#header?.databases[this.#ltHashes.length];
    if (name === undefined) throw this.#reader.damage(offset, "the last frame", "more after the last database");
    return name;
  }

  #takeHeader({ bytes, start, end, offset }: Frame): ExportEvent {
    const payload = bytes.subarray(start, end);
    const header = decodeHeader(payload);
    if (header === undefined) throw this.#reader.damage(offset, "what is exported", "a header that no build writes");
    this.#header = header;
    this.#digests.push(digestOf(payload));
    return { kind: "header", header };
  }

  #takeRows(frame: Frame, name: string): ExportEvent | undefined {
    const { bytes, start, end, offset } = frame;
    const { database, totals } = decodeRowsHeader(bytes, start);
    if (database !== this.#ltHashes.length)
      throw this.#reader.damage(offset, `rows of database ${this.#ltHashes.length}`, `rows of database ${database}`);
    const rowsStart = start + ROWS_HEADER_BYTES;
    if (totals.rows === 0 || totals.rows > (end - rowsStart) / ROW_BYTES_MIN)
      throw this.#reader.damage(offset, `rows in ${end - rowsStart} bytes`, `${totals.rows} of them`);
    this.#current = addTotals(this.#current, totals);
    // The last frame that is skipped has the key after which those behind it go on.
    const isPassedOver = this.#target !== undefined && this.#target.frame > this.#reader.number;
    if (isPassedOver) {
      this.#lastKey = undefined;
      return undefined;
    }
    const index = indexRows(bytes, rowsStart, end, totals.rows, this.#lastKey);
    if (index.kind === "bad") throw this.#reader.damage(offset + index.at - start, index.expected, index.found);
    const found = { rows: totals.rows, keyBytes: index.keyBytes, valueBytes: index.valueBytes };
    if (!equalTotals(found, totals)) throw this.#reader.damage(offset, describeTotals(totals), describeTotals(found));
    const rows = new ExportRows(bytes, index.bounds);
    this.#lastKey = rows.key(rows.length - 1).slice();
    return { kind: "rows", database: name, rows };
  }

  #takeDatabaseEnd({ bytes, start, end, offset }: Frame, name: string): ExportEvent {
    const payload = bytes.subarray(start, end);
    const parsed = decodeDatabaseEnd(payload);
    const index = this.#ltHashes.length;
    if (parsed === undefined || parsed.database !== index)
      throw this.#reader.damage(offset, `the end of database ${index}`, "an end that is none of it");
    this.#compareTotals(offset, parsed.totals, this.#current);
    this.#digests.push(digestOf(payload));
    this.#ltHashes.push(parsed.ltHash);
    this.#before = addTotals(this.#before, this.#current);
    this.#current = NO_TOTALS;
    this.#lastKey = undefined;
    return { kind: "database-end", database: name, totals: parsed.totals, ltHash: parsed.ltHash };
  }

  #takeEnd({ bytes, start, end, offset }: Frame): ExportEvent {
    const payload = bytes.subarray(start, end);
    const parsed = decodeEnd(payload);
    const databases = this.#header?.databases.length ?? 0;
    if (parsed === undefined || this.#ltHashes.length !== databases)
      throw this.#reader.damage(offset, `the end of ${databases} databases`, `that of ${this.#ltHashes.length}`);
    this.#compareTotals(offset, parsed.totals, this.#before);
    if (!equalBytes(parsed.checksum, checksumOfSum(this.#ltHashes)))
      throw this.#reader.damage(offset, "the checksum of all databases together", "another one");
    if (!equalBytes(parsed.seal, sealOf(this.#digests, payload)))
      throw this.#reader.damage(offset, "the seal of this stream", "another one");
    this.#isEnded = true;
    return { kind: "end", totals: parsed.totals, checksum: parsed.checksum };
  }

  #compareTotals(offset: number, announced: ExportTotals, found: ExportTotals): void {
    if (!equalTotals(announced, found))
      throw this.#reader.damage(offset, describeTotals(announced), describeTotals(found));
  }
}
