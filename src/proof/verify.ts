/**
 * What somebody can find out who has a root and a proof. The root, the hasher and the keys are the caller's own, and a mistake in them is an
 * `InvalidArgumentError`; the proof may come from anybody, and whatever is wrong with it gives `false`.
 */
import { checkOptions, invalid } from "../base/index.js";
import type { Hasher } from "../hash/index.js";
import type { Roots } from "./fold.js";
import { fold } from "./fold.js";
import type { KeyState, LoadedStates } from "./key-states.js";
import { loadStates, sortStates } from "./key-states.js";
import { LEAF_WORDS, LeafList } from "./leaf-list.js";
import type { MultiProof } from "./multi-proof.js";
import { NODE_BYTES, NODE_WORDS, loadNode, nodeBytes, sameNode, sharedBits, compareKeys } from "./node.js";
import type { PathProof } from "./path-proof.js";
import { PathTable } from "./path-table.js";
import { areNodes, isNode, isObject } from "./terminal.js";

/** What every verification needs. */
interface Trust {
  /** The root that the caller trusts: 32 bytes. */
  readonly root: Uint8Array;
  /** The hash function of the trie. */
  readonly hasher: Hasher;
}

/** A claim about one key, and its proof. */
export type PathClaim = Trust & KeyState & { readonly proof: PathProof };

/** Claims about many keys, and their proof. */
export interface MultiClaim extends Trust {
  readonly proof: MultiProof;
  /** What the keys are claimed to have. */
  readonly claims: readonly KeyState[];
}

/** A change to a trie, and a proof of what it changes. */
export interface UpdateClaim extends Trust {
  /** Of the trie before the change; it has the path of each key that changes, and may have others. */
  readonly proof: MultiProof;
  /** What the keys have afterwards, each key once, in any order. */
  readonly updates: readonly KeyState[];
}

/**
 * Whether the proof shows that under `root` the key has this value, or none where `value` is `undefined`.
 *
 * ```ts
 * import { blake3 } from "holdfast/hash";
 * import type { PathProof } from "holdfast/proof";
 * import { decodePathProof, verifyPathProof } from "holdfast/proof";
 *
 * // `root` from somebody who is trusted, `bytes` from anybody. Throws a `FormatError` where they are no proof.
 * export function holds(root: Uint8Array, key: Uint8Array, value: Uint8Array | undefined, bytes: Uint8Array): boolean {
 *   const proof: PathProof = decodePathProof(bytes);
 *   return verifyPathProof({ root, key, value, proof, hasher: blake3 });
 * }
 * ```
 */
export function verifyPathProof(claim: PathClaim): boolean {
  const where = "verifyPathProof";
  const { hasher, proof } = checkTrust(where, claim, ["root", "hasher", "proof", "key", "value", "valueHash"]);
  const state = loadStates(where, "claim", hasher, [claim]);
  if (!isObject(proof) || !areNodes(proof.siblings)) return false;
  const { terminal, siblings } = proof;
  const table = PathTable.load([{ terminal, depth: siblings.length }]);
  if (table === undefined) return false;
  return holds(table, state) && rootsUnder(claim, table, siblings) !== undefined;
}

/** Whether the proof shows that under `root` each key has what is claimed. The claims may be about some of the keys that it proves. */
export function verifyMultiProof(claim: MultiClaim): boolean {
  const where = "verifyMultiProof";
  const { hasher, proof, claims } = checkTrust(where, claim, ["root", "hasher", "proof", "claims"]);
  const states = loadStates(where, "claims", hasher, claims);
  const table = loadMultiProof(proof);
  if (table === undefined) return false;
  return holds(table, states) && rootsUnder(claim, table, proof.siblings) !== undefined;
}

/**
 * The root that the trie under `root` has after the updates: 32 bytes. `false` where the proof does not show what they change. To check reads
 * as well, hand the same proof to {@link verifyMultiProof}.
 */
export function verifyUpdate(claim: UpdateClaim): Uint8Array | false {
  const where = "verifyUpdate";
  const { hasher, proof, updates } = checkTrust(where, claim, ["root", "hasher", "proof", "updates"]);
  const states = loadStates(where, "updates", hasher, updates);
  const order = sortStates(where, "updates", states);
  const table = loadMultiProof(proof);
  if (table === undefined) return false;
  const leaves = leavesAfter(table, states, order);
  if (leaves === undefined) return false;
  const roots = rootsUnder(claim, table, proof.siblings, leaves);
  return roots === undefined ? false : nodeBytes(roots.after, 0);
}

/** Refuses roots and hashers that are none. */
function checkTrust<Claim extends Trust>(where: string, claim: Claim, known: readonly string[]): Claim {
  checkOptions(where, claim as Trust & Readonly<Record<string, unknown>>, known);
  if (!isObject(claim)) throw invalid(where, "claim", claim, "an object");
  if (!isNode(claim.root)) throw invalid(where, "root", claim.root, `a Uint8Array of ${NODE_BYTES} bytes`);
  const hasher: unknown = claim.hasher;
  if (!isObject(hasher) || typeof hasher["hash"] !== "function" || typeof hasher["hashWords"] !== "function")
    throw invalid(where, "hasher", hasher, "a Hasher");
  return claim;
}

function loadMultiProof(proof: MultiProof): PathTable | undefined {
  if (!isObject(proof) || !areNodes(proof.siblings)) return undefined;
  const table = PathTable.load(proof.paths);
  return table !== undefined && table.length > 0 && table.ascends() ? table : undefined;
}

/** Whether the paths say of each key what is claimed: its leaf, or an end that leaves no place for it. */
function holds(table: PathTable, { length, words, present }: LoadedStates): boolean {
  for (let n = 0; n < length; n++) {
    const at = n * LEAF_WORDS;
    const path = table.find(words, at);
    if (path === -1) return false;
    const found = table.endsIn(path, words, at);
    if (found !== (present[n] === 1)) return false;
    if (found && !sameNode(table.leaves, path * LEAF_WORDS + NODE_WORDS, words, at + NODE_WORDS)) return false;
  }
  return true;
}

/** The roots that the proof leads to, if the first of them is the caller's. */
function rootsUnder(
  { hasher, root }: Trust,
  table: PathTable,
  siblings: readonly Uint8Array[],
  leaves?: ReadonlyMap<number, LeafList>,
): Roots | undefined {
  const trusted = new Int32Array(NODE_WORDS);
  loadNode(root, trusted, 0);
  const roots = fold(hasher, table, siblings, leaves);
  return roots !== undefined && sameNode(roots.before, 0, trusted, 0) ? roots : undefined;
}

/** The leaves below each path that an update takes, or `undefined` where one takes no path of the proof. */
function leavesAfter(
  table: PathTable,
  { words, present }: LoadedStates,
  order: Uint32Array,
): Map<number, LeafList> | undefined {
  const lists = new Map<number, LeafList>();
  for (let at = 0; at < order.length;) {
    const path = table.find(words, order[at]! * LEAF_WORDS);
    if (path === -1) return undefined;
    const leaf = path * LEAF_WORDS;
    const list = new LeafList();
    let kept = table.leaf[path] === 1;
    for (; at < order.length; at++) {
      const update = order[at]! * LEAF_WORDS;
      if (sharedBits(table.paths, path * NODE_WORDS, words, update) < table.depths[path]!) break;
      const side = kept ? compareKeys(table.leaves, leaf, words, update) : 1;
      if (side <= 0) kept = false;
      if (side < 0) list.pushWords(table.leaves, leaf);
      if (present[order[at]!] === 1) list.pushWords(words, update);
    }
    if (kept) list.pushWords(table.leaves, leaf);
    lists.set(path, list);
  }
  return lists;
}
