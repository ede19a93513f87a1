/** Ctrl-C and SIGTERM as an AbortSignal, so that long work stops in order and cleans up after itself. */
import { HoldfastError } from "../base/index.js";
import { constants } from "node:os";

/** The user stopped the command. Code `HF_INTERRUPTED`. */
export class InterruptedError extends HoldfastError {
  constructor(signalName: string) {
    super("HF_INTERRUPTED", `Stopped by ${signalName}.`, { signal: signalName });
  }
}

/** A signal that is aborted with an {@link InterruptedError} at the first SIGINT or SIGTERM; a second one ends the process at once. */
export function interruptionSignal(): { readonly signal: AbortSignal; readonly release: () => void } {
  const controller = new AbortController();
  const stop = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(128 + constants.signals[name]);
    controller.abort(new InterruptedError(name));
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  return {
    signal: controller.signal,
    release: () => {
      process.off("SIGINT", stop);
      process.off("SIGTERM", stop);
    },
  };
}
