/** Resident memory of a process that appends durably from 64 writers, sampled as it goes. */
import { fork } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { mebibytes } from "../format.mjs";
import { slope } from "../statistics.mjs";

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const ASKED_BYTES = 150 * MIB;
/** Growth that counts as flat, in bytes for each GiB appended, over the second half. */
const FLAT_BYTES = 4 * MIB;
const CHILD = fileURLToPath(new URL("memory-child.mjs", import.meta.url));

/**
 * @typedef {object} Sample
 * @property {number} appendedBytes
 * @property {number} residentBytes
 *
 * @typedef {object} ChildReport
 * @property {number} startBytes resident before the log was opened
 * @property {number} peakBytes the most that was ever resident, by the kernel's count
 * @property {number} elapsedMs
 * @property {readonly Sample[]} samples
 */

/** @type {import("../context.js").Workload} */
export const memory = {
  name: "memory",
  title: "memory while appending from 64 writers",
  needBytes: ({ quick }) => (quick ? 2 ** 28 : 5 * GIB),
  run,
};

/**
 * @param {import("../context.js").Context} context
 * @returns {Promise<import("../context.js").Outcome>}
 */
async function run({ directory, quick, progress }) {
  const forms = [
    { payloadBytes: 8192, totalBytes: quick ? 64 * MIB : 2 * GIB, name: quick ? "64 MiB" : "2 GiB" },
    { payloadBytes: 1000, totalBytes: quick ? 8 * MIB : GIB / 2, name: quick ? "8 MiB" : "512 MiB" },
  ];
  const rows = [];
  const rounds = [];
  for (const { payloadBytes, totalBytes, name } of forms) {
    const what = `${name} in ${payloadBytes.toLocaleString("en")} B records`;
    progress(what);
    const report = await appendInChild(path.join(directory, String(payloadBytes)), payloadBytes, totalBytes);
    const growth = slope(
      report.samples
        .filter(({ appendedBytes }) => appendedBytes >= totalBytes / 2)
        .map(({ appendedBytes, residentBytes }) => ({ x: appendedBytes / GIB, y: residentBytes })),
    );
    rows.push(
      {
        what: `memory, ${what}, peak`,
        measured: mebibytes(report.peakBytes),
        beside: `${mebibytes(report.startBytes)} before opening`,
        ratio: "",
        asked: `< ${mebibytes(ASKED_BYTES)}`,
        reached: report.peakBytes < ASKED_BYTES,
      },
      {
        what: `memory, ${what}, growth`,
        measured: Number.isNaN(growth) ? "too few samples" : `${(growth / MIB).toFixed(1)} MiB a GiB`,
        beside: "second half",
        ratio: "",
        asked: `≤ ${FLAT_BYTES / MIB} MiB a GiB`,
        // A quick run is all start-up.
        reached: quick ? undefined : growth <= FLAT_BYTES,
      },
    );
    rounds.push({ payloadBytes, totalBytes, ...report });
  }
  return { rows, notes: ["A process of its own for each; nothing is pruned meanwhile."], rounds };
}

/**
 * @param {string} directory
 * @param {number} payloadBytes
 * @param {number} totalBytes
 * @returns {Promise<ChildReport>}
 */
async function appendInChild(directory, payloadBytes, totalBytes) {
  const child = fork(CHILD, [directory, String(payloadBytes), String(totalBytes)]);
  /** @type {ChildReport | undefined} */
  let report;
  child.on("message", (message) => (report = /** @type {ChildReport} */ (message)));
  const [code, signal] = await once(child, "exit");
  if (report === undefined || code !== 0)
    throw new Error(`The appending process ended with ${signal ?? `code ${code}`}.`);
  return report;
}
