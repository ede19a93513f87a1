/**
 * Commit stores and tries that commit batches of puts durably. A peer's commit store does a commit store's work with parts off the shelf: it
 * reads the old rows, folds old and new ones into the hash, and writes the rows with version and hash in one atomic, synced batch.
 */
import fs from "node:fs";
import path from "node:path";
import { FlatKv, MerkleStore } from "../holdfast.mjs";
import { RowHash } from "./row-hash.mjs";

const MIB = 2 ** 20;
const META_KEY = Uint8Array.of(0);
/** Where FlatKV's default routing sends keys that begin so. */
const STORAGE_PREFIX = 3;
const TRIE_CACHE_BYTES = 256 * MIB;
const SUFFIX_AT = 31;

/**
 * @typedef {{ readonly key: Uint8Array, readonly value: Uint8Array }} Put
 *
 * @typedef {object} Store
 * @property {number} keyBytes
 * @property {(puts: readonly Put[]) => Promise<unknown>} commit durable when it resolves; keys differ
 * @property {(key: Uint8Array) => Promise<unknown>} [prove]
 * @property {() => Promise<unknown>} close
 *
 * @typedef {(directory: string, library: import("./row-hash.mjs").HashLibrary) => Promise<Store>} OpenStore
 */

const ROW_KEY_BYTES = 52;

/** @type {Record<string, OpenStore>} */
export const stores = {
  flatkv: async (directory) => {
    const store = await FlatKv.open(directory);
    return {
      keyBytes: ROW_KEY_BYTES,
      commit: async (puts) => {
        const changes = puts.map(({ key, value }) => ({ key: Uint8Array.of(STORAGE_PREFIX, ...key), value }));
        await store.applyChangeSets([{ changes }]);
        await store.commit();
      },
      close: () => store.close(),
    };
  },

  "classic-level": async (directory, library) => {
    const { ClassicLevel } = await import("classic-level");
    /** @type {import("classic-level").ClassicLevel<Uint8Array, Uint8Array>} */
    const level = new ClassicLevel(directory, {
      keyEncoding: "view",
      valueEncoding: "view",
      cacheSize: 32 * MIB,
      writeBufferSize: 16 * MIB,
      compression: false,
    });
    await level.open();
    const hash = await RowHash.by(library);
    let version = 0;
    return {
      keyBytes: ROW_KEY_BYTES,
      commit: async (puts) => {
        const before = await level.getMany(puts.map(({ key }) => key));
        const batch = level.batch();
        for (const [index, put] of puts.entries()) {
          foldPut(hash, put, before[index]);
          batch.put(put.key, put.value);
        }
        await batch.put(META_KEY, hash.metadata(++version)).write({ sync: true });
      },
      close: () => level.close(),
    };
  },

  lmdb: async (directory, library) => {
    const { open } = await import("lmdb");
    /** @type {import("lmdb").RootDatabase<Uint8Array, Uint8Array>} */
    const database = open({ path: directory, keyEncoding: "binary", encoding: "binary" });
    const hash = await RowHash.by(library);
    let version = 0;
    return {
      keyBytes: ROW_KEY_BYTES,
      commit: async (puts) => {
        database.transactionSync(() => {
          for (const put of puts) {
            foldPut(hash, put, database.get(put.key));
            void database.put(put.key, put.value);
          }
          void database.put(META_KEY, hash.metadata(++version));
        });
        await database.flushed;
      },
      close: () => database.close(),
    };
  },

  "better-sqlite3": async (directory, library) => {
    const { default: Database } = await import("better-sqlite3");
    fs.mkdirSync(directory, { recursive: true });
    const database = new Database(path.join(directory, "rows.db"));
    database.pragma("journal_mode = WAL");
    database.pragma("synchronous = FULL");
    database.pragma(`cache_size = -${(32 * MIB) / 1024}`);
    database.exec("CREATE TABLE IF NOT EXISTS rows (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID");
    const read = database.prepare("SELECT value FROM rows WHERE key = ?").pluck();
    const write = database.prepare("INSERT INTO rows VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value");
    const hash = await RowHash.by(library);
    let version = 0;
    const commit = database.transaction((/** @type {readonly Put[]} */ puts) => {
      for (const put of puts) {
        foldPut(hash, put, /** @type {Uint8Array | undefined} */ (read.get(put.key)));
        write.run(put.key, put.value);
      }
      write.run(META_KEY, hash.metadata(++version));
    });
    return {
      keyBytes: ROW_KEY_BYTES,
      commit: async (puts) => commit(puts),
      close: async () => database.close(),
    };
  },

  merkle: async (directory) => {
    const store = await MerkleStore.open(directory, { pages: { cache: { bytes: TRIE_CACHE_BYTES } } });
    return {
      keyBytes: 32,
      commit: async (puts) => {
        const session = store.begin();
        for (const { key, value } of puts) session.put(key, value);
        await session.commit();
      },
      prove: (key) => store.prove(key),
      close: () => store.close(),
    };
  },

  mpt: async (directory) => {
    const { EthereumTrie } = await import("../peers/ethereum-trie.mjs");
    const trie = await EthereumTrie.open(directory);
    return {
      keyBytes: 32,
      commit: (puts) => trie.commit(puts),
      prove: (key) => trie.prove(key),
      close: () => trie.close(),
    };
  },

  binarytree: async (directory) => {
    const { createBinaryTree } = await import("@ethereumjs/binarytree");
    const { LevelNodes } = await import("../peers/ethereum-trie.mjs");
    const nodes = LevelNodes.in(directory);
    await nodes.open();
    const db = /** @type {any} */ (nodes);
    const tree = await createBinaryTree({ db, cacheSize: 1_000_000, useRootPersistence: true });
    return {
      keyBytes: 32,
      commit: async (puts) => {
        tree.checkpoint();
        for (const { key, value } of puts) await tree.put(key.subarray(0, SUFFIX_AT), [key[SUFFIX_AT] ?? 0], [value]);
        await tree.commit();
      },
      prove: (key) => tree.createBinaryProof(key),
      close: () => nodes.level.close(),
    };
  },
};

/**
 * @param {RowHash} hash
 * @param {Put} put
 * @param {Uint8Array | undefined} old
 */
function foldPut(hash, { key, value }, old) {
  if (old !== undefined) hash.fold(key, old, -1);
  hash.fold(key, value, 1);
}
