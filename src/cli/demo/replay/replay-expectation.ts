/** What a replay must come to, worked out in memory before it begins: the run without crashes. */
import { Era1File } from "../era1/era1-file.js";
import { type ReplayGenesis, replaySteps } from "../state/replay.js";
import { BlockWithTransactionsError } from "../state/rewards.js";
import { StateModel } from "../state/state-model.js";

/** See the head of this file. */
export interface ReplayExpectation {
  /** Hashes of every version: version n + 1 is what block n leaves. */
  readonly state: StateModel;
  /** Blocks that the file has. */
  readonly fileBlocks: number;
  /** Blocks that pay for uncles. */
  readonly uncles: number;
  /** Why the replay ends before the end of the file. */
  readonly stop: BlockWithTransactionsError | undefined;
}

/** Reads the whole file, up to its end or to a block with transactions. */
export async function expectReplay(
  path: string,
  { signal, genesis }: { readonly signal?: AbortSignal; readonly genesis?: ReplayGenesis } = {},
): Promise<ReplayExpectation> {
  const file = await Era1File.open(path);
  const state = new StateModel();
  let uncles = 0;
  let stop: BlockWithTransactionsError | undefined;
  try {
    for await (const { block, changeSets } of replaySteps(file, 0, genesis)) {
      signal?.throwIfAborted();
      state.apply(await changeSets(state.rows));
      uncles += block.uncles.length;
    }
  } catch (error) {
    if (!(error instanceof BlockWithTransactionsError)) throw error;
    stop = error;
  } finally {
    await file.close();
  }
  return { state, fileBlocks: file.lastNumber + 1, uncles, stop };
}
