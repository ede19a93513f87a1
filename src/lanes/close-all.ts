/** Closing several things: all of them, whatever becomes of each. */
import { StateError } from "../base/index.js";

/** Closes all of them even if some fail, then rejects with the first failure, which has the others in `cause`. */
export async function closeAll(closeables: readonly { close(): Promise<void> }[]): Promise<void> {
  const outcomes = await Promise.allSettled(closeables.map((each) => each.close()));
  const failures = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason as unknown] : []));
  if (failures.length === 1) throw failures[0];
  if (failures.length > 1) {
    throw new StateError(
      "HF_POISONED",
      `${failures.length} of ${closeables.length} failed to close; the cause has all of it. Everything was released.`,
      { failures: failures.length },
      new AggregateError(failures),
    );
  }
}
