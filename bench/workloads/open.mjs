/** Opening a log after a clean close: a large one beside a small one, in turn. */
import path from "node:path";
import { millis, times } from "../format.mjs";
import { Log } from "../holdfast.mjs";
import { median, quantile } from "../statistics.mjs";
import { makePayloads } from "../writers.mjs";

const MIB = 2 ** 20;
const ASKED_MS = 50;
/** What counts as no slower: medians of a few milliseconds on a disk that is shared differ by this much from run to run. */
const TOLERANCE = 1.1;

/** @type {import("../context.js").Workload} */
export const open = {
  name: "open",
  title: "open after a clean close",
  needBytes: ({ quick }) => (quick ? 2 ** 28 : 5 * 2 ** 30),
  run,
};

/**
 * @param {import("../context.js").Context} context
 * @returns {Promise<import("../context.js").Outcome>}
 */
async function run({ directory, rounds, quick, progress }) {
  const segmentBytes = (quick ? 4 : 64) * MIB;
  const logs = [
    {
      name: quick ? "64 MiB" : "4 GiB",
      bytes: quick ? 64 * MIB : 4096 * MIB,
      ms: /** @type {number[]} */ ([]),
      segments: 0,
    },
    {
      name: quick ? "16 MiB" : "256 MiB",
      bytes: quick ? 16 * MIB : 256 * MIB,
      ms: /** @type {number[]} */ ([]),
      segments: 0,
    },
  ];
  for (const log of logs) {
    progress(`writing ${log.name}`);
    log.segments = await fill(path.join(directory, log.name), log.bytes, segmentBytes);
  }
  const opens = rounds * (quick ? 3 : 5);
  // The first of each warms code and cache, and is not counted.
  for (let turn = 0; turn <= opens; turn++) {
    for (const { name, ms } of logs) {
      const start = performance.now();
      const log = await Log.open(path.join(directory, name));
      const took = performance.now() - start;
      if (!log.recovery.clean) throw new Error(`The log of ${name} was not closed cleanly.`);
      await log.close();
      if (turn > 0) ms.push(took);
    }
  }
  const [large, small] = /** @type {[typeof logs[number], typeof logs[number]]} */ (logs);
  const ratio = median(large.ms) / median(small.ms);
  const rows = [
    {
      what: `open of ${large.name} in ${large.segments} segments, p50`,
      measured: millis(median(large.ms)),
      beside: "",
      ratio: "",
      asked: `< ${ASKED_MS} ms`,
      reached: median(large.ms) < ASKED_MS,
    },
    {
      what: `open of ${large.name} beside ${small.name}, p50`,
      measured: millis(median(large.ms)),
      beside: `${millis(median(small.ms))} for ${small.name}`,
      ratio: times(ratio),
      asked: `≤ ${TOLERANCE} ×`,
      reached: ratio <= TOLERANCE,
    },
  ];
  const notes = [
    `${opens} opens of each, in turn, in one process, the page cache warm. p99: ${millis(quantile(large.ms, 0.99))} and ${millis(quantile(small.ms, 0.99))}.`,
  ];
  return { rows, notes, rounds: logs };
}

/**
 * @param {string} directory
 * @param {number} bytes
 * @param {number} segmentBytes
 * @returns {Promise<number>} segments made
 */
async function fill(directory, bytes, segmentBytes) {
  const log = await Log.open(directory, { durability: "os", segmentBytes });
  const batch = makePayloads(15, 64 * 1024);
  while (log.stats().writtenBytes < bytes - MIB) await log.appendAll(batch);
  const { segments } = log.stats();
  await log.close();
  return segments;
}
