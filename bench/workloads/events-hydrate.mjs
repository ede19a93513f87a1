/** Rebuilding a state of 10,000 accounts from a checkpoint and the last hundredth of the events, beside folding all of them. */
import path from "node:path";
import { ACCOUNTS, EVENT_BYTES, bankEvents, fill } from "../bank-events.mjs";
import { millis, percent } from "../format.mjs";
import { EventLog, json, snapshot } from "../holdfast.mjs";
import { median } from "../statistics.mjs";

/** Of a full fold, beside decoding the snapshot. */
const ASKED_SHARE = 0.03;
/** Of the events, which come after the checkpoint. */
const TAIL_SHARE = 0.01;

/**
 * @typedef {object} Balances
 * @property {number} events
 * @property {Record<string, number>} cents by account
 */

/** @type {import("../context.js").Workload} */
export const eventsHydrate = {
  name: "events-hydrate",
  title: "hydrate from a checkpoint, warm cache",
  needBytes: ({ quick }) => (quick ? 2 ** 28 : 2 ** 30),
  run,
};

/**
 * @param {import("../context.js").Context} context
 * @returns {Promise<import("../context.js").Outcome>}
 */
async function run({ directory, rounds, quick, progress }) {
  const count = quick ? 30_000 : 1_000_000;
  const tail = count * TAIL_SHARE;
  progress(`writing ${count.toLocaleString("en")} events`);
  const codec = timedCodec();
  const options = {
    events: bankEvents,
    snapshot: snapshot({ codec }),
    log: { durability: /** @type {const} */ ("os"), segmentBytes: (quick ? 4 : 64) * 2 ** 20 },
  };
  const own = path.join(directory, "log");
  const writing = await EventLog.open(own, options);
  await fill(writing, count - tail);
  const state = await fold(writing);
  await writing.checkpoint({ state });
  await fill(writing, tail, count - tail);
  await writing.close();
  const encoded = Buffer.byteLength(JSON.stringify(state));

  const taken = {
    hydrateMs: /** @type {number[]} */ ([]),
    foldMs: /** @type {number[]} */ ([]),
    decodeMs: /** @type {number[]} */ ([]),
  };
  const log = await EventLog.open(own, options);
  // The first round warms cache and code, and is not counted.
  for (let round = 0; round <= rounds; round++) {
    if (round > 0) progress(`round ${round} of ${rounds}`);
    const hydrateMs = await timed(async () => {
      const { state: rebuilt, events } = await log.hydrate({ initial: empty(), apply });
      if (events !== tail || rebuilt.events !== count) throw new Error(`The state holds ${rebuilt.events} events.`);
    });
    const { decodeMs } = codec;
    const foldMs = await timed(async () => {
      const { events } = await fold(log);
      if (events !== count) throw new Error(`The fold gave ${events} events, not ${count}.`);
    });
    if (round === 0) continue;
    taken.hydrateMs.push(hydrateMs);
    taken.decodeMs.push(decodeMs);
    taken.foldMs.push(foldMs);
  }
  await log.close();

  const [hydrateMs, foldMs, decodeMs] = [median(taken.hydrateMs), median(taken.foldMs), median(taken.decodeMs)];
  const share = median(
    taken.hydrateMs.map((ms, round) => (ms - (taken.decodeMs[round] ?? 0)) / (taken.foldMs[round] ?? Number.NaN)),
  );
  const rows = [
    {
      what: `hydrate ${count.toLocaleString("en")} events × ${EVENT_BYTES} B from a checkpoint at ${(count - tail).toLocaleString("en")}`,
      measured: `${millis(hydrateMs)}, ${millis(decodeMs)} of it the snapshot's decoding`,
      beside: `${millis(foldMs)} for a full fold`,
      ratio: `${percent(share)} and the decoding`,
      asked: `≤ ${percent(ASKED_SHARE)} and the decoding`,
      reached: share <= ASKED_SHARE,
    },
  ];
  const notes = [
    `The snapshot: ${ACCOUNTS.toLocaleString("en")} accounts, ${(encoded / 1024).toFixed(0)} KiB of JSON; its decoding is timed within the hydration. ` +
      "The fold is replayWith with the same function. All in a process that is warm.",
  ];
  return { rows, notes, rounds: taken };
}

/**
 * @returns {import("../../dist/events/index.js").Codec<Balances> & { decodeMs: number }} JSON, with what the last decoding took
 */
function timedCodec() {
  const { encode, decode } = /** @type {typeof json<Balances>} */ (json)();
  return {
    decodeMs: 0,
    encode,
    decode(stored) {
      const start = performance.now();
      const state = decode(stored);
      this.decodeMs = performance.now() - start;
      return state;
    },
  };
}

/** @returns {Balances} */
function empty() {
  return { events: 0, cents: {} };
}

/**
 * @param {Balances} state
 * @param {{ readonly data: import("../bank-events.mjs").BankEvent }} event
 * @returns {Balances}
 */
function apply(state, { data }) {
  state.events += 1;
  state.cents[data.account] = (state.cents[data.account] ?? 0) + data.cents;
  return state;
}

/**
 * @param {import("../bank-events.mjs").BankLog} log
 * @returns {Promise<Balances>}
 */
async function fold(log) {
  let state = empty();
  await log.replayWith((event) => {
    state = apply(state, event);
  });
  return state;
}

/**
 * @param {() => unknown} work
 * @returns {Promise<number>} milliseconds
 */
async function timed(work) {
  const start = performance.now();
  await work();
  return performance.now() - start;
}
