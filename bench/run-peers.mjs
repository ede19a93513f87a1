/** Measures holdfast beside peers of npm, Go and Rust, all in one run on one disk, and writes a page and a chart for each workload. See `--help`. */
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { parseArgs } from "node:util";
import { Skip } from "../compat/tools.mjs";
import { buildGo, buildRust, killAll } from "./against/programs.mjs";
import { makeFloor } from "./floor.mjs";
import { describeMachine } from "./machine.mjs";

const HERE = import.meta.dirname;
const ROOT = path.dirname(HERE);
const GIB = 2 ** 30;
const PEERS = [
  "classic-level",
  "lmdb",
  "better-sqlite3",
  "hypercore",
  "hash-wasm",
  "@ethereumjs/mpt",
  "@ethereumjs/binarytree",
];
/** Each with the file and the name that it is exported by. */
const WORKLOADS = /** @type {const} */ ([
  ["append", "append", "append"],
  ["replay", "replay", "replay"],
  ["commits", "commits", "commits"],
  ["trie", "commits", "trie"],
  ["growth", "growth", "growth"],
]);
const NAMES = WORKLOADS.map(([name]) => name);

const help = `Measures holdfast beside peers, and writes a page, a chart and a file of JSON for each workload. Build the package first: npm run build.

  node bench/run-peers.mjs [options]

  --dir PATH      where to write what is measured (default: .tmp beside the repository's package.json). A directory is made in it, and removed at the end.
  --out PATH      where the pages go (default: docs/benchmarks, with --quick a directory in .tmp)
  --only A,B      only these workloads: ${NAMES.join(", ")}
  --rounds N      how often each contender runs; values are medians over rounds (default 5, with --quick 1)
  --curve SECONDS how long each curve of the growing state may take (default 75, with --quick 2)
  --quick         some seconds of everything, to see that it works; its numbers mean little
  --json          all of the JSON on standard output too; progress goes to standard error either way
  --help
`;

const options = optionsOrExit();
if (options.help) process.stdout.write(help);
else await main();

async function main() {
  if (!fs.existsSync(path.join(ROOT, "dist", "log", "index.js")))
    throw new Error("There is no built package to measure. Run: npm run build");
  const parent = options.dir ?? path.join(ROOT, ".tmp");
  fs.mkdirSync(parent, { recursive: true });
  const directory = fs.mkdtempSync(path.join(parent, "holdfast-peers-"));
  const end = () => {
    killAll();
    fs.rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
  };
  for (const [signal, code] of /** @type {const} */ ([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ]))
    process.once(signal, () => {
      end();
      process.exit(code);
    });
  try {
    await measure(directory);
  } finally {
    end();
  }
  // Peers leave threads and timers behind that keep a process alive.
  process.exit(0);
}

/** @param {string} directory */
async function measure(directory) {
  /** @type {string[]} */
  const skipped = [];
  const skip = (/** @type {string} */ name, /** @type {string} */ reason) => {
    const line = `${name}: ${reason}`;
    if (skipped.includes(line)) return;
    skipped.push(line);
    say(`SKIP ${line}`);
  };
  const missing = missingPeers(skip);
  const go = programOf("tidwall/wal, raft-wal, etcd wal", () => buildGo(directory), skip);
  const rust = programOf("okaywal, raft-engine, nomt", buildRust, skip);
  const machine = describeMachine(directory);
  const floor = makeFloor(directory);
  if (machine.volatile)
    say(
      `${directory} is in memory, where a durable write costs nothing: these numbers say nothing. Choose another --dir.`,
    );

  const { quick, rounds } = options;
  const { quickerLibrary } = await import("./against/row-hash.mjs");
  const hashLibrary = missing.has("hash-wasm") ? "noble" : await quickerLibrary();
  const out = options.out ?? (quick ? path.join(ROOT, ".tmp", "bench-peers") : path.join(ROOT, "docs", "benchmarks"));
  fs.mkdirSync(out, { recursive: true });
  const command = ["npm run bench:peers", ...(process.argv.length > 2 ? ["--", ...process.argv.slice(2)] : [])].join(
    " ",
  );
  const { drawChart } = await import("./against/chart.mjs");
  const { renderPage } = await import("./against/page.mjs");
  const common = skipped.length;
  const results = [];
  for (const [name, file, exported] of WORKLOADS.filter(([name]) => options.only?.includes(name) ?? true)) {
    const start = performance.now();
    /** @type {import("./against/context.js").PeerWorkload} */
    const workload = (await import(`./against/${file}.mjs`))[exported];
    const before = skipped.length;
    const own = path.join(directory, name);
    const context = {
      directory: own,
      floor,
      rounds,
      roundMs: 500,
      quick,
      curveMs: options.curve * 1000,
      go,
      rust,
      missing,
      hashLibrary,
      progress: (/** @type {string} */ text) => say(`${name}: ${text}`),
      skip,
    };
    const { bavail, bsize } = fs.statfsSync(directory);
    const need = workload.needBytes(context);
    if (bavail * bsize < need + GIB) {
      skip(
        name,
        `it needs ${(need / GIB).toFixed(1)} GiB and one to spare, ${((bavail * bsize) / GIB).toFixed(1)} are free`,
      );
      continue;
    }
    fs.mkdirSync(own);
    const outcome = await workload.run(context);
    fs.rmSync(own, { recursive: true, force: true });
    const about = {
      machine,
      floor: floor.language,
      command,
      quick,
      skipped: [...skipped.slice(0, common), ...skipped.slice(before)],
    };
    const result = { name, title: workload.title, outcome };
    results.push(result);
    fs.writeFileSync(path.join(out, `${name}.md`), renderPage(workload, outcome, about));
    fs.writeFileSync(path.join(out, `${name}.svg`), await drawChart(workload, outcome));
    fs.writeFileSync(path.join(out, `${name}.json`), `${JSON.stringify({ ...about, ...result })}\n`);
    say(`${name}: ${((performance.now() - start) / 1000).toFixed(0)} s`);
  }
  if (options.json) {
    const all = { machine, floor: floor.language, command, quick, skipped, results };
    process.stdout.write(`${JSON.stringify(all, undefined, 2)}\n`);
  }
  say(`Pages and charts are in ${out}.`);
}

/**
 * Installs the peers of npm where they are not there, and builds the one that is compiled.
 *
 * @param {(name: string, reason: string) => void} skip
 * @returns {ReadonlyMap<string, string>} those that can't be loaded, and why
 */
function missingPeers(skip) {
  const require = createRequire(import.meta.url);
  const isThere = (/** @type {string} */ name) => {
    try {
      require.resolve(name);
      return true;
    } catch {
      return false;
    }
  };
  if (![...PEERS, "vega", "vega-lite"].every(isThere)) {
    say("installing the peers (npm ci in bench/)");
    spawnSync("npm", ["ci", "--no-audit", "--no-fund"], { cwd: HERE, stdio: ["ignore", "ignore", "inherit"] });
  }
  if (isThere("better-sqlite3") && !sqliteLoads()) {
    say("building better-sqlite3 (some minutes where there is no built one to be had)");
    spawnSync("npm", ["rebuild", "better-sqlite3", "--ignore-scripts=false"], { cwd: HERE, stdio: "ignore" });
  }
  /** @type {Map<string, string>} */
  const missing = new Map();
  for (const name of PEERS) {
    if (!isThere(name)) missing.set(name, "npm ci did not install it");
    else if (name === "better-sqlite3" && !sqliteLoads()) missing.set(name, "it can't be built here");
  }
  for (const [name, reason] of missing) skip(name, reason);
  return missing;
}

/** In a process of its own, because a module that failed to load is not loaded again. */
function sqliteLoads() {
  const code = `const { default: Database } = await import("better-sqlite3"); new Database(":memory:").close()`;
  return spawnSync(process.execPath, ["--input-type=module", "-e", code], { cwd: HERE, stdio: "ignore" }).status === 0;
}

/**
 * @param {string} names of the peers that it runs
 * @param {() => string} build
 * @param {(name: string, reason: string) => void} skip
 * @returns {import("./against/context.js").Program}
 */
function programOf(names, build, skip) {
  say(`building ${names}`);
  try {
    return { path: build() };
  } catch (error) {
    if (!(error instanceof Skip)) throw error;
    skip(names, error.message);
    return { reason: error.message };
  }
}

function optionsOrExit() {
  try {
    const { values } = parseArgs({
      options: {
        dir: { type: "string" },
        out: { type: "string" },
        only: { type: "string" },
        rounds: { type: "string" },
        curve: { type: "string" },
        quick: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
    const only = values.only?.split(",").map((name) => name.trim());
    const unknown = only?.find((name) => !NAMES.some((known) => known === name));
    if (unknown !== undefined) throw new Error(`There is no workload "${unknown}". There are: ${NAMES.join(", ")}.`);
    return {
      dir: values.dir,
      out: values.out,
      only,
      rounds: wholeNumber("--rounds", values.rounds, values.quick ? 1 : 5, 100),
      curve: wholeNumber("--curve", values.curve, values.quick ? 2 : 75, 3600),
      quick: values.quick,
      json: values.json,
      help: values.help,
    };
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    return process.exit(2);
  }
}

/**
 * @param {string} option
 * @param {string | undefined} text
 * @param {number} otherwise
 * @param {number} most
 */
function wholeNumber(option, text, otherwise, most) {
  const number = text === undefined ? otherwise : Number(text);
  if (!Number.isInteger(number) || number < 1 || number > most)
    throw new Error(`${option} takes a whole number from 1 to ${most}.`);
  return number;
}

/** @param {string} text */
function say(text) {
  process.stderr.write(`${text}\n`);
}
