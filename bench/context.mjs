/**
 * What a workload gets, and what it gives back.
 *
 * @typedef {object} Context
 * @property {string} directory an empty one, on the disk to be measured; the runner removes it
 * @property {import("./floor.mjs").Floor} floor
 * @property {number} rounds how often each contender runs
 * @property {number} roundMs how long a contender runs in a round, where it runs for a time
 * @property {boolean} quick smaller amounts where a workload runs for an amount
 * @property {(text: string) => void} progress
 *
 * @typedef {object} Row one line of the table
 * @property {string} what
 * @property {string} measured
 * @property {string} beside the floor or the peer that `ratio` is taken against, with its own number
 * @property {string} ratio
 * @property {string} asked empty when nothing is
 * @property {boolean | undefined} reached undefined when nothing is asked, or the condition of what is asked does not hold
 *
 * @typedef {object} Outcome
 * @property {readonly Row[]} rows
 * @property {readonly string[]} notes how to read the rows
 * @property {unknown} rounds every measurement, for `--json`
 *
 * @typedef {object} Workload
 * @property {string} name
 * @property {string} title
 * @property {(context: Context) => number} needBytes disk space
 * @property {(context: Context) => Promise<Outcome>} run
 */
export {};
