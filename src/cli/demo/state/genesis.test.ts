import { expect, it } from "vitest";
import { toHex } from "../../../base/index.js";
import { decodeAccount } from "../../../flatkv/index.js";
import { genesisAccounts, genesisChangeSet } from "./genesis.js";

it("mainnet begins with 8,893 accounts, sorted, and with 72,009,990.49948 ether", async () => {
  const { database, changes } = await genesisChangeSet();
  expect(database).toBe("account");
  expect(changes).toHaveLength(genesisAccounts);
  const addresses = changes.map(({ key }) => toHex(key));
  expect(addresses).toEqual([...new Set(addresses)].sort());
  expect(new Set(changes.map(({ key, value }) => `${key.length} ${value?.length}`))).toEqual(new Set(["20 40"]));
  const wei = changes.reduce((sum, { value }) => sum + decodeAccount(value!).balance, 0n);
  expect(wei).toBe(7_200_999_049_948n * 10n ** 13n);
});
