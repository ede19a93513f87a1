/**
 * Writes what the WebAssembly kernel needs with its rounds unrolled, as AssemblyScript: the state is held in local variables, which no
 * function of that language can change for its caller.
 */
import { IV, mix, schedule, upTo } from "./rounds.mjs";

/** One block in the 32-bit words of the machine. @type {import("./rounds.mjs").Dialect} */
const WORDS = {
  add: (to, from, message) => [
    `${to} = ${to} + ${from}${message === undefined ? "" : ` + load<u32>(block, ${message * 4})`};`,
  ],
  turn: (to, from, right) => [`${to} = rotr(${to} ^ ${from}, ${right});`],
};

/**
 * Four blocks, each word of theirs in one vector. A turn by whole bytes is a swizzle by a constant, which V8 makes one instruction; of the
 * shuffle that does the same it makes several, and the kernel takes a quarter longer.
 * @type {import("./rounds.mjs").Dialect}
 */
const VECTORS = {
  add: (to, from, message) => [
    `${to} = i32x4.add(${to}, ${from});`,
    ...(message === undefined ? [] : [`${to} = i32x4.add(${to}, v128.load(MESSAGE, ${message * 16}));`]),
  ],
  turn: (to, from, right) => {
    const bytes = upTo(16).map((byte) => (byte & 12) | ((byte + right / 8) & 3));
    const turned =
      right % 8 === 0
        ? `i8x16.swizzle(${to}, i8x16(${bytes.join(", ")}))`
        : `v128.or(i32x4.shr_u(${to}, ${right}), i32x4.shl(${to}, ${32 - right}))`;
    return [`${to} = v128.xor(${to}, ${from});`, `${to} = ${turned};`];
  },
};

/** @param {string[]} lines */
const indented = (lines) => lines.map((line) => `  ${line}`).join("\n");

/** @returns {string} the source text of the module */
export function unrolledSource() {
  return `import { MESSAGE, CHAIN, START } from "./layout";

/** Compresses the block at \`block\` into the chaining value at \`chain\`, as the first chunk of an input. */
export function compress(chain: usize, block: usize, length: u32, flags: u32): void {
${indented(compressBody())}
}

/** Adds the output of the root node to the 2,048 bytes at \`lanes\`, or subtracts it, four blocks at a time. */
export function expand(lanes: usize, block: usize, length: u32, flags: u32, subtract: bool): void {
${indented(expandBody())}
}
`;
}

function compressBody() {
  return [
    ...upTo(8).map((n) => `let v${n} = load<u32>(chain, ${n * 4});`),
    ...upTo(4).map((n) => `let v${n + 8}: u32 = ${IV[n]};`),
    "let v12: u32 = 0;",
    "let v13: u32 = 0;",
    "let v14 = length;",
    "let v15 = flags;",
    ...schedule().flatMap(({ quarter, first, second }) => mix(WORDS, quarter, first, second).flat()),
    ...upTo(8).map((n) => `store<u32>(chain, v${n} ^ v${n + 8}, ${n * 4});`),
  ];
}

/**
 * Of the first round's columns only the first one sees the counter, and that not in its first statement: the rest is computed once for all
 * blocks and kept at START.
 */
function expandBody() {
  const [column, ...rest] = schedule();
  if (column === undefined) throw new Error("There are no rounds.");
  const [beforeCounter = [], ...afterCounter] = mix(VECTORS, column.quarter, column.first, column.second);
  const known = upTo(16).filter((n) => n !== 12);
  return [
    ...upTo(16).map((n) => `v128.store(MESSAGE, i32x4.splat(load<u32>(block, ${n * 4})), ${n * 16});`),
    ...upTo(8).map((n) => `let v${n} = i32x4.splat(load<u32>(CHAIN, ${n * 4}));`),
    ...upTo(4).map((n) => `let v${n + 8} = i32x4.splat(${IV[n]});`),
    "let v12 = i32x4.splat(0);",
    "let v13 = i32x4.splat(0);",
    "let v14 = i32x4.splat(length);",
    "let v15 = i32x4.splat(flags);",
    ...beforeCounter,
    ...rest.slice(0, 3).flatMap(({ quarter, first, second }) => mix(VECTORS, quarter, first, second).flat()),
    ...known.map((n) => `v128.store(START, v${n}, ${n * 16});`),
    "let counter = i32x4(0, 1, 2, 3);",
    "for (let end = lanes + 2048; lanes < end; lanes += 256) {",
    ...known.map((n) => `  v${n} = v128.load(START, ${n * 16});`),
    "  v12 = counter;",
    "  counter = i32x4.add(counter, i32x4.splat(4));",
    ...afterCounter.flat().map((line) => `  ${line}`),
    ...rest.slice(3).flatMap(({ quarter, first, second }) =>
      mix(VECTORS, quarter, first, second)
        .flat()
        .map((line) => `  ${line}`),
    ),
    ...upTo(8).flatMap((n) => [
      `  v${n} = v128.xor(v${n}, v${n + 8});`,
      `  v${n + 8} = v128.xor(v${n + 8}, v128.load32_splat(CHAIN, ${n * 4}));`,
    ]),
    ...upTo(4).flatMap((row) => transposed(row * 4).map((line) => `  ${line}`)),
    "  if (subtract) {",
    ...folded("sub"),
    "  } else {",
    ...folded("add"),
    "  }",
    "}",
  ];
}

/**
 * Turns the vectors of four words, each for four blocks, into four words of each block.
 * @param {number} first
 */
function transposed(first) {
  const [a, b, c, d] = upTo(4).map((n) => `v${first + n}`);
  const [ab, cd, AB, CD] = ["ab", "cd", "AB", "CD"].map((name) => `${name}${first}`);
  return [
    `const ${ab} = v128.shuffle<u32>(${a}, ${b}, 0, 4, 1, 5);`,
    `const ${cd} = v128.shuffle<u32>(${c}, ${d}, 0, 4, 1, 5);`,
    `const ${AB} = v128.shuffle<u32>(${a}, ${b}, 2, 6, 3, 7);`,
    `const ${CD} = v128.shuffle<u32>(${c}, ${d}, 2, 6, 3, 7);`,
    `${a} = v128.shuffle<u32>(${ab}, ${cd}, 0, 1, 4, 5);`,
    `${b} = v128.shuffle<u32>(${ab}, ${cd}, 2, 3, 6, 7);`,
    `${c} = v128.shuffle<u32>(${AB}, ${CD}, 0, 1, 4, 5);`,
    `${d} = v128.shuffle<u32>(${AB}, ${CD}, 2, 3, 6, 7);`,
  ];
}

/** @param {"add" | "sub"} operation */
function folded(operation) {
  return upTo(16).map((n) => {
    const at = (n % 4) * 64 + (n >> 2) * 16;
    return `    v128.store(lanes, i16x8.${operation}(v128.load(lanes, ${at}), v${n}), ${at});`;
  });
}
