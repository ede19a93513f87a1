/**
 * Who may commit now: one commit at a time goes through its three steps, and a larger table takes the place of the old one only between commits.
 */
import type { Staged } from "./staged.js";

/** See the head of this file. */
export class CommitSlot {
  /** `"staged"`: begun, and perhaps given up by its owner; the next one that begins takes its place. */
  #phase: "free" | "staging" | "staged" | "writing" = "free";
  #staged: Staged | undefined;
  #gate: Promise<void> | undefined;
  #whenFree: (() => void) | undefined;
  #isOver = false;

  /** Whether a commit is on its way, so that no other may begin. */
  get isBusy(): boolean {
    return this.#phase === "staging" || this.#phase === "writing";
  }

  /** Settles once commits may begin; `undefined` where they may now. */
  get gate(): Promise<void> | undefined {
    return this.#gate;
  }

  /** Forgets a commit that was begun and not written. */
  drop(): void {
    if (this.#phase === "staged") this.free();
  }

  /** A commit begins. */
  take(): void {
    this.#phase = "staging";
  }

  /** It has begun. */
  hold(staged: Staged): void {
    this.#phase = "staged";
    this.#staged = staged;
  }

  /** Whether this is the one that was begun last, and is not published. */
  has(staged: Staged): boolean {
    return this.#staged === staged;
  }

  /** Whether it may be written: it is the last one, and is not being written. */
  mayWrite(staged: Staged): boolean {
    return this.#staged === staged && this.#phase === "staged";
  }

  /** It is on its way to the journal. */
  write(): void {
    this.#phase = "writing";
  }

  /** It was published, or is none any more. */
  free(): void {
    this.#phase = "free";
    this.#staged = undefined;
    this.#whenFree?.();
  }

  /** No commit will come any more: nobody waits for one. */
  end(): void {
    this.#isOver = true;
    this.#whenFree?.();
  }

  /** Waits for the commit that is on its way, and does `act` while none can begin. */
  async between<R>(act: () => Promise<R>): Promise<R> {
    let open = (): void => undefined;
    this.#gate = new Promise((resolve) => (open = resolve));
    try {
      if (this.#phase !== "free" && !this.#isOver) await new Promise<void>((resolve) => (this.#whenFree = resolve));
      return await act();
    } finally {
      this.#whenFree = undefined;
      this.#gate = undefined;
      open();
    }
  }
}
