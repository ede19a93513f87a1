/**
 * What a crash left undecided is decided when somebody looks: the disk asks a chooser one question for each undecided sector, size or
 * name that is read. Whoever enumerates crash states answers the questions one after another; what nobody reads is never asked.
 */
import type { SeededRandom } from "../../base/index.js";

/** Something the crash left open. */
export interface Question {
  /** `"write"`: how many sectors of a write in flight a killed process got done. `"prefix"`: how much of everything, in profiles with an order. */
  readonly kind: "sector" | "size" | "name" | "write" | "prefix";
  /** The file, or the directory and name, that the question is about. */
  readonly path: string;
  /** The inode, which outlives names. */
  readonly inode: number;
  /** The sector index for `"sector"`, otherwise 0. */
  readonly sector: number;
  /** How many answers there are: 0 keeps nothing, more keeps more. */
  readonly options: number;
  /** The first `whole` answers keep a prefix of the operations; the rest are stale or torn variants. */
  readonly whole: number;
  /** Answers from this one on are torn variants. */
  readonly firstTorn: number;
  /** Operation ids: answer `n` below `whole` keeps the first `kept[n]` of them. */
  readonly operations: readonly number[];
  readonly kept: readonly number[];
}

/** Answers questions about a crash. */
export interface Chooser {
  /** Torn sectors allowed in one state. */
  readonly tornMax: number;
  /** An index in [0, question.options). */
  choose(question: Question): number;
}

/** The harshest disk: nothing that was not synced is there. */
export const keepNothing: Chooser = { tornMax: 0, choose: () => 0 };

/** The kindest disk: everything written is there, as after a crash of the process alone. */
export const keepEverything: Chooser = { tornMax: 0, choose: (question) => question.whole - 1 };

/** Any legal disk, drawn from `random`. */
export function keepSome(random: SeededRandom, tornMax = 1): Chooser {
  return { tornMax, choose: (question) => random.below(question.options) };
}
