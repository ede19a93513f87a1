/** Replay of the events of one type out of eight, beside replay of all, from the page cache, every checksum verified. */
import path from "node:path";
import { EVENT_BYTES, TYPES, bankEvents, fill } from "../bank-events.mjs";
import { millis, times } from "../format.mjs";
import { EventLog } from "../holdfast.mjs";
import { readFiles } from "../read-files.mjs";
import { median } from "../statistics.mjs";

const ASKED = 3;

/** @type {import("../context.js").Workload} */
export const eventsReplay = {
  name: "events-replay",
  title: "replay of one event type out of eight, warm cache",
  needBytes: ({ quick }) => (quick ? 2 ** 28 : 2 ** 31),
  run,
};

/**
 * @param {import("../context.js").Context} context
 * @returns {Promise<import("../context.js").Outcome>}
 */
async function run({ directory, rounds, quick, progress }) {
  const count = quick ? 16_000 : 1_000_000;
  const segmentBytes = (quick ? 4 : 64) * 2 ** 20;
  const logs = [];
  for (const batchSize of [1000, 64]) {
    progress(`writing ${count.toLocaleString("en")} events in batches of ${batchSize.toLocaleString("en")}`);
    const own = path.join(directory, String(batchSize));
    const log = await EventLog.open(own, { events: bankEvents, batchSize, log: { durability: "os", segmentBytes } });
    await fill(log, count);
    logs.push({ log, own, batchSize });
  }
  const forms = logs.flatMap(({ log, own, batchSize }) =>
    /** @type {const} */ (["replayWith", "replay"]).map((by) => ({
      log,
      own,
      batchSize,
      by,
      allMs: /** @type {number[]} */ ([]),
      oneMs: /** @type {number[]} */ ([]),
      plainMs: /** @type {number[]} */ ([]),
    })),
  );
  // The first round warms cache and code, and is not counted.
  for (let round = 0; round <= rounds; round++) {
    if (round > 0) progress(`round ${round} of ${rounds}`);
    for (const { log, own, by, allMs, oneMs, plainMs } of forms) {
      const all = await timeReplay(log, by, undefined, count);
      const one = await timeReplay(log, by, [TYPES[0]], count / TYPES.length);
      const plain = readFiles(own, log.stats().log?.writtenBytes ?? 0);
      if (round === 0) continue;
      allMs.push(all);
      oneMs.push(one);
      plainMs.push(plain);
    }
  }
  for (const { log } of logs) await log.close();

  const rows = forms.map(({ batchSize, by, allMs, oneMs }) => {
    const ratio = median(allMs.map((all, round) => all / (oneMs[round] ?? Number.NaN)));
    return {
      what: `one of eight types, ${count.toLocaleString("en")} events × ${EVENT_BYTES} B, groups of ${batchSize.toLocaleString("en")}, ${by}`,
      measured: millis(median(oneMs)),
      beside: `${millis(median(allMs))} for all`,
      ratio: times(ratio),
      asked: `≥ ${ASKED} ×`,
      reached: ratio >= ASKED,
    };
  });
  const notes = forms
    .filter(({ by }) => by === "replayWith")
    .map(
      ({ batchSize, plainMs }) =>
        `Groups of ${batchSize.toLocaleString("en")}: ${millis(median(plainMs))} to read the files.`,
    );
  notes.push("Ratio: all events' time divided by one type's.");
  return {
    rows,
    notes,
    rounds: forms.map(({ batchSize, by, allMs, oneMs, plainMs }) => ({ batchSize, by, allMs, oneMs, plainMs })),
  };
}

/**
 * @param {import("../bank-events.mjs").BankLog} log
 * @param {"replayWith" | "replay"} by
 * @param {readonly (typeof TYPES)[number][] | undefined} types
 * @param {number} count of events that must come
 * @returns {Promise<number>} milliseconds
 */
async function timeReplay(log, by, types, count) {
  const options = types === undefined ? {} : { types };
  let seen = 0;
  let cents = 0;
  const start = performance.now();
  if (by === "replayWith") {
    await log.replayWith(({ data }) => {
      seen++;
      cents += data.cents;
    }, options);
  } else {
    for await (const { data } of log.replay(options)) {
      seen++;
      cents += data.cents;
    }
  }
  const took = performance.now() - start;
  if (seen !== count || cents === 0) throw new Error(`The replay gave ${seen} events, not ${count}.`);
  return took;
}
