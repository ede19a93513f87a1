/** The lanes of one hash, and how pairs get into them. */
export interface Accumulator {
  /**
   * The 1,024 lanes, two in a word: lane 2i in the low half of word i, lane 2i + 1 in the high half. What one writes here counts. Ask again
   * after any fold, of whichever accumulator: the lanes may have moved.
   */
  readonly words: Int32Array;
  /** Adds the element of a pair to the lanes, or subtracts it. Neither part may be empty. */
  fold(key: Uint8Array, value: Uint8Array, subtract: boolean): void;
}

/** One way to compute elements. All of them give the same lanes; a contract suite holds them to it. */
export interface LtHashKernel {
  readonly name: "plain" | "simd";
  /** An accumulator whose lanes are zero. */
  accumulator(): Accumulator;
}

/** Lanes of 16 bits in a hash. */
export const LANES = 1024;
/** Bytes of an element, and of a hash. */
export const ELEMENT_BYTES: number = LANES * 2;
/** 32-bit words of an element, two lanes in each. */
export const ELEMENT_WORDS: number = LANES / 2;
