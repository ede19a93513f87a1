/** The lattice hash that a commit store keeps of its rows, by a BLAKE3 off the shelf. */
import { blake3 } from "@noble/hashes/blake3.js";
import { hashWasmBlake3 } from "../peers/hash-wasm.mjs";

const LANES = 1024;

/** @typedef {"noble" | "hash-wasm"} HashLibrary */

/**
 * @param {HashLibrary} library
 * @returns {Promise<(data: Uint8Array) => Uint8Array>} 2,048 bytes of output
 */
async function extendedOutput(library) {
  return library === "noble" ? (data) => blake3(data, { dkLen: 2 * LANES }) : await hashWasmBlake3(2 * LANES);
}

export class RowHash {
  #lanes = new Uint16Array(LANES);
  #preimage = new Uint8Array(1024);
  #output;

  /** @param {(data: Uint8Array) => Uint8Array} output */
  constructor(output) {
    this.#output = output;
  }

  /** @param {HashLibrary} library */
  static async by(library) {
    return new RowHash(await extendedOutput(library));
  }

  /**
   * Adds a row, or with −1 takes it away.
   *
   * @param {Uint8Array} key
   * @param {Uint8Array} value
   * @param {1 | -1} sign
   */
  fold(key, value, sign) {
    const preimage = this.#preimage.subarray(0, 8 + key.length + value.length);
    const view = new DataView(preimage.buffer);
    view.setUint32(0, key.length, true);
    preimage.set(key, 4);
    view.setUint32(4 + key.length, value.length, true);
    preimage.set(value, 8 + key.length);
    const output = this.#output(preimage);
    const lanes = this.#lanes;
    for (let lane = 0; lane < LANES; lane++)
      lanes[lane] = (lanes[lane] ?? 0) + sign * ((output[2 * lane] ?? 0) | ((output[2 * lane + 1] ?? 0) << 8));
  }

  /**
   * @param {number} version
   * @returns {Uint8Array} version ‖ hash, which goes into the batch of the rows
   */
  metadata(version) {
    const bytes = new Uint8Array(8 + 2 * LANES);
    new DataView(bytes.buffer).setFloat64(0, version);
    bytes.set(new Uint8Array(this.#lanes.buffer), 8);
    return bytes;
  }
}

/** @returns {Promise<HashLibrary>} the quicker one here and now */
export async function quickerLibrary() {
  const data = new Uint8Array(93);
  const took = async (/** @type {HashLibrary} */ library) => {
    const output = await extendedOutput(library);
    for (let turn = 0; turn < 500; turn++) output(data);
    const start = performance.now();
    for (let turn = 0; turn < 1000; turn++) output(data);
    return performance.now() - start;
  };
  return (await took("noble")) <= (await took("hash-wasm")) ? "noble" : "hash-wasm";
}
