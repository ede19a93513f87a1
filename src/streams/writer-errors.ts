/** What the appending side of a shared log refuses, and how it says so. */
import { type HoldfastError, InvalidArgumentError, LimitError, StateError, invalid } from "../base/index.js";
import type { JournalLimits } from "../log/index.js";
import type { StreamState } from "./book.js";

/** Why an entry can't be; `undefined` where it can. */
export function entryRefusal(
  where: string,
  payload: Uint8Array,
  type: number,
  payloadBytesMax: number,
): HoldfastError | undefined {
  if (!(payload instanceof Uint8Array)) return invalid(where, "payload", payload, "a Uint8Array");
  if (!Number.isInteger(type) || type < 0 || type > 255)
    return invalid(where, "type", type, "an integer from 0 to 255");
  if (payload.length <= payloadBytesMax) return undefined;
  return new LimitError(
    "HF_RECORD_TOO_LARGE",
    `${where}: the payload has ${payload.length} bytes; this log takes up to ${payloadBytesMax}. Nothing was appended.`,
    { bytes: payload.length, bytesMax: payloadBytesMax },
  );
}

/** Why so many records with so many bytes can't be one batch; `undefined` where they can. */
export function batchTooLarge(
  where: string,
  { bytes, count }: { readonly bytes: number; readonly count: number },
  { batchBytesMax, recordHeaderBytes }: JournalLimits,
): LimitError | undefined {
  const batchBytes = bytes + count * recordHeaderBytes;
  if (batchBytes <= batchBytesMax) return undefined;
  return new LimitError(
    "HF_BATCH_TOO_LARGE",
    `${where}: the batch takes ${batchBytes} bytes; a batch must fit into a segment, which has room for ${batchBytesMax}. ` +
      "Append less at once, or make the log with a larger segmentBytes.",
    { bytes: batchBytes, bytesMax: batchBytesMax },
  );
}

export function emptyBatch(where: string): InvalidArgumentError {
  return new InvalidArgumentError(
    "HF_INVALID_ARGUMENT",
    `${where}: an empty batch has no LSN. Pass at least one record for each stream.`,
  );
}

/** For every call after a failed write. */
export function stopped(directory: string, cause: unknown): StateError {
  const what = cause instanceof Error ? cause.message : String(cause);
  return new StateError(
    "HF_POISONED",
    `The shared log in ${directory} stopped after a failed write: ${what} What was acknowledged is safe. Close it and open it again to recover.`,
    { path: directory },
    cause,
  );
}

export function closed(directory: string): StateError {
  return new StateError("HF_CLOSED", `The shared log in ${directory} is closed.`, { path: directory });
}

export function dropped(directory: string, { name }: StreamState): StateError {
  return new StateError("HF_CLOSED", `The stream "${name}" in ${directory} was dropped.`, {
    path: directory,
    stream: name,
  });
}
