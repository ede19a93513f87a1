/**
 * The stores of a replay: each block one version of the commit store and of the Merkle store, both on one shared log, each durable before the next. They say
 * by their versions where a replay goes on.
 */
import { Held } from "../../../base/index.js";
import { FlatKv } from "../../../flatkv/index.js";
import { SharedLog, type Stream } from "../../../streams/index.js";
import { MerkleStore } from "../../../trie/index.js";
import { nodeVfs } from "../../../vfs/index.js";
import { DemoMismatchError } from "../mismatch.js";
import { type StateStores, prepareVersion } from "../../node/state.js";
import type { ReplayStep } from "../state/replay.js";
import { BlockWithTransactionsError } from "../state/rewards.js";
import type { ReplaySettings } from "./replay-settings.js";

/** All of it, open. */
export interface ReplayStores extends StateStores {
  readonly shared: SharedLog;
  readonly streams: readonly Stream[];
  /** Closes all of it. */
  close(): Promise<void>;
}

/** Opens the stores, or makes them, with whatever recovery each takes. Both are at the same version. */
export async function openReplayStores(
  directory: string,
  { log, state, trie: trieOptions }: ReplaySettings,
): Promise<ReplayStores> {
  const vfs = log.vfs ?? nodeVfs;
  const held = new Held();
  try {
    const shared = await SharedLog.open(directory, log);
    held.add(() => shared.close());
    const [states, tries] = [await shared.stream("state"), await shared.stream("trie")];
    const flatkv = await FlatKv.open(vfs.join(directory, "state"), { ...state, vfs, journal: states });
    held.add(() => flatkv.close());
    const trie = await MerkleStore.open(vfs.join(directory, "trie"), { ...trieOptions, vfs, journal: tries });
    held.add(() => trie.close());
    if (flatkv.version !== trie.sequence)
      throw new DemoMismatchError(
        `The state is at version ${flatkv.version}, and the Merkle store at ${trie.sequence}.`,
      );
    return {
      shared,
      streams: [states, tries],
      flatkv,
      trie,
      async close() {
        const [failure] = await held.release();
        if (failure !== undefined) throw failure;
      },
    };
  } catch (error) {
    await held.release();
    throw error;
  }
}

/** Commits the blocks that the stores lack, which `steps` are, up to their end or the first block with transactions. `onCommitted`: a block's version is durable. */
export async function replayInto(
  stores: ReplayStores,
  steps: AsyncIterable<ReplayStep>,
  { signal, onCommitted }: { readonly signal: AbortSignal; readonly onCommitted: (block: number) => void },
): Promise<void> {
  try {
    for await (const { block, version, changeSets } of steps) {
      signal.throwIfAborted();
      if (version !== stores.flatkv.version + 1)
        throw new DemoMismatchError(`Version ${version} is to be committed on top of ${stores.flatkv.version}.`);
      const next = await prepareVersion(stores, changeSets);
      await stores.shared.together(stores.streams, () => next.commit());
      onCommitted(block.number);
    }
  } catch (error) {
    if (!(error instanceof BlockWithTransactionsError)) throw error;
  }
}
