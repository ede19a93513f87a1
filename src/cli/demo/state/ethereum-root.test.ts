/**
 * The state that rewards make of mainnet's genesis is Ethereum's: its root, computed by @ethereumjs/mpt, is that of the block headers. The file of the
 * first 8,192 blocks is not in the repository: HOLDFAST_ERA1 names it.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createMPT, type MerklePatriciaTrie } from "@ethereumjs/mpt";
import { encode } from "@ethereumjs/rlp";
import { type TestContext, expect, it } from "vitest";
import { equalBytes, toHex } from "../../../base/index.js";
import { keccak256 } from "../../../hash/index.js";
import { type Era1Block, Era1File } from "../era1/era1-file.js";
import { FlatKv, decodeAccount } from "../../../flatkv/index.js";
import type { StateChangeSet } from "./change-set.js";
import { genesisChangeSet } from "./genesis.js";
import { replaySteps } from "./replay.js";

/** Root of mainnet's block 0. */
const genesisRoot = "d7f8974fb5ac78d9ac099b9ad5018bedc2ce0a72dad1827a1709da30580f0544";

it("mainnet's genesis has the state root of its block 0", { timeout: 120_000 }, async () => {
  const trie = await stateTrie();
  await putAccounts(trie, [await genesisChangeSet()]);
  expect(toHex(trie.root())).toBe(genesisRoot);
});

it("every block of an era1 file leaves the state root that its header names", { timeout: 300_000 }, async (test) => {
  const file = await Era1File.open(givenFile(test));
  const directory = await mkdtemp(path.join(tmpdir(), "holdfast-ethereum-root-test-"));
  try {
    const store = await FlatKv.open(path.join(directory, "state"));
    const trie = await stateTrie();
    const wrong: number[] = [];
    let last: Era1Block | undefined;
    for await (const { version, block, changeSets } of replaySteps(file, store.version)) {
      const changes = await changeSets(store);
      await store.applyChangeSets(changes);
      expect(await store.commit()).toBe(version);
      await putAccounts(trie, changes);
      if (!equalBytes(trie.root(), block.header.stateRoot)) wrong.push(block.number);
      last = block;
    }
    expect(wrong).toEqual([]);
    expect(store.version).toBe(file.lastNumber + 1);

    // What the store holds at the end, and not what was handed to it.
    const stored = await stateTrie();
    for await (const row of store.iterate({ database: "account" }))
      await putAccounts(stored, [{ database: "account", changes: [row] }]);
    expect(toHex(stored.root())).toBe(toHex(last!.header.stateRoot));
    expect((await store.verify()).sound).toBe(true);
    await store.close();
  } finally {
    await file.close();
    await rm(directory, { recursive: true, force: true });
  }
});

/** The file that was given. Without one the test is skipped by name. */
function givenFile(test: TestContext): string {
  const given = process.env["HOLDFAST_ERA1"];
  if (given !== undefined && given !== "") return given;
  const reason = "HOLDFAST_ERA1 names no era1 file";
  console.log(`SKIP ${test.task.name}: ${reason}`);
  return test.skip(reason);
}

function stateTrie(): Promise<MerklePatriciaTrie> {
  return createMPT({ useKeyHashing: true });
}

/** Puts the accounts of change sets into a trie as Ethereum has them. */
async function putAccounts(trie: MerklePatriciaTrie, sets: readonly StateChangeSet[]): Promise<void> {
  const emptyRoot = keccak256.hash(encode(new Uint8Array(0)));
  const emptyCode = keccak256.hash(new Uint8Array(0));
  for (const { changes } of sets) {
    for (const { key, value } of changes) {
      const { balance, nonce } = decodeAccount(value!);
      await trie.put(key, encode([nonce, balance, emptyRoot, emptyCode]));
    }
  }
}
