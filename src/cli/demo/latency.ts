/** How long something took, again and again: counts by powers of two of a millisecond, from a quarter on. */

const bars = "▁▂▃▄▅▆▇█";
const firstMs = 0.25;
const buckets = 16;

/** See the head of this file. Memory is bounded. */
export class LatencyHistogram {
  readonly #counts = new Array<number>(buckets).fill(0);
  #total = 0;
  #maxMs = 0;

  add(ms: number): void {
    const bucket = Math.min(buckets - 1, Math.max(0, Math.ceil(Math.log2(ms / firstMs))));
    this.#counts[bucket]! += 1;
    this.#total += 1;
    this.#maxMs = Math.max(this.#maxMs, ms);
  }

  /** A bound that this share of them did not pass; 0 while there are none. */
  boundMs(share: number): number {
    let left = Math.ceil(share * this.#total);
    for (let bucket = 0; left > 0 && bucket < buckets; bucket++) {
      left -= this.#counts[bucket]!;
      if (left <= 0 && bucket < buckets - 1) return Math.min(this.#maxMs, firstMs * 2 ** bucket);
    }
    return this.#maxMs;
  }

  /** A bar for each bucket from the first to the last that has any, the highest for the most. */
  get bars(): string {
    const first = this.#counts.findIndex((count) => count > 0);
    if (first === -1) return "";
    const most = Math.max(...this.#counts);
    return this.#counts
      .slice(first, this.#counts.findLastIndex((count) => count > 0) + 1)
      .map((count) => (count === 0 ? " " : bars[Math.ceil((count / most) * bars.length) - 1]!))
      .join("");
  }

  get summary(): { readonly count: number; readonly p50Ms: number; readonly p99Ms: number; readonly maxMs: number } {
    return { count: this.#total, p50Ms: this.boundMs(0.5), p99Ms: this.boundMs(0.99), maxMs: this.#maxMs };
  }
}
