/**
 * Ethereum's Merkle Patricia trie, by `@ethereumjs/mpt` on LevelDB. A commit puts one key after another in a checkpoint of the trie, whose end writes one
 * batch to LevelDB; it is synced here. The root is kept in the same database. Keys are hashed already. It has no log, keeps the nodes that a commit leaves
 * behind, as it does by default, and its proofs are Ethereum's.
 */
import { createMPT } from "@ethereumjs/mpt";
import { ClassicLevel } from "classic-level";

const CACHE_NODES = 1_000_000;

/** @typedef {{ readonly key: Uint8Array, readonly value: Uint8Array }} Put */

/** A LevelDB in the shape that tries of `@ethereumjs` ask for. Its batches are synced. */
export class LevelNodes {
  /** @param {ClassicLevel} level */
  constructor(level) {
    this.level = level;
  }

  /** @param {string} directory */
  static in(directory) {
    return new LevelNodes(
      new ClassicLevel(directory, { cacheSize: 32 * 2 ** 20, writeBufferSize: 16 * 2 ** 20, compression: false }),
    );
  }

  async open() {
    await this.level.open();
  }

  /** @param {string} key */
  async get(key) {
    return await this.level.get(key);
  }

  /**
   * @param {string} key
   * @param {string} value
   */
  async put(key, value) {
    await this.level.put(key, value);
  }

  /** @param {string} key */
  async del(key) {
    await this.level.del(key);
  }

  /** @param {readonly { readonly type: "put" | "del", readonly key: string, readonly value?: string }[]} changes */
  async batch(changes) {
    const batch = this.level.batch();
    for (const { type, key, value } of changes) {
      if (type === "put") batch.put(key, value ?? "");
      else batch.del(key);
    }
    await batch.write({ sync: true });
  }

  shallowCopy() {
    return new LevelNodes(this.level);
  }
}

export class EthereumTrie {
  /** @type {LevelNodes} */
  #nodes;
  /** @type {import("@ethereumjs/mpt").MerklePatriciaTrie} */
  #trie;

  /**
   * @param {LevelNodes} nodes
   * @param {import("@ethereumjs/mpt").MerklePatriciaTrie} trie
   */
  constructor(nodes, trie) {
    this.#nodes = nodes;
    this.#trie = trie;
  }

  /** @param {string} directory */
  static async open(directory) {
    const nodes = LevelNodes.in(directory);
    await nodes.open();
    const db = /** @type {any} */ (nodes);
    return new EthereumTrie(nodes, await createMPT({ db, cacheSize: CACHE_NODES, useRootPersistence: true }));
  }

  /**
   * Durable when it resolves.
   *
   * @param {readonly Put[]} puts
   */
  async commit(puts) {
    this.#trie.checkpoint();
    for (const { key, value } of puts) await this.#trie.put(key, value);
    await this.#trie.commit();
  }

  /** @param {Uint8Array} key */
  async prove(key) {
    return (await this.#trie.findPath(key)).stack.map((node) => node.serialize());
  }

  async close() {
    await this.#nodes.level.close();
  }
}
