/** What a user tells the explorers: a workload, how to recover, and what must hold afterwards. */
import type { SeededRandom } from "../base/index.js";
import type { SimVfs } from "../vfs/index.js";

/** What a workload works with. */
export interface WorkloadContext<E> {
  /** The simulated machine. All input, output, waiting and randomness must go through it. */
  readonly vfs: SimVfs;
  /** Seeded; the same in every run with the same seed. */
  readonly random: SeededRandom;
  /** The option `steps`: how long the workload should be; 0 if the option was not given. */
  readonly steps: number;
  /** Records an event (issued, acknowledged, observed, …) at this moment. A check gets the events noted before the crash. */
  note(event: E): void;
}

/** What a recovery works with. */
export interface RecoverContext<E> {
  readonly vfs: SimVfs;
  readonly random: SeededRandom;
  /** Records what this recovery showed to a reader; checks after a later crash get it too. */
  note(event: E): void;
}

/** What a check may know beside the state. */
export interface CheckInfo<S> {
  /** `cut`, `kill`, `kill-cut`, …: the crashes so far, or the fault or damage. */
  readonly scenario: string;
  /** The line that repeats this state. */
  readonly id: string;
  /** The process that recovered: its operations, open handles and files. */
  readonly vfs: SimVfs;
  /** What the recovery before this one returned, if there was one that finished before the last crash. */
  readonly previous: S | undefined;
}

/** A workload and its recovery. */
export interface CrashScenario<S, E> {
  /** For reports. */
  readonly name: string;
  /** Uses the store from an empty disk. Runs once; a rejection is a failure. */
  workload(context: WorkloadContext<E>): Promise<unknown>;
  /**
   * Opens the store after a crash and returns what a user would see. Must settle without any outside help and must not reject after a
   * crash alone. Runs for every state, often twice, so it must depend on nothing but its context.
   */
  recover(context: RecoverContext<E>): Promise<S>;
  /** Throws if the state is not one that the events allow. */
  check(state: S, events: readonly E[], info: CheckInfo<S>): void | Promise<void>;
}
