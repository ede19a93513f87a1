import { describe, expect, it } from "vitest";
import type { Era1Block } from "../era1/era1-file.js";
import type { Header } from "../era1/header.js";
import { addressOf } from "../era1/era1.contract.js";
import { decodeAccount, encodeAccount } from "../../../flatkv/index.js";
import { rewardChangeSets, rewardsOf } from "./rewards.js";
import { StateRows } from "./state-rows.js";

const ether = 10n ** 18n;
const nothing = new Uint8Array(32);

function header(number: number, coinbase: number): Header {
  const hashes = { hash: nothing, parentHash: nothing, unclesHash: nothing };
  const roots = { stateRoot: nothing, transactionsRoot: nothing, receiptsRoot: nothing };
  return { ...hashes, ...roots, coinbase: addressOf(coinbase), difficulty: 17n, number };
}

function block(number: number, coinbase: number, uncles: readonly Header[] = [], transactions = 0): Era1Block {
  return {
    number,
    header: header(number, coinbase),
    uncles,
    transactions,
    totalDifficulty: 0n,
    rlp: { header: nothing, body: nothing },
  };
}

describe("rewards", () => {
  it("are 5 ether for a block, and none for block 0", () => {
    expect(rewardsOf(block(7, 1))).toEqual([{ address: addressOf(1), wei: 5n * ether }]);
    expect(rewardsOf(block(0, 1))).toEqual([]);
  });

  it("are 1/32 more for each uncle, and an uncle's miner gets an eighth less for each block that it is behind", () => {
    expect(rewardsOf(block(10, 1, [header(9, 2), header(4, 3)]))).toEqual([
      { address: addressOf(1), wei: (5n * ether * 34n) / 32n },
      { address: addressOf(2), wei: (5n * ether * 7n) / 8n },
      { address: addressOf(3), wei: (5n * ether * 2n) / 8n },
    ]);
  });

  it("of one address are one reward", () => {
    expect(rewardsOf(block(10, 1, [header(9, 1)]))).toEqual([
      { address: addressOf(1), wei: (5n * ether * 33n) / 32n + (5n * ether * 7n) / 8n },
    ]);
  });

  it("are added to what accounts have, and leave the rest of them", async () => {
    const rows = new StateRows();
    const codeHash = new Uint8Array(32).fill(6);
    const value = encodeAccount({ balance: 3n, nonce: 4n, codeHash });
    rows.apply([{ database: "account", changes: [{ key: addressOf(1), value }] }]);
    rows.apply(await rewardChangeSets(block(10, 1, [header(9, 2)]), rows));
    rows.apply(await rewardChangeSets(block(11, 2), rows));
    const account = (name: number): unknown => decodeAccount(rows.get(addressOf(name), { database: "account" })!);
    expect(account(1)).toEqual({ balance: 3n + (5n * ether * 33n) / 32n, nonce: 4n, codeHash });
    expect(account(2)).toEqual({ balance: (5n * ether * 7n) / 8n + 5n * ether, nonce: 0n });
    expect(rows.count("account")).toBe(2);
    expect(await rewardChangeSets(block(0, 1), rows)).toEqual([]);
  });

  it("end with the first block that has transactions, by its number", async () => {
    await expect(rewardChangeSets(block(46_147, 1, [], 1), new StateRows())).rejects.toMatchObject({
      code: "HF_DEMO_TRANSACTIONS",
      details: { block: 46_147, transactions: 1 },
    });
  });
});
