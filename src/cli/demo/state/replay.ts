/**
 * Mainnet's first blocks as versions of a commit store: version 1 is the genesis, and version n + 1 is what block n leaves. So a store's version says which
 * block comes next.
 */
import { FormatError, toHex } from "../../../base/index.js";
import type { Era1Block, Era1File } from "../era1/era1-file.js";
import type { RowReader, StateChangeSet } from "./change-set.js";
import { genesisChangeSet, genesisHash } from "./genesis.js";
import { rewardChangeSets } from "./rewards.js";

/** One version. */
export interface ReplayStep {
  readonly version: number;
  readonly block: Era1Block;
  /** What makes this version of the one before. A block with transactions is a `BlockWithTransactionsError`. */
  readonly changeSets: (rows: RowReader) => Promise<StateChangeSet[]>;
}

/** What a replay begins with: the change sets of block 0, and its hash. */
export interface ReplayGenesis {
  readonly hash: string;
  readonly changeSets: () => Promise<StateChangeSet[]>;
}

const mainnet: ReplayGenesis = { hash: genesisHash, changeSets: async () => [await genesisChangeSet()] };

/**
 * The versions after `version`; 0 is a store that has none. A file that does not begin with block 0, or with another chain's: `FormatError`, code
 * `HF_FORMAT_UNKNOWN`.
 */
export async function* replaySteps(
  file: Era1File,
  version: number,
  genesis: ReplayGenesis = mainnet,
): AsyncGenerator<ReplayStep, void, undefined> {
  await checkBeginning(file, genesis);
  for await (const block of file.blocks(version)) {
    yield {
      version: block.number + 1,
      block,
      changeSets: (rows) => (block.number === 0 ? genesis.changeSets() : rewardChangeSets(block, rows)),
    };
  }
}

/** The state of a block follows from those before it, so the file must be the first one of the chain whose genesis it is. */
async function checkBeginning(file: Era1File, genesis: ReplayGenesis): Promise<void> {
  const { path, firstNumber } = file;
  if (firstNumber !== 0) {
    const message = `${path} begins with block ${firstNumber}, and the replay with block 0. Give the first file of mainnet.`;
    throw new FormatError("HF_FORMAT_UNKNOWN", message, { path, firstNumber });
  }
  for await (const { header } of file.blocks()) {
    const hash = toHex(header.hash);
    if (hash === genesis.hash) return;
    const message = `${path} begins with block ${hash}, which is not mainnet's. Give the first file of mainnet.`;
    throw new FormatError("HF_FORMAT_UNKNOWN", message, { path, hash });
  }
}
