/**
 * A thousand events enqueued and flushed with one durable write, beside one durable write for each event: by the same event log, each append
 * awaited, and by a loop of append + fdatasync that is given the bytes of the event.
 */
import path from "node:path";
import { EVENT_BYTES, bankEvents, makeEvents } from "../bank-events.mjs";
import { millis, times } from "../format.mjs";
import { withGroups } from "../groups.mjs";
import { EventLog } from "../holdfast.mjs";
import { appendAwaited, appendNow } from "../peers/append-fdatasync.mjs";
import { median } from "../statistics.mjs";

const EVENTS = 1000;
const ASKED = 100;
const FLUSHES = /** @type {const} */ (["pool", "inline"]);

/**
 * @typedef {object} Taken
 * @property {number} flushes
 * @property {number} flushMs for all events, enqueued and flushed
 * @property {number} writesPerFlush
 * @property {number} floorMs of such a write
 * @property {number} eachMs for all events, each append awaited
 */

/** @type {import("../context.js").Workload} */
export const eventsFlush = {
  name: "events-flush",
  title: `${EVENTS.toLocaleString("en")} events × ${EVENT_BYTES} B of JSON, enqueued and flushed`,
  needBytes: () => 2 * 2 ** 30,
  run,
};

/**
 * @param {import("../context.js").Context} context
 * @returns {Promise<import("../context.js").Outcome>}
 */
async function run({ directory, floor, rounds, roundMs, quick, progress }) {
  const events = makeEvents(EVENTS);
  const payload = new TextEncoder().encode(JSON.stringify(events[0]));
  const segmentBytes = (quick ? 2 : 64) * 2 ** 20;
  /** @type {{ flush: (typeof FLUSHES)[number], log: import("../bank-events.mjs").BankLog, taken: Taken[] }[]} */
  const contenders = [];
  for (const flush of FLUSHES) {
    const log = await EventLog.open(path.join(directory, flush), { events: bankEvents, log: { flush, segmentBytes } });
    contenders.push({ flush, log, taken: [] });
  }
  // Milliseconds for all the events, by a peer that writes each of them.
  const peers = { appendNow: /** @type {number[]} */ ([]), appendAwaited: /** @type {number[]} */ ([]) };

  /**
   * @param {typeof contenders[number]} contender
   * @param {boolean} isWarmUp
   * @returns {Promise<Taken>}
   */
  const measure = async ({ flush, log }, isWarmUp) => {
    const { result: flushMs, groups } = await withGroups(path.join(directory, flush), async () => {
      const all = [];
      const end = performance.now() + roundMs / (isWarmUp ? 4 : 1);
      do {
        const start = performance.now();
        for (const data of events) log.enqueue("deposited", data);
        await log.flush();
        all.push(performance.now() - start);
      } while (performance.now() < end);
      return all;
    });
    const least = floor.sync(groups);
    const some = isWarmUp || quick ? events.slice(0, EVENTS / 10) : events;
    const start = performance.now();
    for (const data of some) await log.append("deposited", data);
    const eachMs = ((performance.now() - start) / some.length) * EVENTS;
    await log.truncateBefore(log.lastLsn);
    return {
      flushes: flushMs.length,
      flushMs: median(flushMs),
      writesPerFlush: groups.length / flushMs.length,
      floorMs: least.p50Ns / 1e6,
      eachMs,
    };
  };

  for (const contender of contenders) await measure(contender, true);
  for (let round = 0; round < rounds; round++) {
    progress(`round ${round + 1} of ${rounds}`);
    for (const contender of contenders) contender.taken.push(await measure(contender, false));
    const now = appendNow(path.join(directory, `append-${round}`), payload, roundMs);
    const awaited = await appendAwaited(path.join(directory, `awaited-${round}`), payload, roundMs);
    peers.appendNow.push((EVENTS * 1000) / now);
    peers.appendAwaited.push((EVENTS * 1000) / awaited);
  }
  for (const { log } of contenders) await log.close();

  const [nowMs, awaitedMs] = [median(peers.appendNow), median(peers.appendAwaited)];
  const peerMs = Math.min(nowMs, awaitedMs);
  const peerName = nowMs <= awaitedMs ? "fs.writeSync + fdatasyncSync" : "FileHandle write + datasync, awaited";
  const rows = contenders.flatMap(({ flush, taken }) => {
    const ours = median(taken.map(({ flushMs }) => flushMs));
    const row = (/** @type {string} */ beside, /** @type {number} */ ms, /** @type {number} */ ratio) => ({
      what: `1,000 × ${EVENT_BYTES} B events, enqueue + flush, ${flush}`,
      measured: millis(ours),
      beside: `${millis(ms)} (${beside})`,
      ratio: times(ratio),
      asked: `≥ ${ASKED} ×`,
      reached: ratio >= ASKED,
    });
    const eachMs = median(taken.map((round) => round.eachMs));
    return [
      row("append each and wait", eachMs, median(taken.map((round) => round.eachMs / round.flushMs))),
      row(peerName, peerMs, peerMs / ours),
    ];
  });
  const notes = contenders.map(
    ({ flush, taken }) =>
      `${flush}: ${median(taken.map((round) => round.writesPerFlush)).toFixed(1)} durable writes a flush, ` +
      `${millis(median(taken.map((round) => round.floorMs)))} by the floor.`,
  );
  return { rows, notes, rounds: { ours: contenders.map(({ flush, taken }) => ({ flush, taken })), peers } };
}
