/** What is held, to be let go of together. */
export class Held {
  readonly #releases: (() => Promise<void>)[] = [];

  add(release: () => Promise<void>): void {
    this.#releases.push(release);
  }

  /** Lets go of everything, the newest first, whatever becomes of each. Returns what failed. */
  async release(): Promise<Error[]> {
    const failures: Error[] = [];
    for (const release of this.#releases.splice(0).reverse()) {
      try {
        await release();
      } catch (error) {
        failures.push(error instanceof Error ? error : new Error(String(error)));
      }
    }
    return failures;
  }
}
