/**
 * Pseudo-random numbers that a seed repeats exactly: xoshiro128** (Blackman and Vigna), its state filled by splitmix32. For tests,
 * simulation and sampling; never for secrets.
 */
import { assert } from "./assert.js";

/**
 * A repeatable sequence.
 *
 * `fork(name)` depends on the seed and the name alone, not on what was drawn before, so a new draw in one place does not shift
 * the sequence of another.
 */
export class SeededRandom {
  readonly #seedLow: number;
  readonly #seedHigh: number;
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /** `seed` is an integer in [0, 2^53 − 1]. */
  constructor(seed: number) {
    assert(Number.isSafeInteger(seed) && seed >= 0, `a seed is an integer from 0 to 2^53 - 1, not ${seed}`);
    this.#seedLow = seed >>> 0;
    this.#seedHigh = Math.floor(seed / 0x1_0000_0000);
    let state = this.#seedLow ^ Math.imul(this.#seedHigh + 1, 0x85ebca6b);
    const next = (): number => {
      state = (state + 0x9e3779b9) | 0;
      return mix(state);
    };
    this.#a = next();
    this.#b = next() ^ mix(this.#seedHigh);
    this.#c = next() ^ mix(this.#seedLow + 1);
    this.#d = next() | 1;
  }

  /** 32 random bits as an unsigned number. */
  nextU32(): number {
    const scrambled = Math.imul(this.#b, 5);
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9);
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return result >>> 0;
  }

  /** An integer in [0, n), each equally likely. `n` is in [1, 2^32]. */
  below(n: number): number {
    assert(Number.isInteger(n) && n >= 1 && n <= 0x1_0000_0000, `below needs 1 to 2^32, not ${n}`);
    // Draws at or above the largest multiple of n would favour small results, so they are drawn again.
    const limit = 0x1_0000_0000 - (0x1_0000_0000 % n);
    for (;;) {
      const draw = this.nextU32();
      if (draw < limit) return draw % n;
    }
  }

  /** True with probability `p`; always for 1, never for 0. */
  chance(p: number): boolean {
    return this.nextU32() < p * 0x1_0000_0000;
  }

  /** `n` random bytes. */
  bytes(n: number): Uint8Array {
    const bytes = new Uint8Array(n);
    let draw = 0;
    for (let at = 0; at < n; at++) {
      draw = (at & 3) === 0 ? this.nextU32() : draw >>> 8;
      bytes[at] = draw;
    }
    return bytes;
  }

  /** An independent sequence for `name`: the same seed and name always give the same one. Forks may be forked. */
  fork(name: string): SeededRandom {
    let low = this.#seedLow ^ 0x2545f491;
    let high = this.#seedHigh ^ 0x6c8e9cf5;
    for (let at = 0; at < name.length; at++) {
      const unit = name.charCodeAt(at);
      low = Math.imul(low ^ unit, 0x9e3779b1);
      low ^= low >>> 15;
      high = Math.imul(high ^ unit, 0x85ebca77);
      high ^= high >>> 13;
    }
    low = mix(low ^ Math.imul(high, 0xc2b2ae3d));
    high = mix(high ^ Math.imul(low, 0x27d4eb2f));
    return new SeededRandom((high & 0x1fffff) * 0x1_0000_0000 + (low >>> 0));
  }
}

/** The finaliser of MurmurHash3: every input bit changes about half of the output bits. */
function mix(value: number): number {
  let mixed = value;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
