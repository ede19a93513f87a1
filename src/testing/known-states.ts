/**
 * What the runs of one crash asked, so that a run that would repeat one of them is not made again.
 *
 * Recovery is deterministic: the same answers lead to the same next question. The questions of all runs form a tree with the answers as its
 * edges; a chooser that walks from its root to the end of a run would only repeat that run.
 */
import type { Question } from "../vfs/index.js";
import type { RecordingChooser } from "./odometer.js";

/** A question and where each answer leads; `END` is where a run ends. */
interface Step {
  readonly question: Question;
  readonly after: (Step | typeof END | undefined)[];
}

const END = Symbol("end of a run");

/** See the head of this file. */
export class KnownStates {
  /** First questions, by how many tears the chooser allows: that changes what is asked. */
  readonly #first = new Map<number, Step | typeof END>();

  /** Whether a run with this chooser was made before. Otherwise the chooser is ready for that run. */
  has(chooser: RecordingChooser): boolean {
    chooser.rewind();
    let step = this.#first.get(chooser.tornMax);
    while (step !== undefined && step !== END) step = step.after[chooser.choose(step.question)];
    if (step === END) return true;
    chooser.rewind();
    return false;
  }

  /** Remembers the run that the chooser has just led. */
  add({ tornMax, answers, questions }: RecordingChooser): void {
    const stepAt = (at: number): Step | typeof END => {
      const question = questions[at];
      return question === undefined ? END : { question, after: [] };
    };
    let step = this.#first.get(tornMax);
    if (step === undefined) {
      step = stepAt(0);
      this.#first.set(tornMax, step);
    }
    for (let at = 0; step !== END; at++) step = step.after[answers[at] as number] ??= stepAt(at + 1);
  }
}
