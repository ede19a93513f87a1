/**
 * The fault explorer: runs the workload again and again, each time with another operation failing in another way, until every operation had
 * every fault. After each run the store is reopened, and the power is cut.
 */
import { checkInteger, checkOptions, HoldfastError, InvalidArgumentError, SeededRandom } from "../base/index.js";
import type { DiskModel, DiskSnapshot, SimOperation } from "../vfs/index.js";
import { FaultPlan, SimDisk, SimVfs } from "../vfs/index.js";
import { CrashFoundError } from "./crash-found-error.js";
import type { CrashFailure, CrashOrigin } from "./crash-run.js";
import { CrashRunner } from "./crash-run.js";
import type { CrashScenario } from "./crash-scenario.js";
import { describeCrash } from "./describe-crash.js";
import type { FaultCase, FaultId, SeenOperation } from "./fault-cases.js";
import { faultCases, formatFaultId, parseFaultId } from "./fault-cases.js";
import type { RecordingChooser } from "./odometer.js";
import { RuleChooser } from "./odometer.js";
import { OpTrace } from "./op-trace.js";
import { sampledState } from "./telling-states.js";

/** Options of {@link exploreFaults}. */
export interface ExploreFaultsOptions<S, E> extends CrashScenario<S, E> {
  /** Default 1. */
  readonly seed?: number;
  readonly steps?: number;
  readonly disk?: Partial<DiskModel>;
  /** The errnos tried for an operation, where they differ from the built-in list. An empty list leaves the operation out. */
  readonly errnos?: Partial<Record<SimOperation, readonly string[]>>;
  /** Whether a rejection of the workload or of a struck recovery is one that a user can handle. Default: it is a `HoldfastError`. */
  isTyped?(error: unknown): boolean;
  /** Power cuts with a random rest, tried after each fault. Default 2. */
  readonly samples?: number;
  /** Moments of the workload from which recoveries are struck too. Default 6; 0 for none. */
  readonly recoveryPoints?: number;
  /** Stop after this many struck runs. Default none. */
  readonly runsMax?: number;
  /** The share of all struck runs that are made, in (0, 1]: another one for each seed. Default 1. */
  readonly runsShare?: number;
  readonly operationsMax?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: {
    readonly runs: number;
    readonly operation: number;
    readonly operations: number;
  }) => void;
}

/** The result of {@link exploreFaults}. */
export interface FaultReport {
  readonly name: string;
  readonly seed: number;
  /** Operations of the workload without a fault; each was struck. */
  readonly operations: number;
  /** Runs of the workload with a fault. */
  readonly runs: number;
  /** Recoveries with a fault. */
  readonly recoveryRuns: number;
  /** Recoveries checked afterwards. */
  readonly states: number;
  /** Those after a failed sync or durable write. */
  readonly failedSyncStates: number;
}

const OPTIONS = [
  "name",
  "workload",
  "recover",
  "check",
  "seed",
  "steps",
  "disk",
  "errnos",
  "isTyped",
  "samples",
  "recoveryPoints",
  "runsMax",
  "runsShare",
  "operationsMax",
  "signal",
  "onProgress",
] as const;

/**
 * Fails every operation of a workload, and of some recoveries, in every way. The struck program must settle, with a typed error if it
 * rejects; then the store must reopen, also after a power cut, in a state that `check` accepts.
 *
 * Throws `CrashFoundError` at the first failure, whose id `replayFault` repeats.
 */
export async function exploreFaults<S, E>(options: ExploreFaultsOptions<S, E>): Promise<FaultReport> {
  const exploration = new FaultExploration(options);
  try {
    return await exploration.explore(undefined);
  } finally {
    exploration.stop();
  }
}

/** Repeats the run that `id` names; rejects with the `CrashFoundError` if it still fails. */
export async function replayFault<S, E>(options: ExploreFaultsOptions<S, E>, id: string): Promise<void> {
  const parsed = parseFaultId(id);
  const { steps: _, ...rest } = options;
  const exploration = new FaultExploration<S, E>({
    ...rest,
    seed: parsed.seed,
    ...(parsed.steps === undefined ? {} : { steps: parsed.steps }),
  });
  try {
    await exploration.explore(parsed);
  } finally {
    exploration.stop();
  }
}

class FaultExploration<S, E> {
  readonly #options: ExploreFaultsOptions<S, E>;
  readonly #seed: number;
  readonly #samples: number;
  readonly #recoveryPoints: number;
  readonly #runsMax: number;
  readonly #runsShare: number;
  readonly #runner: CrashRunner<S, E>;
  #runs = 0;
  #recoveryRuns = 0;
  #states = 0;
  #failedSyncStates = 0;

  constructor(options: ExploreFaultsOptions<S, E>) {
    checkOptions("exploreFaults", options, OPTIONS);
    this.#options = options;
    this.#seed = checkInteger("exploreFaults", "seed", options.seed, { min: 0 }, 1);
    this.#samples = checkInteger("exploreFaults", "samples", options.samples, { min: 0, max: 10_000 }, 2);
    this.#recoveryPoints = checkInteger(
      "exploreFaults",
      "recoveryPoints",
      options.recoveryPoints,
      { min: 0, max: 10_000 },
      6,
    );
    this.#runsMax = checkInteger("exploreFaults", "runsMax", options.runsMax, { min: 1 }, Number.MAX_SAFE_INTEGER);
    const { runsShare = 1 } = options;
    if (!(runsShare > 0 && runsShare <= 1))
      throw new InvalidArgumentError(
        "HF_INVALID_ARGUMENT",
        `runsShare is ${runsShare}; it must be above 0 and at most 1.`,
        { option: "runsShare" },
      );
    this.#runsShare = runsShare;
    const { name, workload, recover, check } = options;
    const bound = {
      name,
      workload: workload.bind(options),
      recover: recover.bind(options),
      check: check.bind(options),
    };
    this.#runner = new CrashRunner<S, E>(bound, this.#seed, options.operationsMax ?? 1_000_000);
  }

  stop(): void {
    this.#runner.stop();
  }

  async explore(only: FaultId | undefined): Promise<FaultReport> {
    const clean = await this.#runWorkload(undefined);
    if (clean.failure !== undefined)
      throw this.#found(clean.failure, { point: undefined, operation: 0, label: "none", after: "run" }, clean.trace);
    if (only === undefined || only.point === undefined) await this.#strikeWorkload(clean.seen, only);
    if (only === undefined || only.point !== undefined) {
      // A scenario may remember its last workload, which was a struck one if runs are sampled; recoveries are those of one that was not.
      const { trace } = this.#runs === 0 ? clean : await this.#runWorkload(undefined);
      await this.#strikeRecoveries(trace, only);
    }
    return {
      name: this.#options.name,
      seed: this.#seed,
      operations: clean.seen.length,
      runs: this.#runs,
      recoveryRuns: this.#recoveryRuns,
      states: this.#states,
      failedSyncStates: this.#failedSyncStates,
    };
  }

  async #strikeWorkload(seen: readonly SeenOperation[], only: FaultId | undefined): Promise<void> {
    for (const [index, operation] of seen.entries()) {
      if (only !== undefined && only.operation !== index + 1) continue;
      for (const one of this.#cases(operation, only)) {
        if (this.#stopped(this.#runs)) return;
        const id = { point: undefined, operation: index + 1, label: one.label };
        if (only === undefined && !this.#isDrawn(id)) continue;
        this.#runs++;
        const run = await this.#runWorkload(planFor(one, operation));
        if (run.failure !== undefined) throw this.#found(run.failure, { ...id, after: "run" }, run.trace);
        const failedSync = one.fault.sync !== undefined || operation.operation.startsWith("sync");
        await this.#checkAfter(
          run.snapshot,
          run.trace.notes.map((note) => note.event),
          id,
          run.trace,
          only,
          failedSync,
        );
      }
      this.#options.onProgress?.({ runs: this.#runs, operation: index + 1, operations: seen.length });
    }
  }

  async #strikeRecoveries(trace: OpTrace<E>, only: FaultId | undefined): Promise<void> {
    const count = Math.min(this.#recoveryPoints, trace.points);
    for (let at = 0; at < count; at++) {
      const point = count === 1 ? trace.points - 1 : Math.round((at * (trace.points - 1)) / (count - 1));
      if (only !== undefined && only.point !== point) continue;
      const events = trace.notes.slice(0, trace.eventsAt(point)).map((note) => note.event);
      const snapshot = trace.snapshotAt(point);
      const clean = await this.#runRecovery(snapshot, events, undefined);
      if (clean.failure !== undefined)
        throw this.#found(clean.failure, { point, operation: 0, label: "none", after: "run" }, trace);
      for (const [index, operation] of clean.seen.entries()) {
        if (only !== undefined && only.operation !== index + 1) continue;
        for (const one of this.#cases(operation, only)) {
          if (this.#stopped(this.#runs + this.#recoveryRuns)) return;
          const id = { point, operation: index + 1, label: one.label };
          if (only === undefined && !this.#isDrawn(id)) continue;
          this.#recoveryRuns++;
          const run = await this.#runRecovery(snapshot, events, planFor(one, operation));
          if (run.failure !== undefined) throw this.#found(run.failure, { ...id, after: "run" }, trace);
          await this.#checkAfter(run.snapshot, run.events, id, trace, only, one.fault.sync !== undefined);
        }
      }
    }
  }

  /** Whether a run is of the share that is made. */
  #isDrawn(id: Omit<FaultId, "seed" | "steps" | "after">): boolean {
    if (this.#runsShare === 1) return true;
    const name = formatFaultId({ ...id, seed: 0, steps: undefined, after: "share" });
    return new SeededRandom(this.#seed).fork(name).chance(this.#runsShare);
  }

  #cases(operation: SeenOperation, only: FaultId | undefined): FaultCase[] {
    const cases = faultCases(operation, this.#options.errnos ?? {});
    return only === undefined ? cases : cases.filter((one) => one.label === only.label);
  }

  async #runWorkload(
    faults: FaultPlan | undefined,
  ): Promise<{ failure: CrashFailure | undefined; seen: SeenOperation[]; trace: OpTrace<E>; snapshot: DiskSnapshot }> {
    const options = this.#options;
    const vfs = new SimVfs({
      seed: this.#seed,
      ...options.disk,
      ...(faults === undefined ? {} : { faults }),
      operationsMax: options.operationsMax ?? 1_000_000,
    });
    const trace = new OpTrace<E>(vfs.disk, () => 0);
    const seen = recordOperations(vfs);
    const attempt = await this.#runner.attempt("workload", vfs, () =>
      options.workload({
        vfs,
        random: new SeededRandom(this.#seed).fork("workload"),
        steps: options.steps ?? 0,
        note: (event) => trace.note(event),
      }),
    );
    const snapshot = vfs.disk.snapshot();
    vfs.disk.recorder = undefined;
    vfs.die();
    const failure =
      (await this.#runner.rejection()) ?? this.#untyped(attempt.failure, "workload", faults !== undefined);
    return { failure, seen, trace, snapshot };
  }

  /** A recovery from a kill, in which everything is in the page cache. */
  async #runRecovery(
    snapshot: DiskSnapshot,
    before: readonly E[],
    faults: FaultPlan | undefined,
  ): Promise<{ failure: CrashFailure | undefined; seen: SeenOperation[]; events: E[]; snapshot: DiskSnapshot }> {
    const options = this.#options;
    const disk = SimDisk.afterPowerCut(snapshot.powerCut(), new RuleChooser((question) => question.whole - 1), {
      seed: this.#seed,
    });
    const vfs = new SimVfs({
      disk,
      ...(faults === undefined ? {} : { faults }),
      operationsMax: options.operationsMax ?? 1_000_000,
    });
    const seen = recordOperations(vfs);
    const events = before.slice();
    const attempt = await this.#runner.attempt("recover", vfs, () =>
      options.recover({
        vfs,
        random: new SeededRandom(this.#seed).fork("recover"),
        note: (event) => events.push(event),
      }),
    );
    const after = vfs.disk.snapshot();
    vfs.die();
    const failure = (await this.#runner.rejection()) ?? this.#untyped(attempt.failure, "recover", faults !== undefined);
    return { failure, seen, events, snapshot: after };
  }

  /** A typed rejection is what a fault should lead to; without a fault nothing may reject. */
  #untyped(failure: CrashFailure | undefined, label: string, struck: boolean): CrashFailure | undefined {
    if (failure === undefined || !struck || failure.problem !== `${label}-rejected`) return failure;
    const typed = this.#options.isTyped?.(failure.error) ?? failure.error instanceof HoldfastError;
    return typed ? undefined : { problem: `${label}-rejected-untyped`, error: failure.error };
  }

  async #checkAfter(
    snapshot: DiskSnapshot,
    events: readonly E[],
    id: Omit<FaultId, "seed" | "steps" | "after">,
    trace: OpTrace<E>,
    only: FaultId | undefined,
    failedSync: boolean,
  ): Promise<void> {
    const all = (): RecordingChooser => new RuleChooser((question) => question.whole - 1);
    const nothing = (): RecordingChooser => new RuleChooser(() => 0);
    const random = new SeededRandom(this.#seed).fork(
      formatFaultId({ ...id, seed: 0, steps: undefined, after: "sample" }),
    );
    const attempts: [string, CrashOrigin<S, E>["kind"], () => RecordingChooser][] = [
      ["reopen", "kill", all],
      ["cut-nothing", "cut", nothing],
      ["cut-all", "cut", all],
    ];
    for (let at = 0; at < this.#samples; at++)
      attempts.push([`cut-${at}`, "cut", () => sampledState(random.fork(`${at}`), 1)]);
    for (const [after, kind, chooser] of attempts) {
      if (only !== undefined && !only.after.startsWith(after)) continue;
      const origin: CrashOrigin<S, E> = {
        kind,
        snapshot,
        events,
        crashes: [{ kind, point: trace.entries.length }],
        answers: [],
        previous: undefined,
      };
      const outcome = await this.#check(origin, chooser(), { ...id, after }, trace, failedSync);
      if (kind !== "kill" || outcome.trace === undefined) continue;
      // What the reopened store showed may have been in the page cache alone.
      const last = outcome.trace.points - 1;
      const next: CrashOrigin<S, E> = {
        kind: "cut",
        snapshot: outcome.trace.snapshotAt(last),
        events: outcome.events,
        crashes: [...origin.crashes, { kind: "cut", point: last }],
        answers: [],
        previous: outcome.state,
      };
      await this.#check(next, nothing(), { ...id, after: "reopen-cut" }, trace, failedSync);
    }
  }

  async #check(
    origin: CrashOrigin<S, E>,
    chooser: RecordingChooser,
    id: Omit<FaultId, "seed" | "steps">,
    trace: OpTrace<E>,
    failedSync: boolean,
  ): Promise<Awaited<ReturnType<CrashRunner<S, E>["run"]>>> {
    this.#states++;
    if (failedSync) this.#failedSyncStates++;
    const text = this.#idText(id);
    const outcome = await this.#runner.run(
      origin,
      chooser,
      { scenario: `fault ${id.after}`, id: () => text },
      origin.kind === "kill",
      () => false,
    );
    if (outcome.failure !== undefined) throw this.#found(outcome.failure, id, trace);
    return outcome;
  }

  #stopped(runs: number): boolean {
    return runs >= this.#runsMax || this.#options.signal?.aborted === true;
  }

  #idText(id: Omit<FaultId, "seed" | "steps">): string {
    return formatFaultId({ ...id, seed: this.#seed, steps: this.#options.steps });
  }

  #found(failure: CrashFailure, id: Omit<FaultId, "seed" | "steps">, trace: OpTrace<E>): CrashFoundError {
    const scenario = id.point === undefined ? "fault" : "fault-recovery";
    return new CrashFoundError(
      {
        name: this.#options.name,
        scenario,
        id: this.#idText(id),
        problem: failure.problem,
        trace: describeCrash([trace], [], [], []),
      },
      failure.error,
    );
  }
}

/** A sticky fault strikes all later operations of the same kind. */
function planFor(one: FaultCase, operation: SeenOperation): FaultPlan {
  return new FaultPlan([{ ...one.fault, operation: operation.operation, at: operation.ofKind, sticky: one.sticky }]);
}

function recordOperations(vfs: SimVfs): SeenOperation[] {
  const seen: SeenOperation[] = [];
  const counts = new Map<SimOperation, number>();
  vfs.trace = (operation, path, durable) => {
    const ofKind = (counts.get(operation) ?? 0) + 1;
    counts.set(operation, ofKind);
    seen.push({ operation, path, durable, ofKind });
  };
  return seen;
}
