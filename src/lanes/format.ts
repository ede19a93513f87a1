/**
 * The records of a lane. Pure. `docs/formats/lanes.md` describes them.
 *
 *     entry     type 1 | generation u64 | index u64 | value
 *     baseline  type 2 | generation u64 | index u64, which the next entry gets
 *
 * Generations count baselines. They never decrease along a journal, and no baseline stands between two records of one generation; so the first and
 * the last record tell all that opening needs.
 */
import { CorruptionError, FormatError, readU64, writeU64 } from "../base/index.js";
import type { LogInput, LogRecord } from "../log/index.js";

/** Record type of an entry. */
export const ENTRY_TYPE = 1;
/** Record type of a baseline. */
export const BASELINE_TYPE = 2;

const GENERATION_AT = 0;
const INDEX_AT = GENERATION_AT + 8;
/** Bytes before the value. */
export const HEADER_BYTES: number = INDEX_AT + 8;

/** A decoded record. */
export interface LaneRecord {
  readonly kind: "entry" | "baseline";
  readonly lsn: number;
  readonly generation: number;
  /** The entry's own index; in a baseline, the index of the next entry. */
  readonly index: number;
  /** Empty in a baseline. A view of the record's payload. */
  readonly value: Uint8Array;
}

/** An entry as a record. */
export function encodeEntry(generation: number, index: number, value: Uint8Array): LogInput {
  const payload = new Uint8Array(HEADER_BYTES + value.length);
  writeU64(payload, GENERATION_AT, generation);
  writeU64(payload, INDEX_AT, index);
  payload.set(value, HEADER_BYTES);
  return { type: ENTRY_TYPE, payload };
}

/** A baseline as a record. */
export function encodeBaseline(generation: number, nextIndex: number): LogInput {
  const payload = new Uint8Array(HEADER_BYTES);
  writeU64(payload, GENERATION_AT, generation);
  writeU64(payload, INDEX_AT, nextIndex);
  return { type: BASELINE_TYPE, payload };
}

/** What a record of `lane` means. Throws `FormatError` for what no lane writes, `CorruptionError` for what can't be. */
export function decodeRecord(lane: string, { lsn, type, payload }: LogRecord): LaneRecord {
  if (type !== ENTRY_TYPE && type !== BASELINE_TYPE) {
    throw new FormatError(
      "HF_FORMAT_UNKNOWN",
      `${lane} holds a record of type ${type} at LSN ${lsn}, which this build does not know. It is no lane, or a newer build wrote it.`,
      { lane, lsn, type },
    );
  }
  const generation = payload.length < HEADER_BYTES ? -1 : readU64(payload, GENERATION_AT);
  const index = payload.length < HEADER_BYTES ? -1 : readU64(payload, INDEX_AT);
  const isEntry = type === ENTRY_TYPE;
  if (generation < 0 || index < 0 || (!isEntry && payload.length > HEADER_BYTES)) {
    throw new CorruptionError({
      path: lane,
      lsn,
      expected: isEntry ? "an entry" : "a baseline",
      found: `${payload.length} bytes that are none`,
    });
  }
  return { kind: isEntry ? "entry" : "baseline", lsn, generation, index, value: payload.subarray(HEADER_BYTES) };
}
