/**
 * Makes the stream of an export, frame by frame.
 *
 * What it makes depends on its arguments alone: the same header and rows give the same bytes.
 */
import { InvalidArgumentError, LimitError, assert, invalid, toHex } from "../base/index.js";
import {
  type ExportHeader,
  type ExportTotals,
  LT_HASH_BYTES,
  NO_TOTALS,
  PAYLOAD_BYTES_MAX,
  ROWS_HEADER_BYTES,
  addTotals,
  checksumOfSum,
  digestOf,
  encodeDatabaseEnd,
  encodeEnd,
  encodeHeader,
  encodeRowsHeader,
} from "./export-format.js";
import {
  DATABASE_END_FRAME,
  END_FRAME,
  FRAME_HEADER_BYTES,
  FRAME_TRAILER_BYTES,
  HEADER_FRAME,
  ROWS_FRAME,
  encodePreamble,
  preambleChain,
  sealFrame,
} from "./export-frame.js";
import { copyRange, isBefore, lengthBytes, writeLength } from "./export-rows.js";

const ROWS_PAYLOAD_BYTES: number = 64 * 1024;
/** Where the rows start in a frame of rows. */
const ROWS_AT: number = FRAME_HEADER_BYTES + ROWS_HEADER_BYTES;
const NOTHING: Uint8Array = new Uint8Array(0);

/** Options of {@link ExportEncoder}. */
export interface ExportEncoderOptions {
  /** Bytes of payload that a frame of rows has at most, unless one row needs more. Default 65,536. */
  readonly frameBytes?: number;
}

/**
 * Call {@link ExportEncoder.start}; for each database in the header's order {@link ExportEncoder.add} its rows in ascending order of their keys,
 * and then {@link ExportEncoder.endDatabase}; at last {@link ExportEncoder.finish}. What these return, in that order, is the stream. It is new memory
 * each time, and the encoder does not touch it again. A row is copied once.
 */
export class ExportEncoder {
  readonly #header: ExportHeader;
  readonly #frameBytes: number;
  readonly #digests: Uint8Array[] = [];
  readonly #ltHashes: Uint8Array[] = [];
  #phase: "new" | "rows" | "finished" = "new";
  /** Number of the next frame, and what its checksum is continued from. */
  #number = 0;
  #chain = 0;

  /** The frame that is being filled, and where its rows end. */
  #bytes = NOTHING;
  #at = 0;
  #rows = 0;
  #keyBytes = 0;
  #valueBytes = 0;
  /** What the complete frames hold: of the databases before this one, and of this one. */
  #before: ExportTotals = NO_TOTALS;
  #complete: ExportTotals = NO_TOTALS;

  /** The last key stands at `#lastBytes[#lastStart, #lastEnd)`: empty at the start of a database. */
  #lastBytes = NOTHING;
  #lastStart = 0;
  #lastEnd = 0;

  /** Refuses a header that the format has no place for with an `InvalidArgumentError`. */
  constructor(header: ExportHeader, options: ExportEncoderOptions = {}) {
    this.#header = header;
    this.#frameBytes = options.frameBytes ?? ROWS_PAYLOAD_BYTES;
  }

  /** How many frames are complete. */
  get frames(): number {
    return this.#number;
  }

  /** What was added so far. */
  get totals(): ExportTotals {
    return addTotals(this.#before, this.#databaseTotals());
  }

  /** The beginning of the stream. */
  start(): Uint8Array {
    assert(this.#phase === "new", "an export starts once");
    const payload = encodeHeader(this.#header);
    const preamble = encodePreamble();
    this.#chain = preambleChain(preamble);
    this.#phase = "rows";
    const frame = this.#frame(HEADER_FRAME, payload);
    this.#digests.push(digestOf(payload));
    return joined(preamble, frame);
  }

  /**
   * Adds a row of the current database: the key in `key[keyStart, …)` and the value in `value[0, valueEnd)`, so that a store can hand over
   * what it has without cutting off its own bytes first. Returns a frame whenever one is complete.
   *
   * Errors, after which nothing has changed: `InvalidArgumentError` (`HF_INVALID_ARGUMENT`) for an empty key, an empty value, or a key that does not come after the
   * one before; `LimitError` (`HF_VALUE_TOO_LARGE`) for a row that no frame can hold.
   */
  add(
    key: Uint8Array,
    value: Uint8Array,
    keyStart: number = 0,
    valueEnd: number = value.length,
  ): Uint8Array | undefined {
    assert(this.#phase === "rows" && this.#ltHashes.length < this.#header.databases.length, "a database is open");
    const keyEnd = key.length;
    const keyLength = keyEnd - keyStart;
    if (keyLength <= 0 || valueEnd <= 0) throw invalid("ExportEncoder.add", "row", "an empty one", "a key and a value");
    if (
      this.#lastEnd > this.#lastStart &&
      !isBefore(this.#lastBytes, this.#lastStart, this.#lastEnd, key, keyStart, keyEnd)
    )
      throw outOfOrder(key.subarray(keyStart));
    const rowBytes = lengthBytes(keyLength) + lengthBytes(valueEnd) + keyLength + valueEnd;
    let complete: Uint8Array | undefined;
    if (this.#at + rowBytes > this.#bytes.length - FRAME_TRAILER_BYTES) {
      if (rowBytes > PAYLOAD_BYTES_MAX - ROWS_HEADER_BYTES) throw tooLarge(rowBytes);
      complete = this.#sealRows();
      const payloadBytes = Math.max(this.#frameBytes, ROWS_HEADER_BYTES + rowBytes);
      this.#bytes = new Uint8Array(FRAME_HEADER_BYTES + payloadBytes + FRAME_TRAILER_BYTES);
      this.#at = ROWS_AT;
    }
    const bytes = this.#bytes;
    const start = writeLength(bytes, writeLength(bytes, this.#at, keyLength), valueEnd);
    const end = copyRange(bytes, start, key, keyStart, keyEnd);
    this.#at = copyRange(bytes, end, value, 0, valueEnd);
    this.#lastBytes = bytes;
    this.#lastStart = start;
    this.#lastEnd = end;
    this.#rows++;
    this.#keyBytes += keyLength;
    this.#valueBytes += valueEnd;
    return complete;
  }

  /** Ends the current database, whose rows have this lattice hash; returns the last of its frames. */
  endDatabase(ltHash: Uint8Array): Uint8Array {
    const database = this.#ltHashes.length;
    assert(this.#phase === "rows" && database < this.#header.databases.length, "a database is open");
    assert(ltHash.length === LT_HASH_BYTES, "a lattice hash has 2,048 bytes");
    const rows = this.#sealRows();
    const totals = this.#complete;
    const payload = encodeDatabaseEnd({ database, totals, ltHash });
    const frame = this.#frame(DATABASE_END_FRAME, payload);
    this.#digests.push(digestOf(payload));
    this.#ltHashes.push(ltHash.slice());
    this.#before = addTotals(this.#before, totals);
    this.#complete = NO_TOTALS;
    this.#lastBytes = NOTHING;
    this.#lastStart = 0;
    this.#lastEnd = 0;
    return rows === undefined ? frame : joined(rows, frame);
  }

  /** The end of the stream. */
  finish(): Uint8Array {
    assert(
      this.#phase === "rows" && this.#ltHashes.length === this.#header.databases.length,
      "every database was ended",
    );
    this.#phase = "finished";
    return this.#frame(END_FRAME, encodeEnd(this.#before, checksumOfSum(this.#ltHashes), this.#digests));
  }

  #databaseTotals(): ExportTotals {
    return addTotals(this.#complete, { rows: this.#rows, keyBytes: this.#keyBytes, valueBytes: this.#valueBytes });
  }

  /** Completes the frame that is being filled, if there is one. */
  #sealRows(): Uint8Array | undefined {
    if (this.#rows === 0) return undefined;
    const totals = { rows: this.#rows, keyBytes: this.#keyBytes, valueBytes: this.#valueBytes };
    encodeRowsHeader(this.#bytes, FRAME_HEADER_BYTES, { database: this.#ltHashes.length, totals });
    this.#seal(this.#bytes, ROWS_FRAME, this.#at - FRAME_HEADER_BYTES);
    const frame = this.#bytes.subarray(0, this.#at + FRAME_TRAILER_BYTES);
    this.#complete = this.#databaseTotals();
    this.#rows = 0;
    this.#keyBytes = 0;
    this.#valueBytes = 0;
    this.#bytes = NOTHING;
    this.#at = 0;
    return frame;
  }

  #frame(type: number, payload: Uint8Array): Uint8Array {
    const bytes = new Uint8Array(FRAME_HEADER_BYTES + payload.length + FRAME_TRAILER_BYTES);
    bytes.set(payload, FRAME_HEADER_BYTES);
    this.#seal(bytes, type, payload.length);
    return bytes;
  }

  #seal(bytes: Uint8Array, type: number, payloadBytes: number): void {
    this.#chain = sealFrame(bytes, 0, { number: this.#number, type, payloadBytes }, this.#chain);
    this.#number++;
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}

function outOfOrder(key: Uint8Array): InvalidArgumentError {
  const shown = toHex(key.subarray(0, 64));
  return new InvalidArgumentError(
    "HF_INVALID_ARGUMENT",
    `The key 0x${shown} does not come after the one before it. Rows are exported in ascending order of their keys, each once.`,
    { key: shown },
  );
}

function tooLarge(rowBytes: number): LimitError {
  return new LimitError(
    "HF_VALUE_TOO_LARGE",
    `A row of ${rowBytes} bytes can't be exported: the format ends at ${PAYLOAD_BYTES_MAX - ROWS_HEADER_BYTES}.`,
    { rowBytes, rowBytesMax: PAYLOAD_BYTES_MAX - ROWS_HEADER_BYTES },
  );
}
