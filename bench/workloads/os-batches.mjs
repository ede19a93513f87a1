/** `durability: "os"`: atomic batches of 1,000 records of 100 bytes, beside the same writes to the page cache with nothing done to them. */
import path from "node:path";
import { rate, times } from "../format.mjs";
import { withGroups } from "../groups.mjs";
import { Log } from "../holdfast.mjs";
import { median } from "../statistics.mjs";
import { makePayloads, runWriters } from "../writers.mjs";

const BATCH = 1000;
const PAYLOAD_BYTES = 100;
const ASKED_PER_SECOND = 4_000_000;
/** Writers, and the thread that writes. */
const FORMS = /** @type {const} */ ([
  [1, "pool"],
  [4, "pool"],
  [1, "inline"],
]);

/** @type {import("../context.js").Workload} */
export const osBatches = {
  name: "os-batches",
  title: `durability "os", batches of ${BATCH.toLocaleString("en")} × ${PAYLOAD_BYTES} B`,
  needBytes: () => 4 * 2 ** 30,
  run,
};

/**
 * @param {import("../context.js").Context} context
 * @returns {Promise<import("../context.js").Outcome>}
 */
async function run({ directory, floor, rounds, roundMs, progress }) {
  const batch = makePayloads(BATCH, PAYLOAD_BYTES);
  const forms = [];
  for (const [writers, flush] of FORMS) {
    const log = await Log.open(path.join(directory, `${writers}-${flush}`), { durability: "os", flush });
    const taken = /** @type {Awaited<ReturnType<typeof measure>>[]} */ ([]);
    const measure = async (/** @type {number} */ durationMs) => {
      const { result, groups } = await withGroups(log.directory, () =>
        runWriters(writers, durationMs, () => log.appendAll(batch)),
      );
      const least = floor.os(groups);
      const { lastLsn } = log;
      // Keeps the disk from filling, and lets the segments be used again, as a log that is pruned does.
      await log.truncateBefore(lastLsn);
      return {
        perSecond: (result.records * BATCH * 1000) / result.elapsedMs,
        groups: groups.length,
        bytesWritten: groups.reduce((sum, bytes) => sum + bytes, 0),
        elapsedMs: result.elapsedMs,
        ofFloor: least.totalNs / (result.elapsedMs * 1e6),
        floorPerSecond: (result.records * BATCH * 1e9) / least.totalNs,
      };
    };
    forms.push({ writers, flush, log, taken, measure });
  }
  for (const { measure } of forms) await measure(roundMs / 4);
  for (let round = 0; round < rounds; round++) {
    progress(`round ${round + 1} of ${rounds}`);
    for (const { taken, measure } of forms) taken.push(await measure(roundMs));
  }
  for (const { log } of forms) await log.close();

  const rows = forms.map(({ writers, flush, taken }) => {
    const perSecond = median(taken.map((round) => round.perSecond));
    return {
      what: `"os", batches of 1,000 × 100 B, ${writers === 1 ? "one writer" : `${writers} writers`}, ${flush}`,
      measured: rate(perSecond),
      beside: `${rate(median(taken.map((round) => round.floorPerSecond)))} by pwrite`,
      ratio: times(median(taken.map((round) => round.ofFloor))),
      asked: "≥ 4 M/s",
      reached: perSecond >= ASKED_PER_SECOND,
    };
  });
  const notes = [
    "The log checksums and copies each record, and syncs a segment before it goes on to the next; the pwrite loop does neither.",
  ];
  return { rows, notes, rounds: forms.map(({ writers, flush, taken }) => ({ writers, flush, taken })) };
}
