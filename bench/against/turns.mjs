/** Contenders that take turns, and drop out with a reason where they fail. */
import { spawnSync } from "node:child_process";

export class Field {
  /** @type {import("./context.js").PeerContext} */
  #context;
  /** @type {Set<string>} */
  #out = new Set();

  /** @param {import("./context.js").PeerContext} context */
  constructor(context) {
    this.#context = context;
  }

  /** @param {string} name */
  has(name) {
    return !this.#out.has(name);
  }

  /**
   * @template T
   * @param {string} name one of ours may not fail
   * @param {() => Promise<T>} act
   * @returns {Promise<T | undefined>} undefined where it is out of the race
   */
  async turn(name, act) {
    if (!this.has(name)) return undefined;
    try {
      return await act();
    } catch (error) {
      if (/^(holdfast|FlatKV|MerkleStore)/.test(name)) throw error;
      this.#out.add(name);
      this.#context.skip(name, error instanceof Error ? error.message : String(error));
      return undefined;
    }
  }
}

/** Writes back what a contender left in the page cache, so that the next one does not pay for it. */
export function settle() {
  spawnSync("sync", { stdio: "ignore" });
}

/**
 * One contender after another, each round beginning with another one.
 *
 * @template T
 * @param {readonly T[]} all
 * @param {number} round
 * @returns {T[]}
 */
export function inTurn(all, round) {
  const first = round % Math.max(1, all.length);
  return [...all.slice(first), ...all.slice(0, first)];
}
