/**
 * A commit store as S2 has it, from parts off the shelf: four LevelDB databases and one for metadata. A commit reads the old rows, folds old and new
 * ones with BLAKE3 by noble, and writes a synced batch to each database, with its version and hash in it, and then one to the metadata. It has no log.
 */
import path from "node:path";
import { blake3 } from "@noble/hashes/blake3.js";
import { ClassicLevel } from "classic-level";

const NAMES = ["account", "code", "storage", "legacy"];
/** Where the rows of the bench go. */
const USED = "storage";
const LANES = 1024;
const META_KEY = Uint8Array.of(0);

/** @typedef {{ readonly key: Uint8Array, readonly value: Uint8Array }} Put */

export class FiveLevels {
  /** @type {Map<string, { level: ClassicLevel<Uint8Array, Uint8Array>, lanes: Uint16Array }>} */
  #databases = new Map();
  /** @type {ClassicLevel<Uint8Array, Uint8Array>} */
  #metadata;
  #version = 0;
  #preimage = new Uint8Array(1024);

  /** @param {string} directory */
  constructor(directory) {
    for (const name of NAMES)
      this.#databases.set(name, { level: levelIn(path.join(directory, name)), lanes: new Uint16Array(LANES) });
    this.#metadata = levelIn(path.join(directory, "metadata"));
  }

  async open() {
    for (const { level } of this.#databases.values()) await level.open();
    await this.#metadata.open();
  }

  /**
   * Puts rows that are no part of what is measured.
   *
   * @param {readonly Put[]} puts
   */
  async fill(puts) {
    const { level } = this.#of(USED);
    let batch = level.batch();
    for (const { key, value } of puts) {
      batch.put(key.subarray(1), value);
      if (batch.length < 10_000) continue;
      await batch.write();
      batch = level.batch();
    }
    await batch.write({ sync: true });
  }

  /**
   * Durable when it resolves.
   *
   * @param {readonly Put[]} puts of different keys
   */
  async commit(puts) {
    const version = ++this.#version;
    const { level, lanes } = this.#of(USED);
    const keys = puts.map(({ key }) => key.subarray(1));
    const before = await level.getMany(keys);
    for (const [index, { value }] of puts.entries()) {
      const key = /** @type {Uint8Array} */ (keys[index]);
      const old = before[index];
      if (old !== undefined) this.#fold(lanes, key, old, -1);
      this.#fold(lanes, key, value, 1);
    }
    await Promise.all(
      NAMES.map(async (name) => {
        const database = this.#of(name);
        const batch = database.level.batch();
        if (name === USED)
          for (const [index, { value }] of puts.entries()) batch.put(/** @type {Uint8Array} */ (keys[index]), value);
        batch.put(META_KEY, metadataOf(version, database.lanes));
        await batch.write({ sync: true });
      }),
    );
    const sum = new Uint16Array(LANES);
    for (const { lanes: one } of this.#databases.values())
      for (let lane = 0; lane < LANES; lane++) sum[lane] = (sum[lane] ?? 0) + (one[lane] ?? 0);
    await this.#metadata.batch().put(META_KEY, metadataOf(version, sum)).write({ sync: true });
  }

  async close() {
    for (const { level } of this.#databases.values()) await level.close();
    await this.#metadata.close();
  }

  /** @param {string} name */
  #of(name) {
    const database = this.#databases.get(name);
    if (database === undefined) throw new Error(`There is no database ${name}.`);
    return database;
  }

  /**
   * @param {Uint16Array} lanes
   * @param {Uint8Array} key
   * @param {Uint8Array} value
   * @param {1 | -1} sign
   */
  #fold(lanes, key, value, sign) {
    const length = 8 + key.length + value.length;
    const preimage = this.#preimage.subarray(0, length);
    const view = new DataView(preimage.buffer);
    view.setUint32(0, key.length, true);
    preimage.set(key, 4);
    view.setUint32(4 + key.length, value.length, true);
    preimage.set(value, 8 + key.length);
    const element = blake3(preimage, { dkLen: 2 * LANES });
    for (let lane = 0; lane < LANES; lane++)
      lanes[lane] = (lanes[lane] ?? 0) + sign * ((element[2 * lane] ?? 0) | ((element[2 * lane + 1] ?? 0) << 8));
  }
}

/**
 * @param {string} directory
 * @returns {ClassicLevel<Uint8Array, Uint8Array>}
 */
function levelIn(directory) {
  return new ClassicLevel(directory, {
    keyEncoding: "view",
    valueEncoding: "view",
    cacheSize: 32 * 2 ** 20,
    writeBufferSize: 16 * 2 ** 20,
    compression: false,
  });
}

/**
 * @param {number} version
 * @param {Uint16Array} lanes
 * @returns {Uint8Array} version ‖ hash
 */
function metadataOf(version, lanes) {
  const bytes = new Uint8Array(8 + 2 * LANES);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(version));
  bytes.set(new Uint8Array(lanes.buffer), 8);
  return bytes;
}
