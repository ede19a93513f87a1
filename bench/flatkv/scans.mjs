/** Reading and making a whole store: `verify`, `export` to a file, `importFlatKv` from it, each in a process of its own. */
import { fork } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { mebibytes, rate } from "../format.mjs";
import { FlatKv } from "../holdfast.mjs";
import { median } from "../statistics.mjs";
import { fill } from "./fill.mjs";
import { freshPuts } from "./pairs.mjs";

const MIB = 2 ** 20;
const STEP_ROWS = 100_000;
const ASKED_VERIFY = 250_000;
const ASKED_TRANSFER = 200_000;
const CHILD = fileURLToPath(new URL("scans-child.mjs", import.meta.url));

/**
 * @typedef {object} Sample
 * @property {number} rows
 * @property {number} bytes resident
 *
 * @typedef {object} Report
 * @property {number} ms
 * @property {number} rows
 * @property {number} startBytes
 * @property {number} peakBytes
 * @property {readonly Sample[]} samples
 */

/**
 * @param {import("../context.js").Context} context
 * @returns {Promise<import("../context.js").Outcome>}
 */
export async function measureScans({ directory, rounds, quick, progress }) {
  const count = quick ? 20_000 : 1_000_000;
  const source = path.join(directory, "source");
  const file = path.join(directory, "export");
  progress(`storing ${count.toLocaleString("en")} rows`);
  const store = await FlatKv.open(source);
  for (let rows = 0; rows < count; rows += STEP_ROWS) await fill(store, freshPuts(Math.min(STEP_ROWS, count - rows)));
  await store.close();

  const tasks = [
    { name: "verify", directory: source, asked: ASKED_VERIFY, reports: /** @type {Report[]} */ ([]) },
    { name: "export", directory: source, asked: ASKED_TRANSFER, reports: /** @type {Report[]} */ ([]) },
    {
      name: "import",
      directory: path.join(directory, "target"),
      asked: ASKED_TRANSFER,
      reports: /** @type {Report[]} */ ([]),
    },
  ];
  for (let round = 1; round <= Math.min(rounds, 3); round++) {
    for (const { name, directory: where, reports } of tasks) {
      progress(`${name}, round ${round} of ${Math.min(rounds, 3)}`);
      if (name === "import") fs.rmSync(where, { recursive: true, force: true });
      const report = await runInChild(name, where, file);
      if (report.rows !== count) throw new Error(`${name} came to ${report.rows} rows.`);
      reports.push(report);
    }
  }
  const rows = tasks.flatMap(({ name, asked, reports }) => {
    const perSecond = median(reports.map(({ ms, rows: done }) => (done / ms) * 1000));
    return [
      {
        what: `${name} of ${count.toLocaleString("en")} rows`,
        measured: `${rate(perSecond)} rows`,
        beside: "",
        ratio: "",
        asked: `≥ ${rate(asked)}`,
        reached: quick ? undefined : perSecond >= asked,
      },
      {
        what: `${name} of ${count.toLocaleString("en")} rows, memory`,
        measured: `${mebibytes(median(reports.map(({ startBytes, peakBytes }) => peakBytes - startBytes)))} above the start at its peak`,
        beside: `${mebibytes(median(reports.map(({ startBytes }) => startBytes)))} at the start`,
        ratio: `${(median(reports.map((report) => laterGrowth(report, count))) / MIB).toFixed(1)} MiB more in the second half`,
        asked: "",
        reached: undefined,
      },
    ];
  });
  return {
    rows,
    notes: [
      "Verifying, exporting and importing: a process of its own for each; the export goes to a file, unsynced. An import's time includes its syncs, until the store is durable.",
    ],
    rounds: tasks,
  };
}

/**
 * @param {Report} report
 * @param {number} count
 * @returns {number} the peak of the second half of the rows above that of the first
 */
function laterGrowth({ samples }, count) {
  const peak = (/** @type {(rows: number) => boolean} */ belongs) =>
    samples.reduce((most, { rows, bytes }) => (belongs(rows) ? Math.max(most, bytes) : most), 0);
  return peak((rows) => rows >= count / 2) - peak((rows) => rows < count / 2);
}

/**
 * @param {string} task
 * @param {string} directory
 * @param {string} file
 * @returns {Promise<Report>}
 */
async function runInChild(task, directory, file) {
  const child = fork(CHILD, [task, directory, file]);
  /** @type {Report | undefined} */
  let report;
  child.on("message", (message) => (report = /** @type {Report} */ (message)));
  const [code, signal] = await once(child, "exit");
  if (report === undefined || code !== 0)
    throw new Error(`The process for ${task} ended with ${signal ?? `code ${code}`}.`);
  return report;
}
