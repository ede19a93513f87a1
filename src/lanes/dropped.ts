/** Which entries of a lane were dropped since a moment: for those who read beside a prune, a cut or a jump. */
import type { Run } from "./recovery.js";

/** A moment. */
export interface Moment {
  readonly run: Run;
  /** How often entries had been dropped at the end. */
  readonly cuts: number;
}

/** See the head of this file. The journal may show that entries are gone before the turn that drops them is over. */
export class Dropped {
  /** Entries below this are dropped, or about to be. */
  #prunedBelow = 0;
  /** How often entries were dropped at the end; whether some are about to be; the last one that the newest cut keeps. */
  #cuts = 0;
  #isCutting = false;
  #keptByCut = 0;

  get cuts(): number {
    return this.#cuts;
  }

  /** Entries below `index` are about to be dropped. */
  prune(index: number): void {
    this.#prunedBelow = index;
  }

  /** Entries above `index` are about to be dropped. */
  beginCut(index: number): void {
    this.#isCutting = true;
    this.#keptByCut = index;
  }

  endCut(): void {
    this.#isCutting = false;
    this.#cuts += 1;
  }

  /** Whether the entry with this index, which was there at a moment, may have been dropped since. `run` is what the lane is now. */
  since({ run: before, cuts }: Moment, run: Run, index: number): boolean {
    if (run.generation !== before.generation || index < this.#prunedBelow) return true;
    const missed = this.#cuts - cuts + (this.#isCutting ? 1 : 0);
    // Of several cuts an earlier one may have gone lower.
    return missed > 1 || (missed === 1 && index > this.#keptByCut);
  }
}
