/** Proofs that ours makes, in the shape that `compat/nomt/src/wire.rs` describes. */
import { blake3, keccak256, sha256 } from "holdfast/hash";
import { LeafList, buildRoot, multiProofOf, siblingsInList } from "holdfast/proof";
import { randomNumbers } from "../tools.mjs";

/**
 * @typedef {import("holdfast/hash").Hasher} Hasher
 * @typedef {import("holdfast/proof").PathProof} PathProof
 * @typedef {import("holdfast/proof").MultiProof} MultiProof
 * @typedef {[key: string, value: Uint8Array | undefined][]} Ops By ascending key in hexadecimal digits, each once.
 */

const ROUNDS = 8;
const hashers = [blake3, sha256, keccak256];

/** @param {number} seed */
export function makeProofs(seed) {
  const proofs = [];
  const updates = [];
  const multiUpdates = [];
  for (const hasher of hashers) {
    const random = randomNumbers(seed);
    for (const draw of [uniformKey, skewedKey]) {
      const trie = new Trie(hasher);
      for (let round = 0; round < ROUNDS; round++) {
        const ops = drawOps(random, draw, trie, round);
        const before = ops.map(([key]) => trie.prove(key));
        const prevRoot = trie.root();
        trie.apply(ops);
        const root = trie.root();
        const both = { hasher: hasher.name, prevRoot, root };
        const hashed = ops.map(([key, value]) => [key, value === undefined ? null : hex(hasher.hash(value))]);
        updates.push({ ...both, paths: updatedPaths(before, hashed) });
        multiUpdates.push({ ...both, multi: multiWire(multiProofOf(before)), ops: hashed });

        const keys = [...new Set(drawKeys(random, draw, trie))];
        proofs.push({
          hasher: hasher.name,
          root,
          paths: keys.map((key) => ({ key, valueHash: trie.valueHash(key), ...pathWire(trie.prove(key)) })),
          multi: multiWire(multiProofOf(keys.map((key) => trie.prove(key)))),
        });
      }
    }
  }
  return { proofs, updates, multiUpdates };
}

/** Leaves by key, rebuilt for each question. */
class Trie {
  /** @type {Map<string, Uint8Array>} */
  values = new Map();
  #hasher;
  #leaves = new LeafList();

  /** @param {Hasher} hasher */
  constructor(hasher) {
    this.#hasher = hasher;
  }

  /** @param {Ops} ops */
  apply(ops) {
    for (const [key, value] of ops) {
      if (value === undefined) this.values.delete(key);
      else this.values.set(key, value);
    }
    this.#leaves = new LeafList();
    for (const key of [...this.values.keys()].sort())
      this.#leaves.push(bytes(key), this.#hasher.hash(/** @type {Uint8Array} */ (this.values.get(key))));
  }

  root() {
    const words = new Int32Array(8);
    buildRoot(this.#hasher, this.#leaves, 0, this.#leaves.length, 0, words, 0);
    return hex(new Uint8Array(words.buffer));
  }

  /** @param {string} key @returns {PathProof} */
  prove(key) {
    return siblingsInList(this.#hasher, this.#leaves, 0, bytes(key));
  }

  /** @param {string} key */
  valueHash(key) {
    const value = this.values.get(key);
    return value === undefined ? null : hex(this.#hasher.hash(value));
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
 * @param {Trie} trie
 * @param {number} round
 * @returns {Ops}
 */
function drawOps(random, draw, trie, round) {
  const present = [...trie.values.keys()];
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
 * @param {Trie} trie
 */
function* drawKeys(random, draw, trie) {
  const present = [...trie.values.keys()];
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
