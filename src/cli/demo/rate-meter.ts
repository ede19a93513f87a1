/** How fast a count grows, over about the last second. */

const windowMs = 1_000;

/** A sliding rate. */
export class RateMeter {
  readonly #samples: { readonly count: number; readonly atMs: number }[] = [];

  /** Notes a count at a time. Samples closer than 20 ms to the last one are dropped, so memory is bounded. */
  add(count: number, atMs: number): void {
    const last = this.#samples.at(-1);
    if (last !== undefined && atMs - last.atMs < 20) return;
    this.#samples.push({ count, atMs });
    while (this.#samples.length > 2 && atMs - (this.#samples[1]?.atMs ?? atMs) > windowMs) this.#samples.shift();
  }

  /** Forgets all samples, after a pause that is not to count. */
  reset(): void {
    this.#samples.length = 0;
  }

  /** Growth per second; NaN while unknown. */
  get perSecond(): number {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || last.atMs <= first.atMs) return Number.NaN;
    return ((last.count - first.count) / (last.atMs - first.atMs)) * 1000;
  }
}
