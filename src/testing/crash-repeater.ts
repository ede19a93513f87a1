/** Repeats single states of an exploration, and looks for the smallest that still fails. */
import { InvalidArgumentError } from "../base/index.js";
import type { Question } from "../vfs/index.js";
import { CrashFoundError } from "./crash-found-error.js";
import type { CrashFailure, CrashOrigin, CrashOutcome, CrashRunner } from "./crash-run.js";
import { describeCrash } from "./describe-crash.js";
import { repeatAnswers } from "./odometer.js";
import type { OpTrace } from "./op-trace.js";
import type { CrashKind, StateId } from "./state-id.js";
import { formatStateId, scenarioOf } from "./state-id.js";

/** What repeating a state came to. */
export interface RepeatedCrash<E> {
  readonly failure: CrashFailure | undefined;
  /** Of the workload, and of each recovery. */
  readonly traces: OpTrace<E>[];
  readonly questions: Question[];
  readonly answers: number[];
}

/** See the head of this file. */
export class CrashRepeater<S, E> {
  readonly #name: string;
  readonly #runner: CrashRunner<S, E>;

  /** `name`: of the exploration. */
  constructor(name: string, runner: CrashRunner<S, E>) {
    this.#name = name;
    this.#runner = runner;
  }

  /** Recovers through the crashes of `id`. */
  async repeat(trace: OpTrace<E>, id: StateId): Promise<RepeatedCrash<E>> {
    const traces = [trace];
    const questions: Question[] = [];
    const answers: number[] = [];
    const first = id.crashes[0] as { kind: CrashKind; point: number };
    requirePoint(trace, first.point);
    let origin: CrashOrigin<S, E> = {
      kind: first.kind,
      snapshot: trace.snapshotAt(first.point),
      events: eventsAt(trace, first.point),
      crashes: id.crashes.slice(0, 1),
      answers: [],
      previous: undefined,
    };
    let rest = id.answers;
    for (let level = 0; ; level++) {
      const last = level === id.crashes.length - 1;
      const chooser = repeatAnswers(rest);
      const outcome: CrashOutcome<S, E> = await this.#runner.run(
        origin,
        chooser,
        { scenario: scenarioOf(id), id: () => formatStateId(id) },
        true,
        () => last,
      );
      const next = id.crashes[level + 1];
      if (outcome.trace !== undefined) traces.push(outcome.trace);
      if (next === undefined || outcome.trace === undefined) {
        questions.push(...chooser.questions);
        answers.push(...chooser.answers);
        return { failure: outcome.failure, traces, questions, answers };
      }
      requirePoint(outcome.trace, next.point);
      const used = outcome.trace.answersAt(next.point);
      questions.push(...chooser.questions.slice(0, used));
      answers.push(...chooser.answers.slice(0, used));
      rest = rest.slice(used);
      origin = {
        kind: next.kind,
        snapshot: outcome.trace.snapshotAt(next.point),
        events: outcome.events.slice(0, origin.events.length + outcome.trace.eventsAt(next.point)),
        crashes: id.crashes.slice(0, level + 2),
        answers: answers.slice(),
        previous: next.point === outcome.trace.points - 1 ? outcome.state : undefined,
      };
    }
  }

  /** Sets answers to 0 as long as the state still fails. */
  async shrink(trace: OpTrace<E>, id: StateId, failure: CrashFailure): Promise<CrashFoundError> {
    const answers = id.answers.slice();
    const stillFails = async (): Promise<boolean> => {
      try {
        return (await this.repeat(trace, { ...id, answers })).failure?.problem === failure.problem;
      } catch (error) {
        // With other answers a recovery may be over before the moment at which it is to be crashed.
        if (error instanceof InvalidArgumentError) return false;
        throw error;
      }
    };
    if (await stillFails()) {
      for (let at = 0; at < answers.length; at++) {
        const before = answers[at] as number;
        for (let smaller = 0; smaller < Math.min(before, 3); smaller++) {
          answers[at] = smaller;
          if (await stillFails()) break;
          answers[at] = before;
        }
      }
    }
    const small = { ...id, answers };
    const result = await this.repeat(trace, small);
    const shown = describeCrash(result.traces, small.crashes, result.questions, result.answers);
    return this.found(result.failure ?? failure, scenarioOf(small), formatStateId(small), shown);
  }

  /** The error for a state that fails. */
  found(failure: CrashFailure, scenario: string, id: string, trace: string): CrashFoundError {
    return new CrashFoundError({ name: this.#name, scenario, id, problem: failure.problem, trace }, failure.error);
  }
}

/** What the workload had noted at a moment. */
export function eventsAt<E>(trace: OpTrace<E>, point: number): E[] {
  return trace.notes.slice(0, trace.eventsAt(point)).map((note) => note.event);
}

function requirePoint(trace: OpTrace<unknown>, point: number): void {
  if (point >= trace.points) {
    throw new InvalidArgumentError(
      "HF_INVALID_ARGUMENT",
      `The run has ${trace.points} moments, none is number ${point}. Was the workload changed since?`,
      { point },
    );
  }
}
