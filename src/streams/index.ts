export { SharedLog } from "./shared-log.js";
export { Stream } from "./stream.js";
export type { SharedLogOptions } from "./options.js";
export type { CommitPart, Settled, SharedLogStats, SharedRecoveryReport } from "./shared-log.js";
