/** What a workload gets from the runner, and what it gives back. */
import type { Floor } from "./floor.mjs";

export interface Context {
  /** An empty directory on the disk to be measured; the runner removes it. */
  readonly directory: string;
  readonly floor: Floor;
  /** How often each contender runs. */
  readonly rounds: number;
  /** How long a contender runs in a round, where it runs for a time. */
  readonly roundMs: number;
  /** Smaller amounts, where a workload runs for an amount. */
  readonly quick: boolean;
  readonly progress: (text: string) => void;
}

/** One line of the table. */
export interface Row {
  readonly what: string;
  readonly measured: string;
  /** The floor or the peer that `ratio` is taken against, with its own number. */
  readonly beside: string;
  readonly ratio: string;
  /** Empty when nothing is asked. */
  readonly asked: string;
  /** Undefined when nothing is asked, or when the condition of what is asked does not hold. */
  readonly reached: boolean | undefined;
}

export interface Outcome {
  readonly rows: readonly Row[];
  /** How to read the rows. */
  readonly notes: readonly string[];
  /** Every measurement, for `--json`. */
  readonly rounds: unknown;
}

export interface Workload {
  readonly name: string;
  readonly title: string;
  /** The disk space that it takes at most. */
  readonly needBytes: (context: Context) => number;
  readonly run: (context: Context) => Promise<Outcome>;
}
