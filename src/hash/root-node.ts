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
/** The least power of two of chunks that no array reaches: one chaining value per level below it. */
const LEVELS = 54;
const CHAIN_WORDS = 8;

/** A root node and the memory to compute one in; made once and used again, so that hashing leaves no garbage. */
export class RootNode {
  /** The chaining value: the first 8 words. The others are scratch. */
  readonly chain: Int32Array = new Int32Array(16);
  /** The message: 16 words. */
  readonly block: Int32Array = new Int32Array(16);
  /** The output of the last {@link expand}: 16 words. */
  readonly output: Int32Array = new Int32Array(16);
  /** How many bytes of the block count. */
  length = 0;
  flags = 0;
  readonly #stack: Int32Array = new Int32Array(LEVELS * CHAIN_WORDS);

  /** Makes this the root of `bytes[0, end)`. */
  absorb(bytes: Uint8Array, end: number): void {
    let depth = 0;
    let chunk = 0;
    let at = 0;
    for (; end - at > CHUNK_BYTES; at += CHUNK_BYTES, chunk++) {
      this.#absorbChunk(bytes, at, at + CHUNK_BYTES, chunk);
      this.#compress(chunk);
      // As many joins as the number of chunks so far has trailing zero bits: each closes a subtree.
      for (let chunks = chunk + 1; chunks % 2 === 0; chunks /= 2) this.#join(--depth);
      this.#stack.set(this.chain.subarray(0, CHAIN_WORDS), depth * CHAIN_WORDS);
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

  /** Makes this the root of 64 bytes, of which `left` holds the first 32 and `right` the others. */
  absorbPair(left: Uint8Array, right: Uint8Array): void {
    loadChain(this.chain);
    loadWords(this.block, 0, left, 0, 8);
    loadWords(this.block, 8, right, 0, 8);
    this.length = BLOCK_BYTES;
    this.flags = CHUNK_START | CHUNK_END | ROOT;
  }

  /** Computes the 64 bytes of output that begin at `64 × counter`, into `output`. */
  expand(counter: number): void {
    compress(this.chain, this.block, counter | 0, (counter / 0x1_0000_0000) | 0, this.length, this.flags, this.output);
  }

  /** All blocks of a chunk but the last, which is left to compress. */
  #absorbChunk(bytes: Uint8Array, start: number, end: number, chunk: number): void {
    loadChain(this.chain);
    let at = start;
    this.flags = CHUNK_START;
    this.length = BLOCK_BYTES;
    for (; end - at > BLOCK_BYTES; at += BLOCK_BYTES) {
      loadWords(this.block, 0, bytes, at, 16);
      this.#compress(chunk);
      this.flags = 0;
    }
    this.flags |= CHUNK_END;
    this.length = end - at;
    const words = this.length >>> 2;
    loadWords(this.block, 0, bytes, at, words);
    if (words === 16) return;
    this.block.fill(0, words);
    for (let byte = words << 2; byte < this.length; byte++) {
      this.block[words] = this.block[words]! | (bytes[at + byte]! << ((byte & 3) << 3));
    }
  }

  /** Makes this the parent of the value on the stack and the chaining value, and compresses it. */
  #join(left: number): void {
    this.#parent(left);
    this.#compress(0);
  }

  #parent(left: number): void {
    for (let word = 0; word < CHAIN_WORDS; word++) {
      this.block[word] = this.#stack[left * CHAIN_WORDS + word]!;
      this.block[word + CHAIN_WORDS] = this.chain[word]!;
    }
    loadChain(this.chain);
    this.length = BLOCK_BYTES;
    this.flags = PARENT;
  }

  #compress(counter: number): void {
    compress(this.chain, this.block, counter | 0, (counter / 0x1_0000_0000) | 0, this.length, this.flags, this.chain);
  }
}

function loadChain(chain: Int32Array): void {
  for (let word = 0; word < CHAIN_WORDS; word++) chain[word] = IV[word]!;
}

/** `count` little-endian words from `bytes` at `at`, to `words` at `first`. */
function loadWords(words: Int32Array, first: number, bytes: Uint8Array, at: number, count: number): void {
  for (let word = 0, from = at; word < count; word++, from += 4) {
    words[first + word] = bytes[from]! | (bytes[from + 1]! << 8) | (bytes[from + 2]! << 16) | (bytes[from + 3]! << 24);
  }
}
