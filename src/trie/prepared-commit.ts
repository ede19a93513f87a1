import type { StagedSync } from "../pages/index.js";
import type { MultiProof } from "../proof/index.js";
import type { CommitHeader } from "./record-format.js";
import type { PackedChanges, StagedChanges } from "./staged-changes.js";
import type { WalkResult } from "./walker.js";

/** A commit in memory: all of it is known, and nothing has happened. It holds until the next one is prepared. */
export interface PreparedCommit {
  readonly changes: StagedChanges;
  readonly packed: PackedChanges;
  readonly header: CommitHeader;
  readonly root: Uint8Array;
  readonly sequence: number;
  readonly proof: MultiProof | undefined;
  /** How many records of the trie's own the batch ends with, but for END. */
  readonly ownRecords: number;
  readonly walked: WalkResult;
  readonly staged: StagedSync;
}
