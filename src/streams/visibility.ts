/** Tells those who wait for more of one stream that there is more, or that nothing more will come. */

/** See the head of this file. */
export class Visibility {
  #waiting: Set<() => void> | undefined;

  /** Wakes whoever waits. Costs nothing when nobody does. */
  announce(): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    this.#waiting = undefined;
    for (const wake of waiting) wake();
  }

  /** Resolves at the next announcement; rejects with `signal.reason`. */
  changed(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason as Error);
        return;
      }
      const waiting = (this.#waiting ??= new Set());
      const wake = (): void => {
        signal?.removeEventListener("abort", abort);
        resolve();
      };
      const abort = (): void => {
        waiting.delete(wake);
        reject(signal!.reason as Error);
      };
      signal?.addEventListener("abort", abort, { once: true });
      waiting.add(wake);
    });
  }
}
