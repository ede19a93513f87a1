/** Telling a caller of what is durable. What the caller's function throws keeps nobody from being done, or told of, and is thrown in the end. */
import { invalid } from "../base/index.js";

/** What one call tells. */
export class Telling<M> {
  readonly #listener: ((message: M) => void) | undefined;
  #thrown: { readonly error: unknown } | undefined;

  constructor(listener: ((message: M) => void) | undefined) {
    this.#listener = listener;
  }

  tell(message: M): void {
    try {
      this.#listener?.(message);
    } catch (error) {
      this.#thrown ??= { error };
    }
  }

  /** Throws what the listener threw first. */
  finish(): void {
    if (this.#thrown !== undefined) throw this.#thrown.error;
  }
}

/** Refuses what can't be told anything. */
export function checkListener<L>(where: string, name: string, listener: L | undefined): L | undefined {
  if (listener !== undefined && typeof listener !== "function") throw invalid(where, name, listener, "a function");
  return listener;
}
