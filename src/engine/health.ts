/** Whether a database may still be used: not after `close`, and not after a write or sync failed (R4). */
import { StateError } from "../base/index.js";

/** The state of one open database, asked before every call. */
export class Health {
  readonly #directory: string;
  #closed = false;
  #poison: { readonly cause: unknown } | undefined;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Throws `HF_CLOSED` or `HF_POISONED`. */
  check(): void {
    const directory = this.#directory;
    if (this.#closed) throw new StateError("HF_CLOSED", `The database in ${directory} is closed.`, { directory });
    this.checkPoison();
  }

  /** Throws `HF_POISONED`: for work that was accepted before the database was closed. */
  checkPoison(): void {
    if (this.#poison === undefined) return;
    const directory = this.#directory;
    throw new StateError(
      "HF_POISONED",
      `A write to the database in ${directory} failed, and what is stored of it is unknown. Close it and open it again.`,
      { directory },
      this.#poison.cause,
    );
  }

  /** From now on every call is refused, with the first cause. */
  poison(cause: unknown): void {
    this.#poison ??= { cause };
  }

  close(): void {
    this.#closed = true;
  }
}
