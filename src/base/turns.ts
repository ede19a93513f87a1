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
    if (!this.isFree) return this.take(act);
    let settle: (outcome: Promise<R>) => void = () => undefined;
    // Begun before `act` runs: what is asked for in there comes behind it.
    const turn = this.#begin(new Promise<R>((resolve) => (settle = resolve)));
    try {
      settle(act());
    } catch (error) {
      settle(Promise.reject(error));
    }
    return turn;
  }

  /** Runs `act`, which waits for nothing, when everything asked for before has settled. It is no turn: nothing waits for it. */
  look<R>(act: () => R): Promise<R> {
    return this.#last.then(act);
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
