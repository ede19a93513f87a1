/** Holds what a kill left of a replay's store against the run without crashes. */
import { DemoMismatchError } from "../mismatch.js";
import { type DatabaseRows, type StateVersion, checkState, stateOf, verifyState } from "../state/state-audit.js";
import type { ReplayExpectation } from "./replay-expectation.js";
import type { ReplaySettings } from "./replay-settings.js";
import { openReplayStore } from "./replay-store.js";

/** What was found right. Anything wrong is a `DemoMismatchError` instead. */
export interface ReplayAudit extends StateVersion {
  /** What was read; nothing where that was not asked for. */
  readonly databases: readonly DatabaseRows[];
  readonly elapsedMs: number;
}

/** Opens the store in a directory, which recovers it, and compares. `rows`: whether all rows are read too. */
export async function auditReplay(
  directory: string,
  settings: ReplaySettings,
  { state }: ReplayExpectation,
  { acknowledged, rows = false }: { readonly acknowledged: number; readonly rows?: boolean },
): Promise<ReplayAudit> {
  const startMs = performance.now();
  const store = await openReplayStore(directory, settings);
  try {
    const found = stateOf(store);
    if (found.version < acknowledged)
      throw new DemoMismatchError(`Version ${acknowledged} was acknowledged, and the store has ${found.version}.`);
    // A crash may come before the first version.
    if (found.version > 0) checkState(found, state);
    const databases = rows ? await verifyState(store) : [];
    return { ...found, databases, elapsedMs: performance.now() - startMs };
  } finally {
    await store.close();
  }
}
