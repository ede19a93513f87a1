/** Durable appends of 100 bytes by 1,024 writers at once, beside the floor's write of the groups that they form. */
import path from "node:path";
import { micros, rate, times } from "../format.mjs";
import { withGroups } from "../groups.mjs";
import { Log } from "../holdfast.mjs";
import { median } from "../statistics.mjs";
import { makePayloads, runWriters } from "../writers.mjs";

const WRITERS = 1024;
const PAYLOAD_BYTES = 100;
const ASKED_PER_SECOND = 1_500_000;
/** What is asked is asked of disks that write such a group in less than this. */
const FLOOR_NS = 200_000;
const FLUSHES = /** @type {const} */ (["pool", "inline"]);

/** @type {import("../context.js").Workload} */
export const durable1024 = {
  name: "durable-1024",
  title: `durable appends, ${WRITERS.toLocaleString("en")} writers × ${PAYLOAD_BYTES} B`,
  needBytes: ({ rounds, roundMs }) => 2 * 2 ** 30 + rounds * roundMs * 800_000,
  run,
};

/**
 * @param {import("../context.js").Context} context
 * @returns {Promise<import("../context.js").Outcome>}
 */
async function run({ directory, floor, rounds, roundMs, progress }) {
  const payloads = makePayloads(WRITERS, PAYLOAD_BYTES);
  const logs = {
    pool: await Log.open(path.join(directory, "pool"), { flush: "pool" }),
    inline: await Log.open(path.join(directory, "inline"), { flush: "inline" }),
  };
  const measure = async (/** @type {"pool" | "inline"} */ flush, /** @type {number} */ durationMs) => {
    const log = logs[flush];
    const { result, groups } = await withGroups(log.directory, () =>
      runWriters(WRITERS, durationMs, (writer) => log.append(/** @type {Uint8Array} */ (payloads[writer]))),
    );
    const least = floor.sync(groups);
    return {
      perSecond: (result.records / result.elapsedMs) * 1000,
      groups: groups.length,
      recordsPerGroup: result.records / groups.length,
      groupBytesP50: median(groups),
      floorP50Ns: least.p50Ns,
      ofFloor: least.totalNs / (result.elapsedMs * 1e6),
    };
  };
  const taken = {
    pool: /** @type {Awaited<ReturnType<typeof measure>>[]} */ ([]),
    inline: /** @type {Awaited<ReturnType<typeof measure>>[]} */ ([]),
  };
  for (const flush of FLUSHES) await measure(flush, roundMs / 4);
  for (let round = 0; round < rounds; round++) {
    progress(`round ${round + 1} of ${rounds}`);
    for (const flush of FLUSHES) taken[flush].push(await measure(flush, roundMs));
  }
  for (const flush of FLUSHES) await logs[flush].close();

  const rows = FLUSHES.map((flush) => {
    const of = taken[flush];
    const perSecond = median(of.map((round) => round.perSecond));
    const floorP50Ns = median(of.map((round) => round.floorP50Ns));
    return {
      what: `1,024 writers × 100 B, ${flush}`,
      measured: rate(perSecond),
      beside: `${micros(floorP50Ns)} a write of ${(median(of.map((round) => round.groupBytesP50)) / 1024).toFixed(0)} KiB`,
      ratio: times(median(of.map((round) => round.ofFloor))),
      asked: "≥ 1.5 M/s where the floor's write is < 200 µs",
      reached: perSecond >= ASKED_PER_SECOND ? true : floorP50Ns < FLOOR_NS ? false : undefined,
    };
  });
  const notes = FLUSHES.map(
    (flush) => `${flush}: ${median(taken[flush].map((round) => round.recordsPerGroup)).toFixed(0)} records a group.`,
  );
  notes.push("Ratio: the floor's time for the very groups formed, divided by the time taken.");
  return { rows, notes, rounds: taken };
}
