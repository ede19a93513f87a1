/** Opening a log, and reading all of it, over its size: records of 1 KiB, the page cache warm. */
import fs from "node:fs";
import path from "node:path";
import { readFiles } from "../read-files.mjs";
import { median } from "../statistics.mjs";
import { makePayloads } from "../writers.mjs";
import { logContenders } from "./logs.mjs";
import { answerOf } from "./programs.mjs";
import { Field, inTurn, settle } from "./turns.mjs";

const MIB = 2 ** 20;
const RECORD_BYTES = 1024;
const BATCH = 1000;
const OURS = "holdfast";
const FLOOR = "floor, reading";
const WHY_OPENING =
  "Ours takes a lock and makes a new epoch durable before it is open, so that bytes from before a crash never parse again; it writes where others only read.";

/** @type {import("./context.js").PeerWorkload} */
export const replay = {
  name: "replay",
  title: "Opening and replay",
  needBytes: ({ quick }) => (quick ? 2 : 8) * 2 ** 30,
  run,
};

/**
 * @param {import("./context.js").PeerContext} context
 * @returns {Promise<import("./context.js").PeerOutcome>}
 */
async function run(context) {
  const { directory, rounds, quick, progress } = context;
  const sizes = quick ? [1, 4] : [4, 32, 256];
  const contenders = logContenders(context, "replay");
  const field = new Field(context);
  const columns = () => sizes.map(() => /** @type {number[]} */ ([]));
  /** @type {Map<string, { open: number[][], replay: number[][] }>} */
  const taken = new Map(
    [FLOOR, ...contenders.map(({ name }) => name)].map((name) => [name, { open: columns(), replay: columns() }]),
  );
  for (const [column, size] of sizes.entries()) {
    const records = (size * MIB) / RECORD_BYTES;
    for (const contender of contenders) {
      progress(`${size} MiB, writing by ${contender.name}`);
      await field.turn(contender.name, () => fill(contender, placeOf(directory, contender.name), records));
    }
    settle();
    // The first round warms code and page cache, and is not counted.
    for (let round = 0; round <= rounds; round++) {
      if (round > 0) progress(`${size} MiB, round ${round} of ${rounds}`);
      for (const contender of inTurn(contenders, round)) {
        const place = placeOf(directory, contender.name);
        const turn = await field.turn(contender.name, async () => ({
          openMs: await openOnce(contender, place),
          replayMs: await replayOnce(contender, place, records),
        }));
        if (turn === undefined || round === 0) continue;
        taken.get(contender.name)?.open[column]?.push(turn.openMs);
        taken.get(contender.name)?.replay[column]?.push((size * 1000) / turn.replayMs);
        if (contender.name !== OURS) continue;
        const bytes = records * RECORD_BYTES;
        taken.get(FLOOR)?.replay[column]?.push((size * 1000) / readFiles(place, bytes));
      }
    }
    for (const { name } of contenders) fs.rmSync(placeOf(directory, name), { recursive: true, force: true });
    settle();
  }
  const rowsOf = (/** @type {"open" | "replay"} */ which) =>
    [...taken]
      .map(([name, both]) => ({
        name,
        values: both[which].map((values) => (values.length === 0 ? undefined : median(values))),
      }))
      .filter(({ values }) => values.some((value) => value !== undefined));
  const shared = { columnTitle: "MiB in the log", columns: sizes, ours: OURS };
  return {
    grids: [
      { ...shared, title: "open and read everything", unit: "MiB/s", better: "higher", rows: rowsOf("replay") },
      { ...shared, title: "open", unit: "ms", better: "lower", rows: rowsOf("open"), behind: WHY_OPENING },
    ],
    chart: "dots",
    notes: [
      `Records of 1 KiB, written in batches of up to ${BATCH.toLocaleString("en")}, closed cleanly. Opening lasts until the log can be appended to, replay until the last record was seen; one byte of each is read. Rounds: ${rounds}.`,
      "Peers of npm and ours are opened in one process that has opened others before; those in Go and Rust in a new process each time, whose start is not counted.",
    ],
    rounds: Object.fromEntries(taken),
  };
}

/**
 * @param {string} directory
 * @param {string} name
 */
function placeOf(directory, name) {
  return path.join(directory, name.replaceAll(/\W+/g, "-"));
}

/**
 * @param {import("./logs.mjs").LogContender} contender
 * @param {string} place
 * @param {number} records
 */
async function fill({ open, program }, place, records) {
  if (program !== undefined) {
    await answerOf(program.path, [program.peer, "fill", place, String(records), String(RECORD_BYTES)]);
    return;
  }
  const peer = await open?.(place, "fill");
  const payloads = makePayloads(BATCH, RECORD_BYTES);
  for (let left = records; left > 0; left -= BATCH) await peer?.fill(payloads.slice(0, left));
  await peer?.close();
}

/**
 * @param {import("./logs.mjs").LogContender} contender
 * @param {string} place
 * @returns {Promise<number>} milliseconds
 */
async function openOnce({ open, program }, place) {
  if (program !== undefined) return (await answerOf(program.path, [program.peer, "open", place])).ns / 1e6;
  const start = performance.now();
  const peer = await open?.(place, "read");
  const took = performance.now() - start;
  await peer?.close();
  return took;
}

/**
 * @param {import("./logs.mjs").LogContender} contender
 * @param {string} place
 * @param {number} records
 * @returns {Promise<number>} milliseconds
 */
async function replayOnce({ open, program }, place, records) {
  if (program !== undefined) {
    const numbers = [String(records), String(RECORD_BYTES)];
    return (await answerOf(program.path, [program.peer, "replay", place, ...numbers])).ns / 1e6;
  }
  let seen = 0;
  let bytes = 0;
  let sum = 0;
  const start = performance.now();
  const peer = await open?.(place, "read");
  await peer?.replay((record) => {
    seen += 1;
    bytes += record.length;
    sum += record[0] ?? 0;
  });
  const took = performance.now() - start;
  await peer?.close();
  if (seen !== records || bytes !== records * RECORD_BYTES || sum === 0)
    throw new Error(`The replay gave ${seen} records and ${bytes} bytes, not ${records} records.`);
  return took;
}
