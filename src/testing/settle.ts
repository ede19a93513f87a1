/** Runs a piece of a program on the simulated machine until it settles, or until it is clear that it never will. */
import type { SimVfs } from "../vfs/index.js";

/** How a program ended. */
export type Settled<T> =
  | { readonly kind: "value"; readonly value: T }
  | { readonly kind: "error"; readonly error: unknown }
  /** Nothing is in flight, no delay is pending, and the program has not settled. */
  | { readonly kind: "hang" };

/** Event-loop turns without activity after which a program that waits for nothing simulated is taken for hung. */
const QUIET_TURNS_MAX = 200;
/** Virtual time after which a program that only waits is taken for hung. */
const VIRTUAL_MS_MAX = 3_600_000;

/** Starts `program` and waits for it. */
export function settle<T>(vfs: SimVfs, program: () => Promise<T> | T): Promise<Settled<T>> {
  const scheduler = vfs.disk.scheduler;
  const deadlineMs = scheduler.nowMs + VIRTUAL_MS_MAX;
  return new Promise((resolve) => {
    let settled = false;
    let seen = -1;
    let quiet = 0;
    const finish = (result: Settled<T>): void => {
      settled = true;
      clearImmediate(turn);
      resolve(result);
    };
    const watch = (): void => {
      if (settled) return;
      if (scheduler.activity !== seen) {
        seen = scheduler.activity;
        quiet = 0;
      } else if (!scheduler.busy && ++quiet >= QUIET_TURNS_MAX) {
        finish({ kind: "hang" });
        return;
      }
      if (scheduler.nowMs > deadlineMs) {
        finish({ kind: "hang" });
        return;
      }
      turn = setImmediate(watch);
    };
    let turn = setImmediate(watch);
    const start = async (): Promise<T> => program();
    start().then(
      (value) => finish({ kind: "value", value }),
      (error: unknown) => finish({ kind: "error", error }),
    );
  });
}

/** Collects unhandled rejections instead of letting them end the process. */
export class RejectionWatch {
  #found: { readonly error: unknown } | undefined;
  readonly #others: NodeJS.UnhandledRejectionListener[];

  constructor() {
    this.#others = process.listeners("unhandledRejection");
    process.removeAllListeners("unhandledRejection");
    process.on("unhandledRejection", this.#listener);
  }

  /** The first rejection since the last call, after a turn of the event loop in which Node reports them. */
  async next(): Promise<{ readonly error: unknown } | undefined> {
    await new Promise((resolve) => setImmediate(resolve));
    const found = this.#found;
    this.#found = undefined;
    return found;
  }

  stop(): void {
    process.removeListener("unhandledRejection", this.#listener);
    for (const other of this.#others) process.on("unhandledRejection", other);
  }

  readonly #listener = (error: unknown): void => {
    this.#found ??= { error };
  };
}
