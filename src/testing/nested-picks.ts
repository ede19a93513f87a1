/** Which recoveries of a moment are crashed themselves. */
import type { SeededRandom } from "../base/index.js";

/** Moments with up to this many states have every one of their recoveries crashed. */
const SMALL_POINT_STATES = 16;

/** The states of one moment whose recoveries are to be crashed: a share of them, or all if they turn out to be few. */
export class NestedPicks {
  readonly #random: SeededRandom;
  readonly #share: number;
  readonly #first: number[][] = [];
  readonly #picked: number[][] = [];
  #offered = 0;

  constructor(random: SeededRandom, share: number) {
    this.#random = random;
    this.#share = share;
  }

  offer(answers: readonly number[]): void {
    if (this.#share === 0) return;
    if (this.#offered++ < SMALL_POINT_STATES) this.#first.push(answers.slice());
    if (this.#random.chance(this.#share)) this.#picked.push(answers.slice());
  }

  take(allIfFew: boolean): readonly (readonly number[])[] {
    return allIfFew && this.#offered <= SMALL_POINT_STATES ? this.#first : this.#picked;
  }
}
