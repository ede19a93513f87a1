/** What can be wrong with a record or an event, each said in one place. */
import { FormatError, HoldfastError, InvalidArgumentError, LimitError, StateError } from "../base/index.js";
import { EVENTS_LAYOUT } from "./format.js";

/**
 * A handler, of `replayWith` or `hydrate`, threw. `details.lsn` and `details.type` name the event that it was given, `cause` is what it threw. Code
 * `HF_HANDLER_FAILED`. The events before that one were handled.
 */
export class HandlerError extends HoldfastError {
  constructor(where: string, lsn: number, type: string, cause: unknown) {
    super(
      "HF_HANDLER_FAILED",
      `${where}: the handler failed for LSN ${lsn} (${type}): ${messageOf(cause)}. Nothing behind it was handled.`,
      { where, lsn, type },
      cause,
    );
  }
}

/** No type has this id: a newer program wrote the event, or its type was taken away. */
export function unknownType(lsn: number, id: number): FormatError {
  return new FormatError(
    "HF_EVENT_TYPE_UNKNOWN",
    `The event at LSN ${lsn} has the type id ${id}, which is not defined. Define it, or name the types to replay.`,
    { lsn, id },
  );
}

/** The version is above the declared one, or below the oldest that can be upcast. */
export function unknownVersion(
  what: string,
  details: { readonly lsn: number; readonly version: number; readonly versionMin: number; readonly versionMax: number },
  newer: boolean,
): FormatError {
  const { lsn, version, versionMin, versionMax } = details;
  return new FormatError(
    newer ? "HF_FORMAT_NEWER" : "HF_EVENT_VERSION_UNKNOWN",
    `${what} at LSN ${lsn} is of version ${version}; this program reads ${versionMin} to ${versionMax}. ` +
      (newer ? "A newer program wrote it." : "Add what upcasts it."),
    { what, ...details },
  );
}

/** The codec, or an upcaster, refused what is stored. */
export function undecodable(what: string, lsn: number, cause: unknown): FormatError {
  return new FormatError(
    "HF_EVENT_UNDECODABLE",
    `${what} at LSN ${lsn} can't be decoded: ${messageOf(cause)}. Its bytes are as they were written; the codec or an upcaster does not fit them.`,
    { what, lsn },
    cause,
  );
}

/** The codec refused what was to be stored. */
export function unencodable(where: string, what: string, cause: unknown): InvalidArgumentError {
  return new InvalidArgumentError(
    "HF_EVENT_UNENCODABLE",
    `${where}: ${what} can't be encoded: ${messageOf(cause)}. Nothing was appended, and no LSN was used.`,
    { where, what },
    cause,
  );
}

/** A record that no event log writes. */
export function foreignRecord(lsn: number, type: number, layout?: number): FormatError {
  if (layout !== undefined) {
    return new FormatError(
      "HF_FORMAT_NEWER",
      `The record at LSN ${lsn} has layout ${layout}; this build reads ${EVENTS_LAYOUT}. A newer build wrote it.`,
      { lsn, layout, layoutMax: EVENTS_LAYOUT },
    );
  }
  return new FormatError(
    "HF_FORMAT_UNKNOWN",
    `The record at LSN ${lsn}, of type ${type}, is none that an event log writes. Something else wrote to this journal.`,
    { lsn, type },
  );
}

/** It could only be done later, so it can't be part of what is being gathered. */
export function notWithin(where: string): StateError {
  return new StateError("HF_BUSY", `${where}: not within SharedLog.together. Do it before or after.`, { where });
}

export function tooLarge(where: string, bytes: number, bytesMax: number): LimitError {
  return new LimitError(
    "HF_RECORD_TOO_LARGE",
    `${where}: the event has ${bytes} bytes; this log takes up to ${bytesMax}. Nothing was appended, and no LSN was used.`,
    { bytes, bytesMax },
  );
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
