/** A commit that was begun: what it logs, and what it comes to once it is durable. Nothing of the store knows of it but `staged`. */
import type { StagedMeta } from "./meta-map.js";
import type { StagedSync } from "./staged-sync.js";
import type { Page } from "./page.js";
import type { ClearRecord } from "./wal-format.js";

/** A page and the bucket that it gets or has. */
export interface PlacedPage {
  readonly page: Page;
  readonly bucket: number;
}

/** See the head of this file. */
export interface Staged extends StagedSync {
  readonly updates: readonly PlacedPage[];
  readonly clears: readonly ClearRecord[];
  readonly meta: StagedMeta;
  readonly stepsMax: number;
  /** Bytes of the records. */
  readonly bytes: number;
}
