/** Acts that take turns: one at a time, in the order of the calls. */
export class Turns {
  #last: Promise<void> = Promise.resolve();
  /** Acts that have not settled. */
  #count = 0;

  /** Whether nobody has a turn, or waits for one. */
  get isFree(): boolean {
    return this.#count === 0;
  }

  /** Runs `act` when everything asked for before has settled. */
  take<R>(act: () => Promise<R>): Promise<R> {
    return this.#begin(this.#last.then(act));
  }

  /** As `take`, but where `isFree`, `act` begins within this call. */
  takeAtOnce<R>(act: () => Promise<R>): Promise<R> {
    return this.isFree ? this.#begin(act()) : this.take(act);
  }

  #begin<R>(turn: Promise<R>): Promise<R> {
    this.#count += 1;
    const settle = (): void => {
      this.#count -= 1;
    };
    this.#last = turn.then(settle, settle);
    return turn;
  }

  /** Resolves when everything asked for so far has settled. */
  done(): Promise<void> {
    return this.#last;
  }
}
