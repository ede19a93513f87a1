/**
 * Writes BLAKE3's compression function in TypeScript with its rounds unrolled: as a loop that permutes the message it takes twice as long,
 * because the sixteen words of the message move between variables in every round.
 */
import { IV, mix, schedule, upTo } from "./rounds.mjs";

/** @type {import("./rounds.mjs").Dialect} */
const TYPESCRIPT = {
  add: (to, from, message) => [`${to} = (${to} + ${from}${message === undefined ? "" : ` + m${message}`}) | 0;`],
  turn: (to, from, right) => [`${to} ^= ${from};`, `${to} = (${to} << ${32 - right}) | (${to} >>> ${right});`],
};

/** @returns {string} the source text of the module */
export function compressSource() {
  const rounds = schedule().flatMap(({ quarter, first, second }) => mix(TYPESCRIPT, quarter, first, second).flat());
  const compress = [
    ...upTo(16).map((n) => `const m${n} = block[${n}]!;`),
    ...upTo(8).map((n) => `let v${n} = chain[${n}]!;`),
    ...upTo(4).map((n) => `let v${n + 8} = ${IV[n]} | 0;`),
    "let v12 = counter | 0;",
    "let v13 = 0;",
    "let v14 = length | 0;",
    "let v15 = flags | 0;",
    ...rounds,
    ...upTo(8).map((n) => `out[${n + 8}] = v${n + 8} ^ chain[${n}]!;`),
    ...upTo(8).map((n) => `out[${n}] = v${n} ^ v${n + 8};`),
  ];
  const ofOneBlock = [
    ...upTo(8).map((n) => `let v${n} = ${IV[n]} | 0;`),
    ...upTo(4).map((n) => `let v${n + 8} = ${IV[n]} | 0;`),
    "let v12 = 0;",
    "let v13 = 0;",
    "let v14 = 64;",
    "let v15 = 0b1011;",
    ...rounds,
  ];
  const hashPair = [
    ...upTo(16).map((n) => `const m${n} = ${loaded(n < 8 ? "left" : "right", (n % 8) * 4)};`),
    ...ofOneBlock,
    ...upTo(8).flatMap((n) => [`v${n} ^= v${n + 8};`, ...stored("digest", n * 4, `v${n}`)]),
  ];
  const hashWords = [
    ...upTo(16).map((n) => `const m${n} = source[${n === 0 ? "at" : `at + ${n}`}]!;`),
    ...ofOneBlock,
    ...upTo(8).map((n) => `target[${n === 0 ? "targetAt" : `targetAt + ${n}`}] = v${n} ^ v${n + 8};`),
  ];
  return `/**
 * BLAKE3's compression function with its rounds unrolled. Written by \`npm run build\` in \`kernel/\`, from \`kernel/scripts/compress.mjs\`.
 */

/**
 * Compresses one block. \`chain\` is the chaining value in its first 8 words, \`block\` the 16 words of the message, \`length\` how many of its 64
 * bytes count. Writes 16 words to \`out\`: the first 8 are the next chaining value, and all of them are output where \`flags\` says root. \`out\`
 * may be \`chain\`.
 */
export function compress(
  chain: Int32Array,
  block: Int32Array,
  counter: number,
  length: number,
  flags: number,
  out: Int32Array,
): void {
${indented(compress)}
}

/** The digest of 64 bytes: a block that begins its chunk, ends it and is the root. All three arrays have 32 bytes. */
export function hashPair(left: Uint8Array, right: Uint8Array, digest: Uint8Array): void {
${indented(hashPair)}
}

/** The digest of the 16 words at \`at\`, as 8 words at \`targetAt\`. All words are read before the first one is written. */
export function hashWords(source: Int32Array, at: number, target: Int32Array, targetAt: number): void {
${indented(hashWords)}
}
`;
}

/** @param {string[]} lines */
const indented = (lines) => lines.map((line) => `  ${line}`).join("\n");

/**
 * A little-endian word.
 * @param {string} bytes
 * @param {number} at
 */
const loaded = (bytes, at) =>
  upTo(4)
    .map((byte) => (byte === 0 ? `${bytes}[${at}]!` : `(${bytes}[${at + byte}]! << ${8 * byte})`))
    .join(" | ");

/**
 * @param {string} bytes
 * @param {number} at
 * @param {string} word
 */
const stored = (bytes, at, word) =>
  upTo(4).map((byte) => `${bytes}[${at + byte}] = ${byte === 0 ? word : `${word} >>> ${8 * byte}`};`);
