/** What the checks of `check.mjs` share: other programs, and a generator of random numbers that another run repeats. */
import { spawnSync } from "node:child_process";

/** Why something can't be checked on this machine. */
export class Skip extends Error {}

/**
 * A check is given the root of this repository, an empty folder, the seed, and whom to tell what it found in order.
 * @typedef {{ root: string, folder: string, seed: number, passed: (what: string) => void }} Context
 */

/**
 * Runs a program to its end.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: Record<string, string> }} [options]
 * @returns {{ status: number, stdout: string, stderr: string }} The last bytes of each; a status of -1 where it was killed.
 */
export function run(command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    encoding: "utf8",
    maxBuffer: 256 * 1024 * 1024,
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (error !== undefined) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === "ENOENT") throw new Skip(`there is no ${command}`);
    throw error;
  }
  return { status: status ?? -1, stdout, stderr };
}

/**
 * The output of a program that has to end well.
 * @param {Parameters<typeof run>} call
 */
export function output(...call) {
  const { status, stdout, stderr } = run(...call);
  if (status !== 0) throw new Error(`${[call[0], ...call[1]].join(" ")} ended with ${status}\n${stdout}${stderr}`);
  return stdout;
}

/** The last line that says something, for a reason in one line. @param {string} text */
export function lastLine(text) {
  return text.trim().split("\n").at(-1)?.trim() ?? "";
}

/** Numbers below a bound. @param {number} seed @returns {(below: number) => number} */
export function randomNumbers(seed) {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) % below;
  };
}
