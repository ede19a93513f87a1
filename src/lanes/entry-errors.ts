/** What a lane refuses, and how it says so. */
import { ConflictError, CorruptionError, InvalidArgumentError, LimitError, StateError } from "../base/index.js";
import { type Gatherer, takePart } from "../log/index.js";
import type { Run } from "./recovery.js";

/** Errors that leave the journal as it was. */
export function isRefusal(error: unknown): boolean {
  return error instanceof InvalidArgumentError || error instanceof LimitError || error instanceof ConflictError;
}

/** A journal that was poisoned tells so to every call; what counts is why. */
export function firstCause(error: unknown): unknown {
  return error instanceof StateError && error.code === "HF_POISONED" ? (error.cause ?? error) : error;
}

export function secondWriter(lane: string, lsn: number, expectedLsn: number): ConflictError {
  return new ConflictError(
    "HF_SECOND_WRITER",
    `${lane}: its journal is at LSN ${lsn}, not at ${expectedLsn}. Something else writes to it; let one lane alone have a journal, and open this one again.`,
    { lane, lsn, expectedLsn },
  );
}

export function closed(lane: string): StateError {
  return new StateError("HF_CLOSED", `${lane} is closed. Open it again.`, { lane });
}

/** Does what waits for its turn, or for those of others: it can't be part of what is being gathered, must not become durable alone, nor be waited for. */
export function apart<R>(gatherer: Gatherer, lane: string, act: () => Promise<R>): Promise<R> {
  return takePart(gatherer, () => {
    if (gatherer.isGathering === true) throw notAtOnce(lane);
    return act();
  });
}

function notAtOnce(lane: string): StateError {
  return new StateError(
    "HF_BUSY",
    `${lane}: it can't be written or closed within SharedLog.together. Use PersistPipeline.persist, which others may join.`,
    { lane },
  );
}

export function failed(lane: string, cause: unknown): StateError {
  return new StateError(
    "HF_POISONED",
    `${lane} failed before, and takes nothing more. Close it and open it again; the cause has the first failure.`,
    { lane },
    cause,
  );
}

export function outOfSequence(lane: string, index: number, nextIndex: number): ConflictError {
  return new ConflictError(
    "HF_OUT_OF_SEQUENCE",
    `${lane}: the next entry has index ${nextIndex}, not ${index}. Nothing was written.`,
    { lane, index, nextIndex },
  );
}

export function outOfRange(
  lane: string,
  call: string,
  index: number,
  { firstIndex, nextIndex }: Run,
): InvalidArgumentError {
  const held = nextIndex === firstIndex ? "nothing" : `${firstIndex} to ${nextIndex - 1}`;
  return new InvalidArgumentError(
    "HF_INDEX_OUT_OF_RANGE",
    `${call}: ${lane} holds ${held}, and ${nextIndex} comes next; ${index} is not allowed.`,
    { lane, call, index, firstIndex, nextIndex },
  );
}

export function exhausted(lane: string): LimitError {
  return new LimitError("HF_SEQUENCE_EXHAUSTED", `${lane} has no index left.`, { lane });
}

/** An entry that is durable can't be found. */
export function missing(lane: string, index: number, { firstIndex, nextIndex, shift }: Run): CorruptionError {
  return new CorruptionError({
    path: lane,
    lsn: index + shift,
    expected: `entry ${index} of ${firstIndex} to ${nextIndex - 1}, which are durable`,
    found: "nothing",
  });
}

/** What was to be read is gone. */
export function cut(lane: string, { firstIndex, nextIndex }: Run): ConflictError {
  return new ConflictError(
    "HF_CUT",
    `${lane}: entries were dropped before they were read. It holds those from ${firstIndex} on, and ${nextIndex} comes next.`,
    { lane, firstIndex, nextIndex },
  );
}

/** Too much waits to be appended. */
export function backpressure(lane: string, waitingCallsMax: number, waitingBytesMax: number): LimitError {
  return new LimitError("HF_BACKPRESSURE", `${lane} has too much waiting to be appended. Await some of it first.`, {
    lane,
    waitingCallsMax,
    waitingBytesMax,
  });
}

/** A value that no record has room for. */
export function valueTooLarge(lane: string, valueBytes: number, headerBytes: number, bytesMax: number): LimitError {
  return new LimitError(
    "HF_RECORD_TOO_LARGE",
    `${lane}: an entry of ${valueBytes} bytes does not fit into a record, which has room for ${bytesMax - headerBytes}.`,
    { lane, bytes: headerBytes + valueBytes, bytesMax },
  );
}
