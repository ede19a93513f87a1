/**
 * The states that tell most when there are too many to try them all: those that ALICE (OSDI 2014) found most bugs with. Nothing kept, all
 * kept, each operation left out, each operation alone, one file's data alone, sizes without data, data without sizes, each tear.
 */
import type { SeededRandom } from "../base/index.js";
import type { Question } from "../vfs/index.js";
import { RuleChooser } from "./odometer.js";

const all = (question: Question): number => question.whole - 1;
const nothing = (): number => 0;

/** The most that does not include operation `id`. */
function without(id: number): (question: Question) => number {
  return (question) => {
    const at = question.operations.indexOf(id);
    if (at < 0) return all(question);
    let answer = 0;
    for (let option = 0; option < question.whole; option++)
      if ((question.kept[option] as number) <= at) answer = option;
    return answer;
  };
}

/** The least that includes operation `id`. */
function alone(id: number): (question: Question) => number {
  return (question) => {
    const at = question.operations.indexOf(id);
    if (at < 0) return 0;
    for (let option = 0; option < question.whole; option++) if ((question.kept[option] as number) > at) return option;
    return 0;
  };
}

/** Choosers for the telling states, given the questions that earlier runs at this crash point asked. */
export function tellingStates(asked: ReadonlyMap<string, Question>, tornMax: number): RuleChooser[] {
  const rules: ((question: Question) => number)[] = [
    nothing,
    all,
    (question) => (question.kind === "sector" ? 0 : all(question)),
    (question) => (question.kind === "size" ? 0 : all(question)),
    (question) => (question.kind === "name" ? 0 : all(question)),
    (question) => (question.kind === "name" ? all(question) : 0),
  ];
  const operations = new Set<number>();
  const files = new Set<number>();
  for (const question of asked.values()) {
    for (const id of question.operations) operations.add(id);
    if (question.kind !== "name") files.add(question.inode);
  }
  for (const id of operations) rules.push(without(id), alone(id));
  for (const inode of files)
    rules.push((question) => (question.kind === "name" || question.inode === inode ? all(question) : 0));
  const choosers = rules.map((rule) => new RuleChooser(rule, tornMax));
  if (tornMax === 0) return choosers;
  for (const [key, question] of asked) {
    if (question.kind !== "sector") continue;
    for (let option = question.whole; option < question.options; option++) {
      for (const others of [all, nothing]) {
        choosers.push(
          new RuleChooser(
            (other) => (questionKey(other) === key ? option : other.kind === "name" ? all(other) : others(other)),
            tornMax,
          ),
        );
      }
    }
  }
  return choosers;
}

/** A legal state drawn at random; some draws keep much, some little. */
export function sampledState(random: SeededRandom, tornMax: number): RuleChooser {
  const bias = random.below(11) / 10;
  const settled = random.chance(0.5) ? 0.3 : 0.8;
  return new RuleChooser((question) => {
    if (random.chance(settled)) return random.chance(bias) ? all(question) : 0;
    return random.below(question.options);
  }, tornMax);
}

/** What a question is about, the same in every run. */
export function questionKey(question: Question): string {
  return `${question.kind} ${question.inode} ${question.kind === "name" ? question.path : question.sector}`;
}
