/** The commit store: commits, opening after a crash, and reading or making all of it. */
import { measureCommits } from "../flatkv/commits.mjs";
import { measureReopen } from "../flatkv/reopen.mjs";
import { measureScans } from "../flatkv/scans.mjs";

/** @type {import("../context.js").Workload} */
export const flatkv = {
  name: "flatkv",
  title: "commit store",
  needBytes: ({ quick }) => (quick ? 2 ** 30 : 8 * 2 ** 30),
  run,
};

/**
 * @param {import("../context.js").Context} context
 * @returns {Promise<import("../context.js").Outcome>}
 */
async function run(context) {
  const outcomes = [await measureCommits(context), await measureReopen(context), await measureScans(context)];
  return {
    rows: outcomes.flatMap(({ rows }) => rows),
    notes: outcomes.flatMap(({ notes }) => notes),
    rounds: outcomes.map(({ rounds }) => rounds),
  };
}
