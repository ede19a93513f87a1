/** What opening yields: the store, and what it took. */
import type { FlatKvRecovery } from "./recovery-report.js";
import type { Store } from "./store.js";

/** See the head of this file. */
export interface OpenedStore {
  readonly store: Store;
  readonly recovery: FlatKvRecovery;
}
