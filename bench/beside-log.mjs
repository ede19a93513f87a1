/** Durable appends by concurrent writers through a store, beside the same bytes appended to a log: what the workloads of streams and events share. */
import { rate, times } from "./format.mjs";
import { withGroups } from "./groups.mjs";
import { median } from "./statistics.mjs";
import { runWriters } from "./writers.mjs";

/**
 * A log, or a store on one.
 *
 * @typedef {object} Appender
 * @property {string} what
 * @property {string} directory of its log
 * @property {(writer: number) => Promise<unknown>} append durable when it resolves
 * @property {() => Promise<unknown>} prune drops what was appended, so that the next round finds segments to use again
 * @property {() => Promise<unknown>} close
 *
 * @typedef {object} Rival
 * @property {string} flush
 * @property {Appender} log
 * @property {readonly Appender[]} stores
 *
 * @typedef {object} Turn
 * @property {number} perSecond
 * @property {number} recordsPerGroup
 * @property {number} ofFloor the floor's time for the very groups formed, divided by the time taken
 */

const MIB = 2 ** 20;

/**
 * @param {import("./context.js").Context} context
 * @returns {number} small where the run is a quick one, because segments are written full of zeros first
 */
export function segmentBytesOf({ quick }) {
  return (quick ? 2 : 64) * MIB;
}

/**
 * Lets each store and its log take turns.
 *
 * @param {import("./context.js").Context} context
 * @param {number} writers
 * @param {readonly Rival[]} rivals
 * @param {string} asked as `≥ 0.8 ×`
 * @returns {Promise<import("./context.js").Outcome>}
 */
export async function besideLog({ floor, rounds, roundMs, progress }, writers, rivals, asked) {
  const least = Number(/[\d.]+/.exec(asked)?.[0]);
  const contenders = rivals.flatMap(({ log, stores }) =>
    [log, ...stores].map((appender) => ({ appender, turns: /** @type {Turn[]} */ ([]) })),
  );
  for (let round = 0; round <= rounds; round++) {
    // The first round warms code and makes segments; it is short, and not counted.
    if (round > 0) progress(`round ${round} of ${rounds}`);
    // Who comes second may find the disk as the first left it, so they swap.
    for (const { appender, turns } of round % 2 === 0 ? contenders : contenders.toReversed()) {
      const durationMs = round === 0 ? roundMs / 4 : roundMs;
      const { result, groups } = await withGroups(appender.directory, () =>
        runWriters(writers, durationMs, appender.append),
      );
      await appender.prune();
      const { totalNs } = floor.sync(groups);
      if (round === 0) continue;
      turns.push({
        perSecond: (result.records / result.elapsedMs) * 1000,
        recordsPerGroup: result.records / groups.length,
        ofFloor: totalNs / (result.elapsedMs * 1e6),
      });
    }
  }
  for (const { appender } of contenders) await appender.close();

  const turnsOf = (/** @type {Appender} */ wanted) =>
    contenders.find(({ appender }) => appender === wanted)?.turns ?? [];
  const rows = rivals.flatMap(({ flush, log, stores }) =>
    stores.map((store) => {
      const [ours, its] = [turnsOf(store), turnsOf(log)];
      const ratio = median(ours.map(({ perSecond }, round) => perSecond / (its[round]?.perSecond ?? Number.NaN)));
      return {
        what: `${store.what}, ${flush}`,
        measured: rate(median(ours.map(({ perSecond }) => perSecond))),
        beside: `${rate(median(its.map(({ perSecond }) => perSecond)))} by ${log.what}`,
        ratio: times(ratio),
        asked,
        reached: ratio >= least,
      };
    }),
  );
  const notes = contenders.map(({ appender, turns }) => {
    const flush = rivals.find(({ log, stores }) => [log, ...stores].includes(appender))?.flush ?? "";
    const records = median(turns.map(({ recordsPerGroup }) => recordsPerGroup)).toFixed(1);
    return `${appender.what}, ${flush}: groups of ${records}, ${times(median(turns.map(({ ofFloor }) => ofFloor)))} of the floor.`;
  });
  notes.push(
    "Ratio: the median over the rounds of the store's rate divided by the log's in the same round. All are pruned after each round.",
  );
  return { rows, notes, rounds: contenders.map(({ appender, turns }) => ({ what: appender.what, turns })) };
}
