/** The replay's process: opens the store and commits block after block. */
import { Era1File } from "../era1/era1-file.js";
import { replaySteps } from "../state/replay.js";
import { type StateVersion, type NewestVersion, newestVersionOf, stateOf } from "../state/state-audit.js";
import type { WriterRequest, Written } from "../writer-request.js";
import { replaySettings } from "./replay-settings.js";
import { openReplayStore, replayInto } from "./replay-store.js";

/** How the store was opened. */
export interface ReplayOpening extends StateVersion {
  /** Commits that databases lacked and got from the log: the most that one of them did. */
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
  /** Time since the store was open. */
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
  const store = await openReplayStore(directory, replaySettings);
  const startMs = performance.now();
  const redone = Math.max(0, ...Object.values(store.recovery.redone));
  const opening = { ...stateOf(store), redone, recoveryMs: startMs - openMs };
  await send({ kind: "opened", done: store.version, opening });
  const file = await Era1File.open(path);
  let commits = 0;
  try {
    await replayInto(store, replaySteps(file, store.version), {
      signal,
      onCommitted(block) {
        commits += 1;
        const counters = { commits, busyMs: performance.now() - startMs };
        const acknowledged = { block, ...newestVersionOf(store), counters };
        void send({ kind: "acknowledged", done: store.version, acknowledged });
      },
    });
  } finally {
    await file.close();
  }
  return store;
}
