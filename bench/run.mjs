/**
 * Measures holdfast end to end, beside the disk's own speed and beside peers, all in one run: contenders take turns, round by round,
 * because disks are noisy, and what is printed is the median over the rounds. See `--help`.
 */
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { help, readArguments } from "./arguments.mjs";
import { makeFloor } from "./floor.mjs";
import { describeMachine } from "./machine.mjs";
import { hashWasmInstalled } from "./peers/hash-wasm.mjs";
import { lmdbInstalled } from "./peers/lmdb.mjs";
import { renderMachine, renderTable } from "./report.mjs";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const ROOT = path.dirname(path.resolve(HERE));
const WORKLOADS = [
  "durable-64",
  "one-writer",
  "durable-1024",
  "os-batches",
  "replay",
  "open",
  "memory",
  "streams",
  "events-flush",
  "events-append",
  "events-replay",
  "events-hydrate",
  "lanes",
  "hashes",
  "flatkv",
  "trie",
];
const GIB = 2 ** 30;

const options = argumentsOrExit();
if (options.help) {
  process.stdout.write(`${help}\nWorkloads: ${WORKLOADS.join(", ")}.\n`);
} else {
  if (!fs.existsSync(path.join(ROOT, "dist", "log", "index.js")))
    throw new Error("There is no built package to measure. Run: npm run build");
  installPeers();
  const directory = makeDirectory(options.dir ?? path.join(ROOT, ".tmp"));
  try {
    await measure(directory);
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
}

/** @returns {import("./arguments.mjs").Arguments} */
function argumentsOrExit() {
  try {
    return readArguments(process.argv.slice(2), WORKLOADS);
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    return process.exit(2);
  }
}

/** @param {string} directory */
async function measure(directory) {
  const machine = describeMachine(directory);
  const floor = makeFloor(directory);
  const settings = { floor, rounds: options.rounds, roundMs: options.quick ? 100 : 700, quick: options.quick };
  if (!options.json) process.stdout.write(`${renderMachine(machine, floor.language)}\n\n`);
  if (machine.volatile)
    say(
      `${directory} is in memory, where a durable write costs nothing: these numbers say nothing. Choose another --dir.`,
    );
  if (!lmdbInstalled()) say("lmdb is not installed, and is left out.");

  const results = [];
  const skipped = [];
  for (const name of WORKLOADS.filter((one) => options.only?.includes(one) ?? true)) {
    const workload = await load(name);
    const own = path.join(directory, name);
    const context = { ...settings, directory: own, progress: (/** @type {string} */ text) => say(`${name}: ${text}`) };
    const { bavail, bsize } = fs.statfsSync(directory);
    const need = workload.needBytes(context);
    if (bavail * bsize < need + GIB) {
      skipped.push(
        `${name}: needs ${(need / GIB).toFixed(1)} GiB and one to spare, ${((bavail * bsize) / GIB).toFixed(1)} are free`,
      );
      continue;
    }
    fs.mkdirSync(own);
    results.push({ name, title: workload.title, outcome: await workload.run(context) });
    fs.rmSync(own, { recursive: true, force: true });
  }

  if (options.json) {
    process.stdout.write(
      `${JSON.stringify({ machine, floor: floor.language, quick: options.quick, skipped, results }, undefined, 2)}\n`,
    );
    return;
  }
  process.stdout.write(`${renderTable(results)}\n`);
  for (const reason of skipped) process.stdout.write(`\nLeft out: ${reason}.\n`);
  if (options.quick) process.stdout.write("\nA quick run shows that everything works. Its numbers mean little.\n");
}

/**
 * @param {string} name
 * @returns {Promise<import("./context.js").Workload>}
 */
async function load(name) {
  const module = await import(`./workloads/${name}.mjs`);
  return /** @type {import("./context.js").Workload} */ (Object.values(module)[0]);
}

/** Peers are this folder's own dependencies, so that the package itself needs none of them. */
function installPeers() {
  if (lmdbInstalled() && hashWasmInstalled()) return;
  say("installing the peers (npm ci in bench/)");
  try {
    execFileSync("npm", ["ci", "--no-audit", "--no-fund"], { cwd: HERE, stdio: ["ignore", "ignore", "inherit"] });
  } catch {
    say("npm ci failed.");
  }
}

/**
 * @param {string} parent
 * @returns {string} a new directory below it, removed when a signal ends the process
 */
function makeDirectory(parent) {
  fs.mkdirSync(parent, { recursive: true });
  const directory = fs.mkdtempSync(path.join(parent, "holdfast-bench-"));
  for (const [signal, code] of /** @type {const} */ ([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ])) {
    process.once(signal, () => {
      fs.rmSync(directory, { recursive: true, force: true });
      process.exit(code);
    });
  }
  return directory;
}

/** @param {string} text */
function say(text) {
  process.stderr.write(`${text}\n`);
}
