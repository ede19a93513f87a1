/**
 * Writes BLAKE3's compression function with its seven rounds unrolled: as a loop that permutes the message it takes twice as long, because
 * the sixteen words of the message move between variables in every round.
 */

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
const IV = ["0x6a09e667", "0xbb67ae85", "0x3c6ef372", "0xa54ff53a"];
const WORDS = [...Array(16).keys()];
const HALF = WORDS.slice(0, 8);

/** @returns {string} the source text of the module */
export function compressSource() {
  const lines = [
    "/**",
    " * BLAKE3's compression function, its rounds unrolled. Written by `npm run build` in `kernel/`; its source is",
    " * `kernel/scripts/compress.mjs`.",
    " */",
    "",
    "/**",
    " * Compresses one block. `chain` is the chaining value in its first 8 words, `block` the 16 words of the message, `length` how many of its 64",
    " * bytes count. Writes 16 words to `out`: the first 8 are the next chaining value, and all of them output bytes where `flags` says root.",
    " * `out` may be `chain`.",
    " */",
    "export function compress(",
    "  chain: Int32Array,",
    "  block: Int32Array,",
    "  counterLow: number,",
    "  counterHigh: number,",
    "  length: number,",
    "  flags: number,",
    "  out: Int32Array,",
    "): void {",
    ...WORDS.map((n) => `  const m${n} = block[${n}]!;`),
    ...HALF.map((n) => `  let v${n} = chain[${n}]!;`),
    ...IV.map((word, n) => `  let v${n + 8} = ${word} | 0;`),
    "  let v12 = counterLow | 0;",
    "  let v13 = counterHigh | 0;",
    "  let v14 = length | 0;",
    "  let v15 = flags | 0;",
  ];
  let order = WORDS;
  for (let round = 0; round < ROUNDS; round++) {
    QUARTERS.forEach((quarter, n) => lines.push(...mix(quarter, order[2 * n], order[2 * n + 1])));
    order = PERMUTATION.map((from) => order[from] ?? 0);
  }
  lines.push(
    ...HALF.map((n) => `  out[${n + 8}] = v${n + 8} ^ chain[${n}]!;`),
    ...HALF.map((n) => `  out[${n}] = v${n} ^ v${n + 8};`),
    "}",
    "",
  );
  return lines.join("\n");
}

/**
 * BLAKE3's G on four words of the state and two of the message.
 * @param {readonly number[]} quarter
 * @param {number | undefined} first
 * @param {number | undefined} second
 */
function mix(quarter, first, second) {
  const [a, b, c, d] = quarter.map((n) => `v${n}`);
  /** @param {string | undefined} to @param {string | undefined} from @param {number} right */
  const rotate = (to, from, right) => [`  ${to} ^= ${from};`, `  ${to} = (${to} << ${32 - right}) | (${to} >>> ${right});`];
  return [
    `  ${a} = (${a} + ${b} + m${first}) | 0;`,
    ...rotate(d, a, 16),
    `  ${c} = (${c} + ${d}) | 0;`,
    ...rotate(b, c, 12),
    `  ${a} = (${a} + ${b} + m${second}) | 0;`,
    ...rotate(d, a, 8),
    `  ${c} = (${c} + ${d}) | 0;`,
    ...rotate(b, c, 7),
  ];
}
