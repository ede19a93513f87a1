/** The floor of reading: the log's files, read and not looked at. */
import fs from "node:fs";
import path from "node:path";

/**
 * @param {string} directory
 * @param {number} most bytes: what lies beyond was never written
 * @returns {number} milliseconds to read the segments into one buffer
 */
export function readFiles(directory, most) {
  const buffer = Buffer.allocUnsafe(2 ** 18);
  let left = most;
  const start = performance.now();
  for (const name of fs.readdirSync(directory).sort()) {
    if (!name.endsWith(".seg")) continue;
    const fd = fs.openSync(path.join(directory, name), "r");
    for (let at = 0, read = -1; read !== 0 && left > 0; at += read, left -= read)
      read = fs.readSync(fd, buffer, 0, buffer.length, at);
    fs.closeSync(fd);
  }
  return performance.now() - start;
}
