export { FlatKv } from "./flat-kv.js";
export { decodeAccount, encodeAccount } from "./account-row.js";
export { FlatKvReader } from "./store-reader.js";
export type { FlatKvReaderOptions } from "./store-reader.js";
export type { CommitSource } from "./commit-log.js";
export { importFlatKv } from "./import.js";
export { inspectFlatKv } from "./inspect.js";
export type { FlatKvInspection, InspectFlatKvOptions, InspectedDatabase, InspectedSnapshot } from "./inspect.js";
export type { ExportOptions, TransferProgress } from "./export.js";
export type { ImportFlatKvOptions, ImportFlatKvReport } from "./import.js";
export { rebuildHashes } from "./rebuild-hashes.js";
export type { RebuildHashesOptions, RebuildHashesReport } from "./rebuild-hashes.js";
export { seiRouting } from "./sei-routing.js";
export type { Account } from "./account-row.js";
export type { Change, ChangeSet } from "./change-set.js";
export type {
  FlatKvCommitMessage,
  FlatKvOpenMessage,
  FlatKvPoisonMessage,
  FlatKvStructureMessage,
} from "./channels.js";
export type { RepairFlatKvOptions, RepairFlatKvReport } from "./flat-kv.js";
export type {
  FlatKvProblem,
  VerifiedDatabase,
  VerifyFlatKvOptions,
  VerifyFlatKvProgress,
  VerifyFlatKvReport,
} from "./verify.js";
export type { FlatKvStats } from "./flat-kv.js";
export type { FlatKvRow, KeyOptions } from "./reads.js";
export type { FlatKvOptions, SnapshotOptions } from "./options.js";
export type { IterateOptions } from "./range.js";
export type { OlderMetadata, RebuildReason } from "./recovery.js";
export type { FlatKvRecovery, RebuiltDatabase } from "./recovery-report.js";
export type { Place, RowField, Routing } from "./routing.js";
export type { SnapshotInfo } from "./snapshots.js";
