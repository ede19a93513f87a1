/**
 * What a store tells to whoever listens, through `node:diagnostics_channel`. Nothing is built for a channel without subscribers. What happens to pages is
 * told by the page store's own channels.
 *
 * | channel | message |
 * |---|---|
 * | `holdfast:trie:open` | {@link MerkleOpenMessage} |
 * | `holdfast:trie:commit` | {@link MerkleCommitMessage}, once a commit is durable and applied |
 * | `holdfast:trie:poison` | {@link MerklePoisonMessage} |
 */
import { type Channel, channel } from "node:diagnostics_channel";
import type { MerkleRecovery } from "./recovery-report.js";

/** A store was opened. */
export interface MerkleOpenMessage {
  readonly directory: string;
  readonly recovery: MerkleRecovery;
}

/** A commit was made. */
export interface MerkleCommitMessage {
  readonly directory: string;
  readonly sequence: number;
  readonly lsn: number;
  /** Keys that were put or deleted. */
  readonly keys: number;
  /** Pages that changed, came or went. */
  readonly pages: number;
  /** How many commits it undid; 0 for an ordinary one. */
  readonly undone: number;
}

/** A write failed; the store serves no more. */
export interface MerklePoisonMessage {
  readonly directory: string;
  readonly cause: unknown;
}

export const openChannel: Channel = channel("holdfast:trie:open");
export const commitChannel: Channel = channel("holdfast:trie:commit");
export const poisonChannel: Channel = channel("holdfast:trie:poison");
