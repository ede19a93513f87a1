export { bytes, cbor, json, protobuf } from "./codec.js";
export { HandlerError } from "./errors.js";
export { EventLog } from "./event-log.js";
export { defineEvents, event } from "./event-type.js";
export { snapshot } from "./versioned.js";
export type {
  CheckpointMessage,
  EventsOpenMessage,
  EventsPoisonMessage,
  FallbackMessage,
  FlushMessage,
} from "./channels.js";
export type { Checkpoint, CheckpointOptions } from "./checkpointer.js";
export type { Codec } from "../base/index.js";
export type { CborLibrary, ProtobufMessage } from "./codec.js";
export type { FollowEventsOptions, ReplayOptions } from "./event-log.js";
export type { EventLogStats } from "./event-log-stats.js";
export type {
  EventData,
  EventDefinitions,
  EventInput,
  EventName,
  EventOf,
  EventOptions,
  EventType,
  EventTypes,
} from "./event-type.js";
export type { HydrateOptions, Hydrated, RejectedSnapshot } from "./hydration.js";
export type { EventLogOpenOptions, EventLogOptions } from "./options.js";
export type { SnapshotType, Upcaster, VersionedOptions } from "./versioned.js";
