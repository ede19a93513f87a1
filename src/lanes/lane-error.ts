/** What went wrong in some lanes while others went on. */
import { StateError } from "../base/index.js";

/** One lane's part that failed. */
export interface LaneFailure<K> {
  /** `undefined` for the chain. */
  readonly key: K | undefined;
  /** What messages call it. */
  readonly lane: string;
  readonly error: unknown;
}

/**
 * A part of what was asked of several lanes failed; the rest was done, and is durable. `failures` has each lane's own error, and the first of them is
 * the cause. Code `HF_LANES_FAILED`.
 */
export class LanesFailedError<K = unknown> extends StateError {
  readonly failures: readonly LaneFailure<K>[];

  constructor(failures: readonly LaneFailure<K>[]) {
    const lanes = failures.map(({ lane }) => lane).join(", ");
    super(
      "HF_LANES_FAILED",
      `${failures.length === 1 ? "One part" : `${failures.length} parts`} failed (${lanes}); what was asked of others is durable. See failures.`,
      { lanes, count: failures.length },
      failures[0]?.error,
    );
    this.failures = failures;
  }
}
