/**
 * What a block of Ethereum's frontier does to the state when it has no transactions: its miner gets 5 ether and 1/32 of that for each uncle, and the
 * miner of an uncle (8 + number of the uncle − number of the block) / 8 of 5 ether.
 */
import type { Era1Block } from "../era1/era1-file.js";
import { toHex } from "../../../base/index.js";
import { ExitCodeError, exitCodes } from "../../exit-code.js";
import { decodeAccount, encodeAccount } from "../../../flatkv/index.js";
import type { RowReader, StateChangeSet } from "./change-set.js";

/** 5 ether, in wei. */
export const blockReward: bigint = 5n * 10n ** 18n;

/** A replay came to a block that it can't carry out. Code `HF_DEMO_TRANSACTIONS`; `details.block` is its number. */
export class BlockWithTransactionsError extends ExitCodeError {
  constructor(block: number, transactions: number) {
    super(
      "HF_DEMO_TRANSACTIONS",
      `Block ${block} has ${transactions === 1 ? "a transaction" : `${transactions} transactions`}, which the demo does not carry out: it pays rewards only. ` +
        `The replay ends before it. Give a file of earlier blocks to replay it whole.`,
      exitCodes.problem,
      { block, transactions },
    );
  }
}

/** What a reward goes to, and how much it is. */
export interface Reward {
  readonly address: Uint8Array;
  readonly wei: bigint;
}

/** The rewards of a block, one for each address. Block 0 has none. */
export function rewardsOf({ number, header, uncles }: Pick<Era1Block, "number" | "header" | "uncles">): Reward[] {
  if (number === 0) return [];
  const rewards = new Map<string, Reward>();
  const pay = (address: Uint8Array, wei: bigint): void => {
    const name = toHex(address);
    rewards.set(name, { address, wei: wei + (rewards.get(name)?.wei ?? 0n) });
  };
  pay(header.coinbase, blockReward + (blockReward / 32n) * BigInt(uncles.length));
  for (const uncle of uncles) pay(uncle.coinbase, (blockReward * BigInt(8 + uncle.number - number)) / 8n);
  return [...rewards.values()];
}

/** The change sets of a block. One with transactions is a {@link BlockWithTransactionsError}. */
export async function rewardChangeSets(block: Era1Block, rows: RowReader): Promise<StateChangeSet[]> {
  if (block.transactions > 0) throw new BlockWithTransactionsError(block.number, block.transactions);
  const rewards = rewardsOf(block);
  if (rewards.length === 0) return [];
  const addresses = rewards.map(({ address }) => address);
  const before = await rows.getMany(addresses, { database: "account" });
  const changes = rewards.map(({ address, wei }, index) => {
    const row = before[index];
    const account = row === undefined ? { balance: 0n, nonce: 0n } : decodeAccount(row, address);
    return { key: address, value: encodeAccount({ ...account, balance: account.balance + wei }) };
  });
  return [{ database: "account", changes }];
}
