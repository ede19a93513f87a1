/** What a process that has a commit store is told to do. */
export interface FlatKvTask {
  readonly directory: string;
  readonly seed: number;
  /** This process; above those that wrote before it. */
  readonly generation: number;
  /** LevelDB's memtables; small ones become tables again and again. */
  readonly writeBufferBytes: number;
  readonly segmentBytes: number;
  readonly syncEveryCommits: number;
  readonly snapshotEveryCommits: number;
  /** Whether snapshots share tables with the live databases. */
  readonly links: boolean;
  /** Import this file first. */
  readonly importFrom: string | undefined;
  /** Check the snapshots as well, once it is open. */
  readonly verifySnapshots: boolean;
  /** After that: commit, keep the store open and do nothing, write an export to `exportTo` and close, close; or read beside the one that commits. */
  readonly afterwards: "write" | "hold" | "export" | "close" | "read";
  readonly exportTo: string | undefined;
  /** Stop after so many commits, or looks of a reader. */
  readonly commits: number;
  /** Of a thousand calls, how many are rollbacks, snapshots and checks; the others are commits. */
  readonly perMille: { readonly rollback: number; readonly snapshot: number; readonly verify: number };
}

/** What a store is when a process has opened it, read row by row. */
export interface StoreReport {
  readonly version: number;
  /** Of the commit that it stands at; 0 where there is none. */
  readonly serial: number;
  /** Of all rows, by `digestOf`. */
  readonly digest: string;
  /** Of `committedHash`, hex. */
  readonly checksum: string;
  /** What is wrong: databases whose hash is not that of their rows, and what `verify` says. */
  readonly problems: readonly string[];
  readonly recovery: {
    readonly redone: Readonly<Record<string, number>>;
    readonly rebuilt: readonly { readonly database: string; readonly reason: string }[];
    readonly abandonedRecords: number;
    readonly removedDirectories: number;
  };
}
