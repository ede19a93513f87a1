/** The command line of the runner. */
import { parseArgs } from "node:util";

export const help = `Measures holdfast beside the disk's own speed and beside peers. Build the package first: npm run build.

  node bench/run.mjs [options]

  --dir PATH      where to write (default: .tmp beside the repository's package.json). A directory is made in it, and removed at the end.
  --only A,B      only these workloads
  --rounds N      how often each contender runs; medians are over rounds (default 9, with --quick 1)
  --quick         a few seconds of everything, to see that it works; its numbers mean little
  --json          JSON on standard output instead of the table; progress goes to standard error either way
  --help
`;

/**
 * @typedef {object} Arguments
 * @property {string | undefined} dir
 * @property {readonly string[] | undefined} only
 * @property {number} rounds
 * @property {boolean} quick
 * @property {boolean} json
 * @property {boolean} help
 */

/**
 * @param {readonly string[]} argv
 * @param {readonly string[]} workloads the names that `--only` may take
 * @returns {Arguments} throws an error that says what is wrong
 */
export function readArguments(argv, workloads) {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      dir: { type: "string" },
      only: { type: "string" },
      rounds: { type: "string" },
      quick: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const only = values.only?.split(",").map((name) => name.trim());
  const unknown = only?.find((name) => !workloads.includes(name));
  if (unknown !== undefined) throw new Error(`There is no workload "${unknown}". There are: ${workloads.join(", ")}.`);
  const rounds = values.rounds === undefined ? (values.quick ? 1 : 9) : Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 100)
    throw new Error("--rounds takes a whole number from 1 to 100.");
  return { dir: values.dir, only, rounds, quick: values.quick, json: values.json, help: values.help };
}
