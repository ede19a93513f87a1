/** What a workload and its recoveries note: enough to tell which states of a log are allowed after a crash. */

/** One thing that was asked of a log, promised by it, or shown by it. */
export type LogEvent =
  /** A batch was handed over, to be all or nothing. It will get these LSNs, and its payloads are `serial`, `serial + 1`, … of the book. */
  | { readonly kind: "issued"; readonly lsn: number; readonly count: number; readonly serial: number }
  /** Everything up to here was acknowledged. */
  | { readonly kind: "acked"; readonly lsn: number }
  /** The log said that everything up to here is durable. */
  | { readonly kind: "durable"; readonly lsn: number }
  /** A reader in another process was shown everything up to here. */
  | { readonly kind: "seen"; readonly lsn: number }
  /** Records below `lsn` are being dropped. */
  | { readonly kind: "prune"; readonly lsn: number }
  | { readonly kind: "pruned"; readonly lsn: number }
  /** Records above `lsn` are being dropped. */
  | { readonly kind: "cut"; readonly lsn: number }
  | { readonly kind: "cut-done"; readonly lsn: number }
  /** A recovery finished and showed exactly this. */
  | { readonly kind: "opened"; readonly firstLsn: number; readonly lastLsn: number };
