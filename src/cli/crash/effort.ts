/**
 * How hard a case is looked at. States after one crash are many and cheap; crashes in recoveries, and looking on after recovery, cost
 * several recoveries a state. So the cases of a suite take turns.
 */

/** Limits of an exploration that differ from case to case. */
export interface Effort {
  readonly depth: number;
  readonly kill: boolean;
  readonly nestedShare: number;
  readonly nestedCap: number;
  /** Go on after recovery with batches of so many records, and recover twice. */
  readonly followUps?: readonly number[];
  /** In this share of the states. */
  readonly followUpShare?: number;
}

const flat: Effort = { depth: 1, kill: true, nestedShare: 0, nestedCap: 64 };
const onwards: Effort = { ...flat, followUps: [1, 2], followUpShare: 1 / 4 };
/** A little only, so that what stood behind the cut stays there. */
const justOnwards: Effort = { ...flat, followUps: [1], followUpShare: 1 / 4 };
const nestedCuts: Effort = { depth: 2, kill: false, nestedShare: 1 / 16, nestedCap: 32 };
const nestedKills: Effort = { depth: 2, kill: true, nestedShare: 1 / 64, nestedCap: 8 };
const everything: Effort = {
  depth: 3,
  kill: true,
  nestedShare: 1 / 32,
  nestedCap: 8,
  followUps: [2],
  followUpShare: 1 / 4,
};

/** In every row of cases each kind of effort has its turn; most have the cheap one. */
const turns: readonly Effort[] = [
  flat,
  onwards,
  flat,
  nestedCuts,
  flat,
  flat,
  flat,
  nestedKills,
  flat,
  flat,
  flat,
  justOnwards,
  flat,
  flat,
  flat,
  flat,
  nestedCuts,
  flat,
  flat,
  flat,
  onwards,
  flat,
  flat,
  flat,
  flat,
  everything,
  flat,
  flat,
  flat,
];

/** The effort of the `index`-th case of a suite. Where the row begins follows from the suite's name, so that all are there early. */
export function effortOf(suite: string, index: number): Effort {
  return turns[(index + suite.length) % turns.length] as Effort;
}
