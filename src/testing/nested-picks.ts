/** Which recoveries of a moment are crashed themselves. */
import type { SeededRandom } from "../base/index.js";

/** Moments with up to this many states have every one of their recoveries crashed. */
const SMALL_POINT_STATES = 16;

/** A state whose recovery may be crashed. */
export interface NestedPick {
  readonly answers: readonly number[];
  readonly key: number;
}

/** The states of one moment whose recoveries are to be crashed: a share of them, or all if they turn out to be few. */
export class NestedPicks {
  readonly #random: SeededRandom;
  readonly #share: number;
  readonly #first: NestedPick[] = [];
  readonly #picked: NestedPick[] = [];
  #offered = 0;

  constructor(random: SeededRandom, share: number) {
    this.#random = random;
    this.#share = share;
  }

  offer(answers: readonly number[], key: number): void {
    if (this.#share === 0) return;
    if (this.#offered++ < SMALL_POINT_STATES) this.#first.push({ answers: answers.slice(), key });
    if (this.#random.chance(this.#share)) this.#picked.push({ answers: answers.slice(), key });
  }

  take(allIfFew: boolean): readonly NestedPick[] {
    return allIfFew && this.#offered <= SMALL_POINT_STATES ? this.#first : this.#picked;
  }
}
