/** How many live records stand in each segment file of the physical log: which of the oldest ones nobody needs any more, and how much is garbage. */

/** See the head of this file. */
export class SegmentUse {
  #starts: number[];
  #live: number[];
  /** The sum over the full segments of the share of their records that is live. */
  #shares = 0;

  /** `starts`: the first LSN of each segment, oldest first. */
  constructor(starts: readonly number[]) {
    this.#starts = [...starts];
    this.#live = this.#starts.map(() => 0);
  }

  /** The first LSN of the newest segment. */
  get activeStart(): number {
    return this.#starts.at(-1)!;
  }

  /** Segments, the one that is written to included. */
  get count(): number {
    return this.#starts.length;
  }

  start(index: number): number {
    return this.#starts[index]!;
  }

  /** A record at `physical` is live from now on. */
  add(physical: number): void {
    const last = this.#starts.length - 1;
    const index = physical >= this.#starts[last]! ? last : this.indexOf(physical);
    if (index >= 0) this.#count(index, 1);
  }

  /** The record at `physical` is not needed any more. Below the first segment there is nothing to count. */
  remove(physical: number): void {
    const index = this.indexOf(physical);
    if (index >= 0) this.#count(index, -1);
  }

  /** Takes over the segments that the log has now: old ones may be gone from the front, new ones are behind. */
  refresh(starts: readonly number[]): void {
    let gone = 0;
    while (gone < this.#starts.length - 1 && this.#starts[gone]! < starts[0]!) gone += 1;
    this.#live.splice(0, gone);
    this.#starts = [...starts];
    while (this.#live.length < this.#starts.length) this.#live.push(0);
    this.#shares = 0;
    for (let index = 0; index < this.#starts.length - 1; index++)
      this.#shares += this.#live[index]! / this.#records(index);
  }

  /** How many of the oldest segments hold nothing live. The newest never counts. */
  get emptyCount(): number {
    let count = 0;
    while (count < this.#starts.length - 1 && this.#live[count] === 0) count += 1;
    return count;
  }

  /** The share of live records in the full segments behind the empty ones, which are as good as given back: 0 to 1; 1 where there is none. */
  get liveShare(): number {
    const full = this.#starts.length - 1 - this.emptyCount;
    return full === 0 ? 1 : this.#shares / full;
  }

  /** The index of the segment that holds `physical`; -1 below the first. */
  indexOf(physical: number): number {
    let low = -1;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#starts[middle]! <= physical) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #count(index: number, change: number): void {
    this.#live[index]! += change;
    if (index < this.#starts.length - 1) this.#shares += change / this.#records(index);
  }

  #records(index: number): number {
    return Math.max(1, this.#starts[index + 1]! - this.#starts[index]!);
  }
}
