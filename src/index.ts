export {
  ConflictError,
  CorruptionError,
  FormatError,
  HoldfastError,
  InvalidArgumentError,
  IoError,
  LimitError,
  LockedError,
  StateError,
} from "./base/index.js";
export { Anchor } from "./anchor/index.js";
export { classicLevel, memoryEngine } from "./engine/index.js";
export { EventLog, HandlerError, bytes, cbor, defineEvents, event, json, protobuf, snapshot } from "./events/index.js";
export { FlatKv, FlatKvReader, importFlatKv } from "./flatkv/index.js";
export { LtHash, blake3, blake3Xof, keccak256, sha256 } from "./hash/index.js";
export { Chain, IndexedLog, LaneSet, LanesFailedError, PersistPipeline } from "./lanes/index.js";
export { Log, LogReader, RecordBatch, inspectLog, repairLog, verifyLog } from "./log/index.js";
export { verifyMultiProof, verifyPathProof, verifyUpdate } from "./proof/index.js";
export { PageStore } from "./pages/index.js";
export { SharedLog, Stream } from "./streams/index.js";
export { MerkleStore, Session } from "./trie/index.js";
export { nodeVfs } from "./vfs/index.js";
export type { AnchorMode, AnchorOptions } from "./anchor/index.js";
export type { Codec, CorruptionDetails, ErrorDetails } from "./base/index.js";
export type {
  AnchorNeeds,
  Entry,
  KeyCodec,
  LaneBatch,
  LaneLayout,
  LaneRange,
  LaneSetOptions,
  PersistBatch,
  Persisted,
  PersistPipelineOptions,
} from "./lanes/index.js";
export type { ClassicLevelOptions, Engine, EngineDatabase, MemoryEngineOptions } from "./engine/index.js";
export type {
  Checkpoint,
  EventLogOptions,
  EventLogStats,
  EventOf,
  EventType,
  EventTypes,
  Hydrated,
} from "./events/index.js";
export type {
  Durability,
  Flush,
  FollowOptions,
  Journal,
  JournalLimits,
  LogInput,
  LogInspection,
  LogOptions,
  LogProblem,
  LogReaderOptions,
  LogRecord,
  LogStats,
  LsnRange,
  ReadOptions,
  RecoveryReport,
  RepairOptions,
  RepairReport,
  TornMode,
  VerifyOptions,
  VerifyProgress,
  VerifyReport,
} from "./log/index.js";
export type { KeyState, MultiProof, PathProof } from "./proof/index.js";
export type { CommitPart, SharedLogOptions, SharedLogStats, SharedRecoveryReport } from "./streams/index.js";
export type { Vfs } from "./vfs/index.js";
export type { PageStoreOptions, PageStoreStats } from "./pages/index.js";
