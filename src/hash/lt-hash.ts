import { invalid, readU32, writeU32 } from "../base/index.js";
import { blake3 } from "./blake3.js";
import { checkBytes } from "./check-bytes.js";
import { defaultKernel } from "./kernel/default-kernel.js";
import { ELEMENT_BYTES, ELEMENT_WORDS } from "./kernel/kernel.js";
import type { Accumulator, LtHashKernel } from "./kernel/kernel.js";
import { addLanes, subtractLanes } from "./kernel/lanes.js";

const U32_MAX = 0xffff_ffff;

/**
 * A hash of a set of key-value pairs that is kept up to date pair by pair, in any order: adding a pair and removing it again leaves what was
 * there before.
 *
 * It has 1,024 lanes of 16 bits. The element of a pair is the 2,048 bytes of BLAKE3's extended output over
 * `u32le(key length) ‖ key ‖ u32le(value length) ‖ value`, read as lanes in little-endian; the hash of a set is the sum of its elements, each
 * lane modulo 2^16, and that of the empty set is zero. This is LtHash (Lewi, Kim, Maykov, Weis: "Securing Update Propagation with Homomorphic
 * Hashing", 2019), with the element function of Sei's FlatKV.
 *
 * A hash does not know what is in it. Who removes a pair that was never added, or adds one twice, gets the hash of no set.
 *
 * ```ts
 * import { LtHash } from "holdfast/hash";
 *
 * const text = new TextEncoder();
 * const hash = new LtHash();
 * hash.add(text.encode("alice"), text.encode("10"));
 * hash.add(text.encode("bob"), text.encode("5"));
 * // A payment of 3: the old rows leave, the new ones enter.
 * hash.remove(text.encode("alice"), text.encode("10"));
 * hash.add(text.encode("alice"), text.encode("7"));
 * hash.remove(text.encode("bob"), text.encode("5"));
 * hash.add(text.encode("bob"), text.encode("8"));
 *
 * const scanned = new LtHash();
 * scanned.add(text.encode("bob"), text.encode("8"));
 * scanned.add(text.encode("alice"), text.encode("7"));
 * console.log(hash.equals(scanned)); // true
 * ```
 */
export class LtHash {
  /** Length of {@link toBytes}. */
  static readonly bytes: number = ELEMENT_BYTES;

  readonly #kernel: LtHashKernel;
  readonly #accumulator: Accumulator;

  /** The hash of the empty set. Tests and benchmarks choose the `kernel`; the default is the quickest that runs here. */
  constructor(kernel: LtHashKernel = defaultKernel()) {
    this.#kernel = kernel;
    this.#accumulator = kernel.accumulator();
  }

  /** What computes the elements: WebAssembly (`simd`), or TypeScript where there is none. */
  get kernel(): "plain" | "simd" {
    return this.#kernel.name;
  }

  /**
   * The hash that {@link toBytes} wrote.
   * @throws InvalidArgumentError where `bytes` are not exactly 2,048
   */
  static fromBytes(bytes: Uint8Array, kernel?: LtHashKernel): LtHash {
    checkBytes("LtHash.fromBytes", "bytes", bytes);
    if (bytes.length !== ELEMENT_BYTES)
      throw invalid("LtHash.fromBytes", "bytes", `${bytes.length} bytes`, `${ELEMENT_BYTES} bytes`);
    const hash = new LtHash(kernel);
    const { words } = hash.#accumulator;
    for (let word = 0; word < ELEMENT_WORDS; word++) words[word] = readU32(bytes, word * 4);
    return hash;
  }

  /** The hash of the union of disjoint sets. Of none: zero. */
  static sum(hashes: Iterable<LtHash>): LtHash {
    const total = new LtHash();
    for (const hash of hashes) total.mixIn(hash);
    return total;
  }

  /** Adds a pair. An empty key or an empty value is no member and changes nothing. */
  add(key: Uint8Array, value: Uint8Array): void {
    this.#fold("LtHash.add", key, value, false);
  }

  /** Removes a pair that was added. An empty key or an empty value is no member and changes nothing. */
  remove(key: Uint8Array, value: Uint8Array): void {
    this.#fold("LtHash.remove", key, value, true);
  }

  /** Adds all that `other` stands for. */
  mixIn(other: LtHash): void {
    checkHash("LtHash.mixIn", other);
    const { words } = this.#accumulator;
    const added = other.#accumulator.words;
    for (let word = 0; word < ELEMENT_WORDS; word++) words[word] = addLanes(words[word]!, added[word]!);
  }

  /** Removes all that `other` stands for. */
  mixOut(other: LtHash): void {
    checkHash("LtHash.mixOut", other);
    const { words } = this.#accumulator;
    const removed = other.#accumulator.words;
    for (let word = 0; word < ELEMENT_WORDS; word++) words[word] = subtractLanes(words[word]!, removed[word]!);
  }

  /** Whether all lanes are equal. Not constant time. */
  equals(other: LtHash): boolean {
    checkHash("LtHash.equals", other);
    const { words } = this.#accumulator;
    const others = other.#accumulator.words;
    for (let word = 0; word < ELEMENT_WORDS; word++) if (words[word] !== others[word]) return false;
    return true;
  }

  /** Whether this is the hash of the empty set. */
  isZero(): boolean {
    const { words } = this.#accumulator;
    for (let word = 0; word < ELEMENT_WORDS; word++) if (words[word] !== 0) return false;
    return true;
  }

  /** Makes this the hash of the empty set. */
  reset(): void {
    this.#accumulator.words.fill(0);
  }

  /** Makes this equal to `other`. */
  set(other: LtHash): void {
    checkHash("LtHash.set", other);
    this.#accumulator.words.set(other.#accumulator.words);
  }

  /** Another hash with the same lanes. */
  clone(): LtHash {
    const copy = new LtHash(this.#kernel);
    copy.set(this);
    return copy;
  }

  /** The lanes in order, each little-endian: 2,048 bytes. */
  toBytes(): Uint8Array {
    const bytes = new Uint8Array(ELEMENT_BYTES);
    const { words } = this.#accumulator;
    for (let word = 0; word < ELEMENT_WORDS; word++) writeU32(bytes, word * 4, words[word]!);
    return bytes;
  }

  /** BLAKE3 of {@link toBytes}: 32 bytes that stand for the whole hash. */
  checksum(): Uint8Array {
    return blake3.hash(this.toBytes());
  }

  #fold(where: string, key: Uint8Array, value: Uint8Array, subtract: boolean): void {
    checkPart(where, "key", key);
    checkPart(where, "value", value);
    if (key.length > 0 && value.length > 0) this.#accumulator.fold(key, value, subtract);
  }
}

/** Longer ones would have the length of a shorter one in what is hashed. */
function checkPart(where: string, name: string, part: Uint8Array): void {
  checkBytes(where, name, part);
  if (part.length > U32_MAX) throw invalid(where, name, `${part.length} bytes`, `at most ${U32_MAX} bytes`);
}

function checkHash(where: string, other: LtHash): void {
  if (!(other instanceof LtHash)) throw invalid(where, "other", other, "an LtHash");
}
