/** lmdb as a log: an ascending key, the payload as value, each put awaited until it is flushed. */
import { createRequire } from "node:module";
import { runWriters } from "../writers.mjs";

/**
 * - `"overlapping"`: lmdb's default. A put resolves once committed; `flushed` once the disk has it. Both are awaited.
 * - `"strict"`: `overlappingSync: false`. A put resolves once the disk has it.
 *
 * @typedef {"overlapping" | "strict"} LmdbMode
 */

/** @returns {boolean} whether lmdb is installed */
export function lmdbInstalled() {
  try {
    createRequire(import.meta.url).resolve("lmdb");
    return true;
  } catch {
    return false;
  }
}

/**
 * @param {string} path a new directory
 * @param {readonly Uint8Array[]} payloads one for each writer
 * @param {number} durationMs
 * @param {LmdbMode} mode
 * @returns {Promise<number>} records a second
 */
export async function putFlushed(path, payloads, durationMs, mode) {
  const { open } = await import("lmdb");
  const values = payloads.map((payload) => Buffer.from(payload));
  const database = open({ path, keyEncoding: "uint32", encoding: "binary", overlappingSync: mode === "overlapping" });
  let key = 0;
  const put =
    mode === "strict"
      ? (/** @type {number} */ writer) => database.put(key++, values[writer])
      : async (/** @type {number} */ writer) => {
          await database.put(key++, values[writer]);
          await database.flushed;
        };
  const { records, elapsedMs } = await runWriters(values.length, durationMs, put);
  await database.close();
  return (records / elapsedMs) * 1000;
}
