/**
 * The crash explorer.
 *
 * The workload runs once. Then, for each moment of it, the power is cut and the process is killed; recovery runs on a disk on which
 * everything the model leaves open is decided only when recovery looks, and all answers are tried one after another. Recoveries
 * are themselves crashed.
 */
import { SeededRandom } from "../base/index.js";
import type { Question } from "../vfs/index.js";
import { SimVfs } from "../vfs/index.js";
import { CrashFoundError } from "./crash-found-error.js";
import { CrashRepeater, eventsAt } from "./crash-repeater.js";
import type { CrashLimits, ExploreCrashesOptions } from "./crash-options.js";
import { checkCrashOptions } from "./crash-options.js";
import type { CrashReport } from "./crash-report.js";
import { StateCounter } from "./crash-report.js";
import type { CrashFailure, CrashOrigin, CrashOutcome } from "./crash-run.js";
import { CrashRunner, describeState } from "./crash-run.js";
import { describeCrash } from "./describe-crash.js";
import { KnownStates } from "./known-states.js";
import { NestedPicks } from "./nested-picks.js";
import { Odometer, type RecordingChooser, repeatAnswers, RuleChooser } from "./odometer.js";
import { OpTrace } from "./op-trace.js";
import type { StateId } from "./state-id.js";
import { formatStateId, parseStateId, scenarioOf } from "./state-id.js";
import { questionKey, sampledState, tellingStates } from "./telling-states.js";

/** What {@link replayCrash} found. */
export interface CrashReplay {
  readonly id: string;
  /** What fails in this state; `undefined` when everything holds. */
  readonly failure: CrashFoundError | undefined;
  /** The operations, what the disk kept of them, and the events. */
  readonly trace: string;
}

/** Each state whose number is a multiple of this runs twice, and both runs must ask for the same operations. */
const DETERMINISM_EVERY = 1000;
/** Keys are hashes: their remainders are spread evenly. */
const SHARE_STEPS = 1009;
const NOT_DETERMINISTIC: Omit<CrashFailure, "error"> = { problem: "not-deterministic" };

/**
 * Tries the crashes of a workload.
 *
 * Throws `CrashFoundError` at the first state that fails, already shrunk, with the line that repeats it; otherwise resolves to the counts.
 * `InvalidArgumentError` for an option that is unknown or out of range.
 *
 * ```ts
 * import { Log } from "holdfast/log";
 * import { exploreCrashes } from "holdfast/testing";
 *
 * const { distinct } = await exploreCrashes<number, number>({
 *   name: "two appends",
 *   async workload({ vfs, note }) {
 *     const log = await Log.open("/log", { vfs, blockBytes: 512, segmentBytes: 2048 });
 *     for (const _ of [1, 2]) note(await log.append(new Uint8Array(10)));
 *     await log.close();
 *   },
 *   async recover({ vfs }) {
 *     const log = await Log.open("/log", { vfs, blockBytes: 512, segmentBytes: 2048 });
 *     await log.close();
 *     return log.lastLsn;
 *   },
 *   check(lastLsn, acknowledged) {
 *     if (lastLsn < (acknowledged.at(-1) ?? 0)) throw new Error("an acknowledged record is gone");
 *   },
 * });
 * console.log(distinct, "states, and all is well");
 * ```
 */
export async function exploreCrashes<S, E>(options: ExploreCrashesOptions<S, E>): Promise<CrashReport> {
  const exploration = new CrashExploration(options);
  try {
    return await exploration.explore();
  } finally {
    exploration.stop();
  }
}

/**
 * Repeats the one state that `id` names, with the options of the exploration that printed it. `InvalidArgumentError` when `id` is
 * malformed or names a moment that the workload does not reach.
 */
export async function replayCrash<S, E>(options: ExploreCrashesOptions<S, E>, id: string): Promise<CrashReplay> {
  const parsed = parseStateId(id);
  const { steps: _, ...rest } = options;
  const exploration = new CrashExploration({
    ...rest,
    seed: parsed.seed,
    ...(parsed.steps === undefined ? {} : { steps: parsed.steps }),
  });
  try {
    return await exploration.replay(parsed);
  } finally {
    exploration.stop();
  }
}

/** Whether every state of a moment was tried. */
type Exhausted = "no" | "without-tears" | "with-tears";

class CrashExploration<S, E> {
  readonly #options: ExploreCrashesOptions<S, E>;
  readonly #limits: CrashLimits;
  readonly #runner: CrashRunner<S, E>;
  readonly #repeater: CrashRepeater<S, E>;
  readonly #counter = new StateCounter();
  readonly #random: SeededRandom;
  readonly #clock: () => number;
  readonly #startMs: number;
  readonly #live: { trace: OpTrace<E> | undefined } = { trace: undefined };
  readonly #explored = new Map<string, Exhausted>();
  /** States whose recovery was crashed, with the number of crashes that led to them. */
  readonly #crashedRecoveries = new Map<number, number>();
  #shorten = true;
  #coveredPoints = 0;
  #exhaustedPoints = 0;
  #exhaustedWithTearsPoints = 0;
  #cappedPoints = 0;

  constructor(options: ExploreCrashesOptions<S, E>) {
    this.#options = options;
    this.#limits = checkCrashOptions(options);
    this.#random = new SeededRandom(this.#limits.seed).fork(`explore ${options.name}`);
    this.#runner = new CrashRunner<S, E>(options, this.#limits.seed, this.#limits.operationsMax);
    this.#repeater = new CrashRepeater(options.name, this.#runner);
    this.#clock = options.clock ?? (() => performance.now());
    this.#startMs = this.#clock();
  }

  stop(): void {
    this.#runner.stop();
  }

  async explore(): Promise<CrashReport> {
    const trace = await this.#runWorkload();
    // A run of moments, each of which allows all states of the one before, is tried from its end.
    const chains: number[][] = [[]];
    for (let point = 0; point < trace.points; point++) {
      chains.at(-1)?.push(point);
      if (!trace.isCoveredByNext(point) && point + 1 < trace.points) chains.push([]);
    }
    const order = chains.map((_, at) => at);
    if (this.#limits.statesMax !== Infinity || this.#limits.timeMsMax !== Infinity)
      shuffle(order, this.#random.fork("order"));
    let done = 0;
    let skipped = 0;
    for (const at of order) {
      const chain = chains[at] as number[];
      let covered: Exhausted = "no";
      for (const point of chain.toReversed()) {
        if (!this.#withinBudget()) {
          skipped++;
          continue;
        }
        const base = {
          events: eventsAt(trace, point),
          answers: [],
          previous: undefined,
          snapshot: trace.snapshotAt(point),
        };
        if (covered !== "no") {
          this.#coveredPoints++;
          this.#exhaustedPoints++;
          if (covered === "with-tears") this.#exhaustedWithTearsPoints++;
        } else
          covered = await this.#explorePoint(
            { ...base, kind: "cut", crashes: [{ kind: "cut", point }] },
            this.#limits.capPerPoint,
          );
        if (this.#limits.kill && trace.isKillPoint(point)) {
          await this.#explorePoint(
            { ...base, kind: "kill", crashes: [{ kind: "kill", point }] },
            this.#limits.nestedCap,
          );
        }
        done++;
        this.#options.onProgress?.({
          points: trace.points,
          pointsDone: done,
          raw: this.#counter.raw,
          distinct: this.#counter.distinct,
        });
      }
    }
    const durationMs = this.#clock() - this.#startMs;
    return {
      name: this.#options.name,
      seed: this.#limits.seed,
      raw: this.#counter.raw,
      distinct: this.#counter.distinct,
      inRecoveryDistinct: this.#counter.inRecoveryDistinct,
      points: trace.points - skipped,
      coveredPoints: this.#coveredPoints,
      exhaustedPoints: this.#exhaustedPoints,
      exhaustedWithTearsPoints: this.#exhaustedWithTearsPoints,
      cappedPoints: this.#cappedPoints,
      skippedPoints: skipped,
      scenarios: this.#counter.scenarios(),
      durationMs,
      statesPerSecond: durationMs > 0 ? (this.#counter.raw * 1000) / durationMs : 0,
    };
  }

  async replay(id: StateId): Promise<CrashReplay> {
    const trace = await this.#runWorkload();
    const result = await this.#repeater.repeat(trace, id);
    const text = formatStateId(id);
    const shown = describeCrash(result.traces, id.crashes, result.questions, result.answers);
    const failure =
      result.failure === undefined ? undefined : this.#repeater.found(result.failure, scenarioOf(id), text, shown);
    return { id: text, failure, trace: shown };
  }

  async #runWorkload(): Promise<OpTrace<E>> {
    const { seed } = this.#limits;
    const vfs = new SimVfs({ seed, ...this.#options.disk });
    const trace = new OpTrace<E>(vfs.disk, () => 0);
    this.#live.trace = trace;
    const attempt = await this.#runner.attempt("workload", vfs, () =>
      this.#options.workload({
        vfs,
        random: new SeededRandom(seed).fork("workload"),
        steps: this.#options.steps ?? 0,
        note: (event) => trace.note(event),
      }),
    );
    vfs.disk.recorder = undefined;
    const failure = (await this.#runner.rejection()) ?? attempt.failure;
    vfs.die();
    if (failure !== undefined) {
      const id = formatStateId({
        seed,
        steps: this.#options.steps,
        crashes: [{ kind: "cut", point: trace.entries.length }],
        answers: [],
      });
      throw this.#repeater.found(failure, "workload", id, describeCrash([trace], [], [], []));
    }
    return trace;
  }

  /** Tries the states of one crash, unless the same crash with the same events was tried before. */
  async #explorePoint(origin: CrashOrigin<S, E>, cap: number): Promise<Exhausted> {
    const fingerprint =
      origin.kind === "cut"
        ? `${origin.crashes.length} ${origin.events.length} ${origin.snapshot.powerCut().fingerprint()} ${describeState(origin.events.slice(-4))}`
        : undefined;
    const known = fingerprint === undefined ? undefined : this.#explored.get(fingerprint);
    const exhausted = known ?? (await this.#exploreStates(origin, cap));
    if (exhausted === "over-budget") return "no";
    if (fingerprint !== undefined) this.#explored.set(fingerprint, exhausted);
    if (origin.crashes.length === 1 && origin.kind === "cut") {
      if (exhausted === "no") this.#cappedPoints++;
      else this.#exhaustedPoints++;
      if (exhausted === "with-tears") this.#exhaustedWithTearsPoints++;
    }
    return exhausted;
  }

  async #exploreStates(origin: CrashOrigin<S, E>, cap: number): Promise<Exhausted | "over-budget"> {
    const nested = origin.crashes.length > 1;
    const asked = new Map<string, Question>();
    // Recoveries are crashed when the moment's own states are done: only then is it known whether it is a small one.
    const picked = new NestedPicks(
      this.#random.fork(
        `nested ${formatStateId({ seed: 0, steps: undefined, crashes: origin.crashes, answers: origin.answers })}`,
      ),
      this.#nestedShare(origin),
    );
    const known = new KnownStates();
    const { tornMax } = this.#limits;
    const tryState = async (chooser: RecordingChooser): Promise<CrashOutcome<S, E> | undefined> => {
      if (known.has(chooser)) return undefined;
      const outcome = await this.#tryState(origin, chooser);
      known.add(chooser);
      for (const question of chooser.questions) asked.set(questionKey(question), question);
      return outcome;
    };
    const early = new Odometer(tornMax, false);
    let states = 0;
    let exhausted = false;
    for (;;) {
      if (!this.#withinBudget()) return "over-budget";
      early.rewind();
      const outcome = await tryState(early);
      if (outcome !== undefined) picked.offer(early.answers, outcome.key);
      states++;
      if (!early.advance()) {
        exhausted = true;
        break;
      }
      if (states >= cap) break;
    }
    let exhaustedWithTears = exhausted && [...asked.values()].every(({ options, firstTorn }) => options === firstTorn);
    if (exhausted && !exhaustedWithTears) {
      const torn = new Odometer(tornMax);
      for (let tried = 1; this.#withinBudget(); tried++) {
        torn.rewind();
        await tryState(torn);
        if (!torn.advance()) {
          exhaustedWithTears = true;
          break;
        }
        if (tried >= cap) break;
      }
    }
    if (!exhaustedWithTears) {
      // What is asked when all was kept is not asked when nothing was.
      if (this.#withinBudget()) await tryState(new RuleChooser(({ whole }) => whole - 1, tornMax));
      const budget = this.#counter.raw + cap * 2;
      for (const chooser of tellingStates(asked, tornMax)) {
        if (this.#counter.raw >= budget || !this.#withinBudget()) break;
        await tryState(chooser);
      }
      const random = this.#random.fork(
        `sample ${formatStateId({ seed: 0, steps: undefined, crashes: origin.crashes, answers: origin.answers })}`,
      );
      const samples = nested ? Math.min(this.#limits.samplesPerPoint, cap) : this.#limits.samplesPerPoint;
      for (let at = 0; at < samples && this.#withinBudget(); at++)
        await tryState(sampledState(random, at % 4 === 0 ? Math.min(2, tornMax * 2) : tornMax));
    }
    for (const { answers, key } of picked.take(exhausted && !nested && origin.kind === "cut")) {
      if (!this.#withinBudget()) break;
      // The same state met in another way has the same recovery.
      if ((this.#crashedRecoveries.get(key) ?? Infinity) <= origin.crashes.length) continue;
      this.#crashedRecoveries.set(key, origin.crashes.length);
      await this.#crashRecovery(origin, answers, await this.#recordState(origin, repeatAnswers(answers)));
    }
    if (!this.#withinBudget()) return "over-budget";
    return !exhausted ? "no" : exhaustedWithTears ? "with-tears" : "without-tears";
  }

  #nestedShare(origin: CrashOrigin<S, E>): number {
    const depth = origin.crashes.length;
    if (depth >= this.#limits.depth) return 0;
    // After a kill there are few states, and as many recoveries to crash as moments.
    if (origin.kind === "kill") return Math.min(1, this.#limits.nestedShare * 8);
    return depth > 1 ? this.#limits.nestedShare / 8 : this.#limits.nestedShare;
  }

  async #crashRecovery(
    origin: CrashOrigin<S, E>,
    answers: readonly number[],
    outcome: CrashOutcome<S, E>,
  ): Promise<void> {
    const trace = outcome.trace;
    if (trace === undefined) return;
    const nothingChanged = trace.entries.length === 0 && origin.kind === "cut";
    if (nothingChanged) return;
    for (let point = 0; point < trace.points; point++) {
      if (trace.isCoveredByNext(point) || (point === 0 && origin.kind === "cut")) continue;
      if (!this.#withinBudget()) return;
      await this.#explorePoint(
        {
          kind: "cut",
          snapshot: trace.snapshotAt(point),
          events: outcome.events.slice(0, origin.events.length + trace.eventsAt(point)),
          crashes: [...origin.crashes, { kind: "cut", point }],
          answers: [...origin.answers, ...answers.slice(0, trace.answersAt(point))],
          previous: point === trace.points - 1 ? outcome.state : undefined,
        },
        this.#limits.nestedCap,
      );
    }
  }

  /** Recovers one state, checks it and counts it. */
  async #tryState(origin: CrashOrigin<S, E>, chooser: RecordingChooser): Promise<CrashOutcome<S, E>> {
    const twice = (this.#counter.raw + 1) % DETERMINISM_EVERY === 0;
    const outcome = await this.#run(origin, chooser, twice, (key) => {
      const isNew = this.#counter.add(scenarioOf(origin), key, origin.crashes.length > 1);
      return isNew && (key % SHARE_STEPS) / SHARE_STEPS < this.#limits.followUpShare;
    });
    if (twice) {
      const again = await this.#run(origin, repeatAnswers(chooser.answers), true, () => false);
      if (again.operationsHash !== outcome.operationsHash || again.key !== outcome.key) {
        const error = new Error("two recoveries of the same state asked for different operations");
        throw await this.#shrink(this.#idOf(origin, chooser), { ...NOT_DETERMINISTIC, error });
      }
    }
    return outcome;
  }

  /** Recovers a state that was tried before, and keeps the trace. */
  async #recordState(origin: CrashOrigin<S, E>, chooser: RecordingChooser): Promise<CrashOutcome<S, E>> {
    return await this.#run(origin, chooser, true, () => false);
  }

  async #run(
    origin: CrashOrigin<S, E>,
    chooser: RecordingChooser,
    record: boolean,
    isNew: (key: number) => boolean,
  ): Promise<CrashOutcome<S, E>> {
    const id = (): string => formatStateId(this.#idOf(origin, chooser));
    const outcome = await this.#runner.run(origin, chooser, { scenario: scenarioOf(origin), id }, record, isNew);
    if (outcome.failure !== undefined) throw await this.#shrink(this.#idOf(origin, chooser), outcome.failure);
    return outcome;
  }

  #idOf(origin: CrashOrigin<S, E>, chooser: RecordingChooser): StateId {
    return {
      seed: this.#limits.seed,
      steps: this.#options.steps,
      crashes: origin.crashes,
      answers: [...origin.answers, ...chooser.answers],
    };
  }

  /** The smallest state found that fails as this one does, of the shortest workload. */
  async #shrink(id: StateId, failure: CrashFailure): Promise<CrashFoundError> {
    const found = await this.#repeater.shrink(this.#live.trace as OpTrace<E>, id, failure);
    return (await this.#shorter(failure)) ?? found;
  }

  async #shorter(failure: CrashFailure): Promise<CrashFoundError | undefined> {
    const { steps } = this.#options;
    if (steps === undefined || steps <= 1 || !this.#shorten) return undefined;
    const { signal: _signal, onProgress: _progress, ...rest } = this.#options;
    for (let fewer = 1; fewer < steps; fewer = fewer < 4 ? fewer + 1 : fewer * 2) {
      const inner = new CrashExploration<S, E>({ ...rest, steps: fewer, statesMax: 2000 });
      // A failure there is not looked for in still shorter workloads.
      inner.#shorten = false;
      try {
        await inner.explore();
      } catch (error) {
        if (error instanceof CrashFoundError && error.finding.problem === failure.problem) return error;
      } finally {
        inner.stop();
      }
    }
    return undefined;
  }

  #withinBudget(): boolean {
    const { statesMax, timeMsMax } = this.#limits;
    if (this.#counter.raw >= statesMax || this.#options.signal?.aborted === true) return false;
    return timeMsMax === Infinity || this.#clock() - this.#startMs < timeMsMax;
  }
}

function shuffle(items: number[], random: SeededRandom): void {
  for (let at = items.length - 1; at > 0; at--) {
    const other = random.below(at + 1);
    [items[at], items[other]] = [items[other] as number, items[at] as number];
  }
}
