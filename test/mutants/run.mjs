/**
 * Proves that the scenarios can fail: bundles the engine with one mutant at a time and hunts until something is found. Fails when a mutant
 * survives, when the untouched engine does not, or when the canary is not found.
 *
 *     node test/mutants/run.mjs [--only WORDS] [--seconds N] [--threads N]
 */
import { spawn } from "node:child_process";
import { mkdir, readFile, rm } from "node:fs/promises";
import { availableParallelism } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { canary, mutants } from "./mutants.mjs";

const root = path.resolve(import.meta.dirname, "../..");
const folder = path.join(root, ".tmp", "mutants");
const { values: options } = parseArgs({
  options: { only: { type: "string" }, seconds: { type: "string", default: "60" }, threads: { type: "string" } },
});
const secondsMax = Number(options.seconds);
const threads = Number(options.threads ?? Math.min(4, availableParallelism()));

/** @typedef {{ killed: boolean, by?: string, problem?: string, states: number, seconds: number }} Prey */

/**
 * Makes the change while esbuild reads the file.
 * @param {import("./mutants.mjs").Mutant} mutant
 * @returns {import("esbuild").Plugin}
 */
function mutation(mutant) {
  const target = path.join(root, "src", mutant.file);
  return {
    name: "mutation",
    setup(setup) {
      setup.onLoad({ filter: /\.ts$/ }, async ({ path: file }) => {
        if (file !== target) return undefined;
        const text = await readFile(file, "utf8");
        const count = text.split(mutant.find).length - 1;
        if (count !== 1)
          throw new Error(`mutant "${mutant.name}": its text stands ${count} times in src/${mutant.file}, not once`);
        return { contents: text.replace(mutant.find, () => mutant.replace), loader: "ts" };
      });
    },
  };
}

/**
 * @param {import("./mutants.mjs").Mutant | undefined} mutant
 * @param {number} index
 * @param {string} hint
 * @returns {Promise<Prey>}
 */
async function hunt(mutant, index, hint) {
  const bundle = path.join(folder, `${index}.mjs`);
  await build({
    absWorkingDir: root,
    entryPoints: ["test/mutants/hunt.ts"],
    outfile: bundle,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    logLevel: "silent",
    alias: Object.fromEntries(
      ["", "/log", "/anchor", "/vfs", "/testing"].map((part) => [
        `holdfast${part}`,
        path.join(root, `src${part}/index.ts`),
      ]),
    ),
    external: ["@node-rs/crc32", "fs-native-extensions"],
    plugins: mutant === undefined ? [] : [mutation(mutant)],
  });
  const startMs = performance.now();
  const output = await outputOf(bundle, hint);
  const seconds = (performance.now() - startMs) / 1000;
  return { .../** @type {Prey} */ (JSON.parse(output)), seconds };
}

/**
 * @param {string} bundle
 * @param {string} hint
 * @returns {Promise<string>}
 */
function outputOf(bundle, hint) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [bundle, hint], { stdio: ["ignore", "pipe", "pipe"] });
    let out = "";
    let errors = "";
    child.stdout.on("data", (chunk) => (out += String(chunk)));
    child.stderr.on("data", (chunk) => (errors += String(chunk)));
    // A look at the untouched engine gets longer, and has to come to its end: nothing ends it early by finding something.
    const isUntouched = hint.startsWith("look ");
    const limit = isUntouched ? 5 * secondsMax : secondsMax;
    const timer = setTimeout(() => child.kill("SIGKILL"), limit * 1000);
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(timer);
      if (code === 0) resolve(out);
      // A hunt that is killed for its length has found nothing; one that dies of the mutant has.
      else if (code === null && isUntouched)
        reject(new Error(`the ${hint} in the untouched engine took over ${limit} s`));
      else if (code === null) resolve(JSON.stringify({ killed: false, states: 0 }));
      else
        resolve(
          JSON.stringify({
            killed: true,
            by: "the process",
            problem: errors.trim().split("\n").at(-1) ?? "",
            states: 0,
          }),
        );
    });
  });
}

await rm(folder, { recursive: true, force: true });
await mkdir(folder, { recursive: true });
const only = options.only;
const chosen =
  only === undefined ? mutants : mutants.filter(({ name, file, rule }) => `${rule} ${file} ${name}`.includes(only));
/** @type {{ name: string, rule: string, file: string, prey: Prey }[]} */
const rows = [];
/** Mutants that could not be made. @type {string[]} */
const broken = [];
/** @type {(() => Promise<void>)[]} */
const jobs = chosen.map((mutant, index) => async () => {
  const prey = await hunt(mutant, index, mutant.hint ?? "").catch((/** @type {unknown} */ error) => {
    const problem = error instanceof Error ? (error.message.split("ERROR: ")[1] ?? error.message) : String(error);
    broken.push(`${mutant.name}: ${problem}`);
    return undefined;
  });
  if (prey === undefined) return;
  rows.push({ ...mutant, prey });
  const how = prey.killed ? `${prey.by}: ${prey.problem}` : "SURVIVES";
  console.log(
    [
      mutant.name.padEnd(46),
      mutant.rule.padEnd(4),
      how.padEnd(52),
      `${prey.states} states`.padStart(13),
      `${prey.seconds.toFixed(1)} s`.padStart(7),
    ].join(" "),
  );
});
/** Parts of the look at the untouched engine: as many as keep two processors busy to the end. */
const looks = 8;
/** What was found in the untouched engine. @type {string[]} */
const inUntouched = [];
/** @type {Prey | undefined} */
let bird;
if (only === undefined) {
  jobs.unshift(
    async () => void (bird = await hunt(canary, -1, "")),
    ...Array.from({ length: looks }, (_, part) => async () => {
      const prey = await hunt(undefined, -2 - part, `look ${part}/${looks}`).catch((/** @type {unknown} */ error) => ({
        killed: true,
        by: "the look",
        problem: String(error),
      }));
      if (prey.killed) inUntouched.push(`the untouched engine fails: ${prey.by}: ${prey.problem}`);
    }),
  );
}
const startMs = performance.now();
await Promise.all(
  Array.from({ length: threads }, async () => {
    for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) await job();
  }),
);
const survivors = rows.filter(({ prey }) => !prey.killed);
const problems = [...broken, ...survivors.map(({ name }) => `"${name}" survives`)];
if (only === undefined) {
  if (bird?.killed !== true) problems.push("the canary was not found: the hunts are blind");
  problems.push(...inUntouched);
}
console.log(
  `\n${rows.length - survivors.length} of ${rows.length} mutants killed in ${((performance.now() - startMs) / 1000).toFixed(0)} s${bird?.killed === true ? `; the canary was found by ${bird.by} after ${bird.states} states` : ""}.`,
);
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
