/** The store of a replay: each block one version, each durable before the next. A store says by its version where a replay goes on. */
import { FlatKv } from "../../../flatkv/index.js";
import type { ReplayStep } from "../state/replay.js";
import { BlockWithTransactionsError } from "../state/rewards.js";
import type { ReplaySettings } from "./replay-settings.js";

/** Opens the store, or makes one, with whatever recovery that takes. */
export function openReplayStore(directory: string, settings: ReplaySettings): Promise<FlatKv> {
  return FlatKv.open(directory, settings);
}

/** Commits the blocks that the store lacks, which `steps` are, up to their end or the first block with transactions. `onCommitted`: a block's version is durable. */
export async function replayInto(
  store: FlatKv,
  steps: AsyncIterable<ReplayStep>,
  { signal, onCommitted }: { readonly signal: AbortSignal; readonly onCommitted: (block: number) => void },
): Promise<void> {
  try {
    for await (const { block, changeSets } of steps) {
      signal.throwIfAborted();
      await store.applyChangeSets(await changeSets(store));
      await store.commit();
      onCommitted(block.number);
    }
  } catch (error) {
    if (!(error instanceof BlockWithTransactionsError)) throw error;
  }
}
