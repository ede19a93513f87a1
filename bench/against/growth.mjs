/** The cost of an update as the state grows, and memory and disk beside it. Each curve ends when its time is up, and says how far it came. */
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { median } from "../statistics.mjs";
import { commitStores, tries } from "./states.mjs";
import { Field, settle } from "./turns.mjs";

const PUTS = 1000;
const MIB = 2 ** 20;
/** Rows stored between looks at the clock. */
const STEP = 10_000;

/** @type {import("./context.js").PeerWorkload} */
export const growth = {
  name: "growth",
  title: "Growth",
  needBytes: ({ quick }) => (quick ? 1 : 8) * 2 ** 30,
  run,
};

/**
 * @typedef {object} Point
 * @property {number} rows
 * @property {number} microsAnUpdate
 * @property {number | undefined} residentMiB
 * @property {number | undefined} ownMiB what no file stands behind
 * @property {number} diskMiB
 */

/**
 * @param {import("./context.js").PeerContext} context
 * @returns {Promise<import("./context.js").PeerOutcome>}
 */
async function run(context) {
  const { directory, quick, curveMs, progress } = context;
  const stores = commitStores(context);
  const all = [...stores, ...tries(context)];
  const sizes = quick ? [1000, 10_000] : [10_000, 31_623, 100_000, 316_228, 1_000_000, 3_162_278, 10_000_000];
  const field = new Field(context);
  /** @type {Map<string, Point[]>} */
  const curves = new Map();
  const reached = [];
  for (const contender of all) {
    const place = path.join(directory, contender.name.replaceAll(/\W+/g, "-"));
    /** @type {Point[]} */
    const points = [];
    curves.set(contender.name, points);
    const rows = await field.turn(contender.name, () =>
      follow(contender, place, sizes, context, points, (text) => progress(`${contender.name}: ${text}`)),
    );
    fs.rmSync(place, { recursive: true, force: true });
    settle();
    if (rows !== undefined && rows < (sizes.at(-1) ?? 0))
      reached.push(`${contender.name} came to ${rows.toLocaleString("en")} rows in its ${curveMs / 1000} s.`);
  }
  const inKind = (/** @type {boolean} */ isStore) => (/** @type {string} */ name) =>
    stores.some((store) => store.name === name) === isStore;
  const grid = (
    /** @type {string} */ title,
    /** @type {string} */ unit,
    /** @type {keyof Point} */ pick,
    /** @type {string | undefined} */ ours,
    /** @type {(name: string) => boolean} */ within = () => true,
  ) => ({
    title,
    unit,
    better: /** @type {const} */ ("lower"),
    columnTitle: "rows",
    columns: sizes,
    ours,
    rows: [...curves.keys()].filter(within).map((name) => ({
      name,
      values: sizes.map((size) => curves.get(name)?.find(({ rows }) => rows === size)?.[pick]),
    })),
  });
  return {
    grids: [
      grid("one update, commit stores", "µs", "microsAnUpdate", "FlatKV", inKind(true)),
      grid("one update, tries", "µs", "microsAnUpdate", "MerkleStore", inKind(false)),
      grid("resident memory", "MiB", "residentMiB", undefined),
      grid("memory that no file stands behind", "MiB", "ownMiB", undefined),
      grid("disk", "MiB", "diskMiB", undefined),
    ],
    chart: "lines",
    notes: [
      `Each contender is in a process of its own, and has ${curveMs / 1000} s for its whole curve, filling included. Commits of ${PUTS.toLocaleString("en")} known keys, chosen at random.`,
      "Resident memory counts mapped files, which lmdb reads through; databases that read through the page cache have it outside of theirs.",
      "FlatKV and the rows keep a hash of all rows; the others are tries with a root, and prove keys.",
      ...reached,
    ],
    rounds: Object.fromEntries(curves),
  };
}

/**
 * @param {import("./states.mjs").StateContender} contender
 * @param {string} place
 * @param {readonly number[]} sizes
 * @param {import("./context.js").PeerContext} context
 * @param {Point[]} points gets what is found
 * @param {(text: string) => void} progress
 * @returns {Promise<number>} rows at the end
 */
async function follow({ start }, place, sizes, { curveMs, quick }, points, progress) {
  const conversation = await start(place);
  const end = performance.now() + curveMs;
  let rows = 0;
  try {
    for (const size of sizes) {
      while (rows < size && performance.now() < end) {
        const next = Math.min(size, rows + STEP);
        await conversation.ask(`fill ${rows} ${next}`);
        rows = next;
      }
      if (rows < size) break;
      const { ms } = await conversation.ask(`update ${rows} ${PUTS} 0 ${quick ? 1 : 5}`);
      const { resident, own } = memoryOf(conversation.pid);
      points.push({
        rows,
        microsAnUpdate: (median(ms) * 1000) / PUTS,
        residentMiB: resident,
        ownMiB: own,
        diskMiB: diskOf(place),
      });
      progress(`${rows.toLocaleString("en")} rows, ${(median(ms) / (PUTS / 1000)).toFixed(1)} µs an update`);
    }
  } finally {
    await conversation.close();
  }
  return rows;
}

/**
 * @param {number} pid
 * @returns {{ resident: number | undefined, own: number | undefined }} MiB, where Linux tells
 */
function memoryOf(pid) {
  let text = "";
  try {
    text = fs.readFileSync(`/proc/${pid}/status`, "utf8");
  } catch {
    // Another system, which has no such file.
  }
  const mebibytes = (/** @type {string} */ name) => {
    const found = new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1];
    return found === undefined ? undefined : Number(found) / 1024;
  };
  return { resident: mebibytes("VmRSS"), own: mebibytes("RssAnon") };
}

/**
 * @param {string} place
 * @returns {number} MiB in blocks
 */
function diskOf(place) {
  const { stdout } = spawnSync("du", ["-sk", place], { encoding: "utf8" });
  return (Number.parseInt(stdout, 10) * 1024) / MIB;
}
