/** Ethereum's mainnet as it began: the accounts that had a balance before its first block. */
import { FormatError } from "../../../base/index.js";
import { loadPackage } from "../demo-package.js";
import { encodeAccount } from "../../../flatkv/index.js";
import type { StateChangeSet } from "./change-set.js";

const packages = "@ethereumjs/genesis@10.1.3";

/** How many accounts there are. */
export const genesisAccounts = 8_893;

/** Hash of mainnet's block 0, whose state they are. */
export const genesisHash = "d4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3";

/** The change set that makes them, sorted by address. The package that lists them, where it is missing: `MissingPackageError`. */
export async function genesisChangeSet(): Promise<StateChangeSet> {
  const { mainnetGenesis } = await loadPackage<typeof import("@ethereumjs/genesis/mainnet")>(
    "@ethereumjs/genesis/mainnet",
    packages,
  );
  const listed = Object.entries(mainnetGenesis as Readonly<Record<string, unknown>>);
  if (listed.length !== genesisAccounts)
    throw unfit(`${listed.length} accounts, where mainnet began with ${genesisAccounts}`);
  const changes = listed
    .map(([address, balance]) => [hexadecimal(address, 20), balance] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([address, balance]) => ({
      key: new Uint8Array(Buffer.from(address, "hex")),
      value: encodeAccount({ balance: BigInt(`0x${hexadecimal(balance)}`), nonce: 0n }),
    }));
  return { database: "account", changes };
}

/** The digits of a number as the package writes it; of `bytes` bytes, where that is given. */
function hexadecimal(value: unknown, bytes?: number): string {
  const digits = typeof value === "string" ? /^0x([0-9a-f]+)$/i.exec(value)?.[1]?.toLowerCase() : undefined;
  if (digits === undefined || (bytes !== undefined && digits.length !== 2 * bytes))
    throw unfit(`${JSON.stringify(value)} in place of a number`);
  return digits;
}

function unfit(found: string): FormatError {
  const message = `The package @ethereumjs/genesis has ${found}. Install ${packages}.`;
  return new FormatError("HF_FORMAT_UNKNOWN", message, { install: packages });
}
