/**
 * The blocks of mainnet's first era1 file as a feed: block 0 is the genesis of the state, and each block after it a round of its own, in the lane of the
 * first byte of its miner's address. Blocks with transactions are not carried out, so the first of them ends it.
 */
import { toHex, writeU32 } from "../../../base/index.js";
import { type Era1Block, Era1File } from "../era1/era1-file.js";
import { type ReplayGenesis, type ReplayStep, replaySteps } from "../state/replay.js";
import { BlockWithTransactionsError } from "../state/rewards.js";
import { formatCount, formatPlural } from "../../units.js";
import type { DemoFeed, Feed, Round } from "./feed.js";
import type { NodeSettings } from "./node-settings.js";

/** The blocks 1 to `last` of a file. */
export function feedOfBlocks(path: string, last: number, genesis?: ReplayGenesis): Feed {
  return {
    async *rounds(from, onCounts) {
      if (from >= last) return;
      const file = await Era1File.open(path);
      try {
        for await (const step of replaySteps(file, from + 1, genesis)) {
          const round = roundOf(step);
          onCounts?.(round.counts);
          yield round;
          if (step.block.number >= last) return;
        }
      } finally {
        await file.close();
      }
    },
    restore: (_round, bodies) => (bodies.length === 1 ? bodies[0] : undefined),
  };
}

/** What a file has to give: all of it is read, up to its end or to a block with transactions. */
export async function scanBlocks(
  path: string,
  { signal, genesis }: { readonly signal?: AbortSignal; readonly genesis?: ReplayGenesis } = {},
): Promise<{ readonly last: number; readonly fileBlocks: number; readonly stop?: BlockWithTransactionsError }> {
  const file = await Era1File.open(path);
  const fileBlocks = file.lastNumber + 1;
  try {
    let last = 0;
    for await (const { block } of replaySteps(file, 0, genesis)) {
      signal?.throwIfAborted();
      const { number, transactions } = block;
      if (transactions > 0) return { last, fileBlocks, stop: new BlockWithTransactionsError(number, transactions) };
      last = number;
    }
    return { last, fileBlocks };
  } finally {
    await file.close();
  }
}

/** A file that was scanned. */
export function blockFeed(
  path: string,
  { last, fileBlocks, stop }: Awaited<ReturnType<typeof scanBlocks>>,
  settings: NodeSettings,
): DemoFeed {
  return {
    ...feedOfBlocks(path, last),
    form: "era1",
    settings,
    records: last,
    roundRecords: 1,
    words: ["--era1", path, "--records", String(last)],
    noun: "block",
    title: `the genesis and ${formatPlural(last, "block")} of Ethereum, of ${formatCount(fileBlocks)} in the file`,
    rankingHead: (names) => `Busiest of ${names} miners, by blocks`,
    facts: { fileBlocks, stoppedAtBlock: stop === undefined ? null : last + 1 },
    remark:
      stop === undefined
        ? undefined
        : `${stop.message} The genesis and all ${formatCount(last)} blocks after it are verified.`,
  };
}

function roundOf({ block, changeSets }: ReplayStep): Round {
  const { number, header } = block;
  const miner = toHex(header.coinbase);
  const source = recordOf(block);
  return {
    index: number - 1,
    firstRecord: number,
    records: 1,
    lanes: [{ lane: `0x${miner.slice(0, 2)}`, records: 1, body: source }],
    counts: [[`0x${miner}`, 1]],
    source,
    changes: changeSets,
  };
}

/** A block's record: bytes of the header u32 | the header's RLP | the body's. */
function recordOf({ rlp: { header, body } }: Era1Block): Uint8Array {
  const record = new Uint8Array(4 + header.length + body.length);
  writeU32(record, 0, header.length);
  record.set(header, 4);
  record.set(body, 4 + header.length);
  return record;
}
