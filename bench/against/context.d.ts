/** What a workload beside peers gets from the runner, and what it gives back. */
import type { Floor } from "../floor.mjs";
import type { HashLibrary } from "./row-hash.mjs";

export interface PeerContext {
  /** An empty directory on the disk to be measured; the runner removes it. */
  readonly directory: string;
  readonly floor: Floor;
  readonly rounds: number;
  /** How long a contender runs in a round, where it runs for a time. */
  readonly roundMs: number;
  readonly quick: boolean;
  /** How long each curve of the growing state may take. */
  readonly curveMs: number;
  /** The program in that language, or why there is none. */
  readonly go: Program;
  readonly rust: Program;
  /** Peers of npm that are not there, and why. */
  readonly missing: ReadonlyMap<string, string>;
  readonly hashLibrary: HashLibrary;
  readonly progress: (text: string) => void;
  /** Says, once, that a contender is left out. */
  readonly skip: (name: string, reason: string) => void;
}

export type Program = { readonly path: string } | { readonly reason: string };

/** One table, and one panel of the chart. Values are medians over the rounds; undefined where there is none. */
export interface Grid {
  readonly title: string;
  /** What a value is: `records/s`. */
  readonly unit: string;
  readonly better: "higher" | "lower";
  /** What the columns count: `writers`. */
  readonly columnTitle: string;
  readonly columns: readonly number[];
  readonly rows: readonly GridRow[];
  /** Whose row the ratios are taken against; none where values are no speeds. */
  readonly ours: string | undefined;
  /** Why ours can be behind here, where it is the same whoever is ahead. */
  readonly behind?: string;
}

export interface GridRow {
  /** A key of `facts.mjs`. */
  readonly name: string;
  readonly values: readonly (number | undefined)[];
}

export interface PeerOutcome {
  readonly grids: readonly Grid[];
  /** How to read the tables. */
  readonly notes: readonly string[];
  /** `"dots"`: a row for each contender. `"lines"`: the columns along the horizontal axis. */
  readonly chart: "dots" | "lines";
  /** Every measurement, for `results.json`. */
  readonly rounds: unknown;
}

export interface PeerWorkload {
  readonly name: string;
  readonly title: string;
  /** The disk space that it takes at most. */
  readonly needBytes: (context: PeerContext) => number;
  readonly run: (context: PeerContext) => Promise<PeerOutcome>;
}
