/** One exploration as the command runs it: a workload, its recovery, and how hard to look, whatever they are about. */
import {
  type CrashReplay,
  type CrashReport,
  type ExploreCrashesOptions,
  exploreCrashes,
  replayCrash,
} from "../../testing/index.js";

/** How much of one case to try. */
export interface CaseBudget {
  readonly statesMax?: number;
  readonly timeMsMax?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (states: number, distinct: number) => void;
}

/** See the head of this file. */
export interface CrashCase {
  /** What it does, in a few words. */
  readonly title: string;
  explore(budget: CaseBudget): Promise<CrashReport>;
  replay(id: string): Promise<CrashReplay>;
}

/** A row of cases about one thing. */
export interface CrashSuite {
  readonly name: string;
  /** What it covers. */
  readonly summary: string;
  /** Its share of a budget, beside the other suites'. */
  readonly weight: number;
  /** The `index`-th case under this seed; there are as many as anyone asks for. */
  makeCase(index: number, seed: number): CrashCase;
}

/** Makes a case of an exploration. */
export function crashCase<S, E>(title: string, options: ExploreCrashesOptions<S, E>): CrashCase {
  return {
    title,
    explore: ({ onProgress, ...limits }) =>
      exploreCrashes({
        ...options,
        ...limits,
        ...(onProgress === undefined ? {} : { onProgress: ({ raw, distinct }) => onProgress(raw, distinct) }),
      }),
    replay: (id) => replayCrash(options, id),
  };
}
