/** What an opening holds so far, to be let go of where it fails. */
export class Held {
  readonly #releases: (() => Promise<void>)[] = [];

  add(release: () => Promise<void>): void {
    this.#releases.push(release);
  }

  /** Lets go of everything, the newest first, whatever becomes of each. */
  async release(): Promise<void> {
    for (const release of this.#releases.reverse()) {
      try {
        await release();
      } catch {
        // The failure that leads here is the one to tell.
      }
    }
  }
}
