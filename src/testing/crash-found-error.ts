/** The failure of an exploration. */
import { HoldfastError } from "../base/index.js";

/** What a {@link CrashFoundError} knows. */
export interface CrashFinding {
  /** The exploration's name. */
  readonly name: string;
  /** `cut`, `kill-cut`, `workload`, `fault`, `damage`, … */
  readonly scenario: string;
  /** The line that repeats this state: for `replayCrash`, `replayFault` or `replayDamage`. */
  readonly id: string;
  /** What went wrong, in a few words: `check`, `recover-rejected`, `recover-hangs`, … */
  readonly problem: string;
  /** The operations before the crash, with what the disk kept of them. */
  readonly trace: string;
}

/**
 * A state was found in which recovery or a check fails. Code `HF_CRASH_FOUND`; `cause` is what recovery or the check threw.
 */
export class CrashFoundError extends HoldfastError {
  readonly finding: CrashFinding;

  constructor(finding: CrashFinding, cause: unknown) {
    const reason = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    super(
      "HF_CRASH_FOUND",
      `${finding.name}: ${finding.problem} after ${finding.scenario}: ${reason}\nreplay: ${finding.id}\n${finding.trace}`,
      { name: finding.name, scenario: finding.scenario, id: finding.id, problem: finding.problem },
      cause,
    );
    this.finding = finding;
  }
}
