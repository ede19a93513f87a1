/** One segment file: reading and judging its header, with the errors that a wrong one deserves. */
import { CorruptionError, FormatError, HoldfastError, equalBytes, errnoOf, toHex } from "../base/index.js";
import { FORMAT_VERSION, type SegmentHeader, parseSegmentHeader } from "./format.js";
import type { ReadableFile } from "./overlay-file.js";

/** Who the segment must be. */
export interface ExpectedSegment {
  readonly number: number;
  readonly salt: Uint8Array;
  /** `undefined` where the books do not say. */
  readonly firstLsn: number | undefined;
}

/**
 * Reads the header of an open segment file and checks that it is `expected`, of the log with `logId`.
 *
 * Throws `CorruptionError` for a damaged or missing header or one that contradicts the log's own books, `FormatError` for a newer format
 * (`HF_FORMAT_NEWER`) or a segment of another log (`HF_FORMAT_FOREIGN`).
 */
export async function readSegmentHeader(
  file: ReadableFile,
  expected: ExpectedSegment,
  log: { readonly logId: Uint8Array; readonly blockBytes: number; readonly lsn?: number },
): Promise<SegmentHeader> {
  const block = new Uint8Array(log.blockBytes);
  const length = await file.read(block, 0);
  const parse = parseSegmentHeader(block.subarray(0, length));
  const lsn = expected.firstLsn ?? log.lsn;
  const wanted = `the header of segment ${expected.number}`;
  switch (parse.kind) {
    case "newer":
      throw newerSegment(file.path, parse.version);
    case "unknown":
      throw damagedHeader(file.path, lsn, wanted, length === 0 ? "an empty file" : "something else");
    case "damaged":
      throw damagedHeader(file.path, lsn, wanted, parse.found);
    case "sound":
  }
  const { header } = parse;
  if (!equalBytes(header.logId, log.logId)) throw foreignSegment(file.path, header.logId, log.logId);
  const matches =
    header.number === expected.number &&
    equalBytes(header.salt, expected.salt) &&
    header.firstLsn === (expected.firstLsn ?? header.firstLsn);
  if (!matches) {
    throw damagedHeader(
      file.path,
      lsn,
      `${wanted} with salt ${toHex(expected.salt)}${expected.firstLsn === undefined ? "" : ` and first LSN ${expected.firstLsn}`}`,
      `segment ${header.number} with salt ${toHex(header.salt)} and first LSN ${header.firstLsn}`,
    );
  }
  return header;
}

/** Opening a segment that the books name: a missing file is damage, not an absent log. */
export function missingSegment(path: string, number: number, lsn: number, cause: unknown): HoldfastError | undefined {
  if (!(cause instanceof HoldfastError) || (cause.details["errno"] ?? errnoOf(cause)) !== "ENOENT") return undefined;
  return new CorruptionError({ path, offset: 0, lsn, expected: `segment ${number}`, found: "no such file" }, cause);
}

/** The error for a segment of a newer format. */
export function newerSegment(path: string, version: number): FormatError {
  return new FormatError(
    "HF_FORMAT_NEWER",
    `${path} has format ${version}; this build reads up to ${FORMAT_VERSION}. Open it with a newer holdfast. Nothing was changed.`,
    { path, version, supported: FORMAT_VERSION },
  );
}

/** The error for a segment that belongs to another log. */
export function foreignSegment(path: string, found: Uint8Array, expected: Uint8Array): FormatError {
  return new FormatError(
    "HF_FORMAT_FOREIGN",
    `${path} is a segment of log ${toHex(found)}, not of this one (${toHex(expected)}). Move it away, or restore the right file. Nothing was changed.`,
    { path, offset: 0, expected: toHex(expected), found: toHex(found) },
  );
}

function damagedHeader(path: string, lsn: number | undefined, expected: string, found: string): CorruptionError {
  return new CorruptionError({ path, offset: 0, lsn, expected, found });
}
