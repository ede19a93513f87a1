import { equalBytes, invalid } from "../base/index.js";
import { KEY_BITS, NODE_WORDS, compareKeys } from "./node.js";
import type { PathProof } from "./path-proof.js";
import { PathTable } from "./path-table.js";
import type { ProofPath } from "./path-table.js";
import type { Terminal } from "./terminal.js";
import { areNodes, isObject } from "./terminal.js";

/**
 * One proof for many keys: the ends of their paths by ascending path, each once, and the nodes that can't be computed from them, each once.
 *
 * The siblings are in the order in which they are needed by who goes down from the root with all paths:
 *
 * ```
 * siblings of a range of paths, from depth d down =
 *   one path:    its siblings, from the one at d + 1 to the one at its own depth
 *   more paths:  the siblings along the bits that all of them share,
 *                then those of the paths that go left, then of those that go right
 * ```
 */
export interface MultiProof {
  readonly paths: readonly ProofPath[];
  readonly siblings: readonly Uint8Array[];
}

const WHERE = "multiProofOf";

/**
 * The proofs of many keys under one root as one. Several of the same path count once. `InvalidArgumentError` where there are none, and where
 * one is malformed or contradicts another; whether all of them are of one root shows when the result is verified.
 */
export function multiProofOf(proofs: readonly PathProof[]): MultiProof {
  if (!Array.isArray(proofs) || proofs.length === 0) throw invalid(WHERE, "proofs", proofs, "one path proof or more");
  const all = PathTable.load(proofs.map(pathOfProof));
  if (all === undefined) throw invalid(WHERE, "proofs", proofs, "path proofs");
  const order = proofs
    .map((_, n) => n)
    .sort(
      (a, b) => compareKeys(all.paths, a * NODE_WORDS, all.paths, b * NODE_WORDS) || all.depths[a]! - all.depths[b]!,
    );
  const kept: PathProof[] = [];
  for (const [at, n] of order.entries()) {
    const before = order[at - 1];
    const proof = proofs[n]!;
    if (before === undefined || all.depths[before] !== all.depths[n] || all.shared(before, n) < KEY_BITS)
      kept.push(proof);
    else if (!sameTerminal(proofs[before]!.terminal, proof.terminal))
      throw invalid(WHERE, "proofs", proofs, "proofs of one root, which agree where a path ends");
  }
  const paths = kept.map(pathOfProof);
  const table = PathTable.load(paths);
  if (table === undefined || !table.ascends())
    throw invalid(WHERE, "proofs", proofs, "proofs of one root, none of whose paths goes on where another ends");
  const siblings: Uint8Array[] = [];
  collect(table, kept, 0, kept.length, 0, siblings);
  return { paths, siblings };
}

/** Appends what the range needs from `depth` down. */
function collect(
  table: PathTable,
  proofs: readonly PathProof[],
  from: number,
  to: number,
  depth: number,
  siblings: Uint8Array[],
): void {
  const first = proofs[from]!;
  const fork = to - from === 1 ? first.siblings.length : table.shared(from, to - 1);
  for (let below = depth; below < fork; below++) siblings.push(first.siblings[below]!);
  if (to - from === 1) return;
  const middle = table.split(from, to, fork);
  collect(table, proofs, from, middle, fork + 1, siblings);
  collect(table, proofs, middle, to, fork + 1, siblings);
}

function pathOfProof(proof: PathProof): ProofPath {
  if (!isObject(proof) || !areNodes(proof.siblings)) throw invalid(WHERE, "proofs", proof, "path proofs");
  return { terminal: proof.terminal, depth: proof.siblings.length };
}

function sameTerminal(a: Terminal, b: Terminal): boolean {
  if (a.kind === "terminator" || b.kind === "terminator") return a.kind === b.kind;
  return equalBytes(a.key, b.key) && equalBytes(a.valueHash, b.valueHash);
}
