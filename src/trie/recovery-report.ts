/** What opening found and did. */
export interface MerkleRecovery {
  /** The newest commit. */
  readonly sequence: number;
  /** Commits whose values were written to the engine again. */
  readonly redone: number;
  /** Whether the store was made by this opening. */
  readonly created: boolean;
}
