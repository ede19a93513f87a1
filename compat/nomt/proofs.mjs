/** Proofs that ours makes, in the shape that `compat/nomt/src/wire.rs` describes: from leaves alone, and from a store on a disk. */
import path from "node:path";
import { blake3, keccak256, sha256 } from "holdfast/hash";
import { LeafList, buildRoot, multiProofOf, siblingsInList } from "holdfast/proof";
import { MerkleStore } from "holdfast/trie";
import { randomNumbers } from "../tools.mjs";

/**
 * @typedef {import("holdfast/hash").Hasher} Hasher
 * @typedef {import("holdfast/proof").PathProof} PathProof
 * @typedef {import("holdfast/proof").MultiProof} MultiProof
 * @typedef {[key: string, value: Uint8Array | undefined][]} Ops By ascending key in hexadecimal digits, each once.
 */

const ROUNDS = 8;
const hashers = [blake3, sha256, keccak256];

/** @param {number} seed @param {string} folder For the stores. */
export async function makeProofs(seed, folder) {
  const made = { proofs: [], updates: [], multiUpdates: [] };
  for (const hasher of hashers) {
    for (const draw of [uniformKey, skewedKey]) {
      const store = await StoreTrie.open(path.join(folder, `${hasher.name}-${draw.name}`), hasher);
      await fill(made, store, randomNumbers(seed), draw);
      await store.close();
      // Computes every node anew for every proof, which is slow with other hash functions, and no different.
      if (hasher === blake3) await fill(made, new LeafTrie(hasher), randomNumbers(seed), draw);
    }
  }
  return made;
}

/**
 * @param {Record<"proofs" | "updates" | "multiUpdates", object[]>} made
 * @param {LeafTrie | StoreTrie} trie Empty.
 * @param {(below: number) => number} random
 * @param {Draw} draw
 */
async function fill(made, trie, random, draw) {
  const { hasher } = trie;
  /** @type {Map<string, Uint8Array>} */
  const values = new Map();
  for (let round = 0; round < ROUNDS; round++) {
    const ops = drawOps(random, draw, values, round);
    const before = [];
    for (const [key] of ops) before.push(await trie.prove(key));
    const prevRoot = trie.root;
    for (const [key, value] of ops) {
      if (value === undefined) values.delete(key);
      else values.set(key, value);
    }
    const multi = await trie.commit(ops, values);
    const { root } = trie;
    const both = { hasher: hasher.name, prevRoot, root };
    const hashed = ops.map(([key, value]) => [key, value === undefined ? null : hex(hasher.hash(value))]);
    made.updates.push({ ...both, paths: updatedPaths(before, hashed) });
    made.multiUpdates.push({ ...both, multi: multiWire(multi), ops: hashed });

    const keys = [...new Set(drawKeys(random, draw, values))];
    const paths = [];
    for (const key of keys) {
      const value = values.get(key);
      const valueHash = value === undefined ? null : hex(hasher.hash(value));
      paths.push({ key, valueHash, ...pathWire(await trie.prove(key)) });
    }
    made.proofs.push({ hasher: hasher.name, root, paths, multi: multiWire(await trie.proveMany(keys)) });
  }
}

/** The leaves of a trie, and nothing that is kept of it. */
class LeafTrie {
  hasher;
  #leaves = new LeafList();

  /** @param {Hasher} hasher */
  constructor(hasher) {
    this.hasher = hasher;
  }

  get root() {
    const words = new Int32Array(8);
    buildRoot(this.hasher, this.#leaves, 0, this.#leaves.length, 0, words, 0);
    return hex(new Uint8Array(words.buffer));
  }

  /**
   * @param {Ops} ops
   * @param {ReadonlyMap<string, Uint8Array>} values All of them afterwards.
   */
  commit(ops, values) {
    const witness = multiProofOf(ops.map(([key]) => this.prove(key)));
    this.#leaves = new LeafList();
    for (const [key, value] of [...values].sort(([a], [b]) => (a < b ? -1 : 1)))
      this.#leaves.push(bytes(key), this.hasher.hash(value));
    return witness;
  }

  /** @param {string} key */
  prove(key) {
    return siblingsInList(this.hasher, this.#leaves, 0, bytes(key));
  }

  /** @param {readonly string[]} keys */
  proveMany(keys) {
    return multiProofOf(keys.map((key) => this.prove(key)));
  }
}

/** The same of a real store, which is opened anew after each commit. */
class StoreTrie {
  hasher;
  #directory;
  #store;

  /** @param {string} directory @param {Hasher} hasher @param {MerkleStore} store */
  constructor(directory, hasher, store) {
    this.hasher = hasher;
    this.#directory = directory;
    this.#store = store;
  }

  /** @param {string} directory @param {Hasher} hasher */
  static async open(directory, hasher) {
    return new StoreTrie(directory, hasher, await MerkleStore.open(directory, { hasher }));
  }

  get root() {
    return hex(this.#store.root);
  }

  /** @param {Ops} ops @returns {Promise<MultiProof>} */
  async commit(ops) {
    const session = this.#store.begin();
    for (const [key, value] of ops) {
      if (value === undefined) session.delete(bytes(key));
      else session.put(bytes(key), value);
    }
    const { witness } = await session.commit({ witness: true });
    if (witness?.proof === undefined) throw new Error("a commit of changes has no witness");
    await this.#store.close();
    this.#store = await MerkleStore.open(this.#directory, { hasher: this.hasher });
    return witness.proof;
  }

  /** @param {string} key */
  prove(key) {
    return this.#store.prove(bytes(key));
  }

  /** @param {readonly string[]} keys */
  proveMany(keys) {
    return this.#store.proveMany(keys.map(bytes));
  }

  close() {
    return this.#store.close();
  }
}

/**
 * @callback Draw
 * @param {(below: number) => number} random
 * @returns {string}
 */

/** @type {Draw} */
function uniformKey(random) {
  return Array.from({ length: 32 }, () => random(256).toString(16).padStart(2, "0")).join("");
}

/** Most keys share a long prefix with many others. @type {Draw} */
function skewedKey(random) {
  const shared = [0, 1, 2, 3, 16, 17, 63][random(7)] ?? 0;
  return "3c".repeat(32).slice(0, shared) + uniformKey(random).slice(shared);
}

/**
 * Grows in the first half, shrinks in the second, to nothing in the last round.
 * @param {(below: number) => number} random
 * @param {Draw} draw
 * @param {ReadonlyMap<string, Uint8Array>} values Those that are there.
 * @param {number} round
 * @returns {Ops}
 */
function drawOps(random, draw, values, round) {
  const present = [...values.keys()];
  /** @type {Map<string, Uint8Array | undefined>} */
  const ops = new Map();
  for (let k = 0; k < (round < ROUNDS / 2 ? 60 : 5); k++) ops.set(draw(random), anyValue(random));
  for (const key of present) {
    const change = random(10);
    if (round === ROUNDS - 1 || change < (round < ROUNDS / 2 ? 1 : 4)) ops.set(key, undefined);
    else if (change === 5) ops.set(key, anyValue(random));
  }
  ops.set(draw(random), undefined);
  if (round === ROUNDS - 1) for (const [key, value] of ops) if (value !== undefined) ops.delete(key);
  return [...ops].sort(([a], [b]) => (a < b ? -1 : 1));
}

/**
 * Keys that are there, their neighbours, and others.
 * @param {(below: number) => number} random
 * @param {Draw} draw
 * @param {ReadonlyMap<string, Uint8Array>} values Those that are there.
 */
function* drawKeys(random, draw, values) {
  const present = [...values.keys()];
  for (let k = 0; k < 8; k++) {
    yield draw(random);
    const key = present[random(present.length)];
    if (key === undefined) continue;
    yield key;
    const at = random(64);
    yield key.slice(0, at) + (Number.parseInt(key.charAt(at), 16) ^ (1 << random(4))).toString(16) + key.slice(at + 1);
  }
}

/** @param {(below: number) => number} random */
function anyValue(random) {
  return Uint8Array.from({ length: random(40) }, () => random(256));
}

/**
 * The paths that operations meet, each once, with those that meet it.
 * @param {PathProof[]} proofs Of the keys of the operations.
 * @param {(string | null)[][]} ops
 */
function updatedPaths(proofs, ops) {
  const paths = new Map();
  for (const [at, proof] of proofs.entries()) {
    const path = pathWire(proof);
    const name = JSON.stringify([path.terminal, path.siblings.length]);
    if (!paths.has(name)) paths.set(name, { ...path, ops: [] });
    paths.get(name).ops.push(ops[at]);
  }
  return [...paths.values()];
}

/** @param {PathProof} proof */
function pathWire({ terminal, siblings }) {
  return { terminal: terminalWire(terminal), siblings: siblings.map(hex) };
}

/** @param {MultiProof} proof */
function multiWire({ paths, siblings }) {
  return {
    paths: paths.map(({ terminal, depth }) => ({ terminal: terminalWire(terminal), depth })),
    siblings: siblings.map(hex),
  };
}

/** @param {PathProof["terminal"]} terminal */
function terminalWire(terminal) {
  return terminal.kind === "leaf"
    ? { kind: "leaf", key: hex(terminal.key), valueHash: hex(terminal.valueHash) }
    : { kind: "terminator", path: hex(terminal.path) };
}

/** @param {Uint8Array} array */
function hex(array) {
  return Buffer.from(array).toString("hex");
}

/** @param {string} text */
function bytes(text) {
  return Uint8Array.from(Buffer.from(text, "hex"));
}
