/** BLAKE3's seven rounds as text, for the two languages that they are unrolled in. */

/** Which word of the message comes to each place in the next round. */
const PERMUTATION = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8];
const ROUNDS = 7;

/** The state's columns, then its diagonals. */
const QUARTERS = [
  [0, 4, 8, 12],
  [1, 5, 9, 13],
  [2, 6, 10, 14],
  [3, 7, 11, 15],
  [0, 5, 10, 15],
  [1, 6, 11, 12],
  [2, 7, 8, 13],
  [3, 4, 9, 14],
];

/** The first words of SHA-256's initial value, which are BLAKE3's too. */
export const IV = [
  "0x6a09e667",
  "0xbb67ae85",
  "0x3c6ef372",
  "0xa54ff53a",
  "0x510e527f",
  "0x9b05688c",
  "0x1f83d9ab",
  "0x5be0cd19",
];

/** @param {number} count */
export const upTo = (count) => [...Array(count).keys()];

/**
 * How one language writes what a round does: each entry gives the lines of one statement.
 * @typedef {object} Dialect
 * @property {(to: string, from: string, message?: number) => string[]} add `to += from`, and a word of the message where one is given
 * @property {(to: string, from: string, right: number) => string[]} turn `to ^= from`, then turns `to` right
 */

/**
 * The mixing of four words of the state with two of the message.
 * @param {Dialect} dialect
 * @param {readonly number[]} quarter
 * @param {number} first
 * @param {number} second
 * @returns {string[][]} statement by statement
 */
export function mix(dialect, quarter, first, second) {
  const [a = "", b = "", c = "", d = ""] = quarter.map((n) => `v${n}`);
  return [
    dialect.add(a, b, first),
    dialect.turn(d, a, 16),
    dialect.add(c, d),
    dialect.turn(b, c, 12),
    dialect.add(a, b, second),
    dialect.turn(d, a, 8),
    dialect.add(c, d),
    dialect.turn(b, c, 7),
  ];
}

/**
 * The mixings of all rounds in their order, each with the words of the message that it takes.
 * @returns {{ quarter: readonly number[], first: number, second: number }[]}
 */
export function schedule() {
  let order = upTo(16);
  return upTo(ROUNDS).flatMap(() => {
    const now = order;
    order = PERMUTATION.map((from) => now[from] ?? 0);
    return QUARTERS.map((quarter, n) => ({ quarter, first: now[2 * n] ?? 0, second: now[2 * n + 1] ?? 0 }));
  });
}
