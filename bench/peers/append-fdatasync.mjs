/** The peer that everybody writes first: append to a file, fdatasync, one record at a time. */
import fs from "node:fs";
import fsp from "node:fs/promises";

/**
 * On the caller's thread: the quickest form that Node has, because no thread is switched.
 *
 * @param {string} path a new file
 * @param {Uint8Array} payload
 * @param {number} durationMs
 * @returns {number} records a second
 */
export function appendNow(path, payload, durationMs) {
  const fd = fs.openSync(path, "a");
  let records = 0;
  const start = performance.now();
  while (performance.now() - start < durationMs) {
    if (fs.writeSync(fd, payload) !== payload.length) throw new Error(`A short write to ${path}.`);
    fs.fdatasyncSync(fd);
    records++;
  }
  const elapsedMs = performance.now() - start;
  fs.closeSync(fd);
  return (records / elapsedMs) * 1000;
}

/**
 * Awaited, the form that programs use.
 *
 * @param {string} path a new file
 * @param {Uint8Array} payload
 * @param {number} durationMs
 * @returns {Promise<number>} records a second
 */
export async function appendAwaited(path, payload, durationMs) {
  const file = await fsp.open(path, "a");
  let records = 0;
  const start = performance.now();
  while (performance.now() - start < durationMs) {
    const { bytesWritten } = await file.write(payload);
    if (bytesWritten !== payload.length) throw new Error(`A short write to ${path}.`);
    await file.datasync();
    records++;
  }
  const elapsedMs = performance.now() - start;
  await file.close();
  return (records / elapsedMs) * 1000;
}
