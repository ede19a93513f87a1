/** Choosers that enumerate: every answer to every question that is asked, one run after another. */
import type { Chooser, Question } from "../vfs/index.js";

/** Remembers what was asked and answered in one run. */
export interface RecordingChooser extends Chooser {
  /** Answers of this run so far. */
  readonly answers: readonly number[];
  readonly questions: readonly Question[];
  /** Begins a run that gives the answers of this one again and goes on from there. */
  rewind(): void;
}

/**
 * Depth-first search over the questions that runs ask. Each run answers as the one before, but for the last question that still has an
 * untried answer; what is asked after it starts again at 0. When `advance` returns false, every combination was seen.
 */
export class Odometer implements RecordingChooser {
  readonly tornMax: number;
  readonly #tears: boolean;
  #planned: number[] = [];
  readonly answers: number[] = [];
  readonly questions: Question[] = [];

  /** Without `tears` it leaves out the torn variants, though `tornMax` lets the questions offer them. */
  constructor(tornMax: number, tears = true) {
    this.tornMax = tornMax;
    this.#tears = tears;
  }

  choose(question: Question): number {
    const answer = this.#planned[this.answers.length] ?? 0;
    this.answers.push(answer);
    this.questions.push(question);
    return answer;
  }

  rewind(): void {
    this.answers.length = 0;
    this.questions.length = 0;
  }

  /** Plans the next run from what the last one asked. */
  advance(): boolean {
    const next = this.answers.slice();
    for (let at = next.length - 1; at >= 0; at--) {
      const answer = (next[at] as number) + 1;
      const { options, firstTorn } = this.questions[at] as Question;
      if (answer < (this.#tears ? options : firstTorn)) {
        next.length = at + 1;
        next[at] = answer;
        this.#planned = next;
        this.rewind();
        return true;
      }
    }
    return false;
  }
}

/** Answers by a rule and remembers the answers. */
export class RuleChooser implements RecordingChooser {
  readonly tornMax: number;
  readonly #rule: (question: Question) => number;
  #asked = 0;
  readonly answers: number[] = [];
  readonly questions: Question[] = [];

  constructor(rule: (question: Question) => number, tornMax = 0) {
    this.#rule = rule;
    this.tornMax = tornMax;
  }

  choose(question: Question): number {
    const given = this.answers[this.#asked++];
    if (given !== undefined) return given;
    const answer = Math.min(Math.max(0, this.#rule(question)), question.options - 1);
    this.answers.push(answer);
    this.questions.push(question);
    return answer;
  }

  rewind(): void {
    this.#asked = 0;
  }
}

/** Answers from a list, then 0: repeats one state. */
export function repeatAnswers(answers: readonly number[]): RuleChooser {
  const chooser: RuleChooser = new RuleChooser(() => answers[chooser.answers.length] ?? 0, 2);
  return chooser;
}
