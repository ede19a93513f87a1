/** The options of the crash explorer. */
import { checkInteger, checkOptions, InvalidArgumentError } from "../base/index.js";
import type { DiskModel } from "../vfs/index.js";
import type { CrashFollowUps } from "./crash-run.js";
import type { CrashScenario } from "./crash-scenario.js";

/** Progress of an exploration. */
export interface CrashProgress {
  readonly points: number;
  readonly pointsDone: number;
  readonly raw: number;
  readonly distinct: number;
}

/** Options of {@link exploreCrashes}. */
export interface ExploreCrashesOptions<S, E> extends CrashScenario<S, E>, CrashFollowUps<S, E> {
  /** Fixes the workload's randomness, the order of completions and all samples. 0 to 2^53 − 1. Default 1. */
  readonly seed?: number;
  /** Handed to the workload as its length. When given, a failure is tried to be found again with fewer steps. */
  readonly steps?: number;
  /** What the disk may do. Default: `posix`, no stale blocks, garbage in the written part of a torn sector. */
  readonly disk?: Partial<DiskModel>;
  /** Torn sectors allowed in one state, 0 to 2. Default 1. */
  readonly tornMax?: number;
  /** States tried at one moment before telling states and samples take over. Default 512. */
  readonly capPerPoint?: number;
  /** Random states tried at a moment that has more than `capPerPoint`. Default 64. */
  readonly samplesPerPoint?: number;
  /** Crashes in a row, the first one included, 1 to 3. Default 2: recoveries are crashed too. */
  readonly depth?: number;
  /**
   * The share of states whose recovery is crashed as well, 0 to 1. Moments with up to 16 states have all of theirs crashed; of the
   * states after a kill it is eight times the share. Default 1/8.
   */
  readonly nestedShare?: number;
  /** The share of different states that `idempotent`, `resume` and `close` are tried in, 0 to 1; they cost several recoveries. Default 1. */
  readonly followUpShare?: number;
  /** States tried at one moment of a recovery. Default 64. */
  readonly nestedCap?: number;
  /** Kill the process (page cache survives), and cut the power during and after the recovery from that. Default true. */
  readonly kill?: boolean;
  /** Stop after this many states. Moments are then tried in a seeded order, so that the budget is spread. Default none. */
  readonly statesMax?: number;
  /** Stop after this many milliseconds of `clock`. Default none. Makes a run end where the machine happens to be. */
  readonly timeMsMax?: number;
  /** Milliseconds; for `timeMsMax` and the report. Default `performance.now`. */
  readonly clock?: () => number;
  /** A recovery that asks for more operations than this is a failure. Default 1,000,000. */
  readonly operationsMax?: number;
  /** Ends the exploration early; what was done so far is reported. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: CrashProgress) => void;
}

const OPTIONS = [
  "name",
  "workload",
  "recover",
  "check",
  "resume",
  "checkResumed",
  "close",
  "idempotent",
  "describe",
  "seed",
  "steps",
  "disk",
  "tornMax",
  "capPerPoint",
  "samplesPerPoint",
  "depth",
  "nestedShare",
  "followUpShare",
  "nestedCap",
  "kill",
  "statesMax",
  "timeMsMax",
  "clock",
  "operationsMax",
  "signal",
  "onProgress",
] as const;

/** The options with their defaults. */
export interface CrashLimits {
  readonly seed: number;
  readonly tornMax: number;
  readonly capPerPoint: number;
  readonly samplesPerPoint: number;
  readonly depth: number;
  readonly nestedShare: number;
  readonly followUpShare: number;
  readonly nestedCap: number;
  readonly kill: boolean;
  readonly statesMax: number;
  readonly timeMsMax: number;
  readonly operationsMax: number;
}

/** Refuses options that are unknown or out of range. */
export function checkCrashOptions<S, E>(options: ExploreCrashesOptions<S, E>): CrashLimits {
  checkOptions("exploreCrashes", options, OPTIONS);
  const share = (option: "nestedShare" | "followUpShare", fallback: number): number => {
    const value = options[option] ?? fallback;
    if (value >= 0 && value <= 1) return value;
    throw new InvalidArgumentError("HF_INVALID_ARGUMENT", `${option} is ${value}; it must be from 0 to 1.`, { option });
  };
  const integer = (
    name: keyof ExploreCrashesOptions<S, E>,
    value: number | undefined,
    fallback: number,
    min: number,
    max: number,
  ): number => checkInteger("exploreCrashes", name, value, { min, max }, fallback);
  return {
    seed: integer("seed", options.seed, 1, 0, Number.MAX_SAFE_INTEGER),
    tornMax: integer("tornMax", options.tornMax, 1, 0, 2),
    capPerPoint: integer("capPerPoint", options.capPerPoint, 512, 1, 1_000_000),
    samplesPerPoint: integer("samplesPerPoint", options.samplesPerPoint, 64, 0, 1_000_000),
    depth: integer("depth", options.depth, 2, 1, 3),
    nestedShare: share("nestedShare", 1 / 8),
    followUpShare: share("followUpShare", 1),
    nestedCap: integer("nestedCap", options.nestedCap, 64, 1, 1_000_000),
    kill: options.kill ?? true,
    statesMax:
      options.statesMax === undefined
        ? Infinity
        : integer("statesMax", options.statesMax, 0, 1, Number.MAX_SAFE_INTEGER),
    timeMsMax: options.timeMsMax ?? Infinity,
    operationsMax: integer("operationsMax", options.operationsMax, 1_000_000, 1, Number.MAX_SAFE_INTEGER),
  };
}
