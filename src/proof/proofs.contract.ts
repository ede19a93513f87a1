/** Proofs as the tests make them: from the trie's definition, and from the vectors. */
import { toHex } from "../base/index.js";
import type { Hasher } from "../hash/index.js";
import type { MultiProof, PathProof, Terminal } from "./index.js";
import { multiProofOf, pathOf } from "./index.js";
import type { Leaves } from "./naive-trie.contract.js";
import { hex, naiveProof } from "./naive-trie.contract.js";

/** The proof of a key, by definition. */
export function proofOf(hasher: Hasher, leaves: Leaves, key: string): PathProof {
  const { depth, leaf, siblings } = naiveProof(hasher, leaves, key);
  const terminal: Terminal =
    leaf === undefined
      ? { kind: "terminator", path: pathOf(hex(key), depth) }
      : { kind: "leaf", key: hex(leaf[0]), valueHash: hex(leaf[1]) };
  return { terminal, siblings: siblings.map(hex) };
}

/** One proof for several keys. */
export function multiProofFor(hasher: Hasher, leaves: Leaves, keys: readonly string[]): MultiProof {
  return multiProofOf(keys.map((key) => proofOf(hasher, leaves, key)));
}

/** What a key has, as a claim. */
export function stateOf(leaves: Leaves, key: string): { key: Uint8Array; valueHash: Uint8Array | undefined } {
  const valueHash = leaves.get(key);
  return { key: hex(key), valueHash: valueHash === undefined ? undefined : hex(valueHash) };
}

/** A proof with its bytes as hexadecimal digits, which failing tests can print. */
export function inDigits(proof: PathProof | MultiProof): unknown {
  return JSON.parse(
    JSON.stringify(proof, (_, value: unknown) => (value instanceof Uint8Array ? toHex(value) : value)),
  ) as unknown;
}
