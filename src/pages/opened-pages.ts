/** What opening yields. */
import type { PagesRecovery } from "./recovery-report.js";
import type { Store } from "./store.js";

/** A store that is open, and what was done for that. */
export interface OpenedPages {
  readonly store: Store;
  readonly recovery: PagesRecovery;
}
