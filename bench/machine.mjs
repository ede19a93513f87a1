/** What the numbers were measured on. */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";

const GIB = 2 ** 30;

/** `f_type` of statfs(2), for where there is no mountinfo to read. */
const FILE_SYSTEMS = new Map([
  [0xef53, "ext4"],
  [0x58465342, "xfs"],
  [0x9123683e, "btrfs"],
  [0x01021994, "tmpfs"],
  [0x794c7630, "overlayfs"],
  [0x2fc12fc1, "zfs"],
]);

/**
 * @typedef {object} Machine
 * @property {string} cpu model and count
 * @property {number} memoryGiB
 * @property {string} kernel
 * @property {string} node
 * @property {string} fileSystem of the directory written to
 * @property {boolean} volatile whether that file system lives in memory, where a durable write is no write
 * @property {number} freeGiB of the directory written to
 * @property {string} time UTC
 */

/**
 * @param {string} directory
 * @returns {Machine}
 */
export function describeMachine(directory) {
  const cpus = os.cpus();
  const { bavail, bsize, type } = fs.statfsSync(directory);
  const fileSystem = mountedFileSystem(directory) ?? FILE_SYSTEMS.get(type) ?? `type 0x${type.toString(16)}`;
  return {
    cpu: `${cpus[0]?.model.trim() ?? "unknown"} × ${cpus.length}`,
    memoryGiB: Math.round(os.totalmem() / GIB),
    kernel: `${os.type()} ${os.release()} ${os.arch()}`,
    node: process.version,
    fileSystem,
    volatile: /^(tmpfs|ramfs)/.test(fileSystem),
    freeGiB: Math.floor((bavail * bsize) / GIB),
    time: new Date().toISOString(),
  };
}

/**
 * The type and mount options of the file system that holds `directory`, on Linux.
 *
 * @param {string} directory
 * @returns {string | undefined}
 */
function mountedFileSystem(directory) {
  let text;
  try {
    text = fs.readFileSync("/proc/self/mountinfo", "utf8");
  } catch {
    return undefined;
  }
  const real = fs.realpathSync(directory);
  let nearest;
  for (const line of text.split("\n")) {
    const [before = "", after] = line.split(" - ");
    const [, , , , point, options] = before.split(" ");
    if (after === undefined || point === undefined) continue;
    const below = path.relative(point, real);
    if (below.startsWith("..") || path.isAbsolute(below)) continue;
    // A later line covers an earlier one at the same point.
    if (nearest === undefined || point.length >= nearest.point.length)
      nearest = { point, type: after.split(" ")[0], options };
  }
  return nearest && `${nearest.type} (${nearest.options})`;
}
