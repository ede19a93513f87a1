/** Holds what a kill left of a replay's stores against the run without crashes. */
import { DemoMismatchError } from "../mismatch.js";
import { type DatabaseRows, type StateVersion, checkState, stateOf, verifyState } from "../state/state-audit.js";
import { type TrieContent, type TrieVersion, checkTrie, trieOf, verifyTrie } from "../state/trie-audit.js";
import type { ReplayExpectation } from "./replay-expectation.js";
import type { ReplaySettings } from "./replay-settings.js";
import { openReplayStores } from "./replay-store.js";

/** What was found right. Anything wrong is a `DemoMismatchError` instead. */
export interface ReplayAudit extends StateVersion {
  /** What was read; nothing where that was not asked for. */
  readonly databases: readonly DatabaseRows[];
  readonly trie: TrieVersion;
  readonly trieContent: TrieContent | undefined;
  readonly elapsedMs: number;
}

/** Opens the stores in a directory, which recovers them, and compares. `rows`: whether all rows and pages are read too, which has to be at the last version. */
export async function auditReplay(
  directory: string,
  settings: ReplaySettings,
  { state }: ReplayExpectation,
  { acknowledged, rows = false }: { readonly acknowledged: number; readonly rows?: boolean },
): Promise<ReplayAudit> {
  const startMs = performance.now();
  const stores = await openReplayStores(directory, settings);
  try {
    const found = stateOf(stores.flatkv);
    const trie = trieOf(stores.trie);
    if (Math.min(found.version, trie.sequence) < acknowledged)
      throw new DemoMismatchError(
        `Version ${acknowledged} was acknowledged, and the stores have ${found.version} and ${trie.sequence}.`,
      );
    // A crash may come before the first version.
    if (found.version > 0) checkState(found, state);
    if (trie.sequence > 0) checkTrie(trie, state);
    const databases = rows ? await verifyState(stores.flatkv) : [];
    const trieContent = rows ? await verifyTrie(stores, state) : undefined;
    return { ...found, databases, trie, trieContent, elapsedMs: performance.now() - startMs };
  } finally {
    await stores.close();
  }
}
