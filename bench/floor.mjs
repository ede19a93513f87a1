/**
 * The floor: durable writes of given sizes from a loop that does nothing else. In C where a compiler is found, else in Node, where
 * `floor.language` says so and each write costs a few microseconds more.
 */
import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { quantile } from "./statistics.mjs";

const SOURCE = fileURLToPath(new URL("floor.c", import.meta.url));
const FILE_BYTES = 64 * 2 ** 20;
const BLOCK_BYTES = 4096;

/**
 * @typedef {object} FloorTimes
 * @property {number} count writes
 * @property {number} totalNs of the whole loop
 * @property {number} p50Ns of one write
 * @property {number} p99Ns of one write
 */

/**
 * @typedef {object} Floor
 * @property {string} language what the loop is written in, and which compiler built it
 * @property {(sizes: readonly number[]) => FloorTimes} sync durable writes: the file is opened with O_DSYNC
 * @property {(sizes: readonly number[]) => FloorTimes} os the same writes to the page cache, nothing synced
 */

/**
 * @param {string} directory on the disk to be measured
 * @returns {Floor}
 */
export function makeFloor(directory) {
  const compiled = compile(directory);
  const loop = compiled === undefined ? nodeLoop : compiledLoop(compiled.program);
  const file = path.join(directory, "floor");
  // The first run makes the file; its times are not used.
  loop(file, [BLOCK_BYTES], true);
  return {
    language:
      compiled === undefined ? "a synchronous Node loop, for want of a C compiler" : `C (${compiled.compiler} -O2)`,
    sync: (sizes) => loop(file, sizes, true),
    os: (sizes) => loop(file, sizes, false),
  };
}

/**
 * @param {string} directory
 * @returns {{ compiler: string, program: string } | undefined}
 */
function compile(directory) {
  const program = path.join(directory, "floor-program");
  for (const compiler of ["cc", "gcc", "clang"]) {
    const { status } = spawnSync(compiler, ["-O2", "-o", program, SOURCE], { stdio: "ignore" });
    if (status === 0) return { compiler, program };
  }
  return undefined;
}

/**
 * @param {string} program
 * @returns {(file: string, sizes: readonly number[], durable: boolean) => FloorTimes}
 */
function compiledLoop(program) {
  return (file, sizes, durable) => {
    const options = [file, String(FILE_BYTES), String(BLOCK_BYTES), durable ? "sync" : "os"];
    return JSON.parse(execFileSync(program, options, { input: sizes.join("\n"), encoding: "utf8" }));
  };
}

/**
 * @param {string} file
 * @param {readonly number[]} sizes
 * @param {boolean} durable
 * @returns {FloorTimes}
 */
function nodeLoop(file, sizes, durable) {
  if (!fs.existsSync(file) || fs.statSync(file).size < FILE_BYTES) {
    const zeros = fs.openSync(file, "w");
    const chunk = Buffer.alloc(2 ** 20);
    for (let at = 0; at < FILE_BYTES; at += chunk.length) fs.writeSync(zeros, chunk, 0, chunk.length, at);
    fs.fsyncSync(zeros);
    fs.closeSync(zeros);
  }
  const bytes = Buffer.alloc(
    sizes.reduce((a, b) => Math.max(a, b), 0),
    0xa5,
  );
  const fd = fs.openSync(file, fs.constants.O_RDWR | (durable ? fs.constants.O_DSYNC : 0));
  const times = [];
  let at = 0;
  const start = process.hrtime.bigint();
  let last = start;
  for (const size of sizes) {
    if (at + size > FILE_BYTES) at = 0;
    const written = fs.writeSync(fd, bytes, 0, size, at);
    if (written !== size) throw new Error(`A short write of ${written} of ${size} bytes to ${file}.`);
    at += Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES;
    const now = process.hrtime.bigint();
    times.push(Number(now - last));
    last = now;
  }
  fs.closeSync(fd);
  return {
    count: sizes.length,
    totalNs: Number(last - start),
    p50Ns: quantile(times, 0.5),
    p99Ns: quantile(times, 0.99),
  };
}
