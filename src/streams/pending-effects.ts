/** What records of the physical log will do to the book once they are acknowledged, in the order of the log. */
import type { StreamBook, StreamState } from "./book.js";

/** What a record does to the book: it adds an entry to a stream, or something else. */
export type Effect = StreamState | ((physical: number) => void);

/** How many applied effects are kept before the array is made anew. */
const APPLIED_MAX = 1024;

/** See the head of this file. */
export class PendingEffects {
  #effects: Effect[] = [];
  #head = 0;
  /** The physical LSN of the first one that is pending. */
  #first: number;

  /** `first`: the physical LSN that the first record gets. */
  constructor(first: number) {
    this.#first = first;
  }

  get first(): number {
    return this.#first;
  }

  /** The physical LSN that the next record gets. */
  get next(): number {
    return this.#first + this.#effects.length - this.#head;
  }

  push(effect: Effect): void {
    this.#effects.push(effect);
  }

  /** Applies those of the records up to `visible`. */
  apply(book: StreamBook, visible: number): void {
    const effects = this.#effects;
    let head = this.#head;
    let physical = this.#first;
    for (; physical <= visible; physical++) {
      const effect = effects[head++]!;
      if (typeof effect === "function") {
        effect(physical);
      } else {
        book.applyEntry(effect, physical);
        effect.visibility.announce();
      }
    }
    this.#first = physical;
    this.#head = head;
    if (head === effects.length) {
      this.#effects = [];
      this.#head = 0;
    } else if (head >= APPLIED_MAX && head * 2 >= effects.length) {
      this.#effects = effects.slice(head);
      this.#head = 0;
    }
  }
}
