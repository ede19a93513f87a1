/** Acts that take turns: one at a time, in the order of the calls. */
export class Turns {
  #last: Promise<void> = Promise.resolve();

  /** Runs `act` when everything asked for before has settled. */
  take<R>(act: () => Promise<R>): Promise<R> {
    const turn = this.#last.then(act);
    this.#last = turn.then(ignore, ignore);
    return turn;
  }

  /** Resolves when everything asked for so far has settled. */
  done(): Promise<void> {
    return this.#last;
  }
}

function ignore(): void {
  // Whoever asked has the outcome; the others only need to know that the turn is over.
}
