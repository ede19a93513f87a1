/** The vectors in `test/fixtures/nomt`, and the keys that they are about. Where they come from is said in the file. */
import { readFileSync } from "node:fs";
import { toHex, writeU32 } from "../base/index.js";

interface TerminalVector {
  readonly leaf?: { readonly key: string; readonly valueHash: string };
  readonly terminator?: string;
}

interface HasherVectors {
  readonly leaf: string;
  readonly internal: string;
  readonly emptyValue: string;
  readonly value: string;
  readonly multiValueRoot: string;
  readonly subTrieRoot: string;
  readonly twoKeysRoot: string;
  readonly tenAccounts: {
    readonly root: string;
    readonly proofs: Readonly<
      Record<
        string,
        { readonly depth: number; readonly terminal: TerminalVector; readonly siblings: readonly string[] }
      >
    >;
    readonly multiProof: {
      readonly paths: readonly { readonly terminal: TerminalVector; readonly depth: number }[];
      readonly siblings: readonly string[];
    };
  };
}

export interface NomtVectors {
  readonly accountPaths: Readonly<Record<string, string>>;
  readonly published: {
    readonly valueHash: string;
    readonly roots: Readonly<Record<string, string>>;
    readonly oneKey: { readonly key: string; readonly value: string; readonly root: string };
  };
  readonly hashers: Readonly<Record<"blake3" | "sha256" | "keccak256", HasherVectors>>;
}

export const nomtVectors: NomtVectors = JSON.parse(
  readFileSync(new URL("../../test/fixtures/nomt/vectors.json", import.meta.url), "utf8"),
) as NomtVectors;

const MULTIPLIER = 6364136223846793005n;

/**
 * The key of an account of the nomt tests, in hexadecimal digits: the output of a PCG (Lcg64Xsh32, of stream 0) that begins with the
 * account's number.
 */
export function accountPath(id: number): string {
  let state = BigInt.asUintN(64, (BigInt(id) + 1n) * MULTIPLIER + 1n);
  const path = new Uint8Array(32);
  for (let at = 0; at < path.length; at += 4) {
    const mixed = Number(BigInt.asUintN(32, ((state >> 18n) ^ state) >> 27n));
    const turn = Number(state >> 59n);
    writeU32(path, at, (mixed >>> turn) | (mixed << (32 - turn)));
    state = BigInt.asUintN(64, state * MULTIPLIER + 1n);
  }
  return toHex(path);
}
