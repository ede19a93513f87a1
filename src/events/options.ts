/** The options of an event log: what each means, its unit, its default. */
import { checkInteger, checkOptions, invalid } from "../base/index.js";
import type { LogOptions, JournalLimits } from "../log/index.js";
import { json } from "./codec.js";
import { EventDefinitions, type EventTypes } from "./event-type.js";
import { CHECKPOINT_ENTRY_BYTES, HEADER_BYTES_MAX, PART_HEADER_BYTES } from "./format.js";
import { type SnapshotType, checkVersioned, snapshot } from "./versioned.js";

/** Options of `EventLog.on`. */
export interface EventLogOptions<Types extends EventTypes, State = unknown> {
  /** The types of events, from `defineEvents`. */
  readonly events: EventDefinitions<Types>;
  /** Enqueued events that are written without waiting for a `flush`. 1 to 1,000,000. Default 1,000. */
  readonly batchSize?: number;
  /** Bytes of events that may be accepted and not yet durable; `enqueue` refuses more. Default 16 MiB. */
  readonly bufferBytesMax?: number;
  /**
   * Checkpoints that are kept; once there are so many, the log is pruned to the oldest of them. With 1 there is no other snapshot, and no beginning, to
   * fall back to. 1 to 100. Default 10.
   */
  readonly checkpointsMax?: number;
  /** How the state of a checkpoint is encoded, from `snapshot`. Default: JSON, version 1. */
  readonly snapshot?: SnapshotType<State>;
  /** Bytes of one part of a snapshot, at most what a record holds. From 64. Default 64 KiB. */
  readonly partBytes?: number;
}

/** Options of `EventLog.open`. */
export interface EventLogOpenOptions<Types extends EventTypes, State = unknown> extends EventLogOptions<Types, State> {
  /** Options of the log that is opened. */
  readonly log?: LogOptions;
}

/** {@link EventLogOptions} with every default filled in. */
export interface ResolvedEventLogOptions<Types extends EventTypes> {
  readonly events: EventDefinitions<Types>;
  readonly batchSize: number;
  readonly bufferBytesMax: number;
  readonly checkpointsMax: number;
  readonly snapshot: SnapshotType<unknown>;
  readonly partBytes: number;
  /** The largest payload of a record, and the most that the payloads of a batch take with {@link RECORD_OVERHEAD_BYTES} each. */
  readonly recordBytesMax: number;
  readonly batchBytesMax: number;
}

const KNOWN = ["events", "batchSize", "bufferBytesMax", "checkpointsMax", "snapshot", "partBytes"] as const;

const PART_BYTES_MIN = 64;
const KIB = 1 << 10;
const MIB = 1 << 20;

/** What a journal is taken to need for a record beside its payload: more than any of them does. */
export const RECORD_OVERHEAD_BYTES = 32;

/** Checks `options` for a journal with these limits. */
export function resolveEventLogOptions<Types extends EventTypes, State>(
  where: string,
  options: EventLogOptions<Types, State>,
  { recordBytesMax: recordMax, batchBytesMax }: Omit<JournalLimits, "recordHeaderBytes">,
): ResolvedEventLogOptions<Types> {
  const given = checkOptions(where, options, KNOWN);
  const { events } = given;
  if (!(events instanceof EventDefinitions)) throw invalid(where, "events", events, "what defineEvents returns");
  const recordBytesMax = Math.min(recordMax, batchBytesMax - RECORD_OVERHEAD_BYTES);
  // Each checkpoint names the kept ones, and one more with a snapshot.
  const checkpointsMax = Math.min(100, Math.floor((recordBytesMax - HEADER_BYTES_MAX) / CHECKPOINT_ENTRY_BYTES) - 1);
  const partMax = recordBytesMax - HEADER_BYTES_MAX - PART_HEADER_BYTES;
  if (partMax < PART_BYTES_MIN || checkpointsMax < 1)
    throw invalid(where, "recordBytesMax of the journal", recordBytesMax, "at least 128");
  return {
    events,
    batchSize: checkInteger(where, "batchSize", given.batchSize, { min: 1, max: 1_000_000 }, 1000),
    bufferBytesMax: checkInteger(where, "bufferBytesMax", given.bufferBytesMax, { min: 1 }, 16 * MIB),
    checkpointsMax: checkInteger(
      where,
      "checkpointsMax",
      given.checkpointsMax,
      { min: 1, max: checkpointsMax },
      Math.min(10, checkpointsMax),
    ),
    snapshot: checkSnapshot(where, given.snapshot),
    partBytes: checkInteger(
      where,
      "partBytes",
      given.partBytes,
      { min: PART_BYTES_MIN, max: partMax },
      Math.min(64 * KIB, partMax),
    ),
    recordBytesMax,
    batchBytesMax,
  };
}

/** A snapshot that `snapshot` did not declare could be written as none that any build reads. */
function checkSnapshot(where: string, given: SnapshotType<unknown> | undefined): SnapshotType<unknown> {
  if (given === undefined) return snapshot({ codec: json() });
  if (typeof given !== "object" || given === null) throw invalid(where, "snapshot", given, "what snapshot returns");
  return checkVersioned(`${where}: snapshot`, given);
}
