/** What an exploration did, in numbers. */

/** Counts of one scenario (`cut`, `cut-cut`, `kill`, `kill-cut`, …). */
export interface ScenarioCounts {
  /** Recoveries run and checked. */
  readonly raw: number;
  /** Different pairs of disk (as far as recovery looked) and events. */
  readonly distinct: number;
}

/** The result of `exploreCrashes`. */
export interface CrashReport {
  readonly name: string;
  readonly seed: number;
  /** Recoveries run and checked. */
  readonly raw: number;
  /** Different pairs of disk (as far as recovery looked) and events, over all scenarios. */
  readonly distinct: number;
  /** Those of `distinct` in which the last crash hit a recovery. */
  readonly inRecoveryDistinct: number;
  /** Moments of the workload at which the power was cut, those covered by a later one included. */
  readonly points: number;
  /** Of these: covered because the next moment allows the same states and more, and was exhausted. */
  readonly coveredPoints: number;
  /** Of these: every state of the model without torn sectors was tried. Includes the covered ones. */
  readonly exhaustedPoints: number;
  /** Of these: every state with up to one torn sector was tried as well. */
  readonly exhaustedWithTearsPoints: number;
  /** Of these: more states than `capPerPoint`; the telling ones and samples were tried. */
  readonly cappedPoints: number;
  /** Moments that a budget (`statesMax`, `timeMsMax`, `signal`) left untried. */
  readonly skippedPoints: number;
  readonly scenarios: Readonly<Record<string, ScenarioCounts>>;
  readonly durationMs: number;
  readonly statesPerSecond: number;
}

/** One line for people. */
export function describeCrashReport(report: CrashReport): string {
  const scenarios = Object.entries(report.scenarios).map(
    ([name, counts]) => `${name} ${counts.distinct}/${counts.raw}`,
  );
  return (
    `${report.name} (seed ${report.seed}): ${report.distinct} distinct of ${report.raw} states, ${report.inRecoveryDistinct} in recovery; ` +
    `${report.exhaustedPoints} of ${report.points} points exhausted (${report.exhaustedWithTearsPoints} with tears), ${report.cappedPoints} capped, ` +
    `${report.skippedPoints} skipped; ${Math.round(report.statesPerSecond)} states/s; ${scenarios.join(", ")}`
  );
}

/** Counts states while they are tried. */
export class StateCounter {
  readonly #seen = new Set<number>();
  readonly #scenarios = new Map<string, { raw: number; distinct: number }>();
  raw = 0;
  inRecoveryDistinct = 0;

  get distinct(): number {
    return this.#seen.size;
  }

  /** Counts a state; true if it is new. */
  add(scenario: string, key: number, inRecovery: boolean): boolean {
    this.raw++;
    let counts = this.#scenarios.get(scenario);
    if (counts === undefined) {
      counts = { raw: 0, distinct: 0 };
      this.#scenarios.set(scenario, counts);
    }
    counts.raw++;
    const before = this.#seen.size;
    this.#seen.add(key);
    if (this.#seen.size === before) return false;
    counts.distinct++;
    if (inRecovery) this.inRecoveryDistinct++;
    return true;
  }

  scenarios(): Record<string, ScenarioCounts> {
    return Object.fromEntries([...this.#scenarios].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}
