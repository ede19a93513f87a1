import { LEAF_WORDS } from "./leaf-list.js";
import {
  KEY_BITS,
  NODE_WORDS,
  bitAt,
  compareKeys,
  copyNode,
  loadNode,
  sameNode,
  sharedBits,
  truncateKey,
} from "./node.js";
import type { Terminal } from "./terminal.js";
import { isObject, isTerminal } from "./terminal.js";

/** A path of a proof: where it ends, and how far down that is. */
export interface ProofPath {
  readonly terminal: Terminal;
  /** Number of bits, 0 to 256. */
  readonly depth: number;
}

/** Whether this has the form of a path. The bits of a terminator's path are not looked at. */
export function isProofPath(value: unknown): value is ProofPath {
  return isObject(value) && isTerminal(value["terminal"]) && isDepth(value["depth"]);
}

function isDepth(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= KEY_BITS;
}

/** The paths of a proof in words, once their form is known to be right. */
export class PathTable {
  readonly length: number;
  readonly depths: Int32Array;
  /** Path `n` is the 8 words at `8 × n`, with zeros behind its depth. */
  readonly paths: Int32Array;
  /** 1 where the terminal is a leaf. */
  readonly leaf: Uint8Array;
  /** Key and value hash of leaf `n`: the 16 words at `16 × n`. Zeros for a terminator. */
  readonly leaves: Int32Array;

  private constructor(length: number) {
    this.length = length;
    this.depths = new Int32Array(length);
    this.paths = new Int32Array(length * NODE_WORDS);
    this.leaf = new Uint8Array(length);
    this.leaves = new Int32Array(length * LEAF_WORDS);
  }

  /** `undefined` where something has another form, or a terminator's path more bits than its depth. Says nothing about their order. */
  static load(list: unknown): PathTable | undefined {
    if (!Array.isArray(list)) return undefined;
    for (let n = 0; n < list.length; n++) if (!isProofPath(list[n])) return undefined;
    const table = new PathTable(list.length);
    for (const [n, { terminal, depth }] of (list as ProofPath[]).entries()) {
      const path = n * NODE_WORDS;
      table.depths[n] = depth;
      if (terminal.kind === "leaf") {
        const at = n * LEAF_WORDS;
        loadNode(terminal.key, table.leaves, at);
        loadNode(terminal.valueHash, table.leaves, at + NODE_WORDS);
        table.leaf[n] = 1;
        copyNode(table.leaves, at, table.paths, path);
        truncateKey(table.paths, path, depth);
      } else {
        loadNode(terminal.path, table.paths, path);
        truncateKey(table.paths, path, depth);
        // The leaf's place is free: it holds the untouched path for the comparison, then zeros again.
        loadNode(terminal.path, table.leaves, n * LEAF_WORDS);
        if (!sameNode(table.leaves, n * LEAF_WORDS, table.paths, path)) return undefined;
        table.leaves.fill(0, n * LEAF_WORDS, (n + 1) * LEAF_WORDS);
      }
    }
    return table;
  }

  /** Whether the paths ascend, and none begins with another one: then each key has one of them at most. */
  ascends(): boolean {
    for (let n = 1; n < this.length; n++) {
      const fork = this.shared(n - 1, n);
      if (fork >= Math.min(this.depths[n - 1]!, this.depths[n]!) || bitAt(this.paths, n * NODE_WORDS, fork) === 0)
        return false;
    }
    return true;
  }

  /** How many bits the paths of a range share, by its first and its last one. */
  shared(first: number, last: number): number {
    return sharedBits(this.paths, first * NODE_WORDS, this.paths, last * NODE_WORDS);
  }

  /** The first path of `[from, to)` with a 1 at `depth`, or `to`. */
  split(from: number, to: number, depth: number): number {
    let low = from;
    let high = to;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (bitAt(this.paths, middle * NODE_WORDS, depth) === 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The path that the key at `at` takes, or -1 where it is none of these. */
  find(words: Int32Array, at: number): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareKeys(this.paths, middle * NODE_WORDS, words, at) <= 0) low = middle + 1;
      else high = middle;
    }
    const found = low - 1;
    if (found < 0) return -1;
    return sharedBits(this.paths, found * NODE_WORDS, words, at) >= this.depths[found]! ? found : -1;
  }

  /** Whether path `n` ends in the leaf of the key at `at`. */
  endsIn(n: number, words: Int32Array, at: number): boolean {
    return this.leaf[n] === 1 && sameNode(this.leaves, n * LEAF_WORDS, words, at);
  }
}
