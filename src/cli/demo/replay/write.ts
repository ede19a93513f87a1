/** The replay's process: opens the stores and commits block after block. */
import { Era1File } from "../era1/era1-file.js";
import { replaySteps } from "../state/replay.js";
import { type StateVersion, type NewestVersion, newestVersionOf, stateOf } from "../state/state-audit.js";
import { type TrieVersion, trieOf } from "../state/trie-audit.js";
import type { WriterRequest, Written } from "../writer-request.js";
import { replaySettings } from "./replay-settings.js";
import { openReplayStores, replayInto } from "./replay-store.js";

/** How the stores were opened. */
export interface ReplayOpening extends StateVersion {
  readonly trie: TrieVersion;
  /** Commits that databases or the Merkle store lacked and got from the log: the most that one of them did. */
  readonly redone: number;
  readonly recoveryMs: number;
}

/** Every block up to this one is durable: its commit has resolved. */
export interface ReplayAcknowledgement extends NewestVersion {
  readonly block: number;
  readonly counters: ReplayCounters;
}

/** Counters of one process, from its start. */
export interface ReplayCounters {
  readonly commits: number;
  /** Time since the stores were open. */
  readonly busyMs: number;
}

/** Resolves when every block is durable, or those before one with transactions. */
export async function writeReplay({
  directory,
  path,
  signal,
  send,
}: WriterRequest<ReplayOpening, ReplayAcknowledgement> & { readonly path: string }): Promise<Written> {
  const openMs = performance.now();
  const file = await Era1File.open(path);
  try {
    const stores = await openReplayStores(directory, replaySettings);
    const { flatkv, trie } = stores;
    const startMs = performance.now();
    const redone = Math.max(trie.recovery.redone, ...Object.values(flatkv.recovery.redone));
    const recoveryMs = startMs - openMs;
    const opening = { ...stateOf(flatkv), trie: trieOf(trie), redone, recoveryMs };
    await send({ kind: "opened", done: flatkv.version, opening });
    let commits = 0;
    await replayInto(stores, replaySteps(file, flatkv.version), {
      signal,
      onCommitted(block) {
        commits += 1;
        const counters = { commits, busyMs: performance.now() - startMs };
        const acknowledged = { block, ...newestVersionOf(stores), counters };
        void send({ kind: "acknowledged", done: flatkv.version, acknowledged });
      },
    });
    return stores;
  } finally {
    await file.close();
  }
}
