/**
 * The root of BLAKE3's tree over an input: what is left to compress when everything before it has been. Compressing it with counter 0, 1, 2…
 * gives the output, 64 bytes at a time.
 *
 * An input is cut into chunks of 1,024 bytes, a chunk into blocks of 64. A chunk's blocks are chained; the chaining values of chunks are
 * joined two by two, so that the left side of each join is a whole power of two of chunks:
 *
 * ```
 *        root                 five chunks: when chunk 4 begins, 0–3 are one
 *       /    \                value on the stack; the input's end joins what
 *     0–3     4               is on the stack from the top down
 *    /   \
 *  0–1   2–3
 * ```
 */
import { compress } from "./compress.generated.js";

/** Bytes of a block of the message, and of one block of output. */
export const BLOCK_BYTES = 64;
/** Bytes of a chunk, the leaf of the tree. */
export const CHUNK_BYTES = 1024;

const IV: Int32Array = /* @__PURE__ */ Int32Array.of(
  0x6a09e667,
  0xbb67ae85,
  0x3c6ef372,
  0xa54ff53a,
  0x510e527f,
  0x9b05688c,
  0x1f83d9ab,
  0x5be0cd19,
);
const CHUNK_START = 1;
const CHUNK_END = 2;
const PARENT = 4;
const ROOT = 8;
/** One chaining value on the stack for each level: inputs have fewer than 2^32 chunks, since no array has more than 2^42 bytes. */
const LEVELS = 32;
const CHAIN_WORDS = 8;
const BLOCK_WORDS = 16;

/** A root node and the memory to compute one in; made once and used again, so that hashing leaves no garbage. */
export class RootNode {
  /** The chaining value: the first 8 words. The others mean nothing. */
  chain: Int32Array = IV;
  /** The message: 16 words. */
  readonly block: Int32Array = new Int32Array(16);
  /** The output of the last {@link expand}: 16 words. */
  readonly output: Int32Array = new Int32Array(16);
  /** How many bytes of the block count. */
  length = 0;
  flags = 0;
  readonly #chained: Int32Array = new Int32Array(16);
  readonly #stack: Int32Array = new Int32Array(LEVELS * CHAIN_WORDS);

  /** Makes this the root of `bytes[0, end)`. */
  absorb(bytes: Uint8Array, end: number): void {
    if (end <= BLOCK_BYTES) {
      this.chain = IV;
      this.length = end;
      this.flags = CHUNK_START | CHUNK_END | ROOT;
      loadBlock(this.block, bytes, 0, end);
      return;
    }
    let depth = 0;
    let chunk = 0;
    let at = 0;
    for (; end - at > CHUNK_BYTES; at += CHUNK_BYTES, chunk++) {
      this.#absorbChunk(bytes, at, at + CHUNK_BYTES, chunk);
      this.#compress(chunk);
      // As many joins as the number of chunks so far has trailing zero bits: each closes a subtree.
      for (let chunks = chunk + 1; chunks % 2 === 0; chunks /= 2) {
        this.#parent(--depth);
        this.#compress(0);
      }
      for (let word = 0; word < CHAIN_WORDS; word++) this.#stack[depth * CHAIN_WORDS + word] = this.chain[word]!;
      depth++;
    }
    this.#absorbChunk(bytes, at, end, chunk);
    if (depth > 0) this.#compress(chunk);
    while (depth > 0) {
      this.#parent(--depth);
      if (depth > 0) this.#compress(0);
    }
    this.flags |= ROOT;
  }

  /** Computes the 64 bytes of output that begin at `64 × counter`, into `output`. */
  expand(counter: number): void {
    compress(this.chain, this.block, counter, this.length, this.flags, this.output);
  }

  /** All blocks of a chunk but the last, which is left to compress. */
  #absorbChunk(bytes: Uint8Array, start: number, end: number, chunk: number): void {
    let at = start;
    this.chain = IV;
    this.flags = CHUNK_START;
    this.length = BLOCK_BYTES;
    for (; end - at > BLOCK_BYTES; at += BLOCK_BYTES) {
      loadWords(this.block, bytes, at, BLOCK_WORDS);
      this.#compress(chunk);
      this.flags = 0;
    }
    this.flags |= CHUNK_END;
    this.length = end - at;
    loadBlock(this.block, bytes, at, this.length);
  }

  /** The parent of the value on the stack and the chaining value. */
  #parent(left: number): void {
    for (let word = 0; word < CHAIN_WORDS; word++) {
      this.block[word] = this.#stack[left * CHAIN_WORDS + word]!;
      this.block[word + CHAIN_WORDS] = this.chain[word]!;
    }
    this.chain = IV;
    this.length = BLOCK_BYTES;
    this.flags = PARENT;
  }

  #compress(counter: number): void {
    compress(this.chain, this.block, counter, this.length, this.flags, this.#chained);
    this.chain = this.#chained;
  }
}

/** The `length` bytes at `at`, with zeros behind them. */
function loadBlock(block: Int32Array, bytes: Uint8Array, at: number, length: number): void {
  const words = length >>> 2;
  loadWords(block, bytes, at, words);
  if (words === BLOCK_WORDS) return;
  block.fill(0, words);
  for (let byte = words << 2; byte < length; byte++) {
    block[words] = block[words]! | (bytes[at + byte]! << ((byte & 3) << 3));
  }
}

/** `count` little-endian words. */
function loadWords(words: Int32Array, bytes: Uint8Array, at: number, count: number): void {
  for (let word = 0, from = at; word < count; word++, from += 4) {
    words[word] = bytes[from]! | (bytes[from + 1]! << 8) | (bytes[from + 2]! << 16) | (bytes[from + 3]! << 24);
  }
}
