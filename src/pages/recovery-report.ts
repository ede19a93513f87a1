/** What opening a page store found and did. */
export interface PagesRecovery {
  /** Where the store stands. */
  readonly sequence: number;
  /** Commits after the checkpoint, which were redone. */
  readonly redoneCommits: number;
  /** Pages that they left dirty in memory. */
  readonly redonePages: number;
  /** Images of the double-write buffer that were put in their place again. */
  readonly restoredImages: number;
  /** Tables that nobody names, which were removed. */
  readonly removedTables: number;
}
