/** hash-wasm: BLAKE3 in WebAssembly, one hash at a time. */
import { createRequire } from "node:module";

/** @returns {boolean} whether hash-wasm is installed */
export function hashWasmInstalled() {
  try {
    createRequire(import.meta.url).resolve("hash-wasm");
    return true;
  } catch {
    return false;
  }
}

/**
 * @param {number} bytes the length of the output
 * @returns {Promise<(data: Uint8Array) => Uint8Array>}
 */
export async function hashWasmBlake3(bytes) {
  const { createBLAKE3 } = await import("hash-wasm");
  const state = await createBLAKE3(bytes * 8);
  return (data) => state.init().update(data).digest("binary");
}
