export { MerkleStore } from "./merkle-store.js";
export { Session } from "./session.js";
export type { MerkleCommitMessage, MerkleOpenMessage, MerklePoisonMessage } from "./channels.js";
export type { MerkleStats } from "./merkle-store.js";
export type { MerkleStoreOptions, RollbackOptions } from "./options.js";
export type { MerkleRecovery } from "./recovery-report.js";
export type { CommitOptions, Committed, Witness } from "./session.js";
export type { MerkleProblem, VerifyMerkleOptions, VerifyMerkleProgress, VerifyMerkleReport } from "./verify.js";
