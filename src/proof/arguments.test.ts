import { describe, expect, it } from "vitest";
import { InvalidArgumentError } from "../base/index.js";
import { blake3 as hasher } from "../hash/index.js";
import { multiProofOf, verifyMultiProof, verifyPathProof, verifyUpdate } from "./index.js";
import { hex, naiveRoot } from "./naive-trie.contract.js";
import { proofOf } from "./proofs.contract.js";

const filled = (byte: number): string => byte.toString(16).padStart(2, "0").repeat(32);

describe("a caller's mistakes are refused", () => {
  const leaves = new Map([[filled(1), filled(2)]]);
  const proof = proofOf(hasher, leaves, filled(1));
  const multi = multiProofOf([proof]);
  const root = hex(naiveRoot(hasher, leaves));
  const key = hex(filled(1));
  const value = new Uint8Array(3);

  it.each<[string, () => unknown]>([
    ["no claim", () => verifyPathProof(undefined as never)],
    ["a short root", () => verifyPathProof({ root: root.subarray(1), hasher, proof, key, value })],
    ["no hasher", () => verifyPathProof({ root, proof, key, value } as never)],
    [
      "another hasher's shape",
      () => verifyPathProof({ root, hasher: { hash: () => root } as never, proof, key, value }),
    ],
    ["a short key", () => verifyPathProof({ root, hasher, proof, key: key.subarray(1), value })],
    ["a key of text", () => verifyPathProof({ root, hasher, proof, key: filled(1) as never, value })],
    ["neither value nor hash", () => verifyPathProof({ root, hasher, proof, key } as never)],
    ["both value and hash", () => verifyPathProof({ root, hasher, proof, key, value, valueHash: key } as never)],
    ["a value of text", () => verifyPathProof({ root, hasher, proof, key, value: "abc" as never })],
    ["a short hash", () => verifyPathProof({ root, hasher, proof, key, valueHash: value })],
    ["claims that are none", () => verifyMultiProof({ root, hasher, proof: multi, claims: 5 as never })],
    ["an empty place among claims", () => verifyMultiProof({ root, hasher, proof: multi, claims: new Array(1) })],
    [
      "updates of one key twice",
      () =>
        verifyUpdate({
          root,
          hasher,
          proof: multi,
          updates: [
            { key, value },
            { key, value: undefined },
          ],
        }),
    ],
  ])("%s", (_, act) => {
    expect(act).toThrow(InvalidArgumentError);
    expect(act).toThrow(expect.objectContaining({ code: "HF_INVALID_ARGUMENT" }));
  });

  it("an option that does not exist", () => {
    const act = () => verifyPathProof({ root, hasher, proof, key, value, vlaue: value } as never);
    expect(act).toThrow(expect.objectContaining({ code: "HF_UNKNOWN_OPTION" }));
  });
});
