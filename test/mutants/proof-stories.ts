/** Short stories about proofs: what is so is proven, what is not so is refused, whatever is done to the proof. */
import { FormatError, SeededRandom, toHex } from "../../src/base/index.js";
import { blake3 as hasher } from "../../src/hash/index.js";
import type { KeyState, MultiProof, PathProof } from "../../src/proof/index.js";
import {
  decodeMultiProof,
  decodePathProof,
  encodeMultiProof,
  encodePathProof,
  multiProofOf,
  siblingsInList,
  verifyMultiProof,
  verifyPathProof,
  verifyUpdate,
} from "../../src/proof/index.js";
import { listOf, rootOf } from "../../src/proof/leaf-list.contract.js";
import type { Leaves } from "../../src/proof/naive-trie.contract.js";
import { hex, naiveRoot } from "../../src/proof/naive-trie.contract.js";
import { inDigits, proofOf, stateOf } from "../../src/proof/proofs.contract.js";

const SEED = 1;
const ROUNDS = 40;
const zeros = new Uint8Array(32);

let looked = 0;

function expect(what: string, is: unknown, wanted: unknown): void {
  looked++;
  if (JSON.stringify(is) !== JSON.stringify(wanted)) throw new Error(what);
}

/** A key in one of a few corners of the trie, so that keys share many bits. */
function keyIn(random: SeededRandom): string {
  const key = new Uint8Array(32).fill(random.below(2) === 0 ? 0 : 0xff);
  for (let turns = random.below(3); turns >= 0; turns--) {
    const bit = [0, 1, 2, 7, 8, 40, 255][random.below(7)]!;
    key[bit >>> 3]! ^= 0x80 >>> (bit & 7);
  }
  return toHex(key);
}

function batch(leaves: Leaves, keys: readonly string[], random: SeededRandom): Leaves {
  const after = new Map(leaves);
  for (const key of keys) {
    if (random.below(2) === 0) after.delete(key);
    else after.set(key, keyIn(random));
  }
  return after;
}

function tellPaths(leaves: Leaves, root: Uint8Array, keys: readonly string[]): void {
  for (const key of keys) {
    const proof = proofOf(hasher, leaves, key);
    const claim = { root, hasher, proof };
    const { siblings } = proof;
    const so = stateOf(leaves, key);
    const notSo = { key: so.key, valueHash: so.valueHash === undefined ? zeros : undefined };
    const says = (proof: PathProof, state: KeyState = so) => verifyPathProof({ ...claim, ...state, proof });
    expect(
      "a proof differs from the definition",
      inDigits(siblingsInList(hasher, listOf(leaves), 0, so.key)),
      inDigits(proof),
    );
    expect("a proof is not read as it was written", inDigits(decodePathProof(encodePathProof(proof))), inDigits(proof));
    expect("what is so is refused", says(proof), true);
    expect("what is not so is believed", says(proof, notSo), false);
    expect("another value is believed", says(proof, { key: so.key, valueHash: root }), false);
    expect("a sibling too many is passed over", says({ ...proof, siblings: [...siblings, zeros] }), false);
    expect("another root is taken", verifyPathProof({ ...claim, ...so, root: root.map((byte) => byte ^ 1) }), false);
    for (const other of keys) {
      const forged = { key: hex(other), valueHash: leaves.has(other) ? undefined : zeros };
      expect("a proof of one key speaks for another", says(proof, forged), false);
    }
  }
}

function tellMany(leaves: Leaves, root: Uint8Array, keys: readonly string[], random: SeededRandom): void {
  const proof = multiProofOf(keys.map((key) => proofOf(hasher, leaves, key)));
  const claims = keys.map((key) => stateOf(leaves, key));
  expect(
    "a multiproof is not read as it was written",
    inDigits(decodeMultiProof(encodeMultiProof(proof))),
    inDigits(proof),
  );
  expect("a multiproof is refused", verifyMultiProof({ root, hasher, proof, claims }), true);
  const wrong: MultiProof[] = [
    { ...proof, siblings: [...proof.siblings, zeros] },
    { ...proof, paths: [...proof.paths, proof.paths[0]!] },
  ];
  if (proof.paths.length > 1) wrong.push({ ...proof, paths: proof.paths.toReversed() });
  for (const each of wrong) {
    expect("a malformed multiproof is taken", verifyMultiProof({ root, hasher, proof: each, claims: [] }), false);
    expect("a malformed multiproof leads to a root", verifyUpdate({ root, hasher, proof: each, updates: [] }), false);
  }
  const after = batch(leaves, keys, random);
  const updated = verifyUpdate({ root, hasher, proof, updates: keys.map((key) => stateOf(after, key)) });
  expect("an update leads elsewhere", updated && toHex(updated), naiveRoot(hasher, after));
}

/** An internal node's children shown as the key and the value hash of a leaf. */
function tellKinds(leaves: Leaves, root: Uint8Array): void {
  const [left, right] = [hex(naiveRoot(hasher, leaves, "0")), hex(naiveRoot(hasher, leaves, "1"))];
  const proof: PathProof = { terminal: { kind: "leaf", key: left, valueHash: right }, siblings: [] };
  expect(
    "an internal node passes for a leaf",
    verifyPathProof({ root, hasher, proof, key: left, valueHash: right }),
    false,
  );
}

/** Bytes that claim more than they hold, and what was cut off a proof. */
function tellBytes(leaves: Leaves, key: string): void {
  const bytes = encodePathProof(proofOf(hasher, leaves, key));
  for (const wrong of [bytes.subarray(0, -1), Uint8Array.of(...bytes, 0), bytes.with(8, 2), bytes.with(10, 2)]) {
    let problem: unknown;
    try {
      decodePathProof(wrong);
    } catch (error) {
      problem = error;
    }
    expect("bytes that are no proof are read as one", problem instanceof FormatError, true);
  }
}

/** Resolves to how many answers were looked at. */
export function proofStory(): Promise<number> {
  const random = new SeededRandom(SEED);
  for (let round = 0; round < ROUNDS; round++) {
    const leaves: Leaves = new Map(
      Array.from({ length: random.below(8) }, () => [keyIn(random), keyIn(random)] as const),
    );
    const root = hex(naiveRoot(hasher, leaves));
    expect("a root differs from the definition", rootOf(hasher, leaves), toHex(root));
    const keys = [...new Set([...[...leaves.keys()].slice(0, 3), keyIn(random), keyIn(random)])];
    tellPaths(leaves, root, keys);
    tellMany(leaves, root, keys, random);
    if (leaves.size > 1) tellKinds(leaves, root);
    tellBytes(leaves, keys[0]!);
  }
  return Promise.resolve(looked);
}
